"""The writer: batches, durability, failures, checkpoints; and readers that do not hold it up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from orchestrator.domain.errors import PaddockError
from orchestrator.store.database import Database
from orchestrator.store.operations import Kind, Operation, phases
from orchestrator.store.writer import CHECKPOINT_BYTES, StoreFailed, Writer, driver_of

PATIENCE_S = 10


class Notes:
    """A file with one table of notes, its writer, and the failures that were told."""

    def __init__(self, path: Path, *, pages: int | None = None, ends_at_failure: bool = True) -> None:
        self.database = Database(path, "main")
        connection = self.database.write_connection
        with connection.begin():
            connection.execute(text("CREATE TABLE notes (key INTEGER PRIMARY KEY, note BLOB)"))
        if pages is not None:
            # the disk is full from here on, as far as SQLite can tell
            driver_of(connection).execute(f"PRAGMA max_page_count = {pages}")
        self.failures: list[StoreFailed] = []
        self.writer = Writer(
            path, connection, self.failures.append, ends_at_failure=ends_at_failure, capacity_bytes=1000
        )
        self.kind = Kind(0, self._write)

    def keep(self, key: int, note: bytes = b"", *, promised: bool = True) -> asyncio.Future[None]:
        """Queue a note."""
        return self.writer.submit(self.kind, (key, note), key=key, promised=promised)

    async def count(self) -> int:
        """How many notes a reader sees."""
        return await self.database.read(_count)

    async def close(self) -> None:
        """Close writer and file."""
        await self.writer.close()
        await self.database.close()

    @staticmethod
    def _write(connection: Connection, rows: Sequence[tuple[int, bytes]]) -> Sequence[None]:
        for row in rows:
            connection.exec_driver_sql("INSERT INTO notes VALUES (?, ?)", row)
        return [None] * len(rows)


def size_of(path: Path) -> int:
    """Bytes on the disk."""
    return path.stat().st_size


def _count(connection: Connection) -> int:
    count: int = connection.execute(text("SELECT count(*) FROM notes")).scalar_one()
    return count


@pytest.fixture
async def notes(tmp_path: Path) -> AsyncIterator[Notes]:
    """A file of notes."""
    file = Notes(tmp_path / "notes.db")
    yield file
    await file.close()


async def test_many_callers_share_one_transaction(notes: Notes) -> None:
    """Whatever is queued in one turn of the event loop is committed together."""
    await asyncio.gather(*(notes.keep(key) for key in range(200)))
    assert await notes.count() == 200
    assert notes.writer.figures.transactions <= 3
    assert notes.writer.figures.operations == 200


async def test_rows_that_may_linger_are_written_soon_and_together(notes: Notes) -> None:
    """They are submitted over several turns of the event loop; nothing but time makes them go."""
    futures: list[asyncio.Future[None]] = []
    for key in range(20):
        futures.append(notes.writer.submit(notes.kind, (key, b""), key=key, promised=False, urgent=False))
        await asyncio.sleep(0)
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(*futures)
    assert notes.writer.figures.transactions <= 3, "20 ms each; one, unless the machine stood still"


async def test_a_failed_commit_fails_its_whole_batch_and_tells_before_it_does(tmp_path: Path) -> None:
    """On a full disk nothing of the batch is kept, and nothing is accepted afterwards."""
    file = Notes(tmp_path / "notes.db", pages=40)
    await file.keep(1)
    told_first: list[bool] = []
    futures = [file.keep(key, b"x" * 100_000) for key in (2, 3)]
    for future in futures:
        future.add_done_callback(lambda _: told_first.append(bool(file.failures)))
    results = await asyncio.gather(*futures, return_exceptions=True)
    assert all(isinstance(result, StoreFailed) for result in results)
    assert told_first == [True, True]
    (failure,) = file.failures
    assert "notes.db" in str(failure)
    assert "full" in str(failure)
    with pytest.raises(StoreFailed):
        await file.keep(4)
    assert await file.count() == 1
    await file.close()


async def test_whoever_waits_hears_of_a_failure_even_if_telling_it_elsewhere_fails(tmp_path: Path) -> None:
    """A caller whose commit failed never hangs."""
    file = Notes(tmp_path / "notes.db", pages=40)
    errors: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context["exception"]))

    def refuse(_failure: StoreFailed) -> None:
        raise OSError("no space left for the log either")

    file.writer._on_failure = refuse
    with pytest.raises(StoreFailed):
        await asyncio.wait_for(file.keep(1, b"x" * 200_000), PATIENCE_S)
    assert [type(error) for error in errors] == [OSError]
    await file.close()


async def test_a_writer_that_may_lose_a_batch_goes_on_after_a_failure(tmp_path: Path) -> None:
    """So the history survives a full disk that is emptied again."""
    file = Notes(tmp_path / "notes.db", pages=40, ends_at_failure=False)
    with pytest.raises(StoreFailed):
        await file.keep(1, b"x" * 200_000)
    await file.keep(2)
    assert await file.count() == 1
    await file.close()


async def test_a_full_queue_drops_and_counts_and_never_blocks(notes: Notes) -> None:
    """Room comes back once the batch is written."""
    kept = [notes.writer.post(notes.kind, (key, b""), key=key, size_bytes=400) for key in range(5)]
    assert kept == [True, True, False, False, False]
    assert notes.writer.figures.dropped == 3
    await notes.keep(100)
    assert notes.writer.post(notes.kind, (101, b""), key=101, size_bytes=400)


async def test_work_that_refuses_is_undone_alone(notes: Notes) -> None:
    """What else is in the transaction stands."""

    def refuse(connection: Connection) -> None:
        connection.execute(text("INSERT INTO notes VALUES (7, NULL)"))
        raise PaddockError("no")

    results = await asyncio.gather(notes.keep(1), notes.writer.run(refuse), notes.keep(2), return_exceptions=True)
    assert [type(result) for result in results] == [type(None), PaddockError, type(None)]
    assert await notes.count() == 2
    assert notes.failures == []


async def test_what_is_submitted_after_closing_is_refused(tmp_path: Path) -> None:
    """And what was queued before is written."""
    file = Notes(tmp_path / "notes.db")
    before = file.keep(1)
    await file.writer.close()
    await before
    with pytest.raises(StoreFailed, match="closed"):
        await file.keep(2)
    await file.database.close()


async def test_a_reader_in_the_middle_of_a_snapshot_does_not_block_the_writer(notes: Notes) -> None:
    """Nor does it see what is committed meanwhile."""
    await notes.keep(1)
    begun, go_on = threading.Event(), threading.Event()

    def read_slowly(connection: Connection) -> tuple[int, int]:
        first = _count(connection)
        begun.set()
        go_on.wait(PATIENCE_S)
        return first, _count(connection)

    reading = asyncio.create_task(notes.database.read(read_slowly))
    await asyncio.to_thread(begun.wait, PATIENCE_S)
    async with asyncio.timeout(PATIENCE_S):
        await notes.keep(2)
    go_on.set()
    assert await reading == (1, 1)
    assert await notes.count() == 2


async def test_readers_cannot_write(notes: Notes) -> None:
    """Only the writer's connection writes."""
    with pytest.raises(Exception, match="readonly"):
        await notes.database.read(lambda connection: connection.execute(text("DELETE FROM notes")))


async def test_the_log_of_writes_is_copied_into_the_file_before_it_grows_far(notes: Notes) -> None:
    """64 MiB are written, and the write-ahead log stays near its bound."""
    megabyte = b"x" * 1024 * 1024
    for key in range(64):
        await notes.keep(key, megabyte, promised=False)
    assert notes.writer.figures.checkpoints >= 2
    assert size_of(Path(f"{notes.database.path}-wal")) < CHECKPOINT_BYTES + 4 * len(megabyte)


async def test_the_log_of_writes_stays_bounded_under_readers_that_overlap_all_the_time(notes: Notes) -> None:
    """There is no moment without a reader, and the log is begun anew all the same."""
    done = False

    def read_for_a_while(connection: Connection) -> None:
        _count(connection)
        threading.Event().wait(0.005)

    async def keep_reading() -> None:
        while not done:
            await notes.database.read(read_for_a_while)

    readers = [asyncio.create_task(keep_reading()) for _ in range(3)]
    megabyte = b"x" * 1024 * 1024
    for key in range(160):
        await notes.keep(key, megabyte, promised=False)
    done = True
    await asyncio.gather(*readers)
    assert size_of(Path(f"{notes.database.path}-wal")) < 6 * CHECKPOINT_BYTES


def test_operations_of_one_key_keep_their_order_and_others_are_written_together() -> None:
    """A key that comes back with an earlier kind begins a new round; work stands alone."""
    early, late = Kind(0, _nothing), Kind(1, _nothing)

    def operation(kind: Kind[str, None] | None, key: int) -> Operation:
        return Operation(kind, f"{key}", key, False, None)

    batch = [
        operation(late, 1),
        operation(early, 2),
        operation(late, 2),
        operation(early, 1),
        operation(None, 0),
        operation(early, 3),
    ]
    assert [[one.row for one in phase] for phase in phases(batch)] == [["2"], ["1", "2"], ["1"], ["0"], ["3"]]


def _nothing(_connection: Connection, rows: Sequence[str]) -> Sequence[None]:
    return [None] * len(rows)
