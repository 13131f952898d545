"""A driver at the other end of a socket, in the same process: what `paddock driver` serves, with a fake behind it."""

from __future__ import annotations

import asyncio
import socket

from orchestrator.containers.serving import serve
from orchestrator.driver.channel import Channel, hand_over_second_socket, take_second_socket
from tests.support.fake_driver import FakeDriver


class Crossing:
    """Reaches a fresh driver at each connect, as a process that is started again is."""

    def __init__(self) -> None:
        self.drivers: list[FakeDriver] = []
        self.serving: list[asyncio.Task[None]] = []
        self.refusals: list[Exception] = []
        self.earlier_addresses: tuple[str, ...] = ()
        self.may_start = asyncio.Event()
        self.may_start.set()
        self.is_starting = asyncio.Event()

    async def sockets(self) -> tuple[Channel, Channel]:
        """Our ends of both."""
        ours, theirs = socket.socketpair()
        second = hand_over_second_socket(theirs)
        driver = FakeDriver()
        driver.may_start, driver.is_starting = self.may_start, self.is_starting
        driver.earlier_addresses = self.earlier_addresses
        self.drivers.append(driver)
        self.serving.append(
            asyncio.create_task(serve(driver, await Channel.over(theirs), await Channel.over(second)), name="serving")
        )
        written = take_second_socket(ours)
        return await Channel.over(ours), await Channel.over(written)

    async def connect(self) -> tuple[Channel, Channel]:
        """The same, for a `RemoteDriver`."""
        if self.refusals:
            raise self.refusals.pop(0)
        return await self.sockets()

    async def close(self) -> None:
        """Wait until all have seen that we have gone."""
        if self.serving:
            await asyncio.wait(self.serving, timeout=5)

    def end(self) -> None:
        """The process ends, as in a crash."""
        self.serving[-1].cancel()
