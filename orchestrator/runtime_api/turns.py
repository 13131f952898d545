"""
Turns: what brings no invocation on (a ping, a refusal, the same event again) is answered to one environment a hundred
times a second; whoever asks more often waits.

It costs an environment next to nothing to ask, and the control plane a tenth of a millisecond to answer: without turns
one function could keep all others waiting.
"""

from __future__ import annotations

import asyncio

from orchestrator.clock import Clock
from orchestrator.domain.allowance import Allowances

_AT_ONCE = 100.0
_PER_S = 100.0


class Turns:
    """Of everybody on the functions' network, by address."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._allowances = Allowances[str](_AT_ONCE, _PER_S)

    async def wait(self, address: str) -> None:
        """Until it is this one's turn; at once, unless it asked often just before."""
        wait_s = self._allowances.take_one(address, self._clock.monotonic())
        if wait_s:
            await asyncio.sleep(wait_s)
