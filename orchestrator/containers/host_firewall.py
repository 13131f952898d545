"""
The firewall of functions from outside: a table of our own in the host's network namespace, for where sandboxes cannot
set their rules, or where those count for nothing.

It gives up three things against rules in the sandbox, so it is the second choice. It needs the right to the host's
network rules, for a moment, in a one-shot that runs nothing but `nft`. Whoever flushes all rules of the host (a restart
of its own firewall) opens it until the next look. And a sandbox on a further network has to be told of one by one
(`attach`), each time anew: nothing in it runs before.
What is not our table is never touched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import structlog
from docker.errors import APIError

from orchestrator.containers.attached_ruleset import Attached, attached_ruleset
from orchestrator.containers.engine import Engine
from orchestrator.containers.firewall import Reach
from orchestrator.containers.one_shots import output_of
from orchestrator.containers.spec import host_firewall_container
from orchestrator.domain.errors import PaddockError
from orchestrator.driver.protocol import IsolationBroken
from orchestrator.loop import Loop

_LOOK_EVERY = timedelta(seconds=10)
_STANDS = "stands"
_STOOD = "stood"
_ARGUMENT_BYTES = 65_536
"""Linux has 128 KiB for one argument of a program, and for all together a quarter of its stack: mostly 2 MiB."""
_SET = (
    'table=$1; shift; nft list table inet "$table" >/dev/null 2>&1 && echo stood; '
    # The shell's own `printf`: for it, nothing counts but the sum of the arguments.
    'printf %s "$@" | nft -f - && echo stands'
)
_REMOVE = 'for family in inet bridge; do nft delete table "$family" "$1" 2>/dev/null; done; echo gone'

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class HostFirewall:
    """
    Sets the table, looks that it stays, and removes it.

    Args:
        image: The sandbox image.
        folder: Where is noted that there is a table, so that it is removed after a crash, too.
        random: Returns that many random bytes.
    """

    def __init__(self, engine: Engine, *, image: str, owner: str, folder: Path, random: Callable[[int], bytes]) -> None:
        self._engine = engine
        self._image = image
        self._owner = owner
        self._random = random
        self.table = f"paddock_{owner[:12]}"
        self._mark = folder / "host-firewall"
        self._rules = ""
        self._reach: Reach | None = None
        self._attached: dict[str, tuple[Attached, ...]] = {}
        self._looking = Loop("host firewall", self._look, _LOOK_EVERY)
        self._turn = asyncio.Lock()

    async def stand(self, alternatives: Sequence[str], reach: Reach) -> None:
        """
        Set the first of these that this kernel takes, and keep it.

        Args:
            alternatives: `host_ruleset` for `table`.
            reach: What they are made of.

        Raises:
            IsolationBroken: If none can be set; the message says why.
        """
        await asyncio.to_thread(self._mark.write_text, self.table + "\n")
        refusal = ""
        self._reach = reach
        for self._rules in alternatives:
            try:
                await self._set()
            except IsolationBroken as error:
                refusal = str(error)
            else:
                self._looking.start()
                return
        raise IsolationBroken(refusal)

    async def may_stand(self) -> bool:
        """Is there a table of ours, or one that was left, behind which something may still run?"""
        return await asyncio.to_thread(self._mark.exists)

    async def attach(self, sandbox_id: str, attached: tuple[Attached, ...]) -> None:
        """
        Let the rules stand for a sandbox on further networks, too; only then may anything run in it.

        Raises:
            IsolationBroken: If they cannot be set; the sandbox is to be removed.
        """
        self._attached[sandbox_id] = attached
        try:
            await self._set()
        except BaseException:
            self._attached.pop(sandbox_id, None)
            raise

    async def detach(self, sandbox_id: str) -> None:
        """It has been removed: its addresses may be somebody else's at once."""
        if self._attached.pop(sandbox_id, None) is None:
            return
        try:
            await self._set()
        except PaddockError as error:
            log.warning("host-firewall.not-reduced", table=self.table, reason=str(error), next="at the next look")

    async def remove(self) -> None:
        """Remove the table, if there is one, or one that was left; nothing happens where there never was."""
        await self._looking.stop()
        async with self._turn:
            # Whoever comes to set it now comes too late.
            self._reach = None
            if not await asyncio.to_thread(self._mark.exists):
                return
            try:
                await self._run(_REMOVE, self.table)
            except IsolationBroken as error:
                log.error("host-firewall.not-removed", table=self.table, reason=str(error), next="at the next start")
            else:
                await asyncio.to_thread(self._mark.unlink, missing_ok=True)

    async def _look(self) -> None:
        """All of it again, in one step, so that it also mends what somebody changed."""
        if not await self._set():
            log.error(
                "host-firewall.was-gone",
                table=self.table,
                consequence="functions reached what they must not, for at most ten seconds",
                remedy="something flushes all rules of this host (`nft flush ruleset`): let it leave our table alone",
            )

    async def _set(self) -> bool:
        async with self._turn:
            if self._reach is None:
                raise IsolationBroken("the host's network rules are no longer set: Paddock ends")
            attached = [one for held in self._attached.values() for one in held]
            rules = self._rules + attached_ruleset(self._reach, self.table, attached)
            said = await self._run(_SET, self.table, *_arguments(rules))
        words = said.split()
        if _STANDS not in words:
            raise IsolationBroken(f"the host's network rules could not be set ({said.strip() or 'nft said nothing'})")
        return _STOOD in words

    async def _run(self, script: str, *arguments: str) -> str:
        specification = host_firewall_container(
            image=self._image, owner=self._owner, script=script, arguments=arguments
        )
        try:
            return await output_of(self._engine, specification, f"paddock-host-firewall-{self._random(6).hex()}")
        except (APIError, TimeoutError) as error:
            raise IsolationBroken(f"the host's network rules could not be set ({error})") from error


def _arguments(rules: str) -> list[str]:
    """In one piece once they are put together again; there are no letters but ASCII's in them."""
    return [rules[start : start + _ARGUMENT_BYTES] for start in range(0, len(rules), _ARGUMENT_BYTES)]
