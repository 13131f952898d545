"""How a container's end is reported: when the engine tells of it, in which order, and what else it is asked."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from docker.errors import APIError

from orchestrator.containers.container_events import EngineEvent
from orchestrator.containers.running import Container, Running
from orchestrator.driver.protocol import ContainerEnded, EngineUnreachable, OutOfMemory, OutputStream, Sandbox
from tests.support.fake_clock import FakeClock

_ID = "c" * 64
_SANDBOX = "s" * 64
_NETWORK = "functions"
_PATIENCE_S = 5


class InspectedEngine:
    """An engine that is asked about one container and its sandbox."""

    def __init__(self, cgroup_version: str) -> None:
        self.about = {"CgroupVersion": cgroup_version}
        self.marks_it = False
        self.asked = 0
        self.was_asked = asyncio.Event()
        self.sandbox: dict[str, Any] | None = {"NetworkSettings": {"Networks": {_NETWORK: {}}}}
        self.refuses: Exception | None = None

    async def call_if_there(self, method: str, container_id: str) -> dict[str, Any] | None:
        """`inspect_container`."""
        assert method == "inspect_container"
        if self.refuses is not None:
            raise self.refuses
        if container_id == _SANDBOX:
            return self.sandbox
        assert container_id == _ID
        self.asked += 1
        self.was_asked.set()
        return {"State": {"OOMKilled": self.marks_it}}


def started(engine: InspectedEngine) -> tuple[Running, Container]:
    """One container that runs."""
    running = Running(engine, "me", FakeClock())  # type: ignore[arg-type]
    running._network_name = _NETWORK
    container = Container(
        environment_id="e" * 32,
        container_id=_ID,
        memory_mib=128,
        sandbox=Sandbox(sandbox_id=_SANDBOX, hostname="rt-a", address="10.0.0.5"),
    )
    running.add(container)
    running.started(container)
    return running, container


def happens(running: Running, action: str, exit_code: int | None = None) -> None:
    """The engine tells of it."""
    running._happened(EngineEvent(container_id=_ID, action=action, exit_code=exit_code))


async def end_of(running: Running) -> ContainerEnded:
    """The report of its end; what else is reported before is passed over."""
    async with asyncio.timeout(_PATIENCE_S):
        async for event in running.events():
            if isinstance(event, ContainerEnded):
                return event
    raise AssertionError("events never end")


@pytest.mark.parametrize("version", ["1", "2"])
async def test_a_kill_for_memory_that_is_told_before_the_death_is_one(version: str) -> None:
    """As every engine does on cgroup v1."""
    engine = InspectedEngine(version)
    running, _ = started(engine)
    happens(running, "oom")
    happens(running, "die", 137)
    assert (await end_of(running)).out_of_memory
    assert not engine.asked


async def test_on_cgroup_v2_a_kill_for_memory_may_be_told_after_the_death() -> None:
    """By an older containerd: it is waited for."""
    running, _ = started(InspectedEngine("2"))
    happens(running, "die", 137)
    ended = asyncio.create_task(end_of(running))
    await asyncio.sleep(0)
    assert not ended.done()
    happens(running, "oom")
    assert (await ended).out_of_memory


async def test_on_cgroup_v2_the_engine_is_asked_once_more_when_nothing_was_told() -> None:
    """It may mark the container without telling."""
    engine = InspectedEngine("2")
    running, _ = started(engine)
    happens(running, "die", 137)
    await engine.was_asked.wait()
    engine.marks_it = True
    assert (await end_of(running)).out_of_memory
    assert engine.asked == 2


@pytest.mark.parametrize(("version", "asked"), [("1", 1), ("2", 2)])
async def test_a_kill_from_outside_is_none_for_memory(version: str, asked: int) -> None:
    """Nothing tells of memory, before or after."""
    engine = InspectedEngine(version)
    running, _ = started(engine)
    happens(running, "die", 137)
    assert not (await end_of(running)).out_of_memory
    assert engine.asked == asked


async def test_an_exit_is_none_for_memory_and_asks_nobody_for_that() -> None:
    """The program's own status is not 137."""
    engine = InspectedEngine("2")
    running, _ = started(engine)
    happens(running, "die", 3)
    report = await end_of(running)
    assert (report.exit_code, report.out_of_memory, report.never_executed) == (3, False, None)
    assert not engine.asked


@pytest.mark.parametrize("sandbox", [None, {"NetworkSettings": {"Networks": {}}}])
async def test_a_program_that_ends_when_its_sandbox_was_cut_off_is_not_blamed(sandbox: dict[str, Any] | None) -> None:
    """It reached nobody any more, and said so by its exit."""
    engine = InspectedEngine("1")
    engine.sandbox = sandbox
    running, _ = started(engine)
    happens(running, "die", 1)
    assert (await end_of(running)).sandbox_failed


@pytest.mark.parametrize("refusal", [EngineUnreachable("away"), APIError("no")])
async def test_an_engine_that_cannot_be_asked_keeps_no_end_from_being_told(refusal: Exception) -> None:
    """It is the program's own, then."""
    engine = InspectedEngine("1")
    engine.refuses = refusal
    running, _ = started(engine)
    happens(running, "die", 137)
    report = await end_of(running)
    assert (report.exit_code, report.sandbox_failed) == (137, False)


async def test_a_kill_for_memory_is_one_whatever_became_of_the_sandbox() -> None:
    """Both may happen in one bad minute."""
    engine = InspectedEngine("1")
    engine.sandbox = None
    running, _ = started(engine)
    happens(running, "oom")
    happens(running, "die", 137)
    report = await end_of(running)
    assert (report.out_of_memory, report.sandbox_failed) == (True, False)


async def test_a_killed_child_is_told_while_the_container_lives() -> None:
    """Its main process does not end for that."""
    running, _ = started(InspectedEngine("1"))
    happens(running, "oom")
    async with asyncio.timeout(_PATIENCE_S):
        assert isinstance(await anext(running.events()), OutOfMemory)


async def test_a_program_that_was_never_executed_is_told_from_the_runtimes_words() -> None:
    """They may come a little later than the death."""
    running, container = started(InspectedEngine("1"))
    happens(running, "die", 1)
    ended = asyncio.create_task(end_of(running))
    await asyncio.sleep(0)
    container.first_words.heard(OutputStream.STDERR, b"exec /x: exec for")
    container.first_words.heard(OutputStream.STDERR, b"mat error\n")
    container.first_words.ended()
    assert (await ended).never_executed == "exec /x: exec format error\n"


@pytest.mark.parametrize(
    ("exit_code", "written"),
    [
        (1, [(OutputStream.STDOUT, b"starting\n"), (OutputStream.STDERR, b"exec /x: exec format error\n")]),
        (1, [(OutputStream.STDERR, b"exec /x: exec format error\nthat was my own\n")]),
        (1, [(OutputStream.STDERR, b"x" * 10_000)]),
        (2, [(OutputStream.STDERR, b"exec /x: exec format error\n")]),
        (1, []),
    ],
)
async def test_what_a_program_wrote_itself_is_not_taken_for_that(
    exit_code: int, written: list[tuple[OutputStream, bytes]]
) -> None:
    """Whatever it says."""
    running, container = started(InspectedEngine("1"))
    for stream, content in written:
        container.first_words.heard(stream, content)
    container.first_words.ended()
    happens(running, "die", exit_code)
    assert (await end_of(running)).never_executed is None


async def test_what_the_driver_ends_is_reported_once_with_the_reason() -> None:
    """Its death is no second end."""
    engine = InspectedEngine("1")
    running, container = started(engine)

    async def kill(method: str, container_id: str) -> dict[str, Any]:
        assert (method, container_id) == ("kill", _ID)
        happens(running, "die", 137)
        return {}

    engine.call_if_there = kill  # type: ignore[method-assign]
    running.end(_ID, "it wrote too much")
    report = await end_of(running)
    assert (report.exit_code, report.ended_for) == (137, "it wrote too much")
    assert container.ended.is_set()
    await asyncio.sleep(0)
    assert running._happenings.empty()
