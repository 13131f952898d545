"""The containers that we ourselves run in, if we do: what only the engine can tell about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from orchestrator.containers.engine import Engine
from orchestrator.containers.spec import CONTROL_PLANE_ROLE, ROLE
from orchestrator.driver.protocol import NotHardened


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnContainer:
    """
    Args:
        networks: The names of those it is on.
        published_on: The host's addresses that its ports are published on; None on the host's own network.
        mounts: Where each of its mounts is on the host, by its place in the container.
    """

    container_id: str
    labels: Mapping[str, str]
    networks: frozenset[str]
    published_on: tuple[str, ...] | None
    mounts: Mapping[str, str]


async def inspect(engine: Engine, container_id: str | None) -> OwnContainer | None:
    """What the engine says about a container of ours; None where there is none."""
    if container_id is None:
        return None
    found: dict[str, Any] | None = await engine.call_if_there("inspect_container", container_id)
    return _described(found) if found is not None else None


def on_host(own: OwnContainer | None, path: Path) -> str | None:
    """
    Where a path of ours is on the host, for the engine to mount it; None if it is in the container alone.

    Args:
        own: None if we run on the host itself.
    """
    if own is None:
        return str(path)
    place = PurePosixPath(path)
    for parent in (place, *place.parents):
        source = own.mounts.get(str(parent))
        if source is not None:
            return str(PurePosixPath(source) / place.relative_to(parent))
    return None


def check_is_control_plane(container: OwnContainer) -> None:
    """
    Whoever is put on the functions' network in the control plane's place must be one, not any container there is.

    Raises:
        NotHardened: If it is none.
    """
    if container.labels.get(ROLE) != CONTROL_PLANE_ROLE:
        raise NotHardened(
            f"container {container.container_id[:12]} is no control plane: its label {ROLE} says no such thing; "
            "docker-compose.yml shows how one is started"
        )


def _described(found: dict[str, Any]) -> OwnContainer:
    return OwnContainer(
        container_id=found["Id"],
        labels=found["Config"]["Labels"] or {},
        networks=frozenset(found["NetworkSettings"]["Networks"]),
        published_on=_published_on(found["HostConfig"]),
        mounts={one["Destination"]: one["Source"] for one in found.get("Mounts") or () if one.get("Source")},
    )


def _published_on(host: dict[str, Any]) -> tuple[str, ...] | None:
    if host.get("NetworkMode") == "host":
        return None
    bindings = (host.get("PortBindings") or {}).values()
    return tuple(sorted({one.get("HostIp") or "0.0.0.0" for ports in bindings for one in ports or ()}))
