"""A version and an alias as rows, and back."""

from __future__ import annotations

import json
from datetime import timedelta

from sqlalchemy import Row

from orchestrator.domain.aliases import Alias
from orchestrator.domain.functions import Code, FunctionState, FunctionVersion, Image, ImageConfig, LastUpdateStatus
from orchestrator.domain.names import FunctionKey
from orchestrator.domain.version_options import VersionOptions
from orchestrator.store.encoding import (
    document_from_json,
    document_to_json,
    from_us,
    texts_from_json,
    texts_to_json,
    to_json,
    to_text,
    to_us,
)
from orchestrator.store.sealing import Sealer

_MILLISECOND = timedelta(milliseconds=1)


def version_row(version: FunctionVersion, sealer: Sealer) -> dict[str, int | str | None]:
    """A version as a row of `function_versions`."""
    image, before = version.image, version.code_before
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
        "image_uri_before": to_text(before.image_uri) if before else None,
        "architecture_before": before.architecture if before else None,
        "role": to_text(version.role),
        "description": to_text(version.description),
        "source_description": to_text(version.source_description),
        "memory_mib": version.memory_mib,
        "timeout_ms": version.timeout // _MILLISECOND,
        "environment": sealer.seal(
            to_json(dict(version.environment)), place_of_environment(version.key, version.version)
        ),
        "config_entry_point": texts_to_json(config.entry_point),
        "config_command": texts_to_json(config.command),
        "config_working_directory": to_text(config.working_directory),
        "architecture": version.architecture,
        "ephemeral_storage_mib": version.ephemeral_storage_mib,
        "options": document_to_json(version.options),
        "updates": version.updates,
        "revision_id": version.revision_id,
        "last_modified_us": to_us(version.last_modified),
        "state": version.state.value,
        "state_reason": to_text(version.state_reason),
        "state_reason_code": version.state_reason_code,
        "last_update_status": version.last_update_status.value,
        "last_update_status_reason": to_text(version.last_update_status_reason),
        "last_update_status_reason_code": version.last_update_status_reason_code,
    }


def version_from(row: Row[tuple[object, ...]], sealer: Sealer) -> FunctionVersion:
    """What `version_row` wrote."""
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
    before = None
    if one["image_uri_before"] is not None:
        before = Code(image_uri=one["image_uri_before"], architecture=one["architecture_before"])
    return FunctionVersion(
        key=key,
        version=one["version"],
        image_uri=one["image_uri"],
        image=image,
        code_before=before,
        role=one["role"],
        description=one["description"],
        source_description=one["source_description"],
        memory_mib=one["memory_mib"],
        timeout=one["timeout_ms"] * _MILLISECOND,
        environment=json.loads(sealer.open(one["environment"], place_of_environment(key, one["version"]))),
        image_config=ImageConfig(
            entry_point=texts_from_json(one["config_entry_point"]),
            command=texts_from_json(one["config_command"]),
            working_directory=one["config_working_directory"],
        ),
        architecture=one["architecture"],
        ephemeral_storage_mib=one["ephemeral_storage_mib"],
        options=document_from_json(one["options"], VersionOptions),
        updates=one["updates"],
        revision_id=one["revision_id"],
        last_modified=from_us(one["last_modified_us"]),
        state=FunctionState(one["state"]),
        state_reason=one["state_reason"],
        state_reason_code=one["state_reason_code"],
        last_update_status=LastUpdateStatus(one["last_update_status"]),
        last_update_status_reason=one["last_update_status_reason"],
        last_update_status_reason_code=one["last_update_status_reason_code"],
    )


def place_of_environment(key: FunctionKey, version: str) -> str:
    """What its variables are sealed for: they do not open as another's."""
    return f"function_versions/{key.account}/{key.region}/{key.name}/{version}/environment"


def alias_row(alias: Alias) -> dict[str, str | None]:
    """An alias as a row of `aliases`."""
    return {
        "account": alias.key.account,
        "region": alias.key.region,
        "name": alias.key.name,
        "alias": alias.name,
        "version": alias.version,
        "description": to_text(alias.description),
        "weights": to_json(dict(alias.weights)),
        "revision_id": alias.revision_id,
    }


def alias_from(row: Row[tuple[object, ...]]) -> Alias:
    """What `alias_row` wrote."""
    one = row._mapping
    return Alias(
        key=FunctionKey(one["account"], one["region"], one["name"]),
        name=one["alias"],
        version=one["version"],
        description=one["description"],
        weights=json.loads(one["weights"]),
        revision_id=one["revision_id"],
    )
