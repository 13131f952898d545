"""
The driver protocol across a process boundary, this side: what the control plane asks (`driver/remote.py`) is asked of
a driver here. It decides nothing, and knows no verb but the protocol's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import structlog
from msgspec import DecodeError, Raw, ValidationError, msgpack

from orchestrator.domain.errors import PaddockError
from orchestrator.driver import messages
from orchestrator.driver.channel import Channel, ChannelBroken
from orchestrator.driver.protocol import Driver
from orchestrator.loop import kept_up

log: structlog.stdlib.BoundLogger = structlog.get_logger()

_request = msgpack.Decoder(messages.Request)

Carry = Callable[[Driver, Any], Awaitable[Any]]

_VERBS: dict[type[messages.Verb], Carry] = {
    messages.Start: lambda driver, verb: driver.start(verb.control_plane_container),
    messages.TestIsolation: lambda driver, verb: driver.test_isolation(verb.forbidden_port),
    messages.Isolation: lambda driver, verb: driver.isolation(),
    messages.Close: lambda driver, verb: driver.close(),
    messages.Facts: lambda driver, verb: driver.facts(),
    messages.Limitations: lambda driver, verb: driver.limitations(),
    messages.FindImage: lambda driver, verb: driver.find_image(verb.reference),
    messages.CheckSubnets: lambda driver, verb: driver.check_subnets(verb.subnet_ids),
    messages.KeepSubnets: lambda driver, verb: driver.keep_subnets(verb.sets),
    messages.TakeSandbox: lambda driver, verb: driver.take_sandbox(verb.subnet_ids),
    messages.Open: lambda driver, verb: driver.open(verb.spec, verb.sandbox),
    messages.Freeze: lambda driver, verb: driver.freeze(verb.environment_id),
    messages.Thaw: lambda driver, verb: driver.thaw(verb.environment_id),
    messages.LimitCpu: lambda driver, verb: driver.limit_cpu(verb.environment_id),
    messages.Stop: lambda driver, verb: driver.stop(verb.environment_id, timedelta(seconds=verb.grace_s)),
}


async def serve(driver: Driver, verbs: Channel, written: Channel) -> None:
    """
    Carry out what one control plane asks, until it has gone. What runs then is left as it is.

    Args:
        verbs: Where it asks, and hears what happened.
        written: Where it hears what functions write.
    """
    under_way: set[asyncio.Task[None]] = set()
    telling = [
        asyncio.create_task(kept_up("events", lambda: _tell_events(driver, verbs)), name="events"),
        asyncio.create_task(kept_up("output", lambda: _tell_output(driver, written)), name="output"),
    ]
    try:
        while (packed := await verbs.receive()) is not None:
            carrying = asyncio.create_task(_carry_out(driver, verbs, _request.decode(packed)))
            under_way.add(carrying)
            carrying.add_done_callback(under_way.discard)
    except (ChannelBroken, ValidationError, DecodeError) as error:
        # Only something else than our control plane sends what the protocol does not have.
        log.error("driver.refused", reason=str(error), consequence="the connection is closed")
    finally:
        for task in (*telling, *under_way):
            task.cancel()
        await asyncio.wait((*telling, *under_way))
        verbs.close()
        written.close()


async def _carry_out(driver: Driver, verbs: Channel, request: messages.Request) -> None:
    verb = request.verb
    try:
        answer = await _VERBS[type(verb)](driver, verb)
    except PaddockError as error:
        verbs.send(messages.failed(request.number, error))
    except Exception as error:
        log.exception("driver.verb-failed", verb=type(verb).__name__)
        verbs.send(messages.Failed(request.number, messages.DriverFailed.__name__, f"{type(error).__name__}: {error}"))
    else:
        # Nothing is awaited between the return of `open` and this: no end of it can be told before.
        verbs.send(messages.Answered(request.number, Raw(msgpack.encode(answer))))


async def _tell_events(driver: Driver, verbs: Channel) -> None:
    async for event in driver.events():
        verbs.send(event)


async def _tell_output(driver: Driver, written: Channel) -> None:
    async for chunk in driver.output():
        written.send(chunk)
        # Who reads slowly holds this up, and nothing else: the driver goes on to drain, and counts what it drops.
        if not await written.drained():
            return
