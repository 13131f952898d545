"""The log tells what went wrong, and no secrets."""

from __future__ import annotations

import asyncio
import errno
import io
import json
import os
from collections.abc import Iterator
from typing import Literal

import pytest
import structlog

from orchestrator import logs
from orchestrator.domain.history import LifecycleEntry, LifecycleEvent
from tests.support.builders import KEY, NOW

_CREATED = LifecycleEntry(at=NOW, event=LifecycleEvent.CREATED, function=KEY, version="1")


@pytest.fixture(autouse=True)
def _configured_anew() -> Iterator[None]:
    yield
    structlog.reset_defaults()


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_a_traceback_is_logged_without_the_values_of_variables(log_format: Literal["console", "json"]) -> None:
    """They hold payloads, environment variables and keys."""
    stream = io.StringIO()
    logs.configure(log_format, "info", stream)
    password = "hunter" + "2" * 8
    try:
        raise ZeroDivisionError("a fault")
    except ZeroDivisionError:
        structlog.get_logger().exception("it.failed", subject="this")
    written = stream.getvalue()
    assert "it.failed" in written
    assert "ZeroDivisionError" in written
    assert "test_logs.py" in written
    assert password not in written


class Terminal(io.StringIO):
    """A stream that somebody looks at."""

    def isatty(self) -> bool:
        """It is one."""
        return True


class Watched(io.StringIO):
    """A stream that says when something was written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = asyncio.Event()

    def flush(self) -> None:
        """All of it."""
        self.written.set()


_ENTRY = LifecycleEntry(
    at=NOW,
    event=LifecycleEvent.INIT_DONE,
    function=KEY,
    version="$LATEST",
    environment_id="0123456789abcdef" * 2,
    detail={"init_ms": 84.5, "reason": None},
)


def test_on_a_terminal_a_lifecycle_line_is_for_people() -> None:
    """Time, event, function and the beginning of the environment's id, then what there is to say."""
    stream = Terminal()
    logs.configure("auto", "info", stream)(_ENTRY)
    words = stream.getvalue().split()
    assert words[1:] == ["environment.init-done", KEY.name, "01234567", "init_ms=84.5"]
    assert words[0] == f"{NOW:%H:%M:%S}.{NOW.microsecond // 1000:03}"


async def test_elsewhere_it_is_a_json_document() -> None:
    """With whole ids, for programs; lines of the same moment are written together."""
    stream = Watched()
    logs.configure("auto", "info", stream)(_ENTRY)
    await asyncio.wait_for(stream.written.wait(), 5)
    line = json.loads(stream.getvalue())
    assert line["event"] == "environment.init-done"
    assert (line["function"], line["environment_id"]) == (KEY.name, "0123456789abcdef" * 2)
    assert line["init_ms"] == 84.5


class _OnAFullDisk(io.StringIO):
    """A stream that takes nothing while its disk is full."""

    is_full = False

    def write(self, text: str) -> int:
        """Write, or refuse as the kernel does."""
        if self.is_full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(text)


@pytest.mark.parametrize("log_format", ["console", "json"])
async def test_a_log_on_a_full_disk_fails_nobody_and_tells_later_how_much_is_missing(
    log_format: Literal["console", "json"],
) -> None:
    """Whoever logs is in the midst of something: a commit that failed, an environment on its way."""
    stream = _OnAFullDisk()
    lifecycle = logs.configure(log_format, "info", stream)
    stream.is_full = True
    for _ in range(3):
        lifecycle(_CREATED)
        structlog.get_logger().warning("it.is-lost")
    stream.is_full = False
    structlog.get_logger().warning("it.is-written")
    written = stream.getvalue()
    assert "it.is-written" in written
    assert "it.is-lost" not in written
    assert "No space left" in written
    if log_format == "json":
        (told,) = [one for one in map(json.loads, written.splitlines()) if one["event"] == "log.lines-lost"]
        assert told["at_most"] == 6


async def test_a_device_without_room_is_no_error_of_whoever_logs() -> None:
    """The kernel's own refusal, through the buffers of a real stream."""
    stream = os.fdopen(os.open("/dev/full", os.O_WRONLY), "w", buffering=1)
    lifecycle = logs.configure("json", "info", stream)
    for _ in range(1000):
        lifecycle(_CREATED)
        structlog.get_logger().warning("it.is-lost", text="x" * 100)
    with pytest.raises(OSError, match="No space left"):
        stream.close()
