"""What the console reads."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.console.doctor import Doctor
from orchestrator.fleet.fleet import Fleet
from orchestrator.invocations.leases import Leases
from orchestrator.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleSources:
    """
    What the console reads.

    Args:
        region: Of functions whose name exists in more than one.
    """

    fleet: Fleet
    leases: Leases
    store: Store
    doctor: Doctor
    region: str
