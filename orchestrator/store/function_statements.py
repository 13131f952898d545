"""
Functions, their versions and aliases in the database: what a transaction reads and writes of them.

What is asked for and what is written are of one transaction: what was deleted or changed meanwhile is seen.
Not here: what of it is kept in memory (`functions.py`), and how they look as rows (`function_rows.py`).
"""

from __future__ import annotations

import json
from collections import defaultdict

from sqlalchemy import Connection, insert, select, update
from sqlalchemy import delete as delete_from

from orchestrator.domain.aliases import Alias
from orchestrator.domain.errors import ChangedMeanwhile, ResourceConflict, ResourceNotFound
from orchestrator.domain.functions import Function, FunctionVersion
from orchestrator.domain.names import LATEST, FunctionKey
from orchestrator.store.encoding import to_json
from orchestrator.store.function_rows import alias_from, alias_row, place_of_environment, version_from, version_row
from orchestrator.store.sealing import Sealer, is_sealed
from orchestrator.store.tables import aliases, function_versions, functions, of_function
from orchestrator.store.targets import not_found


def load_functions(connection: Connection, sealer: Sealer) -> list[Function]:
    """Every function with its versions and aliases."""
    versions: dict[FunctionKey, dict[str, FunctionVersion]] = defaultdict(dict)
    for row in connection.execute(select(function_versions)):
        version = version_from(row, sealer)
        versions[version.key][version.version] = version
    named: dict[FunctionKey, dict[str, Alias]] = defaultdict(dict)
    for row in connection.execute(select(aliases)):
        alias = alias_from(row)
        named[alias.key][alias.name] = alias
    found = []
    for row in connection.execute(select(functions)):
        key = FunctionKey(row.account, row.region, row.name)
        own = versions[key]
        found.append(
            Function(
                key=key,
                latest=own.pop(LATEST),
                versions=own,
                aliases=named.get(key, {}),
                last_published=row.last_published,
                tags=json.loads(row.tags),
                reserved_concurrency=row.reserved_concurrency,
            )
        )
    return found


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
            .where(of_function(function_versions, key), columns.version == row.version)
            .values(environment=sealer.seal(row.environment, place_of_environment(key, row.version)))
        )
        plain += 1
    return plain


def create(connection: Connection, sealer: Sealer, function: Function) -> None:
    """
    Write a function, with the versions that are published with it.

    Raises:
        ResourceConflict: If there is one of this key.
    """
    key = function.key
    if connection.execute(select(functions.c.name).where(of_function(functions, key))).first() is not None:
        raise already_exists(key)
    connection.execute(
        insert(functions).values(
            account=key.account,
            region=key.region,
            name=key.name,
            tags=to_json(dict(function.tags)),
            reserved_concurrency=function.reserved_concurrency,
            last_published=function.last_published,
        )
    )
    for version in function.every_version():
        add_version(connection, sealer, version)


def already_exists(key: FunctionKey) -> ResourceConflict:
    """What whoever creates it again is told."""
    return ResourceConflict(f"Function already exist: {key.name}")


def change(connection: Connection, key: FunctionKey, **columns: int | str | None) -> None:
    """
    Write columns of a function.

    Raises:
        ResourceNotFound: If it is gone.
    """
    changed = connection.execute(update(functions).where(of_function(functions, key)).values(**columns))
    if changed.rowcount == 0:
        raise not_found(key)


def delete(connection: Connection, key: FunctionKey) -> None:
    """
    Delete a function; its versions and aliases go with it.

    Raises:
        ResourceNotFound: If it is gone already.
    """
    if connection.execute(delete_from(functions).where(of_function(functions, key))).rowcount == 0:
        raise not_found(key)


def tags_of(connection: Connection, key: FunctionKey) -> dict[str, str]:
    """The tags of a function; none if it is gone."""
    found = connection.execute(select(functions.c.tags).where(of_function(functions, key))).first()
    return dict(json.loads(found.tags)) if found is not None else {}


def last_published(connection: Connection, key: FunctionKey) -> int:
    """
    The greatest number that was given to a version.

    Raises:
        ResourceNotFound: If the function is gone.
    """
    found = connection.execute(select(functions.c.last_published).where(of_function(functions, key))).first()
    if found is None:
        raise not_found(key)
    return int(found.last_published)


def add_version(connection: Connection, sealer: Sealer, version: FunctionVersion) -> None:
    """Write a new version."""
    connection.execute(insert(function_versions).values(**version_row(version, sealer)))


def replace_version(connection: Connection, sealer: Sealer, version: FunctionVersion, expected_revision: str) -> bool:
    """
    Write what a version, or `$LATEST`, is from now on.

    Returns: False if it has another revision id than expected, or is gone.
    """
    columns = function_versions.c
    changed = connection.execute(
        update(function_versions)
        .where(
            of_function(function_versions, version.key),
            columns.version == version.version,
            columns.revision_id == expected_revision,
        )
        .values(**version_row(version, sealer))
    )
    return changed.rowcount == 1


def delete_version(connection: Connection, key: FunctionKey, number: str) -> None:
    """
    Delete a published version.

    Raises:
        ResourceNotFound: If it is gone.
        ResourceConflict: If an alias leads to it.
    """
    leading = [alias_from(row) for row in connection.execute(select(aliases).where(of_function(aliases, key)))]
    if names := sorted(alias.name for alias in leading if number in alias.versions):
        raise ResourceConflict(
            f"Unable to delete version because the following aliases reference it: [{', '.join(names)}]"
        )
    where = (of_function(function_versions, key), function_versions.c.version == number)
    if connection.execute(delete_from(function_versions).where(*where)).rowcount == 0:
        raise not_found(key, number)


def create_alias(connection: Connection, alias: Alias) -> None:
    """
    Write a new alias.

    Raises:
        ResourceConflict: If there is one of this name.
        ResourceNotFound: If the function, or a version that it leads to, is gone.
    """
    _check_versions(connection, alias)
    where = (of_function(aliases, alias.key), aliases.c.alias == alias.name)
    if connection.execute(select(aliases.c.alias).where(*where)).first() is not None:
        raise ResourceConflict(f"Alias already exists: {alias.arn}")
    connection.execute(insert(aliases).values(**alias_row(alias)))


def replace_alias(connection: Connection, alias: Alias, expected_revision: str) -> None:
    """
    Write what an alias is from now on.

    Raises:
        ChangedMeanwhile: If its revision is another than expected.
        ResourceNotFound: If it, or a version that it leads to, is gone.
    """
    _check_versions(connection, alias)
    where = (of_function(aliases, alias.key), aliases.c.alias == alias.name)
    found = connection.execute(select(aliases.c.revision_id).where(*where)).first()
    if found is None:
        raise ResourceNotFound(f"Alias not found: {alias.arn}")
    if found.revision_id != expected_revision:
        raise ChangedMeanwhile(
            f"The operation cannot be performed at this time. {alias.arn} was changed meanwhile; read it and try again"
        )
    connection.execute(update(aliases).where(*where).values(**alias_row(alias)))


def delete_alias(connection: Connection, key: FunctionKey, name: str) -> bool:
    """Delete an alias. Returns: False if there was none."""
    where = (of_function(aliases, key), aliases.c.alias == name)
    return connection.execute(delete_from(aliases).where(*where)).rowcount == 1


def _check_versions(connection: Connection, alias: Alias) -> None:
    rows = connection.execute(select(function_versions.c.version).where(of_function(function_versions, alias.key)))
    there = {row.version for row in rows}
    for version in alias.versions - there:
        raise not_found(alias.key, version)
