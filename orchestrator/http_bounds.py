"""How large, how slow and how many the requests and connections of one listener may be, and what it counts for that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from orchestrator.domain.allowance import Allowances


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """
    Args:
        head_bytes: A request's line and headers; AWS allows 10 KB and more by service, load balancers 64.
        head_s: For the whole of them, from their first byte; and for the first byte of a new connection.
        silence_s: Between two pieces of a body, or of an answer that is read.
        body_s: For a whole body.
        rest_s: For the rest of a request that has been answered, so that its sender can hear the answer.
        requests_ahead: Sent before the first of them is answered: all of a piece are parsed in one go.
        dropped_bytes: Of a body that comes after its request has been answered.
        connections: At once from one address; None is any number.
        connections_in_all: At once from all together; None is any number.
        connections_per_s: New ones from one address, after a burst of twice as many; more wait. None is any number.
        sweep_s: Between two looks for who takes longer.
    """

    head_bytes: int = 65_536
    head_s: float = 20.0
    silence_s: float = 60.0
    body_s: float = 300.0
    rest_s: float = 5.0
    requests_ahead: int = 100
    dropped_bytes: int = 67_108_864
    connections: int | None = None
    connections_in_all: int | None = None
    connections_per_s: float | None = None
    sweep_s: float = 2.0


DEFAULT_BOUNDS = Bounds()
Refused = Callable[[str, str], None]
"""Is told the address of who was refused before its request came to the application, and why."""


class Keeper:
    """
    What the connections of one listener have in common.

    Args:
        refused: Is told of each that is refused.
    """

    def __init__(self, bounds: Bounds, refused: Refused) -> None:
        self.bounds = bounds
        self.refused = refused
        self.connections: Counter[str] = Counter()
        self.connections_in_all = 0
        per_s = bounds.connections_per_s
        self._new = Allowances[str](2 * per_s, per_s) if per_s is not None else None

    def wait_s(self, address: str, now: float) -> float:
        """
        How long a new connection of this address has to wait before it is read.

        Args:
            now: The loop's time.
        """
        return self._new.take_one(address, now) if self._new is not None else 0.0
