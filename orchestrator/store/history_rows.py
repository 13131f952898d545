"""Output batches and lifecycle entries as rows and back."""

from __future__ import annotations

import json

from sqlalchemy import Row, bindparam, insert

from orchestrator.domain.history import LifecycleEntry, LifecycleEvent, LineSource, OutputBatch, OutputLine
from orchestrator.domain.names import FunctionKey
from orchestrator.store.encoding import from_us, history_json, to_us
from orchestrator.store.statements import ManyRows
from orchestrator.store.tables import lifecycle, output

OUTPUT_ROW_BYTES = 320
"""What a row of output takes besides its lines, about."""
LIFECYCLE_ROW_BYTES = 512
"""What a lifecycle entry takes with its entries in the indexes, about."""

_OUTPUT_COLUMNS = (
    "id",
    "account",
    "region",
    "name",
    "version",
    "environment_id",
    "log_stream",
    "dropped_bytes",
    "size_bytes",
    "lines",
)
_LIFECYCLE_COLUMNS = (
    "id",
    "at_us",
    "event",
    "account",
    "region",
    "name",
    "version",
    "environment_id",
    "request_id",
    "detail",
)

INSERT_OUTPUT = ManyRows(insert(output).values({name: bindparam(name) for name in _OUTPUT_COLUMNS}), _OUTPUT_COLUMNS)
INSERT_LIFECYCLE = ManyRows(
    insert(lifecycle).values({name: bindparam(name) for name in _LIFECYCLE_COLUMNS}), _LIFECYCLE_COLUMNS
)


def output_row(row_id: int, batch: OutputBatch) -> tuple[object, ...]:
    """A row for `INSERT_OUTPUT`."""
    lines = history_json([(line.at_us, line.source.value, line.text, line.request_id) for line in batch.lines])
    function = batch.function
    return (
        row_id,
        function.account,
        function.region,
        function.name,
        batch.version,
        batch.environment_id,
        batch.log_stream,
        batch.dropped_bytes,
        len(lines) + OUTPUT_ROW_BYTES,
        lines,
    )


def batch_from(row: Row[tuple[object, ...]]) -> OutputBatch:
    """The value of a row of `output`."""
    one = row._mapping
    return OutputBatch(
        function=FunctionKey(one["account"], one["region"], one["name"]),
        version=one["version"],
        environment_id=one["environment_id"],
        log_stream=one["log_stream"],
        lines=tuple(
            OutputLine(at_us, LineSource(source), text, request_id)
            for at_us, source, text, request_id in json.loads(one["lines"])
        ),
        dropped_bytes=one["dropped_bytes"],
    )


def lifecycle_row(row_id: int, entry: LifecycleEntry) -> tuple[object, ...]:
    """A row for `INSERT_LIFECYCLE`."""
    function = entry.function
    return (
        row_id,
        to_us(entry.at),
        entry.event.value,
        function.account,
        function.region,
        function.name,
        entry.version,
        entry.environment_id,
        entry.request_id,
        history_json(entry.detail),
    )


def entry_from(row: Row[tuple[object, ...]]) -> LifecycleEntry:
    """The value of a row of `lifecycle`."""
    one = row._mapping
    return LifecycleEntry(
        at=from_us(one["at_us"]),
        event=LifecycleEvent(one["event"]),
        function=FunctionKey(one["account"], one["region"], one["name"]),
        version=one["version"],
        environment_id=one["environment_id"],
        request_id=one["request_id"],
        detail=json.loads(one["detail"]),
    )
