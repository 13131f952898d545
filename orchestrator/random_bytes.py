"""Random bytes from the system, drawn ahead: each draw gives the interpreter away, which cost a call 25 us of 500."""

from __future__ import annotations

import os

_DRAWN_AT_ONCE = 4096


class RandomBytes:
    """Gives random bytes, each once. Fit for secrets, as `os.urandom` is. Not for use from several threads."""

    def __init__(self) -> None:
        self._drawn = b""
        self._used = 0

    def __call__(self, count: int) -> bytes:
        """That many bytes."""
        if self._used + count > len(self._drawn):
            self._drawn = os.urandom(max(_DRAWN_AT_ONCE, count))
            self._used = 0
        start = self._used
        self._used += count
        return self._drawn[start : self._used]
