"""
The state machine of an invocation, its outcomes, and what a caller asked for.

    queued → running → succeeded | failed | unknown | retrying | dead-lettered
    retrying → running when due;  queued or retrying → failed or dead-lettered when too old
    running → queued when its attempt was cut off by no fault of the function
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from orchestrator.domain.machine import Moves
from orchestrator.domain.names import FunctionKey

MAX_SYNC_PAYLOAD_BYTES = 6_291_456
MAX_ASYNC_PAYLOAD_BYTES = 1_048_576
MAX_RESPONSE_BYTES = 6_291_556
"""AWS: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""


class InvocationType(StrEnum):
    """AWS: X-Amz-Invocation-Type."""

    REQUEST_RESPONSE = "RequestResponse"
    EVENT = "Event"
    DRY_RUN = "DryRun"


class InvocationState(StrEnum):
    """Where an invocation is in its life."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"
    RETRYING = "retrying"
    DEAD_LETTERED = "dead-lettered"


_STATE = InvocationState
INVOCATION_MOVES: Moves[InvocationState] = Moves(
    {
        _STATE.QUEUED: [_STATE.RUNNING, _STATE.FAILED, _STATE.DEAD_LETTERED],
        _STATE.RUNNING: [
            _STATE.QUEUED,
            _STATE.SUCCEEDED,
            _STATE.FAILED,
            _STATE.UNKNOWN,
            _STATE.RETRYING,
            _STATE.DEAD_LETTERED,
        ],
        _STATE.RETRYING: [_STATE.RUNNING, _STATE.FAILED, _STATE.DEAD_LETTERED],
        _STATE.SUCCEEDED: [],
        _STATE.FAILED: [],
        _STATE.UNKNOWN: [],
        _STATE.DEAD_LETTERED: [],
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The function answered; `payload` is what it posted, untouched."""

    payload: bytes
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionError:
    """
    The function failed, by its own report or by how it ended.

    Args:
        payload: The JSON the caller gets with `X-Amz-Function-Error: Unhandled`.
        error_type: `Runtime.ExitError`, `Sandbox.Timedout`, the function's own …
        diagnosis: What to look at, in a sentence; None where the function itself explained.
    """

    payload: bytes
    error_type: str
    diagnosis: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """
    The attempt was cut off by our side (engine stopped, sandbox died), not by the function.

    Args:
        reason: What happened, for the log and the caller's ServiceException.
    """

    reason: str


Outcome = Answer | FunctionError | Interrupted


class Invocation(NamedTuple):
    """
    One invocation as a value; each verb returns the next one. A tuple, for each makes three.

    Args:
        key: Monotonic integer, primary key in the store.
        request_id: Public id; carries the key.
        qualifier: As the caller gave it; None means `$LATEST` and an unqualified ARN.
        attempts: Runs begun so far.
        crashes: How many crashes of the control plane it was running in.
        due_at: When it may run (next); asynchronous only.
        client_context: Decoded JSON text, or None.
        caller: Request id of the invocation that made this call from inside a function, or None.
        tenant_id: For whom it runs, of a function that isolates its tenants; else None.
    """

    key: int
    request_id: str
    function: FunctionKey
    qualifier: str | None
    invocation_type: InvocationType
    accepted_at: datetime
    due_at: datetime
    state: InvocationState = InvocationState.QUEUED
    attempts: int = 0
    crashes: int = 0
    client_context: str | None = None
    trace_id: str | None = None
    caller: str | None = None
    tenant_id: str | None = None
    error_type: str | None = None
    diagnosis: str | None = None
    ended_at: datetime | None = None

    @property
    def is_asynchronous(self) -> bool:
        """Was it accepted with a 202, to be run without its caller?"""
        return self.invocation_type is InvocationType.EVENT

    def dispatched(self) -> Invocation:
        """An attempt begins."""
        return self._move(InvocationState.RUNNING, attempts=self.attempts + 1)

    def succeeded(self, now: datetime) -> Invocation:
        """The function answered."""
        return self._move(InvocationState.SUCCEEDED, ended_at=now)

    def failed(self, error_type: str, diagnosis: str | None, now: datetime) -> Invocation:
        """The function failed and nothing more follows."""
        return self._move(InvocationState.FAILED, error_type=error_type, diagnosis=diagnosis, ended_at=now)

    def retry_at(self, due_at: datetime, error_type: str, diagnosis: str | None) -> Invocation:
        """The attempt failed; another follows."""
        return self._move(InvocationState.RETRYING, due_at=due_at, error_type=error_type, diagnosis=diagnosis)

    def requeued(self, due_at: datetime) -> Invocation:
        """The attempt was cut off by our side; it does not count."""
        return self._move(InvocationState.QUEUED, due_at=due_at, attempts=self.attempts - 1)

    def dead_lettered(self, error_type: str, diagnosis: str | None, now: datetime) -> Invocation:
        """Set aside: nothing more is tried, and a person should look."""
        return self._move(InvocationState.DEAD_LETTERED, error_type=error_type, diagnosis=diagnosis, ended_at=now)

    def cut_off(self, now: datetime) -> Invocation:
        """Its caller and its run were lost in a crash of the control plane: what came of it is not known."""
        return self._move(InvocationState.UNKNOWN, ended_at=now)

    def _move(self, after: InvocationState, **changes: Any) -> Invocation:
        INVOCATION_MOVES.check("invocation", self.request_id, self.state, after)
        return self._replace(state=after, **changes)
