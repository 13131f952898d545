"""
What functions with a writable root write outside /tmp, and its bound.

Where the engine can give a container's layer a size (overlay2 on xfs, mounted with pquota), it does: a full one answers
ENOSPC. Elsewhere the engine only counts: it is asked every second, and who wrote more than it may is ended.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog
from docker.errors import APIError

from orchestrator.containers.engine import Engine
from orchestrator.containers.spec import OWNER, WRITABLE_ROOT, sized_container
from orchestrator.driver.protocol import EngineUnreachable, Limitation
from orchestrator.loop import Loop

_LOOK_EVERY = timedelta(seconds=1)
_MIB = 1_048_576

log: structlog.stdlib.BoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class OverItsSize:
    """A container that wrote more than it may."""

    container_id: str
    written_mib: int
    size_mib: int


class WritableRoots:
    """
    Bounds them.

    Args:
        image: The sandbox image; one container of it, never started, shows whether the engine can give it a size.
        over: Called with each that wrote more than it may.
        random: Returns that many random bytes.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        owner: str,
        image: str,
        over: Callable[[OverItsSize], None],
        random: Callable[[int], bytes],
    ) -> None:
        self._engine = engine
        self._owner = owner
        self._image = image
        self._over = over
        self._random = random
        self._sizes_mib: dict[str, int] = {}
        self._engine_bounds: bool | None = None
        self._why_not = ""
        self._looking = Loop("writable roots", self.tick, _LOOK_EVERY)

    @property
    def limitation(self) -> Limitation | None:
        """What cannot be guaranteed; only where a function has asked for it."""
        if self._engine_bounds is not False:
            return None
        return Limitation(
            fact=f"a function with a writable root is ended only once it has written too much ({self._why_not})",
            remedy="have the engine's data on xfs, mounted with pquota",
        )

    async def size_for_engine(self, size_mib: int) -> int | None:
        """The size that the engine is to give the layer of a container; None where it cannot."""
        if self._engine_bounds is None:
            self._engine_bounds = await self._try()
        return size_mib if self._engine_bounds else None

    def start(self) -> None:
        """Begin to look."""
        self._looking.start()

    def watch(self, container_id: str, size_mib: int) -> None:
        """It was created, and may write so much."""
        if not self._engine_bounds:
            self._sizes_mib[container_id] = size_mib

    def forget(self, container_id: str) -> None:
        """It is gone."""
        self._sizes_mib.pop(container_id, None)

    async def tick(self) -> None:
        """Look once."""
        if not self._sizes_mib:
            return
        ours = {"label": [f"{OWNER}={self._owner}", WRITABLE_ROOT]}
        try:
            listed = await self._engine.call("containers", size=True, filters=ours)
        except (APIError, EngineUnreachable) as error:
            # One of them may be on its way out while it is measured.
            log.debug("writable-roots.not-measured", reason=str(error))
            return
        for found in listed:
            container_id, written_mib = found["Id"], found.get("SizeRw", 0) // _MIB
            size_mib = self._sizes_mib.get(container_id)
            if size_mib is not None and written_mib > size_mib:
                self.forget(container_id)
                self._over(OverItsSize(container_id=container_id, written_mib=written_mib, size_mib=size_mib))

    async def close(self) -> None:
        """Look no more."""
        await self._looking.stop()

    async def _try(self) -> bool:
        name = f"paddock-sized-{self._random(6).hex()}"
        try:
            container_id = await self._engine.create(sized_container(image=self._image, owner=self._owner), name)
        except APIError as error:
            self._why_not = str(error.explanation or error)
            log.warning(
                "writable-roots.not-sized",
                reason=self._why_not,
                consequence="a function with a writable root is ended once it has written too much",
            )
            return False
        await self._engine.call_if_there("remove_container", container_id, force=True, v=True)
        return True
