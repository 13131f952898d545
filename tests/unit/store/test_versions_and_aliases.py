"""Published versions and aliases: what is kept of them, and who wins."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from orchestrator.domain.errors import ChangedMeanwhile, ResourceConflict, ResourceNotFound
from orchestrator.domain.functions import Function
from orchestrator.domain.version_options import FileSystem, LoggingConfig, VersionOptions, VpcConfig
from orchestrator.store.store import Store
from tests.support.builders import KEY, a_function, a_version, an_alias
from tests.unit.store.conftest import Starts


def stored(store: Store) -> Function:
    """The function of these tests."""
    function = store.functions.get(KEY)
    assert function is not None
    return function


async def test_versions_and_aliases_come_back_as_they_were_after_a_restart(starts: Starts, store: Store) -> None:
    """With every option."""
    options = VersionOptions(
        vpc=VpcConfig(subnet_ids=("subnet-1",), security_group_ids=("sg-1",), ipv6_allowed_for_dual_stack=True),
        dead_letter_target="arn:aws:sqs:us-east-1:000000000000:dead",
        kms_key_arn="arn:aws:kms:us-east-1:000000000000:key/1",
        tracing_mode="Active",
        file_systems=(FileSystem(arn="arn:fs", local_mount_path="/mnt/a"),),
        snap_start="PublishedVersions",
        logging=LoggingConfig(log_format="JSON", application_level="WARN", system_level="DEBUG", log_group="/g"),
        is_tenant_isolated=True,
    )
    await store.functions.create(a_function(options=options))
    await store.functions.publish(
        a_version(version="1", environment={"SECRET": "of one"}, source_description="d"), expected_last=0
    )
    await store.functions.publish(a_version(version="2", options=options), expected_last=1)
    await store.functions.create_alias(an_alias(name="live", version="1", weights={"2": 0.25}, description="d\u00e9"))
    before = stored(store)
    assert (before.latest.options, before.versions["2"].options) == (options, options)
    assert stored(await starts.again()) == before
    assert [one.version for one in before.every_version()] == ["$LATEST", "1", "2"]


async def test_a_number_is_given_once(store: Store) -> None:
    """Of two who publish at once one is refused, and a deleted version's number does not come back."""
    await store.functions.create(a_function())
    results = await asyncio.gather(
        *(store.functions.publish(a_version(version="1"), expected_last=0) for _ in range(2)), return_exceptions=True
    )
    assert [type(one) for one in results] == [type(None), ChangedMeanwhile]
    await store.functions.delete_version(KEY, "1")
    assert (stored(store).versions, stored(store).last_published) == ({}, 1)
    with pytest.raises(ResourceNotFound, match=r":hello:1$"):
        await store.functions.delete_version(KEY, "1")


async def test_a_version_that_an_alias_leads_to_is_not_deleted(store: Store) -> None:
    """Neither by its main nor by its further weight."""
    await store.functions.create(a_function())
    for number in (1, 2, 3):
        await store.functions.publish(a_version(version=str(number)), expected_last=number - 1)
    await store.functions.create_alias(an_alias(name="live", version="1", weights={"2": 0.5}))
    for number in ("1", "2"):
        with pytest.raises(ResourceConflict, match="live"):
            await store.functions.delete_version(KEY, number)
    await store.functions.delete_version(KEY, "3")
    assert set(stored(store).versions) == {"1", "2"}


async def test_an_alias_leads_only_to_versions_that_are_there(store: Store) -> None:
    """When it is made, and when it is changed."""
    await store.functions.create(a_function())
    with pytest.raises(ResourceNotFound, match=r":hello:1$"):
        await store.functions.create_alias(an_alias(name="live", version="1"))
    await store.functions.create_alias(an_alias(name="live", version="$LATEST", revision_id="a"))
    with pytest.raises(ResourceNotFound, match=r":hello:9$"):
        await store.functions.replace_alias(
            an_alias(name="live", version="$LATEST", weights={"9": 0.1}), expected_revision="a"
        )
    assert stored(store).aliases["live"].weights == {}


async def test_an_alias_is_changed_by_who_knows_its_revision(store: Store) -> None:
    """Who comes second is told."""
    await store.functions.create(a_function())
    await store.functions.create_alias(an_alias(name="live", version="$LATEST", revision_id="a"))
    with pytest.raises(ResourceConflict, match=r"^Alias already exists: .*:hello:live$"):
        await store.functions.create_alias(an_alias(name="live", version="$LATEST"))
    await store.functions.replace_alias(
        an_alias(name="live", version="$LATEST", revision_id="b", description="new"), expected_revision="a"
    )
    with pytest.raises(ChangedMeanwhile):
        await store.functions.replace_alias(
            an_alias(name="live", version="$LATEST", revision_id="c"), expected_revision="a"
        )
    assert stored(store).aliases["live"].description == "new"
    assert await store.functions.delete_alias(KEY, "live")
    assert not await store.functions.delete_alias(KEY, "live")
    with pytest.raises(ResourceNotFound, match="Alias not found"):
        await store.functions.replace_alias(an_alias(name="live", version="$LATEST"), expected_revision="b")


async def test_a_function_can_be_created_with_its_first_version(starts: Starts, store: Store) -> None:
    """In one step: no crash leaves one without the other."""
    function = replace(a_function(), versions={"1": a_version(version="1")}, last_published=1)
    await store.functions.create(function)
    assert stored(store) == function
    assert stored(await starts.again()) == function


async def test_what_is_published_with_a_change_of_latest_is_saved_with_it_or_not_at_all(store: Store) -> None:
    """Somebody else changed it meanwhile: neither is."""
    await store.functions.create(a_function(revision_id="a"))
    changed = a_version(description="new", revision_id="b")
    await store.functions.publish(a_version(version="1"), expected_last=0, latest=changed, expected_revision="a")
    assert (stored(store).latest, set(stored(store).versions)) == (changed, {"1"})
    with pytest.raises(ChangedMeanwhile, match="changed or published meanwhile"):
        await store.functions.publish(
            a_version(version="2"), expected_last=1, latest=a_version(revision_id="c"), expected_revision="a"
        )
    assert (stored(store).latest, stored(store).last_published) == (changed, 1)
    await store.functions.publish(a_version(version="2"), expected_last=1)
