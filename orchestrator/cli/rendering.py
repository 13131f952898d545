"""
How things look: documents, tables, local times, progress. No asking and no deciding.

What is for programs (bodies, documents, output lines) goes to stdout unchanged. Rich decides about colour: none when
piped, none under NO_COLOR.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

NOTHING = "-"

# No id is ever cut, in a pipe or on a narrow terminal: the terminal itself folds what is too long for it.
_UNBOUNDED_WIDTH = 10_000

_STYLE_OF_STATE = {
    "Active": "green",
    "Successful": "green",
    "idle": "green",
    "busy": "cyan",
    "frozen": "blue",
    "Pending": "yellow",
    "InProgress": "yellow",
    "starting": "yellow",
    "Failed": "bold red",
}


def terminal() -> Console:
    """Rich's face of stdout, made anew because tests and pipes replace it."""
    from rich.console import Console

    return Console(width=_UNBOUNDED_WIDTH, highlight=False, markup=False, emoji=False)


def print_document(document: object) -> None:
    """A machine-readable answer, indented, alone on stdout."""
    print(json.dumps(document, indent=2, ensure_ascii=False, default=_plain))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], right: Sequence[str] = ()) -> None:
    """
    Rows under a heading, and the heading alone where there are none.

    Args:
        right: Columns of numbers, which are aligned to the right.
    """
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", no_wrap=True, overflow="fold")
    for row in rows:
        table.add_row(*(Text(shown(value), style=_STYLE_OF_STATE.get(str(value), "")) for value in row))
    terminal().print(table)


def print_fields(fields: Iterable[tuple[str, object]]) -> None:
    """Names and values, one a line; those that are None are left out."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in fields:
        if value is not None:
            table.add_row(Text(name, style="bold"), Text(shown(value), style=_STYLE_OF_STATE.get(str(value), "")))
    terminal().print(table)


def print_line(text: str = "", style: str = "") -> None:
    """One line on stdout."""
    from rich.text import Text

    terminal().print(Text(text, style=style))


def tell(text: str) -> None:
    """One line on stderr, for the person; never for programs."""
    print(text, file=sys.stderr)


def progress(text: str) -> AbstractContextManager[object]:
    """Shows that something is under way, on stderr, if a person watches it."""
    from rich.console import Console

    console = Console(stderr=True)
    return console.status(text) if console.is_terminal else nullcontext()


def shown(value: object) -> str:
    """A value as people read it."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(str(one) for one in value) or NOTHING
    return str(value)


def local_time(moment: str | None) -> str:
    """An instant (ISO 8601) in this machine's time zone, to the millisecond; what is no instant stays as it is."""
    if not moment:
        return NOTHING
    try:
        instant = datetime.fromisoformat(moment)
    except ValueError:
        return moment
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    return instant.astimezone().strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
