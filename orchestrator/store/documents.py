"""
Documents: what is configured and looked up by its name only, each a value of the domain, kept as JSON.

Two sorts. What is set on a function, or one of its versions or aliases, has the function's name as its owner and the
qualifier as its name; it goes when they go, but for what outlives an alias. What an account has beside its functions
has no owner.
Read from memory: loaded at start, changed only after a commit of this process.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Generic, NamedTuple, TypeVar

from sqlalchemy import Connection, delete, insert, select, update

from orchestrator.domain.errors import ChangedMeanwhile
from orchestrator.domain.names import FunctionKey
from orchestrator.store.encoding import document_from_json, document_to_json
from orchestrator.store.tables import documents
from orchestrator.store.writer import Writer

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Kind(Generic[Value]):
    """
    One noun.

    Args:
        name: As it stands in the database; never changes.
        type: A frozen dataclass; its members may come and have defaults, and must not go.
        outlives_alias: Does it stay when the alias that it is set on is deleted, until its function is?
    """

    name: str
    type: type[Value]
    outlives_alias: bool = False


class Place(NamedTuple):
    """Where a document of a kind is."""

    account: str
    region: str
    owner: str
    name: str

    @classmethod
    def on(cls, key: FunctionKey, qualifier: str) -> Place:
        """What is set on a function's version or alias."""
        return cls(key.account, key.region, key.name, qualifier)

    @classmethod
    def beside(cls, account: str, region: str, name: str) -> Place:
        """What an account has beside its functions."""
        return cls(account, region, "", name)


@dataclass(frozen=True, slots=True)
class Along:
    """
    What belongs into the transaction that writes a document.

    Args:
        write: Whatever it raises, nothing is written.
        applied: Told what `write` gave, once that is committed.
    """

    write: Callable[[Connection], Any]
    applied: Callable[[Any], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class _Kept:
    value: Any
    revision: int


class Documents:
    """
    All of them.

    Args:
        loaded: What `load_documents` read at start.
    """

    def __init__(self, writer: Writer, loaded: list[tuple[str, Place, int, str]]) -> None:
        self._writer = writer
        self._unread = {(kind, place): (revision, content) for kind, place, revision, content in loaded}
        self._kept: dict[str, dict[Place, _Kept]] = {}
        self._places: dict[str, list[Place]] = {}
        self._outliving: set[str] = set()

    def know(self, kind: Kind[Any]) -> None:
        """Read what is kept of a kind; once, before anything else is asked of it."""
        if kind.outlives_alias:
            self._outliving.add(kind.name)
        kept = self._kept[kind.name] = {}
        for name, place in [one for one in self._unread if one[0] == kind.name]:
            revision, content = self._unread.pop((name, place))
            kept[place] = _Kept(document_from_json(content, kind.type), revision)
        self._places[kind.name] = sorted(kept)

    def get(self, kind: Kind[Value], place: Place) -> Value | None:
        """The one at this place, or None."""
        kept = self._kept[kind.name].get(place)
        return kept.value if kept is not None else None

    def under(
        self, kind: Kind[Value], account: str, region: str, owner: str | None = None
    ) -> Iterator[tuple[Place, Value]]:
        """
        All of an account and region in the order of their places.

        Args:
            owner: Only what is this function's; None is everyone's.
        """
        kept, places = self._kept[kind.name], self._places[kind.name]
        first = bisect_left(places, Place(account, region, owner or "", ""))
        for place in places[first:]:
            if (place.account, place.region) != (account, region) or owner not in (None, place.owner):
                return
            yield place, kept[place].value

    def all(self, kind: Kind[Value]) -> Iterator[Value]:
        """All of a kind, of every account and region."""
        return (kept.value for kept in self._kept[kind.name].values())

    def count(self, kind: Kind[Any]) -> int:
        """How many there are of a kind."""
        return len(self._places[kind.name])

    def every(self, kind: Kind[Value]) -> Iterator[tuple[Place, Value]]:
        """All of a kind, in the order of their places."""
        for place in self._places[kind.name]:
            yield place, self._kept[kind.name][place].value

    async def put(
        self, kind: Kind[Value], place: Place, value: Value, *, before: Value | None, along: Along | None = None
    ) -> None:
        """
        Save one.

        Args:
            before: What it was when the change was thought of, as `get` gave it; None is nothing.
            along: Written with it, before it: a check that what it is set on is still there.

        Raises:
            ChangedMeanwhile: If it is something else by now.
        """
        now = self._kept[kind.name].get(place)
        if (now.value if now is not None else None) is not before:
            raise _changed_meanwhile(place)
        revision = now.revision if now is not None else 0
        content = document_to_json(value)

        def work(connection: Connection) -> Any:
            result = along.write(connection) if along is not None else None
            if revision == 0:
                where = (documents.c.kind == kind.name, *_at(place))
                if connection.execute(select(documents.c.revision).where(*where)).first() is not None:
                    raise _changed_meanwhile(place)
                connection.execute(
                    insert(documents).values(kind=kind.name, **place._asdict(), revision=1, content=content)
                )
                return result
            changed = connection.execute(
                update(documents)
                .where(documents.c.kind == kind.name, *_at(place), documents.c.revision == revision)
                .values(revision=revision + 1, content=content)
            )
            if changed.rowcount == 0:
                raise _changed_meanwhile(place)
            return result

        def applied(result: Any) -> None:
            if along is not None:
                along.applied(result)
            if place not in self._kept[kind.name]:
                insort(self._places[kind.name], place)
            self._kept[kind.name][place] = _Kept(value, revision + 1)

        await self._writer.run(work, applied=applied)

    async def remove(self, kind: Kind[Any], place: Place) -> bool:
        """
        Remove one.

        Returns: False if there was none.
        """

        def work(connection: Connection) -> bool:
            where = (documents.c.kind == kind.name, *_at(place))
            return connection.execute(delete(documents).where(*where)).rowcount == 1

        return await self._writer.run(work, applied=lambda _: self._drop(kind.name, place))

    # -- for the store of functions

    def delete_of(self, connection: Connection, key: FunctionKey, qualifier: str | None = None) -> None:
        """
        Delete what is set on a function, or only on one of its qualifiers, in the connection's transaction.

        Args:
            qualifier: What outlives it stays.
        """
        where = [documents.c.account == key.account, documents.c.region == key.region, documents.c.owner == key.name]
        if qualifier is not None:
            where += [documents.c.name == qualifier, documents.c.kind.not_in(self._outliving)]
        connection.execute(delete(documents).where(*where))

    def forget(self, key: FunctionKey, qualifier: str | None = None) -> None:
        """The same in memory, once that is committed."""
        for kind, places in self._places.items():
            if qualifier is not None and kind in self._outliving:
                continue
            first = bisect_left(places, Place(key.account, key.region, key.name, ""))
            for place in list(takewhile(lambda one: one[:3] == key, places[first:])):
                if qualifier in (None, place.name):
                    self._drop(kind, place)

    def _drop(self, kind: str, place: Place) -> None:
        if self._kept[kind].pop(place, None) is not None:
            del self._places[kind][bisect_left(self._places[kind], place)]


def load_documents(connection: Connection) -> list[tuple[str, Place, int, str]]:
    """Every document: its kind, its place, its revision, its content."""
    return [
        (row.kind, Place(row.account, row.region, row.owner, row.name), row.revision, row.content)
        for row in connection.execute(select(documents))
    ]


def _at(place: Place) -> tuple[Any, ...]:
    return (
        documents.c.account == place.account,
        documents.c.region == place.region,
        documents.c.owner == place.owner,
        documents.c.name == place.name,
    )


def _changed_meanwhile(place: Place) -> ChangedMeanwhile:
    subject = f"{place.owner}:{place.name}" if place.owner else place.name
    return ChangedMeanwhile(
        f"The operation cannot be performed at this time. {subject} was changed meanwhile; read it and try again"
    )
