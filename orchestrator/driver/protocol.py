"""
The driver protocol (D7): what the control plane asks of whatever runs containers. Values only, no callbacks, no
futures: it crosses to the process that holds the Docker socket (`remote.py`).

Contract:
- `take_sandbox` returns a sandbox whose firewall stands; its hostname and address are known before anything runs.
- `open` returns when the container has been started. Its end is reported once as `ContainerEnded` on `events`,
  whether it ended by itself, was stopped, or its sandbox died; never before `open` has returned or raised.
- `stop` returns when container and sandbox are confirmed gone; stopping what is gone already is no error.
- `events` and `output` are read by one reader each and never end by themselves; after the engine was away they
  go on, and everything that ended meanwhile is reported.
- The output reader may be slow: what cannot be kept is dropped and counted in `OutputChunk.dropped_bytes`.
- A driver serves one control plane for one life: `start` comes first and once, and removes what an earlier life left.
Implementations: `containers/docker_driver.py`; `remote.py`, which asks one across; `tests/support/fake_driver.py`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from orchestrator.domain.errors import PaddockError
from orchestrator.domain.functions import Image


class EngineUnreachable(PaddockError):
    """The Docker engine does not answer; the message says at which address and what helps."""


class ImageNotFound(PaddockError):
    """No image of this name exists here, and it could not be pulled."""


class StartFailed(PaddockError):
    """
    A container could not be created or started.

    Args:
        error_type: AWS's type: `Runtime.InvalidEntrypoint`, `Runtime.InvalidWorkingDir`, `Sandbox.Failure` …
        message: What the engine said, made readable.
        diagnosis: What to look at; None leaves it at the message.
    """

    def __init__(self, error_type: str, message: str, diagnosis: str | None = None) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.message = message
        self.diagnosis = diagnosis


class ImageUnusable(PaddockError):
    """The image is here, but no environment can be made of it, ever; the message says why, and what helps."""


class EngineRefused(PaddockError):
    """The engine answers, but could not do it: a race with a container that ends, or a failure of its own."""


class IsolationBroken(PaddockError):
    """Functions would reach what they must not, or not what they must; the message says what, and what helps."""


class NotHardened(PaddockError):
    """What was asked for is no hardened execution environment, and is not made; the message says what is not."""


class SubnetNotFound(PaddockError):
    """No network of this engine is named by a subnet's id; the message says which, as AWS does."""


class SubnetUnusable(PaddockError):
    """A subnet's id names no one network that could be joined, or sets are too many; the message says what helps."""


class Sandbox(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    A network holder that a function's container joins.

    Args:
        sandbox_id: The engine's id of the sandbox's container.
        hostname: The unguessable name its `/etc/hosts` has for the control plane (D1).
        address: Its IPv4 address on the functions' network.
        in_subnets: Those that it has on the networks of its subnets: on such a one the front port may be reached, too.
    """

    sandbox_id: str
    hostname: str
    address: str
    in_subnets: tuple[str, ...] = ()


class EnvironmentSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    What to run: a function version's image in a sandbox, as an execution environment.

    Args:
        image_id: `sha256:…`.
        entry_point: Replaces the image's, if not None.
        command: Replaces the image's, if not None.
        environment: Every variable the container gets, reserved ones included.
        memory_mib: Limit, swap included.
        ephemeral_storage_mib: Size of /tmp.
        has_writable_root: May what the image has be written, too, as far as its modes allow it?
        function_name: For labels only.
    """

    environment_id: str
    function_name: str
    function_version: str
    image_id: str
    entry_point: tuple[str, ...] | None
    command: tuple[str, ...] | None
    working_directory: str | None
    environment: Mapping[str, str]
    memory_mib: int
    ephemeral_storage_mib: int
    has_writable_root: bool = False


class ContainerEnded(Struct, frozen=True, kw_only=True, tag=True):
    """
    An environment's container has ended.

    Args:
        exit_code: As the engine reports it; 137 after SIGKILL; None if unknown (engine was away).
        out_of_memory: Did the kernel's out-of-memory killer strike in it?
        sandbox_failed: Did its sandbox die first?
        engine_lost: Did it end because the engine did?
        never_executed: If the kernel did not execute its program, what was written of that.
        ended_for: If the driver ended it, for what.
    """

    environment_id: str
    at: datetime
    exit_code: int | None = None
    out_of_memory: bool = False
    sandbox_failed: bool = False
    engine_lost: bool = False
    never_executed: str | None = None
    ended_for: str | None = None


class OutOfMemory(Struct, frozen=True, kw_only=True, tag=True):
    """The out-of-memory killer struck a process of a container that may live on."""

    environment_id: str
    at: datetime


class EngineLost(Struct, frozen=True, kw_only=True, tag=True):
    """The engine stopped answering; containers may be gone. `EngineBack` follows."""

    at: datetime


class EngineBack(Struct, frozen=True, kw_only=True, tag=True):
    """The engine answers again; ends that were missed have been reported before this."""

    at: datetime


DriverEvent = ContainerEnded | OutOfMemory | EngineLost | EngineBack


class OutputStream(StrEnum):
    """Which of the container's streams."""

    STDOUT = "stdout"
    STDERR = "stderr"


class OutputChunk(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bytes a container wrote, as they came: a chunk is not a line."""

    environment_id: str
    at: datetime
    stream: OutputStream
    content: bytes
    dropped_bytes: int = 0


class EngineFacts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `paddock doctor` and the room ask about the engine."""

    version: str
    api_version: str
    cpus: int
    memory_bytes: int
    cgroup_version: str
    architecture: str
    warnings: tuple[str, ...] = ()


class Limitation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What cannot be guaranteed on this host, and what helps."""

    fact: str
    remedy: str


class IsolationReport(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    How functions are kept from everything else on this host.

    Args:
        fact: What they reach, and what sees to it.
        remedy: What helps; None if everything holds.
    """

    fact: str
    remedy: str | None


class Place(Struct, frozen=True, kw_only=True):
    """
    Where functions run.

    Args:
        control_plane_address: The IPv4 address on the functions' network where environments find the Runtime API.
        functions_subnet: That network in CIDR notation; peers from it are refused at the front port.
        published_addresses: The host's addresses that the control plane's own container is published on; None
            outside of one.
        earlier_addresses: Every IPv4 address that functions of an earlier life had until now. They have gone, and
            others may get these.
    """

    control_plane_address: str
    functions_subnet: str
    published_addresses: tuple[str, ...] | None
    earlier_addresses: tuple[str, ...] = ()


class Driver(Protocol):
    """Runs execution environments. See the module's contract."""

    async def start(self, control_plane_container: str | None) -> Place:
        """
        Reach the engine, provide the functions' network, remove leftovers of this owner, fill the pool.

        Args:
            control_plane_container: The id of the container that the control plane runs in, if it does.

        Raises:
            EngineUnreachable: If there is no engine.
        """
        ...

    async def test_isolation(self, forbidden_port: int) -> None:
        """
        Try, once the Runtime API listens, whether functions are as isolated as they shall be on this host.

        Args:
            forbidden_port: Something listens there on the control plane's address that no function may reach.

        Raises:
            IsolationBroken: If they are not, and nobody said that this is wanted.
        """
        ...

    async def isolation(self) -> IsolationReport:
        """What functions reach, and whether that holds."""
        ...

    async def close(self) -> None:
        """Remove every sandbox and the network; release the engine. Environments were stopped before."""
        ...

    async def limitations(self) -> tuple[Limitation, ...]:
        """What cannot be guaranteed on this host; empty where all can."""
        ...

    async def facts(self) -> EngineFacts:
        """
        Ask the engine about itself.

        Raises:
            EngineUnreachable: If it does not answer.
        """
        ...

    async def find_image(self, reference: str) -> Image:
        """
        Look up an image by tag or id; the local one wins, else it is pulled.

        Raises:
            ImageNotFound: If neither works; the message says why the pull failed.
            ImageUnusable: If no container can be made of it.
            EngineUnreachable: If the engine does not answer.
        """
        ...

    async def check_subnets(self, subnet_ids: tuple[str, ...]) -> None:
        """
        May functions be in these?

        Args:
            subnet_ids: Each once, and in order.

        Raises:
            SubnetNotFound: If one names no network.
            SubnetUnusable: If one names several, or one that cannot be joined, or sandboxes are kept in as many sets as
                can be.
            NotHardened: If one names a network that functions must not join.
            EngineUnreachable: If the engine does not answer.
        """
        ...

    async def keep_subnets(self, sets: tuple[tuple[str, ...], ...]) -> None:
        """
        Keep sandboxes ready in each of these sets of subnets, and in no others, from now on.

        What cannot be joined now is logged, and looked for again.

        Raises:
            NotHardened: If one of them is no such set, or they are too many.
        """
        ...

    async def take_sandbox(self, subnet_ids: tuple[str, ...] = ()) -> Sandbox:
        """
        A ready sandbox, from the pool or made now.

        Args:
            subnet_ids: It is in these, too; each once, and in order.

        Raises:
            StartFailed: With `Sandbox.Failure`, if its firewall could not be set, or a subnet cannot be joined.
            NotHardened: If it is no such set.
            EngineUnreachable: If the engine does not answer.
        """
        ...

    async def open(self, spec: EnvironmentSpec, sandbox: Sandbox) -> str:
        """
        Create and start the container in its sandbox, output attached before start; the container's id.

        On failure nothing is left behind, the sandbox included.

        Raises:
            StartFailed: If it cannot be created or started.
            NotHardened: If it is no environment that may be started, or the sandbox was not taken from this driver.
            EngineUnreachable: If the engine does not answer.
        """
        ...

    async def freeze(self, environment_id: str) -> None:
        """Pause its processes."""
        ...

    async def thaw(self, environment_id: str) -> None:
        """Let its processes run again."""
        ...

    async def limit_cpu(self, environment_id: str) -> None:
        """
        Its init is over: from now on it has its function's share of CPU time.

        Raises:
            EngineRefused: If the container is ending.
        """
        ...

    async def stop(self, environment_id: str, grace: timedelta) -> None:
        """
        End and remove it: SIGTERM, `grace`, SIGKILL; then the container with its volumes, then the sandbox.

        Args:
            grace: Zero goes straight to SIGKILL.

        Raises:
            EngineRefused: If it could not be removed now; to be tried again.
        """
        ...

    def events(self) -> AsyncIterator[DriverEvent]:
        """Ends and out-of-memory kills, in order, each once."""
        ...

    def output(self) -> AsyncIterator[OutputChunk]:
        """Everything the containers write."""
        ...
