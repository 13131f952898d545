"""
Functions and their versions.

Read from memory: a snapshot loaded at start and changed only after a commit of this process, so the hot path looks a
function up without waiting. Each write waits for its flush to the disk.
Not here: what a change means for running environments, and what callers are told.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from orchestrator.domain.aliases import Alias
from orchestrator.domain.errors import ChangedMeanwhile
from orchestrator.domain.functions import Function, FunctionVersion
from orchestrator.domain.names import LATEST, FunctionKey
from orchestrator.store import function_statements as statements
from orchestrator.store.documents import Along, Documents
from orchestrator.store.encoding import to_json
from orchestrator.store.sealing import Sealer
from orchestrator.store.targets import check_there, renew_revision
from orchestrator.store.writer import Writer

_AFTER_ANY_NAME = "\x7f"


class FunctionStore:
    """
    The functions of this data directory.

    Args:
        loaded: What `load_functions` read at start.
        sealer: For the environment variables, which are secrets.
        documents: What is set on functions goes with them.
    """

    def __init__(self, writer: Writer, loaded: Iterable[Function], sealer: Sealer, documents: Documents) -> None:
        self._documents = documents
        self._writer = writer
        self._sealer = sealer
        self._functions = {one.key: one for one in loaded}
        self._keys = sorted(self._functions)
        self._reserved: dict[tuple[str, str], int] = {}
        for one in self._functions.values():
            self._count_reservation(one.key, one.reserved_concurrency or 0)

    def get(self, key: FunctionKey) -> Function | None:
        """The function, or None if there is none of this key."""
        return self._functions.get(key)

    def all(self) -> Sequence[Function]:
        """Every function, in the order of their keys."""
        return [self._functions[key] for key in self._keys]

    def after(self, account: str, region: str, name: str) -> Iterator[Function]:
        """Functions of an account and region whose names come after this one, by name; read on without waiting."""
        first = bisect_right(self._keys, FunctionKey(account, region, name))
        last = bisect_left(self._keys, FunctionKey(account, region, _AFTER_ANY_NAME))
        for at in range(first, last):
            yield self._functions[self._keys[at]]

    def count(self, account: str, region: str) -> int:
        """How many functions an account has in a region."""
        first = bisect_left(self._keys, FunctionKey(account, region, ""))
        return bisect_left(self._keys, FunctionKey(account, region, _AFTER_ANY_NAME)) - first

    def reserved_in_all(self, account: str, region: str) -> int:
        """The sum of the reservations of an account and region; asked at each admission, so kept, not counted."""
        return self._reserved.get((account, region), 0)

    def check_is_new(self, key: FunctionKey) -> None:
        """
        Is there none of this key?

        Raises:
            ResourceConflict: If there is one.
        """
        if key in self._functions:
            raise statements.already_exists(key)

    async def create(self, function: Function) -> None:
        """
        Save a new function, with the versions that are published with it.

        Raises:
            ResourceConflict: If there is one of this key.
        """
        await self._writer.run(
            lambda connection: statements.create(connection, self._sealer, function),
            applied=lambda _: self._put(function),
        )

    async def replace_latest(self, version: FunctionVersion, *, expected_revision: str) -> bool:
        """
        Save what `$LATEST` is from now on, if nobody changed it meanwhile.

        Args:
            expected_revision: The revision id that `$LATEST` must still have.

        Returns: False if it has another, or the function is gone.
        """

        def applied(won: bool) -> None:
            if won:
                self._put(replace(self._functions[version.key], latest=version))

        return await self._writer.run(
            lambda connection: statements.replace_version(connection, self._sealer, version, expected_revision),
            applied=applied,
        )

    async def publish(
        self,
        version: FunctionVersion,
        *,
        expected_last: int,
        latest: FunctionVersion | None = None,
        expected_revision: str = "",
    ) -> None:
        """
        Save a new version.

        Args:
            expected_last: The greatest number that was given before; the new one is the next.
            latest: What `$LATEST` is from now on; None leaves it.
            expected_revision: The revision id that `$LATEST` must still have.

        Raises:
            ChangedMeanwhile: If another was published, or `$LATEST` changed.
            ResourceNotFound: If the function is gone.
        """

        def work(connection: Connection) -> None:
            last = statements.last_published(connection, version.key)
            if last != expected_last or (
                latest is not None
                and not statements.replace_version(connection, self._sealer, latest, expected_revision)
            ):
                raise ChangedMeanwhile(
                    "The operation cannot be performed at this time. "
                    f"{version.key.arn} was changed or published meanwhile; try again"
                )
            statements.add_version(connection, self._sealer, version)
            statements.change(connection, version.key, last_published=expected_last + 1)

        def applied(_: None) -> None:
            function = self._functions[version.key]
            versions = {**function.versions, version.version: version}
            changed = function.latest if latest is None else latest
            self._put(replace(function, latest=changed, versions=versions, last_published=expected_last + 1))

        await self._writer.run(work, applied=applied)

    async def replace_version(self, version: FunctionVersion, *, expected_revision: str) -> bool:
        """
        Save what became of a published version.

        Args:
            expected_revision: The revision id that it must still have: a function that was deleted and created again
                gives the same numbers.

        Returns: False if it has another, or is gone.
        """

        def applied(was_there: bool) -> None:
            if was_there:
                function = self._functions[version.key]
                self._put(replace(function, versions={**function.versions, version.version: version}))

        return await self._writer.run(
            lambda connection: statements.replace_version(connection, self._sealer, version, expected_revision),
            applied=applied,
        )

    async def delete_version(self, key: FunctionKey, number: str) -> None:
        """
        Delete a published version, with what is set on it.

        Raises:
            ResourceNotFound: If it is gone.
            ResourceConflict: If an alias leads to it.
        """

        def work(connection: Connection) -> None:
            statements.delete_version(connection, key, number)
            self._documents.delete_of(connection, key, number)

        def applied(_: None) -> None:
            function = self._functions[key]
            versions = {kept: one for kept, one in function.versions.items() if kept != number}
            self._put(replace(function, versions=versions))
            self._documents.forget(key, number)

        await self._writer.run(work, applied=applied)

    async def create_alias(self, alias: Alias) -> None:
        """
        Save a new alias.

        Raises:
            ResourceConflict: If there is one of this name.
            ResourceNotFound: If the function, or a version that it leads to, is gone.
        """
        await self._writer.run(
            lambda connection: statements.create_alias(connection, alias), applied=lambda _: self._put_alias(alias)
        )

    async def replace_alias(self, alias: Alias, *, expected_revision: str) -> None:
        """
        Save what an alias is from now on, if nobody changed it meanwhile.

        Raises:
            ChangedMeanwhile: If its revision is another.
            ResourceNotFound: If it, or a version that it leads to, is gone.
        """
        await self._writer.run(
            lambda connection: statements.replace_alias(connection, alias, expected_revision),
            applied=lambda _: self._put_alias(alias),
        )

    async def delete_alias(self, key: FunctionKey, name: str) -> bool:
        """
        Delete an alias, with what is set on it.

        Returns: False if there was none.
        """

        def work(connection: Connection) -> bool:
            self._documents.delete_of(connection, key, name)
            return statements.delete_alias(connection, key, name)

        def applied(was_there: bool) -> None:
            self._documents.forget(key, name)
            if was_there:
                function = self._functions[key]
                self._put(
                    replace(function, aliases={kept: one for kept, one in function.aliases.items() if kept != name})
                )

        return await self._writer.run(work, applied=applied)

    async def set_reserved_concurrency(self, key: FunctionKey, reserved: int | None) -> None:
        """
        Reserve concurrency for a function; None takes the reservation away.

        Raises:
            ResourceNotFound: If the function is gone.
        """
        await self._writer.run(
            lambda connection: statements.change(connection, key, reserved_concurrency=reserved),
            applied=lambda _: self._put(replace(self._functions[key], reserved_concurrency=reserved)),
        )

    async def change_tags(
        self, key: FunctionKey, change: Callable[[Mapping[str, str]], Mapping[str, str]], *, revision_id: str
    ) -> None:
        """
        Replace all tags of a function. `$LATEST` then has another RevisionId.

        Args:
            change: What they are from now on, of what they are when they are written: nobody's are lost. Pure; whatever
                it refuses, nothing is written.

        Raises:
            ResourceNotFound: If the function is gone.
        """
        renewed = self.renewed(key, LATEST, None, revision_id)

        def work(connection: Connection) -> tuple[dict[str, str], bool]:
            tags = dict(change(statements.tags_of(connection, key)))
            statements.change(connection, key, tags=to_json(tags))
            return tags, renewed.write(connection)

        def applied(done: tuple[dict[str, str], bool]) -> None:
            self._put(replace(self._functions[key], tags=done[0]))
            renewed.applied(done[1])

        await self._writer.run(work, applied=applied)

    def standing(self, key: FunctionKey, qualifier: str = LATEST) -> Along:
        """
        For a setting of a version or alias: it must still be there when that is written.

        Raises: ResourceNotFound, when it is written, if it is gone.
        """
        return Along(lambda connection: check_there(connection, key, qualifier))

    def renewed(self, key: FunctionKey, qualifier: str, given: str | None, revision_id: str) -> Along:
        """
        For a policy of a version or alias: that has another RevisionId when the policy is written.

        Args:
            given: The one that it must still have; None asks for no check.

        Raises: ResourceNotFound or PreconditionFailed, when it is written, if it is gone or has another.
        """

        def applied(is_renewed: bool) -> None:
            function = self._functions[key]
            if not is_renewed:
                return
            if qualifier in function.aliases:
                self._put_alias(replace(function.aliases[qualifier], revision_id=revision_id))
            elif qualifier == LATEST:
                self._put(replace(function, latest=replace(function.latest, revision_id=revision_id)))
            else:
                version = replace(function.versions[qualifier], revision_id=revision_id)
                self._put(replace(function, versions={**function.versions, qualifier: version}))

        return Along(lambda connection: renew_revision(connection, key, qualifier, given, revision_id), applied=applied)

    async def delete(self, key: FunctionKey) -> None:
        """
        Delete a function with its versions, aliases, and what is set on them.

        Raises:
            ResourceNotFound: If it is gone already.
        """

        def applied(_: None) -> None:
            self._count_reservation(key, -(self._functions.pop(key).reserved_concurrency or 0))
            del self._keys[bisect_left(self._keys, key)]
            self._documents.forget(key)

        def work(connection: Connection) -> None:
            self._documents.delete_of(connection, key)
            statements.delete(connection, key)

        await self._writer.run(work, applied=applied)

    def _put_alias(self, alias: Alias) -> None:
        function = self._functions[alias.key]
        self._put(replace(function, aliases={**function.aliases, alias.name: alias}))

    def _put(self, function: Function) -> None:
        before = self._functions.get(function.key)
        if before is None:
            insort(self._keys, function.key)
        self._functions[function.key] = function
        reserved_before = (before.reserved_concurrency or 0) if before is not None else 0
        self._count_reservation(function.key, (function.reserved_concurrency or 0) - reserved_before)

    def _count_reservation(self, key: FunctionKey, change: int) -> None:
        place = (key.account, key.region)
        reserved = self._reserved.pop(place, 0) + change
        if reserved:
            self._reserved[place] = reserved
