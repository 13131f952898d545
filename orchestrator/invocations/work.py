"""An invocation in hand: the value, its payload, and who is told how it ended."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from orchestrator.domain.errors import ServiceError
from orchestrator.domain.functions import FunctionVersion
from orchestrator.domain.invocations import Invocation, Outcome
from orchestrator.domain.names import VersionKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """It never ran: no room in time, or the function is gone."""

    error: ServiceError


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """
    How a piece of work ended.

    Args:
        log_tail: The last 4 KB of its log, if it was asked for.
    """

    outcome: Outcome | Refused
    log_tail: str | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class Work:
    """
    One invocation that waits for an environment or runs in one.

    Args:
        invoked_arn: What the function sees as its ARN.
        on_end: Told once how it ended.
        enqueued: Monotonic seconds.
        was_left: Has its caller gone while it waited?
    """

    invocation: Invocation
    payload: bytes
    version: FunctionVersion
    invoked_arn: str
    wants_log_tail: bool
    on_end: Callable[[Work, Ended], None]
    enqueued: float
    was_left: bool = False

    @property
    def version_key(self) -> VersionKey:
        """Whose environments may run it: those of its version, for its tenant."""
        return VersionKey(self.version.key, self.version.version, self.invocation.tenant_id)


@dataclass(slots=True, eq=False)
class Queue:
    """Who waits for environments of one version, and one tenant of it: synchronous callers first, each in order."""

    synchronous: deque[Work] = field(default_factory=deque)
    asynchronous: deque[Work] = field(default_factory=deque)

    def __len__(self) -> int:
        return len(self.synchronous) + len(self.asynchronous)

    def first_enqueued(self) -> float:
        """Since when the first has waited, monotonic seconds; only where somebody waits."""
        return min(waiting[0].enqueued for waiting in (self.synchronous, self.asynchronous) if waiting)

    def append(self, work: Work) -> None:
        """Wait at the end."""
        self._of(work).append(work)

    def put_back(self, work: Work) -> None:
        """Wait at the front: it was taken and could not be served."""
        self._of(work).appendleft(work)

    def remove(self, work: Work) -> bool:
        """Stop waiting; False if it no longer does."""
        try:
            self._of(work).remove(work)
        except ValueError:
            return False
        return True

    def take_events(self, which: Callable[[Work], bool]) -> list[Work]:
        """The asynchronous ones for which this holds: they wait here no longer."""
        taken: list[Work] = []
        left: deque[Work] = deque()
        for work in self.asynchronous:
            (taken if which(work) else left).append(work)
        self.asynchronous = left
        return taken

    def take(self) -> Work | None:
        """The next one."""
        if self.synchronous:
            return self.synchronous.popleft()
        return self.asynchronous.popleft() if self.asynchronous else None

    def _of(self, work: Work) -> deque[Work]:
        return self.asynchronous if work.invocation.is_asynchronous else self.synchronous
