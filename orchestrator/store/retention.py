"""
What is deleted, and when: both files stay within their bounds of age and bytes (D2).

Deletes go through the writers, at most 1 MiB in a transaction, so that an acceptance never waits long for one.
What to delete is found by readers, in windows of keys, which grow with time. Nothing unfinished is deleted.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection, Table, bindparam, delete, func, select

from orchestrator.domain.names import FunctionKey
from orchestrator.settings import Settings
from orchestrator.store.database import Database
from orchestrator.store.history import HistoryStore
from orchestrator.store.keys import first_key_at
from orchestrator.store.surplus import (
    bytes_in_use,
    ended,
    free_pages,
    functions_with_output,
    older_history,
    oldest_history,
    surplus_output,
    which_goes_first,
)
from orchestrator.store.tables import invocations, lifecycle, output, payloads
from orchestrator.store.writer import Writer, driver_of

_MIB = 1024 * 1024
_STEPS = 256
"""Transactions of one kind in a tick; what is left is for the next."""
_STEPS_IN_VAIN = 16
"""Windows in a tick in which nothing may go: a backlog of unfinished invocations is passed over several ticks."""
_FREE_PAGES_KEPT = 2048
_PAGES_AT_ONCE = 256
_ONE_OF = select(func.json_each(bindparam("keys")).table_valued("value").c.value)
"""
However many keys, one statement and one parameter. A list of them would be another statement for each length, and each
of these, with its thousands of parameters, would stay in the driver's cache: a hundred MB in some hours.
"""


@dataclass(slots=True, kw_only=True)
class Swept:
    """
    What a tick deleted.

    Args:
        output_batches: Rows of output, each some lines.
        freed_pages: Pages given back to the file system.
    """

    payloads: int = 0
    invocations: int = 0
    output_batches: int = 0
    lifecycle_entries: int = 0
    freed_pages: int = 0


class Retention:
    """
    Keeps both files bounded.

    Args:
        history: Knows which functions wrote output lately.
    """

    def __init__(
        self,
        main: Database,
        main_writer: Writer,
        history_file: Database,
        history_writer: Writer,
        history: HistoryStore,
        settings: Settings,
    ) -> None:
        self._main = main
        self._main_writer = main_writer
        self._history_file = history_file
        self._history_writer = history_writer
        self._history = history
        self._settings = settings
        # where the next look begins, so that a backlog of unfinished ones is not passed again and again
        self._looked_at: dict[Table, int] = {payloads: 0, invocations: 0}
        self._is_first = True

    async def tick(self, now: datetime) -> Swept:
        """Delete what is over age or over the bounds, and give free pages back."""
        swept = Swept()
        await self._sweep_main(now, swept)
        await self._sweep_history(now, swept)
        for database, writer in ((self._main, self._main_writer), (self._history_file, self._history_writer)):
            swept.freed_pages += await _vacuum(database, writer)
        return swept

    async def _sweep_main(self, now: datetime, swept: Swept) -> None:
        payload_age = timedelta(seconds=self._settings.payload_retention_s)
        row_age = max(payload_age, timedelta(seconds=self._settings.history_retention_s))
        swept.payloads += await self._delete_ended(payloads, first_key_at(now - payload_age))
        swept.invocations += await self._delete_ended(invocations, first_key_at(now - row_age))
        limit_bytes = self._settings.payload_retention_mib * _MIB
        in_vain = 0
        for _ in range(_STEPS):
            if in_vain > _STEPS_IN_VAIN or await self._main.read(bytes_in_use) <= limit_bytes:
                return
            table = await self._main.read(which_goes_first)
            deleted = await self._delete_some(table, None)
            if not deleted and table is payloads:
                table = invocations
                deleted = await self._delete_some(table, None)
            in_vain += not deleted
            if table is payloads:
                swept.payloads += deleted
            else:
                swept.invocations += deleted

    async def _delete_ended(self, table: Table, before_key: int) -> int:
        deleted = in_vain = 0
        for _ in range(_STEPS):
            some = await self._delete_some(table, before_key)
            deleted += some
            in_vain += not some
            if not self._looked_at[table] or in_vain > _STEPS_IN_VAIN:
                break
        return deleted

    async def _delete_some(self, table: Table, before_key: int | None) -> int:
        after_key = self._looked_at[table]
        window = await self._main.read(partial(ended, table=table, after_key=after_key, before_key=before_key))
        if window.keys:
            await self._main_writer.run(partial(_delete, table=table, keys=window.keys), promised=False)
        self._looked_at[table] = 0 if window.is_end else window.last
        return len(window.keys)

    async def _sweep_history(self, now: datetime, swept: Swept) -> None:
        oldest = first_key_at(now - timedelta(seconds=self._settings.history_retention_s))
        for table in (output, lifecycle):
            for _ in range(_STEPS):
                deleted = await self._delete_history(table, oldest, swept)
                if not deleted:
                    break
        per_function_bytes = self._settings.output_per_function_mib * _MIB
        chatty = self._history.wrote_since_asked()
        if self._is_first:
            chatty |= set(await self._history_file.read(functions_with_output))
            self._is_first = False
        for function in chatty:
            await self._trim(function, per_function_bytes, swept)
        for _ in range(_STEPS):
            if await self._history_file.read(bytes_in_use) <= self._settings.history_retention_mib * _MIB:
                return
            older = await self._history_file.read(older_history)
            if older is None or not await self._delete_history(older, None, swept):
                return

    async def _delete_history(self, table: Table, before_id: int | None, swept: Swept) -> int:
        last = await self._history_file.read(lambda connection: oldest_history(connection, table, before_id))
        if last is None:
            return 0
        deleted = await self._history_writer.run(
            lambda connection: connection.execute(delete(table).where(table.c.id <= last)).rowcount, promised=False
        )
        if table is output:
            swept.output_batches += deleted
        else:
            swept.lifecycle_entries += deleted
        return deleted

    async def _trim(self, function: FunctionKey, limit_bytes: int, swept: Swept) -> None:
        for _ in range(_STEPS):
            ids = await self._history_file.read(partial(surplus_output, function=function, limit_bytes=limit_bytes))
            if not ids:
                return
            await self._history_writer.run(partial(_delete_output, ids=ids), promised=False)
            swept.output_batches += len(ids)


def _delete(connection: Connection, table: Table, keys: Sequence[int]) -> None:
    connection.execute(delete(payloads).where(payloads.c.key.in_(_ONE_OF)), _named(keys))
    if table is invocations:
        connection.execute(delete(invocations).where(invocations.c.key.in_(_ONE_OF)), _named(keys))


def _delete_output(connection: Connection, ids: Sequence[int]) -> None:
    connection.execute(delete(output).where(output.c.id.in_(_ONE_OF)), _named(ids))


def _named(keys: Sequence[int]) -> dict[str, str]:
    return {"keys": json.dumps(keys)}


async def _vacuum(database: Database, writer: Writer) -> int:
    freed = 0
    for _ in range(_STEPS):
        if await database.read(free_pages) <= _FREE_PAGES_KEPT:
            break
        await writer.run(_free_some_pages, promised=False)
        freed += _PAGES_AT_ONCE
    return freed


def _free_some_pages(connection: Connection) -> None:
    # one page for each row that is fetched, and SQLAlchemy fetches none of a result without columns
    driver_of(connection).execute(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})").fetchall()
