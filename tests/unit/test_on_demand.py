"""What is large to import is built when it is first asked for, once."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from typing import Any

import pytest

from orchestrator.lambda_api.answers import App, Receive, Scope, Send
from orchestrator.on_demand import OnDemand

_LOOP = threading.current_thread()


class Built:
    """Builds an application that counts what it serves."""

    def __init__(self, *, fails: int = 0) -> None:
        self.fails = fails
        self.threads: list[threading.Thread] = []
        self.served = 0

    def __call__(self) -> App:
        self.threads.append(threading.current_thread())
        if len(self.threads) <= self.fails:
            raise ImportError("not now")
        return self._serve

    async def _serve(self, _scope: Scope, _receive: Receive, _send: Send) -> None:
        self.served += 1


async def ask(app: OnDemand) -> None:
    """One request."""
    nothing: Any = None
    await app({}, nothing, nothing)


async def test_it_is_built_once_beside_the_loop_and_serves_all_who_came_meanwhile() -> None:
    """The hot path goes on while it is imported."""
    built = Built()
    app = OnDemand(built)
    await asyncio.gather(*(ask(app) for _ in range(5)))
    await ask(app)
    assert len(built.threads) == 1
    assert built.threads[0] is not _LOOP
    assert built.served == 6


async def test_what_could_not_be_built_is_tried_again() -> None:
    """As when there was no file left to read a module."""
    built = Built(fails=1)
    app = OnDemand(built)
    with pytest.raises(ImportError):
        await ask(app)
    await ask(app)
    assert built.served == 1


def test_a_start_does_not_import_the_console() -> None:
    """It is a fifth of what would be imported, and callers wait for that after a crash."""
    program = "import orchestrator.process, sys; print(sorted(name for name in sys.modules if name == 'fastapi'))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.strip() == "[]"
