"""What the console reads: bounded, whatever is asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from starlette.responses import Response

from orchestrator.console.api import console_application
from orchestrator.console.sources import ConsoleSources
from orchestrator.domain.history import LifecycleEntry, LifecycleEvent
from orchestrator.settings import Settings
from orchestrator.store.store import Store
from tests.support.builders import KEY, NOW, a_function, a_version, an_alias
from tests.support.fake_clock import FakeClock


@pytest.fixture
async def console(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """The console of a store with the function `hello`, to which five things happened."""
    store = await Store.open(Settings(data_dir=tmp_path), FakeClock())
    await store.functions.create(a_function())
    for number in (1, 2):
        await store.functions.publish(a_version(version=str(number)), expected_last=number - 1)
    await store.functions.create_alias(an_alias(name="live", version="1", weights={"2": 0.25}))
    for _ in range(5):
        store.history.record(
            LifecycleEntry(at=NOW, event=LifecycleEvent.FUNCTION_ACTIVE, function=KEY, version="$LATEST")
        )
    # What was recorded is written at the latest when the store closes.
    await store.close()
    store = await Store.open(Settings(data_dir=tmp_path), FakeClock())
    nothing = cast("Any", SimpleNamespace(live=list, held=lambda _key: 0))
    sources = ConsoleSources(fleet=nothing, leases=nothing, store=store, doctor=nothing, region="us-east-1")
    app = console_application(sources, otherwise=Response(status_code=404))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://console") as client:
        yield client
    await store.close()


@pytest.mark.parametrize("limit", ["-1", "10001", "99999999999999999999", "9" * 5_000, "x", "", "1.5", "%ff"])
async def test_a_limit_out_of_its_range_is_refused(console: httpx.AsyncClient, limit: str) -> None:
    """A negative one means all to the database, and one of twenty digits is no number to it."""
    answer = await console.get(f"/_paddock/functions/hello/history?limit={limit}")
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["query", "limit"]


async def test_no_more_than_the_limit_is_answered(console: httpx.AsyncClient) -> None:
    """Of the history the newest, of output no line if none is asked for."""
    for limit, found in ((0, 0), (3, 3), (100, 5)):
        answer = await console.get(f"/_paddock/functions/hello/history?limit={limit}")
        assert len(answer.json()["history"]) == found
    assert (await console.get("/_paddock/functions/hello/output?limit=0")).text == ""
    assert (await console.get("/_paddock/functions/hello/output?limit=-1")).status_code == 422
    assert (await console.get("/_paddock/functions/hello/output?limit=99999999999999999999")).status_code == 200


@pytest.mark.parametrize("name", ["nobody", "%00", "%ff%fe", "..%2fhello", "hello%0a", "a" * 9_000])
async def test_a_function_that_is_none_is_not_found(console: httpx.AsyncClient, name: str) -> None:
    """However it is spelled."""
    assert (await console.get(f"/_paddock/functions/{name}")).status_code == 404
    assert (await console.get(f"/_paddock/invocations/{name}")).status_code == 404


async def test_a_function_has_its_versions_and_where_its_aliases_lead(console: httpx.AsyncClient) -> None:
    """With the share of each version."""
    shown = (await console.get("/_paddock/functions/hello")).json()
    assert shown["versions"] == ["$LATEST", "1", "2"]
    assert shown["aliases"] == {"live": {"2": 0.25, "1": 0.75}}
