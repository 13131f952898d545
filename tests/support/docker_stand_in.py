"""What the driver's parts ask of the Docker engine, in memory: containers with labels, volumes, images."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from docker.errors import NotFound

from orchestrator.containers.spec import ROLE
from orchestrator.driver.protocol import EngineUnreachable


@dataclass(slots=True)
class DockerStandIn:
    """
    Stands in for `containers.engine.Engine`.

    Args:
        volumes: By name: is it used by a container?
        networks: Further ones, by id, as the engine describes them.
        places: The ids of the further networks that each container is on.
        specifications: What each container was created from, also of those that are gone.
        says: What a container of a role writes and ends with, by what it was created from; all others say `ready` and
            live on.
    """

    containers: dict[str, dict[str, str]] = field(default_factory=dict)
    volumes: dict[str, bool] = field(default_factory=dict)
    images: set[str] = field(default_factory=set)
    specifications: dict[str, dict[str, Any]] = field(default_factory=dict)
    says: dict[str, Callable[[dict[str, Any]], str]] = field(default_factory=dict)
    about: dict[str, Any] = field(
        default_factory=lambda: {"ID": "engine", "ServerVersion": "1", "DefaultRuntime": "runc", "NCPU": 2}
    )
    networks: dict[str, dict[str, Any]] = field(default_factory=dict)
    places: dict[str, list[str]] = field(default_factory=dict)
    is_away: bool = False
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _outputs: dict[str, socket.socket] = field(default_factory=dict)

    async def create(self, specification: dict[str, Any], name: str) -> str:
        """A container of these labels."""
        container_id = f"{name}-{next(self._numbers)}"
        self.containers[container_id] = dict(specification.get("Labels", {}))
        self.specifications[container_id] = specification
        return container_id

    async def attach(self, container_id: str) -> socket.socket:
        """Its output; once it is started it says that it is ready."""
        ours, self._outputs[container_id] = socket.socketpair()
        return ours

    async def call(self, method: str, *arguments: Any, **options: Any) -> Any:
        """One of the calls that are asked for in tests."""
        if self.is_away:
            raise EngineUnreachable("the stand-in is away")
        return getattr(self, f"_{method}")(*arguments, **options)

    async def call_if_there(self, method: str, *arguments: Any, **options: Any) -> Any:
        """The same: nothing here complains of what is not there."""
        return await self.call(method, *arguments, **options)

    def _containers(self, **_options: Any) -> list[dict[str, Any]]:
        return [self._listed(container_id, labels) for container_id, labels in self.containers.items()]

    def _listed(self, container_id: str, labels: dict[str, str]) -> dict[str, Any]:
        made_from = self.specifications.get(container_id, {})
        return {
            "Id": container_id,
            "Labels": labels,
            "Image": made_from.get("Image", ""),
            "State": "running",
            "HostConfig": {"NetworkMode": made_from.get("HostConfig", {}).get("NetworkMode", "functions")},
            **self._inspect_container(container_id),
        }

    def _start(self, container_id: str) -> None:
        specification = self.specifications[container_id]
        says = self.says.get(specification.get("Labels", {}).get(ROLE, ""))
        written = (says(specification) if says is not None else "ready\n").encode()
        self._outputs[container_id].sendall(b"\x01\0\0\0" + len(written).to_bytes(4) + written)
        if says is not None:
            self._outputs.pop(container_id).close()

    def _remove_container(self, container_id: str, **_options: Any) -> None:
        self.containers.pop(container_id, None)
        output = self._outputs.pop(container_id, None)
        if output is not None:
            output.close()

    def _inspect_container(self, container_id: str) -> dict[str, Any]:
        places: dict[str, Any] = {"functions": {"IPAddress": "10.0.8.1", "NetworkID": "functions"}}
        for network_id in self.places.get(container_id, ()):
            number = int(container_id.rpartition("-")[2])
            places[self.networks[network_id]["Name"]] = {
                "IPAddress": f"10.217.0.{number}",
                "MacAddress": f"02:42:0a:d9:00:{number:02x}",
                "NetworkID": network_id,
            }
        return {"Id": container_id, "NetworkSettings": {"Networks": places}}

    def _networks(self, filters: dict[str, str]) -> list[dict[str, Any]]:
        name, _, value = filters["label"].partition("=")
        return [one for one in self.networks.values() if one["Labels"].get(name) == value]

    def _inspect_network(self, name: str) -> dict[str, Any] | None:
        return next((one for key, one in self.networks.items() if name in (key, one["Name"])), None)

    def _connect_container_to_network(self, container_id: str, network_id: str) -> None:
        if network_id not in self.networks:
            raise NotFound("no such network")
        self.places.setdefault(container_id, []).append(network_id)

    def _volumes(self, filters: dict[str, Any]) -> dict[str, Any]:
        found = [name for name, is_used in self.volumes.items() if not (filters.get("dangling") and is_used)]
        return {"Volumes": [{"Name": name} for name in found] or None}

    def _remove_volume(self, name: str) -> None:
        self.volumes.pop(name, None)

    def _images(self, **_options: Any) -> list[str]:
        return sorted(self.images)

    def _inspect_image(self, image_id: str) -> dict[str, Any] | None:
        return {"Id": f"id of {image_id}", "Config": {"Volumes": {"/data": {}}}} if image_id in self.images else None

    def _get_archive(self, container_id: str, path: str) -> None:
        """No image has such a file."""
