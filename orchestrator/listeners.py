"""The two listeners: uvicorn servers for the front port and the Runtime API, started and stopped by wiring."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, Generator
from datetime import timedelta
from typing import Any

import uvicorn

from orchestrator.bounded_http import BoundedHttp
from orchestrator.domain.errors import PaddockError
from orchestrator.http_bounds import DEFAULT_BOUNDS, Bounds, Keeper, Refused
from orchestrator.loop import Loop

_BACKLOG = 2048
_NOTICES_WHO_HAS_GONE = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4),
)
"""
Every accepted connection inherits these. Whoever loses its network, as a function does whose sandbox is killed, never
says that it has gone: its connection would stay for as long as one may be idle, on the Runtime API a day. The kernel of
a frozen function answers for it.
"""


class AddressInUse(PaddockError):
    """Something else listens where Paddock should; the message says where and what to set."""


class Listener:
    """
    One uvicorn server with uvloop's transport and httptools.

    Args:
        app: The ASGI application.
        keep_alive_s: How long an idle connection is kept.
        tells_date: Does each answer have a Date? AWS's APIs do, its Runtime API does not.
        bounds: How large and how slow requests may be.
        refused: Is told of peers that were refused before their request came to the application.
    """

    def __init__(
        self,
        app: Any,
        *,
        name: str,
        host: str,
        port: int,
        keep_alive_s: int,
        tells_date: bool = True,
        bounds: Bounds = DEFAULT_BOUNDS,
        refused: Refused = lambda _address, _reason: None,
    ) -> None:
        self._name = name
        self._host = host
        self._port = port
        config = uvicorn.Config(
            app,
            http=BoundedHttp,
            # Neither AWS's API nor its Runtime API upgrades a connection: such a request is an ordinary one.
            ws="none",
            lifespan="off",
            # Callers are known by the address they come from, not by what a header says.
            proxy_headers=False,
            access_log=False,
            log_config=None,
            server_header=False,
            date_header=tells_date,
            timeout_keep_alive=keep_alive_s,
            timeout_graceful_shutdown=5,
        )
        config.keeper = Keeper(bounds, refused)  # type: ignore[attr-defined]
        self._server = _Server(config)
        self._task: asyncio.Task[None] | None = None
        self._sweeping = Loop(f"slow peers of {name}", self._sweep, timedelta(seconds=bounds.sweep_s))

    async def start(self) -> None:
        """
        Listen.

        Raises:
            AddressInUse: If the address cannot be had.
        """
        # asyncio sends without delay only where the protocol is named; uvloop always does.
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for level, option, value in _NOTICES_WHO_HAS_GONE:
            listening.setsockopt(level, option, value)
        try:
            listening.bind((self._host, self._port))
        except OSError as error:
            listening.close()
            raise AddressInUse(
                f"{self._name} cannot listen on {self._host}:{self._port}: {error.strerror}; "
                "end what listens there, or set PADDOCK_PORT / PADDOCK_RUNTIME_PORT"
            ) from error
        listening.listen(_BACKLOG)
        listening.setblocking(False)
        self._task = asyncio.create_task(self._server.serve(sockets=[listening]), name=self._name)
        self._sweeping.start()

    async def stop(self) -> None:
        """Finish what runs, then close."""
        await self._sweeping.stop()
        if self._task is not None:
            self._server.should_exit = True
            await self._task
            self._task = None

    async def _sweep(self) -> None:
        now = asyncio.get_running_loop().time()
        for connection in list(self._server.server_state.connections):
            if isinstance(connection, BoundedHttp):
                connection.sweep(now)


class _Server(uvicorn.Server):
    """Uvicorn without its signal handling: two servers share a process, and `process.py` owns the signals."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave the signals alone."""
        yield


@contextlib.asynccontextmanager
async def listening_that_none_may_reach(address: str) -> AsyncGenerator[int]:
    """A listener for the self-test of the functions' firewall: which port of this address it has."""
    listening = await asyncio.start_server(lambda _reader, writer: writer.close(), address, 0)
    async with listening:
        port: int = listening.sockets[0].getsockname()[1]
        yield port
