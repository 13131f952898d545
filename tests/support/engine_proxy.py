"""A stand between a client and an engine's socket that can make the engine slow, let it fail, or hang."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_ENGINE = "/var/run/docker.sock"
_CHUNK_BYTES = 65_536
_LARGEST_HEAD_BYTES = 1_048_576
_PATIENCE_S = 10
_FAILURE = json.dumps({"message": "told to fail by a test"}).encode()
_FAILED = (
    b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\n"
    b"Content-Length: " + str(len(_FAILURE)).encode() + b"\r\n\r\n" + _FAILURE
)


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """
    What befalls requests.

    Args:
        on: Those whose `METHOD /path` has a match of this.
        fails: They are answered 500, and never reach the engine.
        delay_s: Their answers are held back for so long, or until the trouble ends.
    """

    on: str = ""
    fails: bool = False
    delay_s: float = 0.0


class EngineProxy:
    """
    Listens on a socket and hands everything on to the engine's, but for the trouble it is told to make.

    Args:
        path: Of its socket; short.
        engine: The engine's.
    """

    def __init__(self, path: Path, engine: str = _ENGINE) -> None:
        self._path = path
        self._engine = engine
        self._trouble: Trouble | None = None
        self._healed = asyncio.Event()
        self._serving: dict[asyncio.Task[None], _Connection] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="engine proxy", daemon=True)
        self._server: asyncio.Server | None = None
        self.troubled = 0

    @property
    def host(self) -> str:
        """For DOCKER_HOST."""
        return f"unix://{self._path}"

    def start(self) -> None:
        """Listen."""
        self._thread.start()
        self._wait_for(self._listen())

    def close(self) -> None:
        """Listen no more, and end every connection."""
        self._wait_for(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE_S)
        self._loop.close()

    def make(self, trouble: Trouble, *, cuts: bool = False) -> None:
        """
        Make this trouble from now on.

        Args:
            cuts: End the stream of the engine's events, which then is asked for again.
        """
        self._wait_for(self._begin(trouble, cuts))

    def heal(self) -> None:
        """Let everything pass again; what was held back goes on at once."""
        self._wait_for(self._begin(None, cuts=False))

    def _wait_for(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE_S)

    # -- in its loop

    async def _listen(self) -> None:
        self._server = await asyncio.start_unix_server(self._accept, self._path, limit=_LARGEST_HEAD_BYTES)

    async def _end(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._cut(list(self._serving))

    async def _begin(self, trouble: Trouble | None, cuts: bool) -> None:
        self._healed.set()
        self._healed = asyncio.Event()
        self._trouble = trouble
        if cuts:
            await self._cut([task for task, connection in self._serving.items() if connection.has_events])

    async def _cut(self, serving: list[asyncio.Task[None]]) -> None:
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection(reader, writer, *await asyncio.open_unix_connection(self._engine))
        task = self._loop.create_task(connection.relay(self))
        self._serving[task] = connection
        task.add_done_callback(lambda done: self._serving.pop(done, None))

    def trouble_for(self, request: str) -> tuple[Trouble, asyncio.Event] | None:
        """The trouble for this request, and what ends it; None if it passes."""
        if self._trouble is None or re.search(self._trouble.on, request) is None:
            return None
        self.troubled += 1
        return self._trouble, self._healed


class _Connection:
    """One client's connection, and the engine's for it."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        engine_reader: asyncio.StreamReader,
        engine_writer: asyncio.StreamWriter,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._engine_reader = engine_reader
        self._engine_writer = engine_writer
        self._may_answer = asyncio.Event()
        self._may_answer.set()
        self._holding: asyncio.Task[None] | None = None
        self.has_events = False

    async def relay(self, proxy: EngineProxy) -> None:
        """Hand on until either side ends."""
        ways = [asyncio.create_task(self._requests(proxy)), asyncio.create_task(self._answers())]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._engine_writer.close()
            self._writer.close()

    async def _requests(self, proxy: EngineProxy) -> None:
        while True:
            head = await self._reader.readuntil(b"\r\n\r\n")
            found = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
            body = await self._reader.readexactly(int(found[1])) if found else b""
            request = head.partition(b" HTTP/")[0].decode()
            self.has_events = "/events?" in request
            trouble = proxy.trouble_for(request)
            if trouble is not None and trouble[0].fails:
                self._writer.write(_FAILED)
                continue
            if trouble is not None:
                self._may_answer.clear()
                self._holding = asyncio.get_running_loop().create_task(self._answer_later(*trouble))
            self._engine_writer.write(head + body)
            if re.search(rb"\r\nupgrade:", head, re.IGNORECASE):
                await _pump(self._reader, self._engine_writer)
                return

    async def _answers(self) -> None:
        while piece := await self._engine_reader.read(_CHUNK_BYTES):
            await self._may_answer.wait()
            self._writer.write(piece)
            await self._writer.drain()

    async def _answer_later(self, trouble: Trouble, healed: asyncio.Event) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(healed.wait(), trouble.delay_s)
        self._may_answer.set()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(_CHUNK_BYTES):
        writer.write(piece)
        await writer.drain()
