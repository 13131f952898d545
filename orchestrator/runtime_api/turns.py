"""
Turns: what brings no invocation on (a ping, a refusal, the same event again) is answered to one environment a hundred
times a second; whoever asks more often waits.

It costs an environment next to nothing to ask, and the control plane a tenth of a millisecond to answer: without turns
one function could keep all others waiting.
"""

from __future__ import annotations

import asyncio

from orchestrator.clock import Clock
from orchestrator.domain.allowance import Allowance

_AT_ONCE = 100.0
_PER_S = 100.0
_MOST_ADDRESSES = 4096


class Turns:
    """Of everybody on the functions' network, by address."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._allowances: dict[str, Allowance] = {}

    async def wait(self, address: str) -> None:
        """Until it is this one's turn; at once, unless it asked often just before."""
        now = self._clock.monotonic()
        if len(self._allowances) > _MOST_ADDRESSES:
            self._allowances = {one: kept for one, kept in self._allowances.items() if kept.left_at(now) < _AT_ONCE}
        allowance = self._allowances.get(address) or Allowance.full(_AT_ONCE, _PER_S, now)
        allowance = self._allowances[address] = allowance.taken(1, now)
        if allowance.left < 0:
            await asyncio.sleep(allowance.settled_in_s)
