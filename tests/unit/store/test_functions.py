"""Functions: read from memory, written to the disk first."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from datetime import timedelta

import pytest

from orchestrator.domain.errors import ResourceConflict, ResourceNotFound
from orchestrator.domain.functions import Code, FunctionState, Image, ImageConfig
from orchestrator.domain.names import FunctionKey
from orchestrator.store.store import Store
from tests.support.builders import KEY, a_function, a_version
from tests.unit.store.conftest import Starts


async def test_a_function_comes_back_as_it_was_after_a_restart(starts: Starts, store: Store) -> None:
    """Every member, and the difference between an empty command and none."""
    function = a_function(
        image=Image(
            image_id="sha256:b",
            architecture="arm64",
            size_bytes=7,
            entry_point=("/run",),
            command=("a", "b"),
            working_directory="/var/task",
        ),
        code_before=Code(image_uri="hello:before", architecture="x86_64"),
        image_config=ImageConfig(entry_point=(), command=None, working_directory="/elsewhere"),
        environment={"KEY": "caf\u00e9", "EMPTY": ""},
        timeout=timedelta(seconds=900),
        updates=3,
        memory_mib=10_240,
        description="what it does",
        state_reason="why",
        last_update_status_reason_code="Code",
    )
    function = replace(function, tags={"team": "blue"}, reserved_concurrency=0)
    await store.functions.create(function)
    assert store.functions.get(KEY) == function
    assert (await starts.again()).functions.get(KEY) == function


async def test_a_second_function_of_the_same_key_is_refused_in_awss_words(store: Store) -> None:
    """Of two that are created at once, one wins; what is stored is the winner's."""
    first, second = a_function(description="first"), a_function(description="second")
    results = await asyncio.gather(
        store.functions.create(first), store.functions.create(second), return_exceptions=True
    )
    assert results[0] is None
    assert isinstance(results[1], ResourceConflict)
    assert results[1].message == "Function already exist: hello"
    assert store.functions.get(KEY) == first


async def test_functions_are_listed_by_name_within_their_account_and_region(store: Store) -> None:
    """A page begins after the name it is given."""
    for account, region, name in (
        ("000000000000", "us-east-1", "b"),
        ("000000000000", "us-east-1", "a"),
        ("000000000000", "us-east-1", "c"),
        ("000000000000", "eu-west-1", "d"),
        ("111111111111", "us-east-1", "e"),
    ):
        await store.functions.create(a_function(key=FunctionKey(account, region, name)))

    def names(after: str) -> list[str]:
        return [one.key.name for one in store.functions.after("000000000000", "us-east-1", after)]

    assert names("") == ["a", "b", "c"]
    assert names("b") == ["c"]
    assert names("c") == []


async def test_latest_is_replaced_only_if_its_revision_is_still_the_expected_one(starts: Starts, store: Store) -> None:
    """The loser of a race changes neither the disk nor the memory."""
    await store.functions.create(a_function())
    second = a_version(revision_id="revision-2", state=FunctionState.FAILED, image=None)
    late = a_version(revision_id="revision-3")
    assert await store.functions.replace_latest(second, expected_revision="revision-1")
    assert not await store.functions.replace_latest(late, expected_revision="revision-1")
    found = store.functions.get(KEY)
    assert found is not None
    assert found.latest == second
    assert (await starts.again()).functions.get(KEY) == found


async def test_tags_and_reserved_concurrency_are_set_and_taken_away(starts: Starts, store: Store) -> None:
    """Neither touches the version, but for the revision that tags give it."""
    await store.functions.create(a_function())
    await store.functions.change_tags(KEY, lambda _: {"a": "1"}, revision_id="tagged")
    await store.functions.set_reserved_concurrency(KEY, 5)
    expected = replace(a_function(revision_id="tagged"), tags={"a": "1"}, reserved_concurrency=5)
    assert store.functions.get(KEY) == expected
    assert (await starts.again()).functions.get(KEY) == expected


async def test_a_deleted_function_is_gone_with_its_versions_and_can_be_created_anew(
    starts: Starts, store: Store
) -> None:
    """And what is changed after its deletion is not found."""
    await store.functions.create(a_function())
    await store.functions.delete(KEY)
    assert store.functions.get(KEY) is None
    assert list(store.functions.after(KEY.account, KEY.region, "")) == []
    for change in (
        store.functions.delete(KEY),
        store.functions.change_tags(KEY, lambda tags: tags, revision_id="any"),
        store.functions.set_reserved_concurrency(KEY, 1),
    ):
        with pytest.raises(ResourceNotFound):
            await change
    assert not await store.functions.replace_latest(a_version(), expected_revision="revision-1")
    await store.functions.create(a_function(description="new"))
    again = await starts.again()
    assert again.functions.get(KEY) == a_function(description="new")


async def test_a_caller_who_leaves_while_its_write_is_on_the_way_leaves_memory_and_disk_the_same(
    starts: Starts, store: Store
) -> None:
    """The write is committed, so everyone sees it."""
    task = asyncio.create_task(store.functions.create(a_function()))
    await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await store.functions.create(a_function(key=FunctionKey("0", "r", "after")))
    assert store.functions.get(KEY) == a_function()
    assert (await starts.again()).functions.get(KEY) == a_function()
