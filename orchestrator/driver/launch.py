"""How the control plane reaches a driver's process: it starts one of its own, or there is one that listens."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
import time
from pathlib import Path

from orchestrator.driver.channel import Channel, take_second_socket
from orchestrator.driver.protocol import EngineUnreachable

_ENDS_WITHIN_S = 10.0
_LISTENS_WITHIN_S = 60.0
_PAUSE_S = 0.05


class OwnDriver:
    """A driver that is a child of this process, and ends with it, however that ends."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._connected: socket.socket | None = None

    def start(self) -> None:
        """Start the process now, so that it is up when it is asked."""
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "orchestrator", "driver", "--connected", str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                # Ctrl-C in a terminal is the control plane's to act on; this one ends after it.
                start_new_session=True,
            )
        self._connected = ours

    async def connect(self) -> tuple[Channel, Channel]:
        """The child that was started, or another if that has ended."""
        if self._connected is None:
            await self.close()
            await asyncio.to_thread(self.start)
        connected, self._connected = self._connected, None
        assert connected is not None
        return await _channels(connected)

    def abandon(self) -> None:
        """End the child that was started side by side, if it never came to be asked anything."""
        if self._connected is not None and self._process is not None:
            self._process.terminate()
            self._connected.close()
            self._connected = None
            _end(self._process)
            self._process = None

    async def close(self) -> None:
        """Wait until the child has ended, which it does when its connection does."""
        if self._connected is not None:
            self._connected.close()
            self._connected = None
        if self._process is not None:
            await asyncio.to_thread(_end, self._process)
            self._process = None


class ListeningDriver:
    """
    A driver that somebody else starts: a second container, without which this one has no way to the engine.

    Args:
        path: Of the Unix socket where it listens.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    async def connect(self) -> tuple[Channel, Channel]:
        """The driver that listens there; waited for, since both are started at once."""
        return await _channels(await asyncio.to_thread(self._reach))

    async def close(self) -> None:
        """It listens for the next control plane."""

    def _reach(self) -> socket.socket:
        deadline = time.monotonic() + _LISTENS_WITHIN_S
        while True:
            connected = socket.socket(socket.AF_UNIX)
            try:
                connected.connect(str(self._path))
                return connected
            except OSError as error:
                connected.close()
                if time.monotonic() > deadline:
                    raise EngineUnreachable(
                        f"no driver listens on {self._path} ({error.strerror}): start `paddock driver` with the same "
                        "PADDOCK_DRIVER_SOCKET, or unset that to have `paddock up` start its own"
                    ) from error
            # No event tells that somebody listens on a path: a poll of the condition itself.
            time.sleep(_PAUSE_S)


async def _channels(connected: socket.socket) -> tuple[Channel, Channel]:
    try:
        written = await asyncio.to_thread(take_second_socket, connected)
    except OSError as error:
        connected.close()
        raise EngineUnreachable(
            f"the process that holds the Docker socket ended as soon as it was reached ({error}); its log says why"
        ) from error
    return await Channel.over(connected), await Channel.over(written)


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_ENDS_WITHIN_S)
        return
    process.kill()
    process.wait()
