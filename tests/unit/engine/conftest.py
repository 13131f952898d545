"""An engine on a fresh store, for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from orchestrator.settings import Settings
from orchestrator.store.store import Store
from tests.support.engine import Engine, EngineMaker
from tests.support.fake_clock import FakeClock


@pytest.fixture
async def make_engine(tmp_path: Path) -> AsyncIterator[EngineMaker]:
    """Makes one with limits of a test's own."""
    clock = FakeClock()
    store = await Store.open(Settings(data_dir=tmp_path / "paddock"), clock)

    def make(**limits: int) -> Engine:
        return Engine(store, clock, **limits)

    yield make
    await store.close()


@pytest.fixture
async def engine(make_engine: EngineMaker) -> Engine:
    """One with room for everything, and the function `hello`."""
    made = make_engine()
    await made.deploy()
    return made
