"""Accepts events in the directory it is given until it is killed; prints the key of each that was acknowledged."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from orchestrator.clock import SystemClock
from orchestrator.settings import Settings
from orchestrator.store.store import Store
from tests.support.builders import an_event


async def accept_for_ever(directory: Path) -> None:
    """Eight callers, each with one event after the other."""
    store = await Store.open(Settings(data_dir=directory), SystemClock())

    async def caller() -> None:
        while True:
            key = store.invocations.next_key()
            await store.invocations.accept(an_event(key), f"payload of {key}".encode(), promised=True)
            print(key, flush=True)

    await asyncio.gather(*(caller() for _ in range(8)))


if __name__ == "__main__":
    asyncio.run(accept_for_ever(Path(sys.argv[1])))
