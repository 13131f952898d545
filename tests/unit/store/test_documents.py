"""Documents: read from memory, written to the disk first, gone with what they were set on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import pytest

from orchestrator.domain.errors import ChangedMeanwhile, PreconditionFailed, ResourceNotFound
from orchestrator.domain.names import LATEST, FunctionKey
from orchestrator.store.documents import Kind, Place
from orchestrator.store.store import Store
from tests.support.builders import KEY, a_function, a_version, an_alias
from tests.unit.store.conftest import Starts


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A document."""

    text: str
    within: timedelta = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class LongerNote:
    """The same, of a later version."""

    text: str
    within: timedelta = timedelta(minutes=1)
    importance: int = 3


NOTES = Kind("note", Note)
OTHERS = Kind("other", Note)
A, B = Place.on(KEY, "a"), Place.on(KEY, "b")


@pytest.fixture(autouse=True)
def _known(store: Store) -> None:
    store.documents.know(NOTES)
    store.documents.know(OTHERS)


async def test_a_document_comes_back_as_it_was_after_a_restart(starts: Starts, store: Store) -> None:
    """And has the defaults of members that came later."""
    await store.documents.put(NOTES, A, Note(text="caf\u00e9", within=timedelta(seconds=90)), before=None)
    again = await starts.again()
    later = Kind("note", LongerNote)
    again.documents.know(later)
    found = again.documents.get(later, A)
    assert found == LongerNote(text="caf\u00e9", within=timedelta(seconds=90))
    await again.documents.put(later, A, LongerNote(text="new"), before=found)
    assert again.documents.get(later, A) == LongerNote(text="new")


async def test_of_two_who_change_what_they_both_read_one_is_refused(store: Store) -> None:
    """Whether it was there or not."""
    for before in (None, "first"):
        read = store.documents.get(NOTES, A)
        assert (read.text if read else None) == before
        results = await asyncio.gather(
            store.documents.put(NOTES, A, Note(text="first"), before=read),
            store.documents.put(NOTES, A, Note(text="second"), before=read),
            return_exceptions=True,
        )
        assert [type(one) for one in results] == [type(None), ChangedMeanwhile]
        assert store.documents.get(NOTES, A) == Note(text="first")
    with pytest.raises(ChangedMeanwhile, match="read it and try again"):
        await store.documents.put(NOTES, A, Note(text="third"), before=None)


async def test_documents_are_listed_in_order_within_account_region_and_owner(store: Store) -> None:
    """Of one kind."""
    places = [
        B,
        A,
        Place.on(FunctionKey(KEY.account, KEY.region, KEY.name + "x"), "a"),
        Place.on(FunctionKey(KEY.account, "eu-west-1", KEY.name), "a"),
        Place.beside(KEY.account, KEY.region, "of the account"),
    ]
    for place in places:
        await store.documents.put(NOTES, place, Note(text=str(place)), before=None)
    await store.documents.put(OTHERS, A, Note(text="another kind"), before=None)

    def listed(owner: str | None) -> list[Place]:
        return [place for place, _ in store.documents.under(NOTES, KEY.account, KEY.region, owner)]

    assert listed(KEY.name) == [A, B]
    assert listed("") == [places[4]]
    assert listed(None) == [places[4], A, B, places[2]]


async def test_what_is_removed_is_gone_and_may_come_again(starts: Starts, store: Store) -> None:
    """Also after a restart."""
    await store.documents.put(NOTES, A, Note(text="one"), before=None)
    assert await store.documents.remove(NOTES, A)
    assert not await store.documents.remove(NOTES, A)
    assert store.documents.get(NOTES, A) is None
    await store.documents.put(NOTES, A, Note(text="two"), before=None)
    again = await starts.again()
    again.documents.know(NOTES)
    assert [value for _, value in again.documents.under(NOTES, KEY.account, KEY.region)] == [Note(text="two")]


async def test_what_is_set_on_a_function_goes_with_it_its_version_or_its_alias(starts: Starts, store: Store) -> None:
    """In the same transaction."""
    await store.functions.create(a_function())
    await store.functions.publish(a_version(version="1"), expected_last=0)
    await store.functions.create_alias(an_alias(name="live", version="$LATEST"))
    kept = Place.beside(KEY.account, KEY.region, "of the account")
    for place in (Place.on(KEY, "$LATEST"), Place.on(KEY, "1"), Place.on(KEY, "live"), kept):
        await store.documents.put(NOTES, place, Note(text="x"), before=None)

    def left(of: Store) -> list[str]:
        return [place.name for place, _ in of.documents.under(NOTES, KEY.account, KEY.region)]

    await store.functions.delete_version(KEY, "1")
    assert left(store) == ["of the account", "$LATEST", "live"]
    await store.functions.delete_alias(KEY, "live")
    assert left(store) == ["of the account", "$LATEST"]
    await store.functions.delete(KEY)
    assert left(store) == ["of the account"]
    again = await starts.again()
    again.documents.know(NOTES)
    assert left(again) == ["of the account"]


async def test_what_is_deleted_meanwhile_gets_no_setting(store: Store) -> None:
    """Else whoever is created by its name later would have it."""
    await store.functions.create(a_function())
    await store.functions.create_alias(an_alias(name="live", version=LATEST))
    for qualifier, delete in (
        ("live", store.functions.delete_alias(KEY, "live")),
        (LATEST, store.functions.delete(KEY)),
    ):
        place, along = Place.on(KEY, qualifier), store.functions.standing(KEY, qualifier)
        deleted, kept = await asyncio.gather(
            delete,
            store.documents.put(NOTES, place, Note(text="late"), before=None, along=along),
            return_exceptions=True,
        )
        assert not isinstance(deleted, BaseException)
        assert isinstance(kept, ResourceNotFound)
        assert store.documents.get(NOTES, place) is None


async def test_a_revision_is_renewed_with_the_document_or_not_at_all(starts: Starts, store: Store) -> None:
    """A document that somebody else has changed leaves the revision as it was."""
    await store.functions.create(a_function())
    function = store.functions.get(KEY)
    assert function is not None
    before, place = function.latest.revision_id, Place.on(KEY, LATEST)
    await store.documents.put(NOTES, place, Note(text="first"), before=None)
    note = store.documents.get(NOTES, place)
    changes = [
        store.documents.put(
            NOTES, place, Note(text=text), before=note, along=store.functions.renewed(KEY, LATEST, before, text)
        )
        for text in ("second", "third")
    ]
    results = await asyncio.gather(*changes, return_exceptions=True)
    assert [type(one) for one in results] == [type(None), PreconditionFailed]
    note = store.documents.get(NOTES, place)
    along = store.functions.renewed(KEY, LATEST, None, "fourth")
    results = await asyncio.gather(
        store.documents.put(NOTES, place, Note(text="sooner"), before=note),
        store.documents.put(NOTES, place, Note(text="later"), before=note, along=along),
        return_exceptions=True,
    )
    assert [type(one) for one in results] == [type(None), ChangedMeanwhile]
    again = await starts.again()
    for functions in (store.functions, again.functions):
        found = functions.get(KEY)
        assert found is not None
        assert found.latest.revision_id == "second"
