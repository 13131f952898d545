"""
Where the control plane has a container of its own, this listens beside the Docker socket, and starts a driver's process
(`process.py`) for each control plane that comes. It reads nothing itself.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

_ENDS_WITHIN_S = 25.0


def listen(path: Path) -> None:
    """
    Listen for control planes, one at a time, until SIGTERM; then wait until the one that is served has gone.

    Args:
        path: The Unix socket; replaced if an earlier life left it.
    """
    is_ending = threading.Event()
    listening = socket.socket(socket.AF_UNIX)

    def end(_number: int, _frame: object) -> None:
        is_ending.set()
        # Wakes `accept`.
        with contextlib.suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    with listening:
        path.unlink(missing_ok=True)
        listening.bind(str(path))
        path.chmod(0o600)
        listening.listen(1)
        while not is_ending.is_set():
            try:
                connected, _ = listening.accept()
            except OSError:
                break
            with connected:
                process = subprocess.Popen(
                    [sys.executable, "-m", "orchestrator", "driver", "--connected", str(connected.fileno())],
                    pass_fds=(connected.fileno(),),
                )
            _wait(process, is_ending)
    path.unlink(missing_ok=True)


def _wait(process: subprocess.Popen[bytes], is_ending: threading.Event) -> None:
    """Until it has ended, but not for long once we are to end."""
    while process.poll() is None:
        if is_ending.is_set():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_ENDS_WITHIN_S)
            return
        # A signal interrupts this at once.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1.0)
