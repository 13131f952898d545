"""
What crosses between the control plane and the driver's process: one message for each verb of the driver protocol, its
answer or its failure, and what happened. Unknown fields are refused, so that nothing crosses that is not written here.
"""

from __future__ import annotations

from typing import Any, ClassVar

from msgspec import Raw, Struct

from orchestrator.domain.errors import PaddockError
from orchestrator.domain.functions import Image
from orchestrator.driver.protocol import (
    ContainerEnded,
    EngineBack,
    EngineFacts,
    EngineLost,
    EngineRefused,
    EngineUnreachable,
    EnvironmentSpec,
    ImageNotFound,
    ImageUnusable,
    IsolationBroken,
    IsolationReport,
    Limitation,
    NotHardened,
    OutOfMemory,
    Place,
    Sandbox,
    StartFailed,
    SubnetNotFound,
    SubnetUnusable,
)


class Verb(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="verb"):
    """A verb of the protocol with its arguments. `answer` is what it returns."""

    answer: ClassVar[Any] = None


class Start(Verb, frozen=True, kw_only=True, tag="start"):
    """`Driver.start`"""

    answer: ClassVar[Any] = Place
    control_plane_container: str | None


class TestIsolation(Verb, frozen=True, kw_only=True, tag="test-isolation"):
    """`Driver.test_isolation`"""

    forbidden_port: int


class Isolation(Verb, frozen=True, kw_only=True, tag="isolation"):
    """`Driver.isolation`"""

    answer: ClassVar[Any] = IsolationReport


class Close(Verb, frozen=True, kw_only=True, tag="close"):
    """`Driver.close`"""


class Facts(Verb, frozen=True, kw_only=True, tag="facts"):
    """`Driver.facts`"""

    answer: ClassVar[Any] = EngineFacts


class Limitations(Verb, frozen=True, kw_only=True, tag="limitations"):
    """`Driver.limitations`"""

    answer: ClassVar[Any] = tuple[Limitation, ...]


class FindImage(Verb, frozen=True, kw_only=True, tag="find-image"):
    """`Driver.find_image`"""

    answer: ClassVar[Any] = Image
    reference: str


class CheckSubnets(Verb, frozen=True, kw_only=True, tag="check-subnets"):
    """`Driver.check_subnets`"""

    subnet_ids: tuple[str, ...]


class KeepSubnets(Verb, frozen=True, kw_only=True, tag="keep-subnets"):
    """`Driver.keep_subnets`"""

    sets: tuple[tuple[str, ...], ...]


class TakeSandbox(Verb, frozen=True, kw_only=True, tag="take-sandbox"):
    """`Driver.take_sandbox`"""

    answer: ClassVar[Any] = Sandbox
    subnet_ids: tuple[str, ...] = ()


class Open(Verb, frozen=True, kw_only=True, tag="open"):
    """`Driver.open`"""

    answer: ClassVar[Any] = str
    spec: EnvironmentSpec
    sandbox: Sandbox


class Freeze(Verb, frozen=True, kw_only=True, tag="freeze"):
    """`Driver.freeze`"""

    environment_id: str


class Thaw(Verb, frozen=True, kw_only=True, tag="thaw"):
    """`Driver.thaw`"""

    environment_id: str


class LimitCpu(Verb, frozen=True, kw_only=True, tag="limit-cpu"):
    """`Driver.limit_cpu`"""

    environment_id: str


class Stop(Verb, frozen=True, kw_only=True, tag="stop"):
    """`Driver.stop`"""

    environment_id: str
    grace_s: float


AnyVerb = (
    Start
    | TestIsolation
    | Isolation
    | Close
    | Facts
    | Limitations
    | FindImage
    | CheckSubnets
    | KeepSubnets
    | TakeSandbox
    | Open
    | Freeze
    | Thaw
    | LimitCpu
    | Stop
)


class Request(Struct, frozen=True, forbid_unknown_fields=True):
    """A verb, under a number that its answer carries."""

    number: int
    verb: AnyVerb


class Answered(Struct, frozen=True, tag=True):
    """A verb has been carried out; `value` is what it returned, of the verb's own type."""

    number: int
    value: Raw


class Failed(Struct, frozen=True, tag=True):
    """
    A verb has failed.

    Args:
        kind: The name of the protocol's exception.
        error_type: Of a `StartFailed`.
        diagnosis: Of a `StartFailed`, if it has one.
    """

    number: int
    kind: str
    message: str
    error_type: str | None = None
    diagnosis: str | None = None


Reply = Answered | Failed | ContainerEnded | OutOfMemory | EngineLost | EngineBack

_KINDS: dict[str, type[PaddockError]] = {
    one.__name__: one
    for one in (
        EngineUnreachable,
        ImageNotFound,
        ImageUnusable,
        EngineRefused,
        IsolationBroken,
        NotHardened,
        SubnetNotFound,
        SubnetUnusable,
    )
}


class DriverFailed(PaddockError):
    """The driver's process failed in a way that the protocol does not name; its log says more."""


def failed(number: int, error: PaddockError) -> Failed:
    """A failure, for the other side."""
    if isinstance(error, StartFailed):
        return Failed(number, type(error).__name__, str(error), error.error_type, error.diagnosis)
    return Failed(number, type(error).__name__, str(error))


def error_of(failure: Failed) -> PaddockError:
    """A failure of the other side, to be raised here."""
    if failure.error_type is not None:
        return StartFailed(failure.error_type, failure.message, failure.diagnosis)
    return _KINDS.get(failure.kind, DriverFailed)(failure.message)
