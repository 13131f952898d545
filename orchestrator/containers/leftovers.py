"""
What nobody has a use for any more: containers of earlier lives, those of this one that were lost track of, and volumes
of containers that somebody else removed.

Looked for at start, and again and again: a request that the engine was carrying out when a life was killed makes a
container when nobody waits for it any more; so does one that the engine answered too late.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

import structlog

from orchestrator.containers.engine import Engine
from orchestrator.containers.images import VOLUME_PREFIX
from orchestrator.containers.spec import ENVIRONMENT_ROLE, LIFE, OWNER, ROLE, SANDBOX_ROLE

_REMOVING_AT_ONCE = 8
_UNKNOWN_FOR_S = 300.0
"""Longer than the engine may take to answer: what is unknown for so long is not on its way to become known."""

log: structlog.stdlib.BoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierLives:
    """
    What they left.

    Args:
        functions: Ids of containers.
        others: The same: sandboxes, and what does one small thing.
        unjoined: Those of the others that are running sandboxes which no function has joined, as the engine lists them.
        addresses: Of the sandboxes that functions have joined, on every network.
    """

    functions: list[str]
    others: list[str]
    unjoined: list[dict[str, Any]]
    addresses: tuple[str, ...]


class Leftovers:
    """
    Everything with our owner's label that is nobody's.

    Args:
        life: Whose containers may be in use.
        known: The ids of the containers that are, also of those that it took over.
        discard: Removes a container that has a place on the functions' network.
        monotonic: Seconds.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        owner: str,
        life: str,
        known: Callable[[], Collection[str]],
        discard: Callable[[str], Awaitable[None]],
        monotonic: Callable[[], float],
    ) -> None:
        self._engine = engine
        self._label = f"{OWNER}={owner}"
        self._life = life
        self._known = known
        self._discard = discard
        self._monotonic = monotonic
        self._unknown_since: dict[str, float] = {}

    async def of_earlier_lives(self) -> EarlierLives:
        """Look for it."""
        found = self._of_earlier_lives(await self._labelled())
        functions, others = _sorted(found)
        joined = {one["HostConfig"]["NetworkMode"].removeprefix("container:") for one in found}
        sandboxes = [one for one in found if one["Labels"].get(ROLE) == SANDBOX_ROLE and one["State"] == "running"]
        unjoined = [one for one in sandboxes if one["Id"] not in joined]
        places = [place for one in sandboxes if one["Id"] in joined for place in _places(one)]
        addresses = tuple(sorted({place["IPAddress"] for place in places if place.get("IPAddress")}))
        return EarlierLives(functions=functions, others=others, unjoined=unjoined, addresses=addresses)

    async def of_any_life(self) -> tuple[list[str], list[str]]:
        """The same with everything of this life: it ends."""
        return _sorted(await self._labelled())

    async def sweep(self) -> None:
        """Look again, and remove what is found."""
        labelled = await self._labelled()
        functions, others = _sorted(self._of_earlier_lives(labelled) + self._lost(labelled))
        volumes = await self._unused_volumes()
        if functions or others or volumes:
            log.info("leftovers.removed", functions=len(functions), others=len(others), volumes=len(volumes))
        await self.remove(functions)
        await self.discard(others)
        for name in volumes:
            await self._engine.call_if_there("remove_volume", name)

    async def remove(self, container_ids: list[str]) -> None:
        """Remove these with their volumes, some at a time."""
        turn = asyncio.Semaphore(_REMOVING_AT_ONCE)

        async def remove(container_id: str) -> None:
            async with turn:
                await self._engine.call_if_there("remove_container", container_id, force=True, v=True)

        await asyncio.gather(*(remove(container_id) for container_id in container_ids))

    async def discard(self, sandbox_ids: list[str]) -> None:
        """Those with a place on the network leave it as the pool's do."""
        await asyncio.gather(*(self._discard(sandbox_id) for sandbox_id in sandbox_ids))

    def _of_earlier_lives(self, labelled: list[dict[str, Any]]) -> list[dict[str, Any]]:
        known = frozenset(self._known())
        return [one for one in labelled if one["Labels"].get(LIFE) != self._life and one["Id"] not in known]

    def _lost(self, labelled: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Those of this life that have been unknown for long."""
        known = frozenset(self._known())
        now = self._monotonic()
        unknown = [one for one in labelled if one["Labels"].get(LIFE) == self._life and one["Id"] not in known]
        self._unknown_since = {one["Id"]: self._unknown_since.get(one["Id"], now) for one in unknown}
        return [one for one in unknown if now - self._unknown_since[one["Id"]] >= _UNKNOWN_FOR_S]

    async def _labelled(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self._engine.call("containers", all=True, filters={"label": self._label})
        return found

    async def _unused_volumes(self) -> list[str]:
        """Those of containers that were removed without them, by hand; the volumes of images are used again."""
        found = await self._engine.call("volumes", filters={"label": self._label, "dangling": True})
        names = [volume["Name"] for volume in found.get("Volumes") or ()]
        return [name for name in names if not name.startswith(VOLUME_PREFIX)]


def _places(listed: dict[str, Any]) -> Iterable[dict[str, Any]]:
    places: dict[str, dict[str, Any]] = listed["NetworkSettings"]["Networks"]
    return places.values()


def _sorted(found: list[dict[str, Any]]) -> tuple[list[str], list[str]]:
    functions = [one["Id"] for one in found if one["Labels"].get(ROLE) == ENVIRONMENT_ROLE]
    return functions, [one["Id"] for one in found if one["Labels"].get(ROLE) != ENVIRONMENT_ROLE]
