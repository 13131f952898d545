"""So many connections and no more: what was accepted needs open files, too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from orchestrator.domain.connections import front_port_connections, runtime_api_connections
from orchestrator.http_bounds import Bounds
from orchestrator.listeners import Listener
from tests.support.ports import free_port

_PATIENCE_S = 5
_REQUEST = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
async def opened() -> AsyncIterator[Callable[..., Awaitable[Connection]]]:
    """Connects to a listener that takes three in all; closes what is left open."""

    async def app(_scope: Any, _receive: Any, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    port = free_port()
    bounds = Bounds(connections_in_all=3)
    listener = Listener(app, name="test", host="0.0.0.0", port=port, keep_alive_s=60, bounds=bounds)
    await listener.start()
    writers: list[asyncio.StreamWriter] = []

    async def connect(address: str = "127.0.0.1") -> Connection:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
        writers.append(writer)
        return reader, writer

    yield connect
    for writer in writers:
        writer.close()
    await listener.stop()


async def answered(connection: Connection) -> bytes:
    """The beginning of the answer to a request, or to the connection itself."""
    reader, writer = connection
    writer.write(_REQUEST)
    return await asyncio.wait_for(reader.read(1024), _PATIENCE_S)


async def test_there_are_no_more_connections_than_there_may_be(opened: Callable[..., Awaitable[Connection]]) -> None:
    """Those that are connected are served on; when one has gone, another may come."""
    connected = [await opened(), await opened(), await opened("127.0.0.2")]
    for one in connected:
        assert b" 204 " in await answered(one)
    refused = await answered(await opened("127.0.0.3"))
    assert refused.startswith(b"HTTP/1.1 429 ")
    assert b"TooManyRequestsException" in refused
    assert b" 204 " in await answered(connected[0])
    connected[1][1].close()
    await _until_there_is_a_place(opened)


async def _until_there_is_a_place(opened: Callable[..., Awaitable[Connection]]) -> None:
    async def poll() -> None:
        while b" 204 " not in await answered(await opened()):
            pass

    await asyncio.wait_for(poll(), _PATIENCE_S)


@pytest.mark.parametrize(
    ("open_files", "environments", "callers", "functions", "each"),
    [
        (1_048_576, 1000, 786_432, 262_016, 1024),
        (20_000, 1000, 15_000, 4872, 1024),
        (4096, 1000, 2048, 1920, 480),
        (1024, 100, 596, 300, 75),
        (256, 1000, 128, 32, 8),
    ],
)
def test_callers_and_functions_leave_each_other_their_files(
    open_files: int, environments: int, callers: int, functions: int, each: int
) -> None:
    """Callers have what environments need not, within a half and three quarters; no function can take it all."""
    assert front_port_connections(open_files, environments) == callers
    assert runtime_api_connections(open_files, environments) == (functions, each)
