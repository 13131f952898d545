"""Values for tests, with everything that does not matter filled in."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from orchestrator.domain.aliases import Alias
from orchestrator.domain.environments import Environment
from orchestrator.domain.functions import Function, FunctionState, FunctionVersion, Image
from orchestrator.domain.invocations import Invocation, InvocationType
from orchestrator.domain.layers import LayerKey, LayerVersion, Statement
from orchestrator.domain.names import FunctionKey, VersionKey, request_id_for
from orchestrator.driver.protocol import EnvironmentSpec

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
KEY = FunctionKey("000000000000", "us-east-1", "hello")


def an_image(image_id: str = "sha256:" + "a" * 64) -> Image:
    """A local image."""
    return Image(image_id=image_id, architecture="x86_64", size_bytes=1000)


def a_version(**changes: Any) -> FunctionVersion:
    """An active function's $LATEST."""
    values: dict[str, Any] = {
        "key": KEY,
        "image_uri": "hello:latest",
        "image": an_image(),
        "role": "arn:aws:iam::000000000000:role/any",
        "revision_id": "revision-1",
        "last_modified": NOW,
        "state": FunctionState.ACTIVE,
        "timeout": timedelta(seconds=3),
    }
    return FunctionVersion(**(values | changes))


def a_function(**changes: Any) -> Function:
    """An active function."""
    version = a_version(**changes)
    return Function(key=version.key, latest=version)


def an_alias(**changes: Any) -> Alias:
    """An alias of the function."""
    values: dict[str, Any] = {"key": KEY, "name": "live", "version": "1", "revision_id": "revision-1"}
    return Alias(**(values | changes))


def a_layer_version(content: bytes, **changes: Any) -> LayerVersion:
    """The first version of a layer, with this archive."""
    values: dict[str, Any] = {
        "key": LayerKey(account="000000000000", region="us-east-1", name="tools"),
        "number": 1,
        "compatible_runtimes": ("python3.12",),
        "sha256": hashlib.sha256(content).hexdigest(),
        "size_bytes": len(content),
        "token": "t" * 32,
        "created_at": NOW,
        "statements": (Statement(sid="s1", principal="*"),),
        "policy_revision_id": "revision-1",
    }
    return LayerVersion(**(values | changes))


def an_environment(**changes: Any) -> Environment:
    """An environment that is being created."""
    values: dict[str, Any] = {
        "environment_id": "e" * 32,
        "version": VersionKey(KEY),
        "launch_fingerprint": "f",
        "memory_mib": 128,
        "created_at": NOW,
        "since": NOW,
    }
    return Environment(**(values | changes))


def a_spec(**changes: Any) -> EnvironmentSpec:
    """What the driver is asked to open."""
    values: dict[str, Any] = {
        "environment_id": "e" * 32,
        "function_name": "hello",
        "function_version": "$LATEST",
        "image_id": "sha256:" + "a" * 64,
        "entry_point": None,
        "command": None,
        "working_directory": None,
        "environment": {},
        "memory_mib": 128,
        "ephemeral_storage_mib": 512,
    }
    return EnvironmentSpec(**(values | changes))


def an_invocation(key: int = 1 << 40, **changes: Any) -> Invocation:
    """A queued synchronous invocation."""
    values: dict[str, Any] = {
        "key": key,
        "request_id": request_id_for(key, 12345),
        "function": KEY,
        "qualifier": None,
        "invocation_type": InvocationType.REQUEST_RESPONSE,
        "accepted_at": NOW,
        "due_at": NOW,
    }
    return Invocation(**(values | changes))


def an_event(key: int = 1 << 40, **changes: Any) -> Invocation:
    """A queued asynchronous invocation."""
    return an_invocation(key, invocation_type=InvocationType.EVENT, **changes)
