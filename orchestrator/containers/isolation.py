"""
Where the firewall of functions stands: in each sandbox, else on the host from outside, else nowhere, and then nothing
is started. What was seen to hold is remembered for the same engine, runtime, image and rules, so that only the first
start pays for the test.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from orchestrator.containers.engine import Engine
from orchestrator.containers.firewall import Reach, Wall, host_ruleset
from orchestrator.containers.host_firewall import HostFirewall
from orchestrator.containers.network import FunctionsNetwork
from orchestrator.containers.sandbox_pools import SandboxPools
from orchestrator.containers.self_test import Surroundings, try_to_reach
from orchestrator.driver.protocol import IsolationBroken, IsolationReport, StartFailed

_OWN_RULES = (
    "let sandboxes set rules of their own: use runc or crun as container runtime, and let containers have NET_ADMIN; "
    "then remove {file} and start Paddock again"
)
_INSECURE = "use runc or crun, or a host with nftables, and start Paddock again without PADDOCK_INSECURE_NETWORK"
NOT_YET = IsolationReport(fact="it is being tested what functions reach", remedy="wait for /readyz")

log: structlog.stdlib.BoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """
    What functions may reach, on which network.

    Args:
        reach: With what is known of the host.
    """

    reach: Reach
    network: FunctionsNetwork

    def on_host(self, table: str) -> tuple[str, ...]:
        """For the host's namespace: the first that its kernel takes."""
        bridge, subnet = self.network.bridge, self.network.subnet
        return tuple(
            host_ruleset(self.reach, table=table, bridge=bridge, subnet=subnet, knows_bridges=knows)
            for knows in (True, False)
        )


class Isolation:
    """
    Decides where the firewall stands, and says so.

    Args:
        tested_as: The same rules without what changes from start to start (a new bridge is a new address of the host):
            what is tested is that rules hold.
        folder: Where is remembered what was seen.
        insecure: May functions be started without any firewall?
    """

    def __init__(
        self,
        engine: Engine,
        pools: SandboxPools,
        host_firewall: HostFirewall,
        around: Surroundings,
        rules: Rules,
        *,
        tested_as: str,
        folder: Path,
        insecure: bool,
        random: Callable[[int], bytes],
    ) -> None:
        self._engine = engine
        self._pools = pools
        self._host_firewall = host_firewall
        self._around = around
        self._rules = rules
        self._tested_as = tested_as
        self._file = folder / "isolation-tested"
        self._insecure = insecure
        self._random = random
        self._wall: Wall | None = None
        self._broken = ""

    async def begin(self) -> bool:
        """
        Before the pool fills: stand where it was seen to hold, or in the sandbox until that is tested. Was it seen to
        hold, with this engine and this runtime?

        Raises:
            IsolationBroken: If it stood on the host, and cannot any more.
        """
        seen = await asyncio.to_thread(self._remembered(await self._parts()).wall)
        if seen is Wall.NOWHERE and not self._insecure:
            seen = None
        await self._stand(seen or Wall.IN_SANDBOX)
        self._wall = seen
        return seen is not None

    async def establish(self, forbidden_port: int) -> None:
        """
        Try what functions could reach, unless it was tried here before; where the firewall in the sandbox does not
        hold, set the one on the host, and try again.

        Args:
            forbidden_port: Something listens there on the control plane's address that no function may reach.

        Raises:
            IsolationBroken: If neither holds, and nobody said that none is needed.
        """
        if self._wall is not None:
            return
        wall = Wall.IN_SANDBOX
        inside = await self._why_not(forbidden_port)
        if inside is not None:
            log.warning("isolation.sandbox-does-not-hold", reason=inside, next="rules in the host's network namespace")
            wall = Wall.ON_HOST
            outside = await self._why_not_on_host(forbidden_port)
            if outside is not None:
                wall = Wall.NOWHERE
                self._broken = f"in the sandbox: {inside}; on the host: {outside}"
                await self._host_firewall.remove()
                if not self._insecure:
                    raise IsolationBroken(
                        f"no firewall of functions holds here, so none is started ({self._broken}): use runc or crun "
                        "on a host with nftables, or set PADDOCK_INSECURE_NETWORK=true if every function is your own"
                    )
                await self._stand(wall)
        self._wall = wall
        # For a driver that has to go on where this one ended, too: that one is not asked to test.
        # On a full disk it is tried again at the next start.
        with contextlib.suppress(OSError):
            await asyncio.to_thread(self._remembered(await self._parts()).note, wall)
        if wall is Wall.NOWHERE:
            log.warning("isolation.broken", reason=self._broken)
            return
        log.info(
            "isolation.tested",
            firewall=wall,
            reached=["the Runtime API"],
            not_reached=["the host", "the metadata address", "another sandbox"],
        )

    def report(self) -> IsolationReport:
        """What holds now, and what does not."""
        reach = self._rules.reach
        reached = ["the Runtime API", "DNS", *(["the internet"] if reach.internet else []), *reach.open_addresses]
        holds = f"functions reach {', '.join(reached)} and nothing else but what is in their subnets"
        match self._wall:
            case None:
                return NOT_YET
            case Wall.NOWHERE:
                return IsolationReport(
                    fact=f"functions reach this host and each other: {self._broken or 'no firewall holds'}",
                    remedy=_INSECURE,
                )
            case Wall.ON_HOST:
                return IsolationReport(
                    fact=f"{holds}, as long as the host's table {self._host_firewall.table} stands: sandboxes cannot "
                    "hold rules of their own here, and whoever flushes the host's rules opens it for ten seconds",
                    remedy=_OWN_RULES.format(file=self._file),
                )
            case Wall.IN_SANDBOX:
                runtime = self._engine.about.get("DefaultRuntime") or "this runtime"
                return IsolationReport(fact=f"{holds}: rules in each sandbox, seen to hold with {runtime}", remedy=None)

    async def close(self) -> None:
        """Functions are gone: leave nothing on the host."""
        await self._host_firewall.remove()

    async def _stand(self, wall: Wall) -> None:
        if wall is Wall.ON_HOST:
            await self._host_firewall.stand(self._rules.on_host(self._host_firewall.table), self._rules.reach)
        else:
            # Also what an earlier life left.
            await self._host_firewall.remove()
        await self._pools.stand(wall)

    async def _why_not_on_host(self, forbidden_port: int) -> str | None:
        try:
            await self._stand(Wall.ON_HOST)
        except IsolationBroken as error:
            return str(error)
        return await self._why_not(forbidden_port)

    async def _why_not(self, forbidden_port: int) -> str | None:
        name = f"paddock-self-test-{self._random(6).hex()}"
        try:
            await try_to_reach(self._engine, self._pools, self._around, forbidden_port=forbidden_port, name=name)
        except (IsolationBroken, StartFailed) as error:
            return str(error)
        return None

    async def _parts(self) -> Sequence[str]:
        image: dict[str, Any] = await self._engine.call("inspect_image", self._around.image)
        about = self._engine.about
        return about["ID"], about["ServerVersion"], about.get("DefaultRuntime", ""), image["Id"], self._tested_as

    def _remembered(self, parts: Sequence[str]) -> Remembered:
        return Remembered(self._file, parts)


class Remembered:
    """
    Where the firewall was seen to hold.

    Args:
        file: In the driver's folder.
        parts: Everything that the result depends on.
    """

    def __init__(self, file: Path, parts: Sequence[str]) -> None:
        self._file = file
        self._digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def wall(self) -> Wall | None:
        """Where; None if it was not tested with these."""
        with contextlib.suppress(OSError, ValueError):
            wall, _, digest = self._file.read_text().strip().partition(" ")
            return Wall(wall) if digest == self._digest else None
        return None

    def note(self, wall: Wall) -> None:
        """It was seen there."""
        self._file.write_text(f"{wall} {self._digest}\n")
