"""What is provisioned: found again after a restart, counted over functions, gone with what it was for."""

from __future__ import annotations

import asyncio

import pytest

from orchestrator.domain.errors import ResourceNotFound
from orchestrator.domain.functions import Function
from orchestrator.domain.names import FunctionKey, VersionKey
from orchestrator.domain.provisioned_concurrency import ProvisionedConfig
from orchestrator.store.store import Store
from tests.support.builders import KEY, NOW, a_version, an_alias
from tests.unit.store.conftest import Starts

OTHER = FunctionKey(KEY.account, KEY.region, "other")
ELSEWHERE = FunctionKey(KEY.account, "eu-west-1", "hello")


def config(requested: int) -> ProvisionedConfig:
    """So many."""
    return ProvisionedConfig(requested=requested, last_modified=NOW)


async def create(store: Store, key: FunctionKey = KEY, reserved: int | None = None) -> None:
    """A function with versions 1 and 2; `live` leads to 1, and three times in ten to 2."""
    await store.functions.create(
        Function(
            key=key,
            latest=a_version(key=key),
            versions={number: a_version(key=key, version=number) for number in ("1", "2")},
            last_published=2,
            reserved_concurrency=reserved,
        )
    )
    await store.functions.create_alias(an_alias(key=key, weights={"2": 0.3}))


async def test_it_is_found_again_after_a_restart(starts: Starts, store: Store) -> None:
    """As it was, and what was written later counts."""
    await create(store)
    await store.provisioned.put(KEY, "live", config(3))
    await store.provisioned.put(KEY, "live", config(10))
    again = await starts.again()
    assert again.provisioned.get(KEY, "live") == config(10)
    assert again.provisioned.wanted() == {VersionKey(KEY, "1"): 7, VersionKey(KEY, "2"): 3}
    await again.provisioned.remove(KEY, "live")
    await again.provisioned.remove(KEY, "live")
    assert (await starts.again()).provisioned.wanted() == {}


async def test_those_of_a_function_are_in_order_and_counted(store: Store) -> None:
    """Nobody else's."""
    for key in (KEY, OTHER, ELSEWHERE):
        await create(store, key)
        await store.provisioned.put(key, "2", config(5))
    await store.provisioned.put(KEY, "1", config(1))
    assert [name for name, _ in store.provisioned.of(KEY)] == ["1", "2"]
    assert [name for name, _ in store.provisioned.of(KEY, after="1")] == ["2"]
    assert [store.provisioned.requested(key) for key in (KEY, OTHER, ELSEWHERE)] == [6, 5, 5]
    assert store.provisioned.wanted()[VersionKey(KEY, "2")] == 5


async def test_what_is_set_aside_is_what_is_reserved_or_provisioned_without_a_reservation(store: Store) -> None:
    """Each function once, in its account and region."""
    await create(store)
    await create(store, OTHER, reserved=20)
    await create(store, ELSEWHERE)
    for key in (KEY, OTHER, ELSEWHERE):
        await store.provisioned.put(key, "1", config(5))
    assert store.provisioned.set_aside(KEY.account, KEY.region) == 25
    assert store.provisioned.set_aside(KEY.account, "eu-west-1") == 5
    assert [store.provisioned.set_aside_for(key) for key in (KEY, OTHER)] == [5, 20]
    await store.functions.set_reserved_concurrency(KEY, 6)
    assert store.provisioned.set_aside(KEY.account, KEY.region) == 26


async def test_it_goes_with_its_alias_its_version_and_its_function(starts: Starts, store: Store) -> None:
    """In one transaction each."""
    for key in (KEY, OTHER):
        await create(store, key)
        for qualifier in ("1", "2", "live"):
            await store.provisioned.put(key, qualifier, config(1))
    await store.functions.delete(OTHER)
    await store.functions.delete_alias(KEY, "live")
    await store.functions.delete_version(KEY, "2")
    for found in (store, await starts.again()):
        assert found.provisioned.wanted() == {VersionKey(KEY, "1"): 1}


@pytest.mark.parametrize("qualifier", ["live", "2"])
async def test_nothing_is_provisioned_for_what_is_being_deleted(store: Store, qualifier: str) -> None:
    """Else it would be set aside for ever: its own operations do not find it without the version or alias."""
    await create(store)
    if qualifier == "live":
        deleting = asyncio.create_task(store.functions.delete_alias(KEY, "live"))
    else:
        await store.functions.delete_alias(KEY, "live")
        deleting = asyncio.create_task(store.functions.delete_version(KEY, "2"))
    putting = asyncio.create_task(store.provisioned.put(KEY, qualifier, config(50)))
    with pytest.raises(ResourceNotFound):
        await putting
    await deleting
    assert store.provisioned.set_aside(KEY.account, KEY.region) == 0
    assert store.provisioned.wanted() == {}
