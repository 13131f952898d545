"""What all tests share: what was measured stands at the end of each run, also of one in several processes."""

from __future__ import annotations

import gc
from asyncio import AbstractEventLoop
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import uvloop

_FIGURES = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Measured figures are gathered here."""
    config.stash[_FIGURES] = []


def pytest_collection_finish() -> None:
    """What is there once all tests are known stays: the collector need not look at it again after each of them."""
    gc.collect()
    gc.freeze()


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], AbstractEventLoop]]:
    """Tests run on the loop that Paddock runs on: asyncio's own does some things in another order."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Keeps a line of what was measured for the end of the run."""
    return pytestconfig.stash[_FIGURES].append


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A process that shares in the run hands its figures on."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["figures"] = session.config.stash[_FIGURES]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Such a process has ended."""
    node.config.stash[_FIGURES].extend(getattr(node, "workeroutput", {}).get("figures", []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What was measured stands at the end of each run, green or red."""
    if config.stash[_FIGURES]:
        terminalreporter.section("figures")
        for line in config.stash[_FIGURES]:
            terminalreporter.write_line(line)
