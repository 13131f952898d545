"""
The self-test at start: does the firewall hold, with this engine and this container runtime?

A rule that stands can still count for nothing: a runtime with a network stack of its own (gVisor) passes by those in a
sandbox. So a container like a function's joins a ready sandbox and tries. It must reach the Runtime API, and must not
reach the metadata address, another sandbox, nor what the control plane listens on for it on its own address.
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.containers.engine import Engine
from orchestrator.containers.one_shots import output_of
from orchestrator.containers.sandbox_pools import SandboxPools
from orchestrator.containers.spec import reach_container
from orchestrator.driver.protocol import IsolationBroken

METADATA = "169.254.169.254:80"
_NOBODY_LISTENS = 9
_NOT_REACHED = "no"
"""`refused` means that somebody was reached who said no."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """
    Args:
        image: The sandbox image.
        control_plane: Its address on the functions' network.
    """

    owner: str
    image: str
    control_plane: str
    runtime_port: int


async def try_to_reach(
    engine: Engine, pools: SandboxPools, around: Surroundings, *, forbidden_port: int, name: str
) -> None:
    """
    Try what a function could.

    Args:
        forbidden_port: The control plane listens there on its own address, too.
        name: The one-shot's.

    Raises:
        IsolationBroken: If something is reached that must not be, or the Runtime API is not.
        StartFailed: If there is no sandbox to try it in.
    """
    sandbox = await pools.take()
    try:
        neighbour = await pools.take()
        try:
            runtime_api = f"{around.control_plane}:{around.runtime_port}"
            forbidden = (
                f"{around.control_plane}:{forbidden_port}",
                METADATA,
                f"{neighbour.address}:{_NOBODY_LISTENS}",
            )
            specification = reach_container(
                image=around.image, owner=around.owner, sandbox=sandbox, targets=(runtime_api, *forbidden)
            )
            said = await output_of(engine, specification, name)
        finally:
            await pools.discard(neighbour.sandbox_id)
    finally:
        await pools.discard(sandbox.sandbox_id)
    found = {target: answer for target, _, answer in (line.partition(" ") for line in said.splitlines())}
    wrong = [target for target in forbidden if found.get(target) != _NOT_REACHED]
    if wrong:
        raise IsolationBroken(f"a function would reach {', '.join(wrong)}, which it must not")
    if found.get(runtime_api) != "yes":
        raise IsolationBroken(
            f"a function would not reach the Runtime API at {runtime_api}: something on this host drops what comes "
            "from the functions' network (a firewall of the host?); allow it, or set PADDOCK_FUNCTIONS_SUBNET to "
            "another range"
        )
