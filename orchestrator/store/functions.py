"""
Functions and their versions.

Read from memory: a snapshot loaded at start and changed only after a commit of this process, so the hot path looks a
function up without waiting. Each write waits for its flush to the disk.
Not here: what a change means for running environments, and what callers are told.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import ColumnElement, Connection, Row, Table, delete, insert, select, update

from orchestrator.domain.errors import ResourceConflict, ResourceNotFound
from orchestrator.domain.functions import (
    Function,
    FunctionState,
    FunctionVersion,
    Image,
    ImageConfig,
    LastUpdateStatus,
)
from orchestrator.domain.names import LATEST, FunctionKey
from orchestrator.store.encoding import from_us, texts_from_json, texts_to_json, to_json, to_text, to_us
from orchestrator.store.sealing import Sealer, is_sealed
from orchestrator.store.tables import function_versions, functions
from orchestrator.store.writer import Writer

_MILLISECOND = timedelta(milliseconds=1)
_AFTER_ANY_NAME = "\x7f"


class FunctionStore:
    """
    The functions of this data directory.

    Args:
        loaded: What `load_functions` read at start.
        sealer: For the environment variables, which are secrets.
    """

    def __init__(self, writer: Writer, loaded: Iterable[Function], sealer: Sealer) -> None:
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

    def list(self, account: str, region: str, after_name: str | None, limit: int) -> Sequence[Function]:
        """
        Functions of an account and region, by name.

        Args:
            after_name: Begin after this name; None begins with the first.
        """
        first = bisect_right(self._keys, FunctionKey(account, region, after_name or ""))
        last = bisect_left(self._keys, FunctionKey(account, region, _AFTER_ANY_NAME))
        return [self._functions[key] for key in self._keys[first:last][:limit]]

    def count(self, account: str, region: str) -> int:
        """How many functions an account has in a region."""
        first = bisect_left(self._keys, FunctionKey(account, region, ""))
        return bisect_left(self._keys, FunctionKey(account, region, _AFTER_ANY_NAME)) - first

    def reserved_in_all(self, account: str, region: str) -> int:
        """The sum of the reservations of an account and region; asked at each admission, so kept, not counted."""
        return self._reserved.get((account, region), 0)

    async def create(self, function: Function) -> None:
        """
        Save a new function.

        Raises:
            ResourceConflict: If there is one of this key.
        """
        await self._writer.run(
            lambda connection: _create(connection, self._sealer, function), applied=lambda _: self._put(function)
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
            lambda connection: _replace_latest(connection, self._sealer, version, expected_revision), applied=applied
        )

    async def set_reserved_concurrency(self, key: FunctionKey, reserved: int | None) -> None:
        """
        Reserve concurrency for a function; None takes the reservation away.

        Raises:
            ResourceNotFound: If the function is gone.
        """
        await self._writer.run(
            lambda connection: _change(connection, key, reserved_concurrency=reserved),
            applied=lambda _: self._put(replace(self._functions[key], reserved_concurrency=reserved)),
        )

    async def set_tags(self, key: FunctionKey, tags: Mapping[str, str]) -> None:
        """
        Replace all tags of a function.

        Raises:
            ResourceNotFound: If the function is gone.
        """
        kept = dict(tags)
        await self._writer.run(
            lambda connection: _change(connection, key, tags=to_json(kept)),
            applied=lambda _: self._put(replace(self._functions[key], tags=kept)),
        )

    async def delete(self, key: FunctionKey) -> None:
        """
        Delete a function with its versions.

        Raises:
            ResourceNotFound: If it is gone already.
        """

        def applied(_: None) -> None:
            self._count_reservation(key, -(self._functions.pop(key).reserved_concurrency or 0))
            del self._keys[bisect_left(self._keys, key)]

        await self._writer.run(lambda connection: _delete(connection, key), applied=applied)

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


def load_functions(connection: Connection, sealer: Sealer) -> list[Function]:
    """Every function with its `$LATEST`."""
    latest = (
        (functions.c.account == function_versions.c.account)
        & (functions.c.region == function_versions.c.region)
        & (functions.c.name == function_versions.c.name)
        & (function_versions.c.version == LATEST)
    )
    query = select(functions.c.tags, functions.c.reserved_concurrency, function_versions).join(
        function_versions, latest
    )
    rows = connection.execute(query)
    return [_function_from(row, sealer) for row in rows]


def seal_what_is_plain(connection: Connection, sealer: Sealer) -> int:
    """
    Seal the environment variables that a Paddock before 0.2 wrote as they are.

    Returns: How many rows had some.
    """
    plain = 0
    columns = function_versions.c
    for row in connection.execute(
        select(columns.account, columns.region, columns.name, columns.version, columns.environment)
    ):
        if is_sealed(row.environment):
            continue
        key = FunctionKey(row.account, row.region, row.name)
        connection.execute(
            update(function_versions)
            .where(_is(function_versions, key), columns.version == row.version)
            .values(environment=sealer.seal(row.environment, _place(key, row.version)))
        )
        plain += 1
    return plain


def _create(connection: Connection, sealer: Sealer, function: Function) -> None:
    key = function.key
    if connection.execute(select(functions.c.name).where(_is(functions, key))).first() is not None:
        raise ResourceConflict(f"Function already exist: {key.name}")
    connection.execute(
        insert(functions).values(
            account=key.account,
            region=key.region,
            name=key.name,
            tags=to_json(dict(function.tags)),
            reserved_concurrency=function.reserved_concurrency,
        )
    )
    connection.execute(insert(function_versions).values(**_version_row(function.latest, sealer)))


def _replace_latest(connection: Connection, sealer: Sealer, version: FunctionVersion, expected_revision: str) -> bool:
    changed = connection.execute(
        update(function_versions)
        .where(
            _is(function_versions, version.key),
            function_versions.c.version == LATEST,
            function_versions.c.revision_id == expected_revision,
        )
        .values(**_version_row(version, sealer))
    )
    return changed.rowcount == 1


def _change(connection: Connection, key: FunctionKey, **columns: int | str | None) -> None:
    changed = connection.execute(update(functions).where(_is(functions, key)).values(**columns))
    if changed.rowcount == 0:
        raise ResourceNotFound(f"Function not found: {key.arn}")


def _delete(connection: Connection, key: FunctionKey) -> None:
    if connection.execute(delete(functions).where(_is(functions, key))).rowcount == 0:
        raise ResourceNotFound(f"Function not found: {key.arn}")


def _is(table: Table, key: FunctionKey) -> ColumnElement[bool]:
    return (table.c.account == key.account) & (table.c.region == key.region) & (table.c.name == key.name)


def _version_row(version: FunctionVersion, sealer: Sealer) -> dict[str, int | str | None]:
    image = version.image
    config = version.image_config
    return {
        "account": version.key.account,
        "region": version.key.region,
        "name": version.key.name,
        "version": version.version,
        "image_uri": to_text(version.image_uri),
        "image_id": image.image_id if image else None,
        "image_architecture": image.architecture if image else None,
        "image_size_bytes": image.size_bytes if image else None,
        "image_entry_point": texts_to_json(image.entry_point) if image else None,
        "image_command": texts_to_json(image.command) if image else None,
        "image_working_directory": to_text(image.working_directory) if image else None,
        "role": to_text(version.role),
        "description": to_text(version.description),
        "memory_mib": version.memory_mib,
        "timeout_ms": version.timeout // _MILLISECOND,
        "environment": sealer.seal(to_json(dict(version.environment)), _place(version.key, version.version)),
        "config_entry_point": texts_to_json(config.entry_point),
        "config_command": texts_to_json(config.command),
        "config_working_directory": to_text(config.working_directory),
        "architecture": version.architecture,
        "ephemeral_storage_mib": version.ephemeral_storage_mib,
        "revision_id": version.revision_id,
        "last_modified_us": to_us(version.last_modified),
        "state": version.state.value,
        "state_reason": to_text(version.state_reason),
        "state_reason_code": version.state_reason_code,
        "last_update_status": version.last_update_status.value,
        "last_update_status_reason": to_text(version.last_update_status_reason),
        "last_update_status_reason_code": version.last_update_status_reason_code,
    }


def _function_from(row: Row[tuple[object, ...]], sealer: Sealer) -> Function:
    version = _version_from(row, sealer)
    return Function(
        key=version.key,
        latest=version,
        tags=json.loads(row._mapping["tags"]),
        reserved_concurrency=row._mapping["reserved_concurrency"],
    )


def _version_from(row: Row[tuple[object, ...]], sealer: Sealer) -> FunctionVersion:
    one = row._mapping
    key = FunctionKey(one["account"], one["region"], one["name"])
    image = None
    if one["image_id"] is not None:
        image = Image(
            image_id=one["image_id"],
            architecture=one["image_architecture"],
            size_bytes=one["image_size_bytes"],
            entry_point=texts_from_json(one["image_entry_point"]) or (),
            command=texts_from_json(one["image_command"]) or (),
            working_directory=one["image_working_directory"],
        )
    return FunctionVersion(
        key=key,
        version=one["version"],
        image_uri=one["image_uri"],
        image=image,
        role=one["role"],
        description=one["description"],
        memory_mib=one["memory_mib"],
        timeout=one["timeout_ms"] * _MILLISECOND,
        environment=json.loads(sealer.open(one["environment"], _place(key, one["version"]))),
        image_config=ImageConfig(
            entry_point=texts_from_json(one["config_entry_point"]),
            command=texts_from_json(one["config_command"]),
            working_directory=one["config_working_directory"],
        ),
        architecture=one["architecture"],
        ephemeral_storage_mib=one["ephemeral_storage_mib"],
        revision_id=one["revision_id"],
        last_modified=from_us(one["last_modified_us"]),
        state=FunctionState(one["state"]),
        state_reason=one["state_reason"],
        state_reason_code=one["state_reason_code"],
        last_update_status=LastUpdateStatus(one["last_update_status"]),
        last_update_status_reason=one["last_update_status_reason"],
        last_update_status_reason_code=one["last_update_status_reason_code"],
    )


def _place(key: FunctionKey, version: str) -> str:
    return f"function_versions/{key.account}/{key.region}/{key.name}/{version}/environment"
