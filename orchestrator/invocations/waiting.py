"""Who waits in memory for an environment, and whom the scaler is told of. The dispatcher alone moves them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import timedelta

from orchestrator.clock import Clock
from orchestrator.domain.functions import FunctionVersion
from orchestrator.domain.names import VersionKey
from orchestrator.fleet.scaler import Demand
from orchestrator.invocations.work import Queue, Work


class Waiting:
    """
    A queue for each version, and each tenant of it, for which somebody waits.

    Args:
        current: What a version is now, or None if it was deleted.
    """

    def __init__(self, current: Callable[[VersionKey], FunctionVersion | None], clock: Clock) -> None:
        self._current = current
        self._clock = clock
        self._queues: dict[VersionKey, Queue] = {}
        self._backlog: Mapping[VersionKey, int] = {}

    def __len__(self) -> int:
        return sum(len(queue) for queue in self._queues.values())

    def of(self, key: VersionKey) -> Queue:
        """Who waits for these environments; an empty one, and not kept, if nobody has for a while."""
        queue = self._queues.get(key)
        return queue if queue is not None else Queue()

    def keys(self) -> Collection[VersionKey]:
        """For whose environments somebody waits, or did just now."""
        return self._queues.keys()

    def queues(self) -> list[tuple[VersionKey, Queue]]:
        """All of them; some may be empty."""
        return list(self._queues.items())

    def append(self, work: Work) -> Queue:
        """Wait at the end of a queue: this one."""
        queue = self._kept(work.version_key)
        queue.append(work)
        return queue

    def put_back(self, work: Work) -> None:
        """Wait at the front: it was taken and could not be served."""
        self._kept(work.version_key).put_back(work)

    def forget_empty(self) -> None:
        """Keep no queue in which nobody waits any more."""
        for key in [key for key, queue in self._queues.items() if not len(queue)]:
            del self._queues[key]

    def note_backlog(self, waiting: Mapping[VersionKey, int]) -> None:
        """So many more events are due in the store: they want environments, too."""
        self._backlog = waiting

    def demands(self) -> list[Demand]:
        """Who waits, for the scaler."""
        demands, now = [], self._clock.monotonic()
        for key, queue in self._queues.items():
            version = self._current(key) if len(queue) else None
            if version is not None:
                demands.append(
                    Demand(
                        version=key,
                        memory_mib=version.memory_mib,
                        synchronous=len(queue.synchronous),
                        asynchronous=len(queue.asynchronous) + self._backlog.get(key, 0),
                        waited=timedelta(seconds=now - queue.first_enqueued()),
                    )
                )
        return demands

    def _kept(self, key: VersionKey) -> Queue:
        queue = self._queues.get(key)
        if queue is None:
            queue = self._queues[key] = Queue()
        return queue
