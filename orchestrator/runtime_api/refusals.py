"""
What environments were refused: in the journal by name, the first of each kind at once, then counted every ten seconds.

A function that means harm would otherwise leave its trace a thousand times a second, or none at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from orchestrator.clock import Clock
from orchestrator.domain.history import LifecycleEvent
from orchestrator.fleet.journal import Journal
from orchestrator.fleet.live import LiveEnvironment

_TELL_AGAIN_AFTER_S = 10.0
_MOST_KINDS = 4096


@dataclass(slots=True)
class _Kind:
    told_at: float
    since: int = 0


class Refusals:
    """
    Args:
        at_address: Which environment has this address on the functions' network.
    """

    def __init__(self, journal: Journal, clock: Clock, at_address: Callable[[str], LiveEnvironment | None]) -> None:
        self._journal = journal
        self._clock = clock
        self._at_address = at_address
        self._kinds: dict[tuple[str, str], _Kind] = {}

    def note(self, live: LiveEnvironment, reason: str) -> None:
        """
        It was refused something.

        Args:
            reason: What it did; one of few texts.
        """
        now = self._clock.monotonic()
        if len(self._kinds) > _MOST_KINDS:
            self._kinds.clear()
        kind = self._kinds.get((live.environment_id, reason))
        if kind is not None and now - kind.told_at < _TELL_AGAIN_AFTER_S:
            kind.since += 1
            return
        times = 1 if kind is None else kind.since + 1
        self._kinds[live.environment_id, reason] = _Kind(now)
        request_id = live.assignment.event.request_id if live.assignment is not None else None
        self._journal.environment(LifecycleEvent.REFUSED, live.environment, request_id, reason=reason, times=times)

    def note_peer(self, address: str, reason: str) -> None:
        """Whoever is at this address was refused something before it could say who it is."""
        live = self._at_address(address)
        if live is not None:
            self.note(live, reason)
