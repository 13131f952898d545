"""
What the store sustains: invocations accepted and ended by 16 callers, saved in different ways.

    python benchmarks/store.py [seconds per figure]

Each caller accepts an invocation with a 64-byte payload, then ends it, and begins the next. Rounds are interleaved;
the median counts. Alone on the machine; the directory is TMPDIR's, so mind what disk that is.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pysqlite3.dbapi2
import uvloop

from orchestrator.clock import SystemClock
from orchestrator.domain.history import LifecycleEntry, LifecycleEvent
from orchestrator.domain.invocations import Invocation, InvocationState, InvocationType
from orchestrator.domain.names import FunctionKey, request_id_for
from orchestrator.settings import Settings
from orchestrator.store.database import SQLITE_VERSION
from orchestrator.store.store import Store

CALLERS = 16
ROUNDS = 3
PAYLOAD = b'"' + b"x" * 62 + b'"'
FUNCTION = FunctionKey("000000000000", "us-east-1", "hello")
CLOCK = SystemClock()


def new_invocation(store: Store, kind: InvocationType) -> Invocation:
    """An invocation as the front desk makes it."""
    key = store.invocations.next_key()
    now = CLOCK.now()
    return Invocation(
        key=key,
        request_id=request_id_for(key, random.getrandbits(58)),
        function=FUNCTION,
        qualifier=None,
        invocation_type=kind,
        accepted_at=now,
        due_at=now,
    )


async def everything_flushed(store: Store) -> None:
    """An asynchronous invocation: acceptance and outcome are promises."""
    queued = new_invocation(store, InvocationType.EVENT)
    await store.invocations.accept(queued, PAYLOAD, promised=True)
    running = queued.dispatched()
    store.invocations.attempt_begun(running)
    ended = running.succeeded(CLOCK.now())
    if not await store.invocations.ended(ended, before=InvocationState.RUNNING, promised=True):
        raise RuntimeError("lost a race that nobody ran")


async def synchronous_flushed(store: Store) -> None:
    """A synchronous invocation with PADDOCK_SYNCHRONOUS_FULL."""
    await _synchronous(store, promised=True)


async def synchronous(store: Store) -> None:
    """A synchronous invocation by default: in the file before the answer, its outcome within 20 ms."""
    await _synchronous(store, promised=False)


async def _synchronous(store: Store, promised: bool) -> None:
    queued = new_invocation(store, InvocationType.REQUEST_RESPONSE)
    await store.invocations.accept(queued, PAYLOAD, promised=promised)
    ended = queued.dispatched().succeeded(CLOCK.now())
    store.invocations.ended(ended, before=InvocationState.RUNNING, promised=False)


async def measure(
    directory: Path, one: Callable[[Store], Awaitable[None]], seconds: float
) -> tuple[float, float, float]:
    """Invocations per second, p99 of one in ms, and operations in a transaction."""
    store = await Store.open(Settings(data_dir=directory), CLOCK)
    until = time.perf_counter() + seconds
    took: list[float] = []

    async def caller() -> None:
        while (began := time.perf_counter()) < until:
            await one(store)
            took.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    elapsed = time.perf_counter() - began
    figures = store.writer.figures
    await store.close()
    took.sort()
    return len(took) / elapsed, took[len(took) * 99 // 100] * 1000, figures.operations / figures.transactions


async def lifecycle(directory: Path, seconds: float) -> tuple[float, float]:
    """Entries per second that are recorded as fast as they are kept, and the event loop's cost of one in µs."""
    store = await Store.open(Settings(data_dir=directory), CLOCK)
    entry = LifecycleEntry(
        at=CLOCK.now(),
        event=LifecycleEvent.BUSY,
        function=FUNCTION,
        version="$LATEST",
        environment_id="0123456789abcdef" * 2,
        request_id=request_id_for(store.invocations.next_key(), 5),
        detail={"duration_ms": 1.5},
    )
    recorded = 0
    in_loop_s = 0.0
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        before = time.perf_counter()
        for _ in range(100):
            store.history.record(entry)
        in_loop_s += time.perf_counter() - before
        recorded += 100
        await asyncio.sleep(0)
    dropped = store.history.dropped
    await store.close()
    elapsed = time.perf_counter() - began
    return (recorded - dropped) / elapsed, in_loop_s / recorded * 1e6


def one_commit_per_write(directory: Path, level: str, seconds: float) -> float:
    """The baseline: the same two rows and one update an invocation, each by itself, no thread, no SQLAlchemy."""
    connection = pysqlite3.dbapi2.connect(str(directory / "baseline.db"), isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL").fetchall()
    connection.execute(f"PRAGMA synchronous = {level}")
    connection.execute("CREATE TABLE IF NOT EXISTS invocations(key INTEGER PRIMARY KEY, state TEXT, name TEXT)")
    connection.execute("CREATE TABLE IF NOT EXISTS payloads(key INTEGER PRIMARY KEY, payload BLOB)")
    (key,) = connection.execute("SELECT coalesce(max(key), 0) FROM invocations").fetchone()
    done = 0
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        key += 1
        done += 1
        connection.execute("INSERT INTO invocations VALUES (?, 'queued', 'hello')", (key,))
        connection.execute("INSERT INTO payloads VALUES (?, ?)", (key, PAYLOAD))
        connection.execute("UPDATE invocations SET state = 'succeeded' WHERE key = ? AND state = 'queued'", (key,))
    connection.close()
    return done / (time.perf_counter() - began)


def main() -> None:
    """Print every figure."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    sys.setswitchinterval(0.0005)
    kinds = (everything_flushed, synchronous_flushed, synchronous)
    print(f"SQLite {SQLITE_VERSION}, {CALLERS} callers, 64-byte payload, median of {ROUNDS} interleaved rounds")
    with tempfile.TemporaryDirectory(prefix="paddock-bench-") as name:
        directory = Path(name)
        found: dict[str, list[tuple[float, float, float]]] = {kind.__name__: [] for kind in kinds}
        baselines: dict[str, list[float]] = {"FULL": [], "NORMAL": []}
        for _ in range(ROUNDS):
            for kind in kinds:
                found[kind.__name__].append(uvloop.run(measure(directory / kind.__name__, kind, seconds)))
            for level in baselines:
                baselines[level].append(one_commit_per_write(directory, level, seconds / 2))
        for label, rounds in found.items():
            rate, p99_ms, size = (statistics.median(column) for column in zip(*rounds, strict=True))
            print(f"{label:24} {rate:8,.0f} invocations/s   p99 {p99_ms:5.2f} ms   {size:5.1f} operations/transaction")
        for level, rates in baselines.items():
            print(f"{'one commit per write, ' + level:30} {statistics.median(rates):8,.0f} invocations/s")
        rate, cost_us = uvloop.run(lifecycle(directory / "history", seconds))
        print(f"{'lifecycle entries':24} {rate:8,.0f} entries/s   {cost_us:.1f} µs each in the event loop")


if __name__ == "__main__":
    main()
