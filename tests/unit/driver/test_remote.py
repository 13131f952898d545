"""The driver protocol holds across the process boundary, also when the process at the other end has ended."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import uvloop
from msgspec import msgpack

from orchestrator.clock import SystemClock
from orchestrator.domain.errors import PaddockError
from orchestrator.driver import messages, remote
from orchestrator.driver.channel import LARGEST_BYTES, Channel
from orchestrator.driver.protocol import (
    ContainerEnded,
    DriverEvent,
    EngineBack,
    EngineLost,
    EngineRefused,
    EngineUnreachable,
    EnvironmentSpec,
    ImageNotFound,
    NotHardened,
    OutputChunk,
    OutputStream,
    Sandbox,
    StartFailed,
    SubnetNotFound,
)
from orchestrator.driver.remote import RemoteDriver
from tests.support.builders import a_spec
from tests.support.fake_driver import FakeDriver
from tests.unit.driver.crossing import Crossing

_PATIENCE_S = 5


def a_crossing_spec(environment_id: str = "e" * 32) -> EnvironmentSpec:
    """An ordinary environment, with a letter beyond ASCII."""
    return a_spec(
        environment_id=environment_id,
        entry_point=("python3",),
        working_directory="/var/task",
        environment={"A": "ä"},
    )


@pytest.fixture
def crossing() -> Crossing:
    """The other side."""
    return Crossing()


@pytest.fixture
async def across(crossing: Crossing, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RemoteDriver]:
    """A driver that was started, across a socket."""
    monkeypatch.setattr(remote, "_AGAIN_AFTER_S", 0.01)
    driver = RemoteDriver(crossing, SystemClock())
    await driver.start(None)
    yield driver
    await driver.close()


async def next_event(events: AsyncIterator[DriverEvent]) -> DriverEvent:
    """The next that is told."""
    return await asyncio.wait_for(anext(events), _PATIENCE_S)


async def test_values_arrive_as_they_were_sent(across: RemoteDriver, crossing: Crossing) -> None:
    """Every verb, with its arguments and what it returns."""
    (there,) = crossing.drivers
    assert (await across.facts()) == await there.facts()
    assert await across.limitations() == ()
    assert await across.find_image("hello:latest") == there.images["hello:latest"]
    sandbox = await across.take_sandbox()
    assert sandbox == Sandbox(sandbox_id="sandbox-1", hostname=f"rt-{1:032}", address="10.0.8.1")
    spec = a_crossing_spec()
    assert await across.open(spec, sandbox) == f"container-of-{spec.environment_id}"
    assert there.opened == [spec]
    await across.freeze("a")
    assert there.frozen == {"a"}
    await across.thaw("a")
    assert not there.frozen
    await across.limit_cpu("a")
    assert there.limited == {"a"}
    await across.stop("a", timedelta(seconds=0.3))
    assert there.stopped == [("a", timedelta(seconds=0.3))]
    await across.test_isolation(4711)
    there.subnets = {"subnet-1"}
    await across.check_subnets(("subnet-1",))
    with pytest.raises(SubnetNotFound, match=r"^The subnet ID 'subnet-2' does not exist$"):
        await across.check_subnets(("subnet-1", "subnet-2"))
    await across.keep_subnets((("subnet-1",), ("subnet-1", "subnet-2")))
    assert there.kept == [(("subnet-1",), ("subnet-1", "subnet-2"))]
    await across.take_sandbox(("subnet-1",))
    assert there.taken == [(), ("subnet-1",)]


async def test_another_process_is_told_which_subnets_are_kept(across: RemoteDriver, crossing: Crossing) -> None:
    """It knows nothing of what the one before it was told."""
    await across.keep_subnets((("subnet-1",),))
    events = across.events()
    crossing.end()
    while not isinstance(await next_event(events), EngineBack):
        pass
    await across.facts()
    assert crossing.drivers[1].kept == [(("subnet-1",),)]


async def test_another_process_that_found_other_addresses_left_has_not_moved(
    across: RemoteDriver, crossing: Crossing, capsys: pytest.CaptureFixture[str]
) -> None:
    """Functions are where they were."""
    crossing.earlier_addresses = ("10.217.0.9",)
    events = across.events()
    crossing.end()
    while not isinstance(await next_event(events), EngineBack):
        pass
    assert crossing.drivers[1].earlier_addresses == ("10.217.0.9",)
    assert "driver.moved" not in capsys.readouterr().out


async def test_the_addresses_of_a_sandbox_in_subnets_cross(across: RemoteDriver) -> None:
    """One for each."""
    sandbox = await across.take_sandbox(("subnet-1", "subnet-2"))
    assert sandbox.in_subnets == ("10.217.0.1", "10.217.1.1")


@pytest.mark.parametrize(
    "error",
    [
        StartFailed("Runtime.InvalidEntrypoint", "exec: no such file"),
        EngineUnreachable("start it"),
        EngineRefused("it is ending"),
        NotHardened("it mounts the host"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_failure_is_raised_here_as_it_was_there(
    across: RemoteDriver, crossing: Crossing, error: PaddockError
) -> None:
    """With its type, its message, and AWS's error type."""
    crossing.drivers[0].open_failures.append(error)
    with pytest.raises(type(error), match=str(error)) as raised:
        await across.open(a_crossing_spec(), await across.take_sandbox())
    assert getattr(raised.value, "error_type", None) == getattr(error, "error_type", None)


async def test_an_image_that_is_not_there_is_named(across: RemoteDriver) -> None:
    """Like any other failure of the protocol."""
    with pytest.raises(ImageNotFound, match="nothing:1"):
        await across.find_image("nothing:1")


async def test_a_failure_that_the_protocol_does_not_know_is_named_and_ends_nothing(
    across: RemoteDriver, crossing: Crossing
) -> None:
    """A fault of ours there does not end what else runs there."""
    crossing.drivers[0].open_failures.append(ZeroDivisionError("a fault"))
    with pytest.raises(messages.DriverFailed, match="ZeroDivisionError: a fault"):
        await across.open(a_crossing_spec(), await across.take_sandbox())
    assert (await across.facts()).cpus == 2


async def test_verbs_do_not_wait_for_each_other(across: RemoteDriver, crossing: Crossing) -> None:
    """A cold start takes a hundred times as long as a thaw."""
    may_open = crossing.drivers[0].hold_opening()
    opening = asyncio.create_task(across.open(a_crossing_spec(), await across.take_sandbox()))
    await across.freeze("other")
    assert not opening.done()
    may_open.set()
    assert await asyncio.wait_for(opening, _PATIENCE_S)


async def test_output_that_nobody_reads_holds_nothing_else_up(across: RemoteDriver, crossing: Crossing) -> None:
    """It has a socket of its own, and its content arrives whole and in order."""
    (there,) = crossing.drivers
    now = SystemClock().now()
    pieces = [bytes([number]) * 100_000 for number in range(50)]
    for piece in pieces:
        there.written.put_nowait(
            OutputChunk(environment_id="e", at=now, stream=OutputStream.STDERR, content=piece, dropped_bytes=3)
        )
    assert (await asyncio.wait_for(across.facts(), _PATIENCE_S)).cpus == 2
    output = across.output()
    for piece in pieces:
        chunk = await asyncio.wait_for(anext(output), _PATIENCE_S)
        assert (chunk.content, chunk.stream, chunk.dropped_bytes) == (piece, OutputStream.STDERR, 3)


async def test_an_end_is_told_after_the_open_it_ends(across: RemoteDriver, crossing: Crossing) -> None:
    """The fleet knows the environment by then."""
    (there,) = crossing.drivers
    order: list[str] = []

    async def watch() -> None:
        await anext(across.events())
        order.append("ended")

    watching = asyncio.create_task(watch())
    may_open = there.hold_opening()

    async def open_it() -> None:
        await across.open(a_crossing_spec(), Sandbox(sandbox_id="s", hostname="h", address="a"))
        order.append("opened")

    opening = asyncio.create_task(open_it())
    await across.facts()  # the open has arrived there
    may_open.set()
    there.happenings.put_nowait(ContainerEnded(environment_id="e" * 32, at=SystemClock().now(), exit_code=0))
    await asyncio.wait_for(asyncio.gather(watching, opening), _PATIENCE_S)
    assert sorted(order) == ["ended", "opened"]


async def test_when_the_process_ends_another_is_started_and_what_ran_is_reported(
    across: RemoteDriver, crossing: Crossing
) -> None:
    """First the loss, then every end, then that it goes on."""
    for environment_id in ("a" * 32, "b" * 32):
        await across.open(a_crossing_spec(environment_id), await across.take_sandbox())
    await across.stop("b" * 32, timedelta())
    events = across.events()
    crossing.refusals = [EngineUnreachable("not yet")]
    crossing.end()
    assert isinstance(await next_event(events), EngineLost)
    ended = await next_event(events)
    assert isinstance(ended, ContainerEnded)
    assert (ended.environment_id, ended.engine_lost) == ("a" * 32, True)
    assert isinstance(await next_event(events), EngineBack)
    assert (await across.facts()).cpus == 2
    assert len(crossing.drivers) == 2
    now = SystemClock().now()
    crossing.drivers[1].written.put_nowait(
        OutputChunk(environment_id="e", at=now, stream=OutputStream.STDOUT, content=b"again")
    )
    assert (await asyncio.wait_for(anext(across.output()), _PATIENCE_S)).content == b"again"


async def test_what_waits_for_an_answer_when_the_process_ends_is_told_so(
    across: RemoteDriver, crossing: Crossing
) -> None:
    """Nobody waits for ever."""
    crossing.drivers[0].hold_opening()
    opening = asyncio.create_task(across.open(a_crossing_spec(), await across.take_sandbox()))
    await across.facts()
    crossing.end()
    with pytest.raises(EngineUnreachable, match="ended before it answered"):
        await asyncio.wait_for(opening, _PATIENCE_S)
    events = across.events()
    while not isinstance(await next_event(events), EngineBack):
        pass


async def test_a_process_that_ends_while_it_is_asked_to_end_holds_nobody_up(
    across: RemoteDriver, crossing: Crossing
) -> None:
    """Paddock ends all the same; its next start removes what is left."""
    asked = asyncio.Event()

    async def close_for_ever() -> None:
        asked.set()
        await asyncio.Event().wait()

    crossing.drivers[0].close = close_for_ever  # type: ignore[method-assign]
    closing = asyncio.create_task(across.close())
    await asyncio.wait_for(asked.wait(), _PATIENCE_S)
    crossing.end()
    await asyncio.wait_for(closing, _PATIENCE_S)


async def test_a_process_that_ends_before_it_has_started_is_told(
    crossing: Crossing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first start says so, and does not wait."""
    asked = asyncio.Event()

    async def start_for_ever(_driver: FakeDriver, _container: str | None) -> None:
        asked.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(FakeDriver, "start", start_for_ever)
    driver = RemoteDriver(crossing, SystemClock())
    starting = asyncio.create_task(driver.start(None))
    await asyncio.wait_for(asked.wait(), _PATIENCE_S)
    crossing.end()
    with pytest.raises(EngineUnreachable, match="ended before it answered"):
        await asyncio.wait_for(starting, _PATIENCE_S)
    await driver.close()


def test_what_is_sent_to_a_process_that_has_gone_is_lost_and_no_error() -> None:
    """With uvloop, whose socket refuses it before anyone could hear that the other side has gone."""

    async def send() -> None:
        ours, theirs = socket.socketpair()
        channel = await Channel.over(ours)
        theirs.close()
        assert await channel.receive() is None
        channel.send(messages.Facts())
        channel.close()
        channel.send(messages.Facts())

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(send())


async def test_one_that_is_starting_is_asked_nothing_else(across: RemoteDriver, crossing: Crossing) -> None:
    """It has no engine yet: that it cannot be reached is what the caller is told, until it has started."""
    events = across.events()
    crossing.may_start.clear()
    crossing.is_starting.clear()
    crossing.end()
    assert isinstance(await next_event(events), EngineLost)
    await asyncio.wait_for(crossing.is_starting.wait(), _PATIENCE_S)
    with pytest.raises(EngineUnreachable, match="is starting"):
        await across.find_image("hello:latest")
    crossing.may_start.set()
    assert isinstance(await next_event(events), EngineBack)
    assert (await across.facts()).cpus == 2


# -- what a control plane that was taken over could send


def packed(**fields: Any) -> bytes:
    """A request that no control plane of ours sends."""
    message = msgpack.encode([1, fields])
    return len(message).to_bytes(4) + message


FORGED = {
    "a verb there is not": packed(verb="create-container", Image="x"),
    "a further setting": packed(verb="take-sandbox", Privileged=True),
    "a network by its name": packed(verb="take-sandbox", subnet_ids=[], network="host"),
    "networks that are no ids": packed(verb="keep-subnets", sets=["host"]),
    "a privileged environment": packed(
        verb="open",
        spec={**msgpack.decode(msgpack.encode(a_crossing_spec())), "HostConfig": {"Privileged": True}},
        sandbox={"sandbox_id": "s", "hostname": "h", "address": "a"},
    ),
    "a mount of the host": packed(
        verb="open",
        spec={**msgpack.decode(msgpack.encode(a_crossing_spec())), "mounts": ["/:/host"]},
        sandbox={"sandbox_id": "s", "hostname": "h", "address": "a"},
    ),
    "a value of another type": packed(verb="limit-cpu", environment_id="a", quota_us="all"),
    "no message": len(b"\xc1").to_bytes(4) + b"\xc1",
    "a message larger than any": (LARGEST_BYTES + 1).to_bytes(4),
    "half a message": (100).to_bytes(4) + b"half",
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED.keys())
async def test_what_is_not_in_the_protocol_is_not_carried_out(crossing: Crossing, forged: bytes) -> None:
    """The connection is closed; nothing was asked of the driver."""
    verbs, written = await crossing.sockets()
    verbs._writer.write(forged)
    if forged.endswith(b"half"):
        verbs.close()
    await asyncio.wait_for(crossing.serving[0], _PATIENCE_S)
    assert await verbs.receive() is None
    verbs.close()
    written.close()
    (there,) = crossing.drivers
    assert not there.opened
    assert not there.limited
