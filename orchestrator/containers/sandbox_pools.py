"""
The pools of sandboxes: one on the functions' network alone, and one for each set of further networks that a function
is in. Those are begun when the set is first asked for to be kept, not when somebody waits, and let go of when it no
longer is. Outside of here a sandbox is a sandbox, whichever pool it came from.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog
from docker.errors import APIError

from orchestrator.containers.engine import Engine
from orchestrator.containers.firewall import Reach, Wall, ruleset
from orchestrator.containers.hardening import check_subnets_asked_for
from orchestrator.containers.host_firewall import HostFirewall
from orchestrator.containers.ready_sandboxes import ReadySandboxes
from orchestrator.containers.sandbox_pool import CLOSED_WITHIN, SandboxPool, SandboxTemplate, SideBySide
from orchestrator.containers.subnets import Subnet, Subnets
from orchestrator.domain.errors import PaddockError
from orchestrator.domain.start_failures import SANDBOX_FAILURE
from orchestrator.driver.protocol import (
    EngineUnreachable,
    NotHardened,
    Sandbox,
    StartFailed,
    SubnetNotFound,
    SubnetUnusable,
)
from orchestrator.loop import Tasks

_MOST_SETS = 64
"""A sandbox has its memory and its network devices: a control plane that was taken over gets no more of them."""

_TOO_MANY = (
    f"functions are in {_MOST_SETS} sets of subnets already, and no sandboxes are kept for more; give this one the "
    "subnets of another function, or delete the functions and versions that are in subnets which nobody needs"
)

SubnetIds = tuple[str, ...]

log: structlog.stdlib.BoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How many sandboxes are kept ready: of the functions' network alone, and of each set of further networks."""

    alone: int
    of_set: int


@dataclass(slots=True, kw_only=True)
class _OfSet:
    """
    Args:
        subnets: As they were found when it was begun.
        is_too_open: Has something come to one of their networks that its rules do not close?
    """

    subnets: tuple[Subnet, ...]
    pool: SandboxPool
    is_kept: bool
    is_too_open: bool = False


class SandboxPools:
    """
    Keeps the pools.

    Args:
        template: Of every sandbox, but for its firewall and its further networks.
        reach: What functions reach that are in no further network.
        subnets: Finds the networks.
        host_firewall: Closes sandboxes in where they hold no rules of their own.
        kept: Those on the functions' network alone that are ready, on disk.
        side_by_side: How much is done at once, in all pools together.
        random: Returns that many random bytes.
        cut_off: Called when a new sandbox finds no place on one of its networks.
        too_open: Called with the id of each that serves and reaches what it must not any more.
    """

    def __init__(
        self,
        engine: Engine,
        template: SandboxTemplate,
        reach: Reach,
        subnets: Subnets,
        host_firewall: HostFirewall,
        kept: ReadySandboxes,
        *,
        sizes: Sizes,
        side_by_side: SideBySide,
        random: Callable[[int], bytes],
        cut_off: Callable[[], None],
        too_open: Callable[[str], None],
    ) -> None:
        self._engine = engine
        self._template = template
        self._reach = reach
        self._subnets = subnets
        self._host_firewall = host_firewall
        self._sizes = sizes
        self._side_by_side = side_by_side
        self._random = random
        self._cut_off = cut_off
        self._too_open = too_open
        self._wall = Wall.IN_SANDBOX
        self._opening = 0
        self._alone = self._pool(template, sizes.alone, kept)
        self._sets: dict[SubnetIds, _OfSet] = {}
        self._let_go_of: list[_OfSet] = []
        self._wanted: frozenset[SubnetIds] = frozenset()
        self._told: dict[SubnetIds, str] = {}
        self._turn = asyncio.Lock()
        self._tasks = Tasks("sandbox pools")

    async def adopt(self, found: Iterable[Mapping[str, Any]]) -> int:
        """Before they fill: take over what an earlier life kept ready on the functions' network; how many."""
        return await self._alone.adopt(found)

    def start(self) -> None:
        """Begin to fill the one of the functions' network; the others begin when they are asked for."""
        self._alone.start()

    @property
    def filled(self) -> asyncio.Event:
        """Set once there have been as many on the functions' network alone as there should be."""
        return self._alone.filled

    async def stand(self, wall: Wall) -> None:
        """The firewall stands there from now on; sandboxes that are ready behind another are removed."""
        is_moved = wall is not self._wall
        self._wall = wall
        await self._alone.use(self._ruleset(()))
        if is_moved:
            async with self._turn:
                await self._let_go(list(self._sets))
            await self.tick()

    async def check(self, subnet_ids: SubnetIds) -> None:
        """
        May a function be in this set from now on?

        Raises:
            SubnetNotFound: If one of them names no network.
            SubnetUnusable: If one of them cannot be joined, or sandboxes are kept for as many sets as can be.
            NotHardened: If it is no set, or one of them names a network that functions must not join.
        """
        await self._subnets.find(subnet_ids)
        if subnet_ids not in self._wanted and len(self._wanted) >= _MOST_SETS:
            raise SubnetUnusable(_TOO_MANY)

    async def keep(self, sets: Collection[SubnetIds]) -> None:
        """
        Have sandboxes ready for these sets of subnets, and for no others.

        Raises:
            NotHardened: If one of them cannot be asked for, or they are too many.
        """
        for subnet_ids in sets:
            check_subnets_asked_for(subnet_ids)
        if len(sets) > _MOST_SETS:
            raise NotHardened(f"{len(sets)} sets of subnets are more than the {_MOST_SETS} that can be kept")
        self._wanted = frozenset(sets)
        await self.tick()

    async def tick(self) -> None:
        """
        Look what the subnets are now, and begin, replace and let go of pools accordingly; tell of what serves behind
        rules that were made before something came that they would have to close.
        """
        async with self._turn:
            await self._let_go([subnet_ids for subnet_ids in self._sets if subnet_ids not in self._wanted])
            self._told = {subnet_ids: reason for subnet_ids, reason in self._told.items() if subnet_ids in self._wanted}
            for subnet_ids in sorted(self._wanted):
                try:
                    await self._look_at(subnet_ids)
                except (SubnetNotFound, SubnetUnusable, NotHardened) as error:
                    # Whoever took a label away meant it: what is ready in there is handed out no more.
                    await self._let_go([subnet_ids])
                    self._tell_once(subnet_ids, str(error))
                except (EngineUnreachable, APIError) as error:
                    self._tell_once(subnet_ids, str(error))
                else:
                    self._told.pop(subnet_ids, None)
            await self._look_at_what_was_let_go()

    async def take(self, subnet_ids: SubnetIds = ()) -> Sandbox:
        """
        A ready sandbox that is on the functions' network and in these subnets.

        Raises:
            StartFailed: If its firewall could not be set, or a subnet cannot be joined.
            NotHardened: If such a set cannot be asked for.
            EngineUnreachable: If the engine does not answer.
        """
        if not subnet_ids:
            return await self._alone.take()
        check_subnets_asked_for(subnet_ids)
        if subnet_ids not in self._sets:
            await self._begin_now(subnet_ids)
        return await self._sets[subnet_ids].pool.take()

    async def discard(self, sandbox_id: str) -> None:
        """Remove one that has served."""
        await self._pool_of(sandbox_id).discard(sandbox_id)
        # Also of one whose first removal failed, which no pool knows any more.
        await self._host_firewall.detach(sandbox_id)
        self._forget_what_has_served()

    def is_too_open(self, sandbox_id: str) -> bool:
        """Does it reach what it must not any more? Then nothing is to be started in it."""
        return any(one.is_too_open and sandbox_id in one.pool.ids() for one in self._let_go_of)

    def ids(self) -> set[str]:
        """Of every sandbox that is ready, being made, or serves."""
        return set().union(*(pool.ids() for pool in self._every()))

    def ready(self) -> set[str]:
        """The ids of those that are ready."""
        return self._alone.ready().union(*(one.pool.ready() for one in self._sets.values()))

    def lost(self, sandbox_id: str) -> None:
        """It died: if it was ready, it is not handed out any more, and removed."""
        self._pool_of(sandbox_id).lost(sandbox_id)

    def keep_only(self, running: Collection[str]) -> None:
        """The engine came back: only these containers still run."""
        for pool in self._every():
            pool.keep_only(running)

    def opening(self, count: int) -> None:
        """So many containers are being opened now: refilling would slow them down, and waits."""
        self._opening = count
        for pool in self._every():
            pool.opening(count)

    def places(self) -> dict[str, set[str]]:
        """The sandboxes that are to have a place on each further network, by its id; some may not have started yet."""
        places: dict[str, set[str]] = {}
        for one in (*self._sets.values(), *self._let_go_of):
            for subnet in one.subnets:
                places.setdefault(subnet.network_id, set()).update(one.pool.ids())
        return places

    async def close(self) -> None:
        """Stop filling and remove those that are ready."""
        self._wanted = frozenset()
        async with self._turn:
            await self._let_go(list(self._sets))
            await self._alone.close()
            await self._tasks.finish(CLOSED_WITHIN)

    # -- inside

    async def _look_at(self, subnet_ids: SubnetIds) -> None:
        found = await self._subnets.find(subnet_ids)
        kept = self._sets.get(subnet_ids)
        if kept is not None and kept.subnets == found and kept.is_kept:
            return
        await self._let_go([subnet_ids])
        self._begin(subnet_ids, found)

    async def _begin_now(self, subnet_ids: SubnetIds) -> None:
        """Somebody is there before it was asked for to be kept, or after what it names had been away."""
        async with self._turn:
            if subnet_ids in self._sets:
                return
            if len(self._sets) >= _MOST_SETS:
                raise NotHardened(_TOO_MANY)
            try:
                found = await self._subnets.find(subnet_ids)
            except EngineUnreachable:
                raise
            except (PaddockError, APIError) as error:
                raise StartFailed(SANDBOX_FAILURE, f"the function's subnets cannot be joined: {error}") from error
            self._begin(subnet_ids, found)

    def _begin(self, subnet_ids: SubnetIds, subnets: tuple[Subnet, ...]) -> None:
        is_kept = subnet_ids in self._wanted
        template = replace(
            self._template,
            ruleset=self._ruleset(subnets),
            further=subnets,
            fence=self._host_firewall if self._wall is Wall.ON_HOST else None,
        )
        pool = self._pool(template, self._sizes.of_set if is_kept else 0, None)
        pool.opening(self._opening)
        self._sets[subnet_ids] = _OfSet(subnets=subnets, pool=pool, is_kept=is_kept)
        pool.start()

    async def _let_go(self, sets: Sequence[SubnetIds]) -> None:
        for subnet_ids in sets:
            kept = self._sets.pop(subnet_ids, None)
            if kept is not None:
                # What serves from it goes on, and is looked after here until it ends.
                self._let_go_of.append(kept)
                self._tasks.start(self._close(kept.pool))

    async def _close(self, pool: SandboxPool) -> None:
        await pool.close()
        self._forget_what_has_served()

    def _forget_what_has_served(self) -> None:
        self._let_go_of = [one for one in self._let_go_of if one.pool.ids()]

    async def _look_at_what_was_let_go(self) -> None:
        for one in [each for each in self._let_go_of if not each.is_too_open]:
            try:
                one.is_too_open = any([await self._subnets.closes_more(subnet) for subnet in one.subnets])
            except (EngineUnreachable, APIError) as error:
                log.warning("subnets.not-looked-at", reason=str(error), next="looked at again")
                continue
            # Those that are ready are being removed, and handed out no more.
            for sandbox_id in one.pool.ids() - one.pool.ready() if one.is_too_open else ():
                log.warning("sandbox.too-open", sandbox=sandbox_id[:12], reason="its subnet's network has changed")
                self._too_open(sandbox_id)

    def _pool(self, template: SandboxTemplate, size: int, kept: ReadySandboxes | None) -> SandboxPool:
        return SandboxPool(
            self._engine,
            template,
            kept,
            size=size,
            side_by_side=self._side_by_side,
            random=self._random,
            cut_off=self._cut_off,
        )

    def _every(self) -> list[SandboxPool]:
        return [self._alone, *(one.pool for one in (*self._sets.values(), *self._let_go_of))]

    def _pool_of(self, sandbox_id: str) -> SandboxPool:
        """Where it came from; whatever came from none is removed as those of the functions' network are."""
        return next((pool for pool in self._every() if sandbox_id in pool.ids()), self._alone)

    def _ruleset(self, subnets: Sequence[Subnet]) -> str | None:
        if self._wall is not Wall.IN_SANDBOX:
            return None
        return ruleset(replace(self._reach, further=tuple(part for subnet in subnets for part in subnet.reach)))

    def _tell_once(self, subnet_ids: SubnetIds, reason: str) -> None:
        if self._told.get(subnet_ids) != reason:
            self._told[subnet_ids] = reason
            log.warning("subnets.not-joined", subnets=list(subnet_ids), reason=reason, next="looked for again")
