"""
What a container writes first. If the kernel does not execute its program, the container runtime says so there, after
the start has succeeded: a script without a #! line, a program for another processor, one whose interpreter is missing.
"""

from __future__ import annotations

import asyncio
import contextlib

from orchestrator.domain.start_failures import exec_failure
from orchestrator.driver.protocol import OutputStream

_MOST_BYTES = 8192
_COMES_WITHIN_S = 0.2
_OF_THE_RUNTIME = (1, 255)
"""What runc exits with then, before and since 1.2."""


class FirstWords:
    """Of one container."""

    def __init__(self) -> None:
        self._written = bytearray()
        self._is_of_the_program = False
        self._ended = asyncio.Event()

    def heard(self, stream: OutputStream, content: bytes) -> None:
        """It wrote this."""
        if self._is_of_the_program:
            return
        self._written += content[:_MOST_BYTES]
        self._is_of_the_program = stream is OutputStream.STDOUT or len(self._written) >= _MOST_BYTES

    def ended(self) -> None:
        """All that it wrote has come."""
        self._ended.set()

    async def never_executed(self, exit_code: int | None) -> str | None:
        """
        What was written if its program was never executed; None if it was.

        Args:
            exit_code: What it ended with. Its last words may come a little later than that is known.
        """
        if exit_code not in _OF_THE_RUNTIME or self._is_of_the_program:
            return None
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), _COMES_WITHIN_S)
        written = self._written.decode(errors="replace")
        return written if not self._is_of_the_program and exec_failure(written) is not None else None
