"""The room on this host: what the environments take of its memory, against a budget."""

from __future__ import annotations

from datetime import timedelta

from orchestrator.clock import Clock
from orchestrator.domain.environments import EnvironmentState, StopReason
from orchestrator.domain.room import Evict, Fits, Footprint, HostLimits, NoRoom, make_room
from orchestrator.fleet.fleet import Fleet
from orchestrator.fleet.live import LiveEnvironment

_SHARE_OF_HOST = 0.8
_MIB = 1_048_576


class Room:
    """
    Admits environments.

    Args:
        limits: The host's; see `host_limits`.
    """

    def __init__(self, fleet: Fleet, clock: Clock, limits: HostLimits) -> None:
        self._fleet = fleet
        self._clock = clock
        self.limits = limits

    def find(self, needed_mib: int, share: float = 1.0) -> Fits | Evict | NoRoom:
        """Is there room for one more of this size, within this share of what is not provisioned?"""
        return make_room(needed_mib, self._footprints(), self.limits, share=share)

    def find_provisioned(self, needed_mib: int) -> Fits | Evict | NoRoom:
        """Is there room for one more of this size that will be kept?"""
        return make_room(needed_mib, self._footprints(), self.limits.for_one_more_provisioned())

    def make(self, verdict: Evict) -> None:
        """End those that are to go."""
        chosen = set(verdict.environment_ids)
        for live in [live for live in self._fleet.live() if live.environment_id in chosen]:
            self._fleet.stop(live, StopReason.CAPACITY)

    def _footprints(self) -> list[Footprint]:
        now = self._clock.monotonic()
        return [self._footprint(live, now) for live in self._fleet.live()]

    @staticmethod
    def _footprint(live: LiveEnvironment, now: float) -> Footprint:
        is_idle = live.state in (EnvironmentState.IDLE, EnvironmentState.FROZEN) and not live.is_chosen
        may_go = is_idle and not live.environment.is_provisioned
        return Footprint(
            environment_id=live.environment_id,
            memory_mib=live.environment.memory_mib,
            idle_for=timedelta(seconds=now - live.idle_since) if may_go else None,
            is_leaving=live.environment.is_ending,
            is_kept=live.environment.is_provisioned and not live.environment.is_ending,
        )


def host_limits(
    budget_mib: int | None, host_memory_bytes: int, environments: int, minimum_stay: timedelta
) -> HostLimits:
    """
    The limits of this host.

    Args:
        budget_mib: As set, or None for 80 % of the host's memory.
        host_memory_bytes: As the engine reports it.
    """
    return HostLimits(
        memory_mib=budget_mib or int(host_memory_bytes / _MIB * _SHARE_OF_HOST),
        environments=environments,
        minimum_stay=minimum_stay,
    )
