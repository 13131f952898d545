"""A function's log in JSON: the platform's lines, and its own by their level."""

from __future__ import annotations

import json

import pytest

from orchestrator.domain.version_options import LoggingConfig, VersionOptions
from orchestrator.driver.protocol import OutputChunk, OutputStream
from tests.support.engine import Engine, answer_of

_PLATFORM = ["platform.start", "platform.runtimeDone", "platform.report"]


async def run(engine: Engine, content: bytes, **levels: str) -> tuple[list[str], list[str]]:
    """What a run that writes this leaves in the log, and what its caller gets as its tail."""
    logging = LoggingConfig().changed(
        log_format="JSON",
        application_level=levels.get("application_level"),
        system_level=levels.get("system_level"),
        log_group=None,
    )
    await engine.configure(options=VersionOptions(logging=logging))
    runtime = await engine.warm()
    await engine.output.tick()
    call = engine.call(log_tail=True)
    event = await runtime.event()
    engine.output.received(
        OutputChunk(
            environment_id=runtime.live.environment_id,
            at=engine.clock.now(),
            stream=OutputStream.STDOUT,
            content=content,
            dropped_bytes=0,
        )
    )
    runtime.answer(event)
    await engine.settle()
    engine.clock.advance(1)
    tail = (await answer_of(call)).log_tail or ""
    await engine.output.tick()
    lines = [line.text for batch in engine.batches for line in batch.lines if line.request_id == event.request_id]
    return lines, tail.splitlines()


def types(lines: list[str]) -> list[str]:
    """Of the platform's lines."""
    return [found["type"] for found in map(json.loads, lines) if "type" in found]


async def test_every_line_of_the_platform_is_json(engine: Engine) -> None:
    """With INFO, as it is unless asked otherwise, the log has no runtimeDone; the caller's tail has all."""
    kept, tail = await run(engine, b"")
    assert types(kept) == ["platform.start", "platform.report"]
    assert types(tail) == _PLATFORM


@pytest.mark.parametrize(("level", "kept"), [("DEBUG", _PLATFORM), ("WARN", [])])
async def test_the_system_level_filters_the_log(engine: Engine, level: str, kept: list[str]) -> None:
    """A run that went well says nothing at WARN."""
    assert types((await run(engine, b"", system_level=level))[0]) == kept


@pytest.mark.parametrize("times", [1, 100])
async def test_the_application_level_filters_what_says_its_level(engine: Engine, times: int) -> None:
    """JSON objects alone, whether few or many come at once; what is no object has no level and is kept."""
    unwanted = [b'{"level":"debug"}', b'{"level":"INFO","a":{}}', b'{"message":"no level"}', b'{"level":7}']
    wanted = [b'{"level":"ERROR"}', b"plain", b'{"level":"DEBUG"', b"[1]", b""]
    content = b"\n".join((unwanted + wanted) * times) + b"\n"
    kept, tail = await run(engine, content, application_level="WARN", system_level="WARN")
    assert kept == [line.decode() for line in wanted] * times
    assert '{"level":"debug"}' in tail


async def test_a_function_is_started_anew_for_its_log_format(engine: Engine) -> None:
    """Its runtime client was told the old one."""
    runtime = await engine.warm()
    logging = LoggingConfig().changed(log_format="JSON", application_level=None, system_level=None, log_group=None)
    await engine.configure(options=VersionOptions(logging=logging))
    await engine.settle()
    assert runtime.live not in engine.live()
