"""Whether one more environment fits on this host, and who must go for it (D16)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

ASYNCHRONOUS_SHARE = 0.8
"""Asynchronous work never takes the last fifth of the room that what is provisioned leaves."""
_PROVISIONED_SHARE = 0.8
"""Nor does what is provisioned, which is not evicted: there is room for whoever calls another function."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """
    What one environment takes.

    Args:
        idle_for: How long it has been idle or frozen; None while it works, starts or ends, or if it is provisioned.
        is_leaving: Is it being stopped already? Its room comes back soon.
        is_kept: Is it provisioned, and stays whoever needs room?
    """

    environment_id: str
    memory_mib: int
    idle_for: timedelta | None
    is_leaving: bool = False
    is_kept: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HostLimits:
    """
    Args:
        memory_mib: What all environments may take together.
        environments: How many may live.
        minimum_stay: Idle at least this long before it may be evicted.
    """

    memory_mib: int
    environments: int
    minimum_stay: timedelta

    def for_one_more_provisioned(self) -> HostLimits:
        """What everything may take together where one more is to be provisioned."""
        share = _PROVISIONED_SHARE
        return replace(
            self, memory_mib=int(self.memory_mib * share), environments=max(1, int(self.environments * share))
        )


@dataclass(frozen=True, slots=True)
class Fits:
    """There is room."""


@dataclass(frozen=True, slots=True)
class Evict:
    """There is room once these idle environments, least recently used first, and those leaving have gone."""

    environment_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NoRoom:
    """Nothing idle is left to evict."""


def make_room(
    needed_mib: int, live: Sequence[Footprint], limits: HostLimits, *, share: float = 1.0
) -> Fits | Evict | NoRoom:
    """
    Find room for one more environment.

    Args:
        needed_mib: Its memory.
        live: Everything that lives, those that are stopping included.
        share: Of the room that what is kept leaves; asynchronous work passes `ASYNCHRONOUS_SHARE`.
    """
    kept = [one.memory_mib for one in live if one.is_kept]
    others = [one.memory_mib for one in live if not one.is_kept]
    memory = limits.memory_mib - sum(kept)
    # The first one may have what there is, as one place: else it would wait for ever.
    memory_left = max(min(needed_mib, memory), int(memory * share)) - sum(others) - needed_mib
    slots = limits.environments - len(kept)
    slots_left = max(min(1, slots), int(slots * share)) - len(others) - 1
    if memory_left >= 0 and slots_left >= 0:
        return Fits()
    for one in live:
        if one.is_leaving:
            memory_left += one.memory_mib
            slots_left += 1
    if memory_left >= 0 and slots_left >= 0:
        return Evict(())
    idle = sorted(
        (one for one in live if one.idle_for is not None and one.idle_for >= limits.minimum_stay),
        key=lambda one: one.idle_for or timedelta(),
        reverse=True,
    )
    chosen: list[str] = []
    for one in idle:
        chosen.append(one.environment_id)
        memory_left += one.memory_mib
        slots_left += 1
        if memory_left >= 0 and slots_left >= 0:
            return Evict(tuple(chosen))
    return NoRoom()
