"""
What has lost its place on a network: a sandbox that somebody took from it, or all with the functions' network itself.

Their processes run on, but reach nobody, and nobody them; no event of the engine's stream tells of it.
"""

from __future__ import annotations

import structlog

from orchestrator.containers import network as networks
from orchestrator.containers.engine import Engine
from orchestrator.containers.network import FunctionsNetwork
from orchestrator.containers.own_container import inspect
from orchestrator.containers.running import Running
from orchestrator.containers.sandbox_pools import SandboxPools

log: structlog.stdlib.BoundLogger = structlog.get_logger()


async def replace_what_was_cut_off(
    engine: Engine, owner: str, network: FunctionsNetwork, pools: SandboxPools, running: Running
) -> None:
    """
    Make the functions' network again if it was removed; sandboxes that are not on it, or not on one of their further
    networks, count as dead.
    """
    # Asked for first: one that comes after this is on the network that is looked at.
    sandboxes = running.sandboxes() | pools.ready()
    places = pools.places()
    present = await networks.members(engine, network)
    if present is None:
        control_plane = await inspect(engine, network.own_container)
        await networks.provide_again(engine, owner, network, control_plane)
        log.error("network.was-removed", network=network.name, consequence="it is made again")
    for sandbox_id in sandboxes - (present or frozenset()):
        log.warning("sandbox.cut-off", sandbox=sandbox_id[:12], reason="it is no longer on the functions' network")
        running.sandbox_failed(sandbox_id)
    for network_id, members in places.items():
        there = await networks.members_of(engine, network_id)
        for sandbox_id in (members & sandboxes) - (there or frozenset()):
            log.warning("sandbox.cut-off", sandbox=sandbox_id[:12], reason="it is no longer on its subnet's network")
            running.sandbox_failed(sandbox_id)
