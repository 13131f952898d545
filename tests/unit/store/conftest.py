"""A store on a fresh directory, and a way to start it again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from orchestrator.settings import Settings
from orchestrator.store.store import Store
from tests.support.fake_clock import FakeClock


class Starts:
    """Starts of a control plane's store on one data directory, one after the other."""

    def __init__(self, data_dir: Path) -> None:
        self.clock = FakeClock()
        self.settings = Settings(
            data_dir=data_dir, payload_retention_mib=1, history_retention_mib=4, output_per_function_mib=1
        )
        self.store: Store | None = None

    async def again(self) -> Store:
        """End the start that runs, if one does, and begin the next."""
        await self.end()
        self.store = await Store.open(self.settings, self.clock)
        return self.store

    async def end(self) -> None:
        """End the start that runs."""
        if self.store is not None:
            await self.store.close()
            self.store = None


@pytest.fixture
async def starts(tmp_path: Path) -> AsyncIterator[Starts]:
    """The data directory, nothing started yet."""
    directory = Starts(tmp_path / "paddock")
    yield directory
    await directory.end()


@pytest.fixture
async def store(starts: Starts) -> Store:
    """The first start on a fresh directory."""
    return await starts.again()
