"""The two listeners: uvicorn servers for the front port and the Runtime API, started and stopped by wiring."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Generator
from typing import Any

import uvicorn

from orchestrator.domain.errors import PaddockError

_BACKLOG = 2048


class AddressInUse(PaddockError):
    """Something else listens where Paddock should; the message says where and what to set."""


class Listener:
    """
    One uvicorn server with uvloop's transport and httptools.

    Args:
        app: The ASGI application.
        keep_alive_s: How long an idle connection is kept.
        tells_date: Does each answer have a Date? AWS's APIs do, its Runtime API does not.
    """

    def __init__(
        self, app: Any, *, name: str, host: str, port: int, keep_alive_s: int, tells_date: bool = True
    ) -> None:
        self._name = name
        self._host = host
        self._port = port
        self._server = _Server(
            uvicorn.Config(
                app,
                http="httptools",
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
        )
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """
        Listen.

        Raises:
            AddressInUse: If the address cannot be had.
        """
        # asyncio sends without delay only where the protocol is named; uvloop always does.
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
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

    async def stop(self) -> None:
        """Finish what runs, then close."""
        if self._task is not None:
            self._server.should_exit = True
            await self._task
            self._task = None


class _Server(uvicorn.Server):
    """Uvicorn without its signal handling: two servers share a process, and wiring owns the signals."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave the signals alone."""
        yield
