"""What a version can be configured with, and when its running environments no longer fit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from orchestrator.domain.environment_variables import environment_variables
from orchestrator.domain.version_options import LoggingConfig, VersionOptions, VpcConfig
from tests.support.builders import NOW, a_version

_JSON = LoggingConfig(log_format="JSON", application_level="WARN", system_level="INFO")
_VPC = VpcConfig(subnet_ids=("subnet-1",), security_group_ids=("sg-1",))


@pytest.mark.parametrize(
    ("changes", "is_another"),
    [
        ({"logging": _JSON}, True),
        ({"logging": LoggingConfig(log_group="other")}, True),
        ({"vpc": _VPC}, True),
        ({"tracing_mode": "Active"}, True),
        ({"is_tenant_isolated": True}, True),
        ({"vpc": VpcConfig()}, False),
        ({"dead_letter_target": "arn:aws:sqs:us-east-1:000000000000:dead"}, False),
        ({"kms_key_arn": "arn:aws:kms:us-east-1:000000000000:key/1"}, False),
        ({"shows_environment": True}, False),
    ],
    ids=str,
)
def test_an_environment_is_replaced_only_for_what_it_would_notice(changes: dict[str, Any], is_another: bool) -> None:
    """What is only kept and shown starts nothing anew."""
    before, after = a_version(), a_version(options=replace(VersionOptions(), **changes))
    assert (before.launch_fingerprint != after.launch_fingerprint) is is_another


def test_a_runtime_is_told_of_json_and_its_level() -> None:
    """AWS's runtime clients obey these; in text neither is set, so a function may set them itself."""
    told = {"AWS_LAMBDA_LOG_FORMAT", "AWS_LAMBDA_LOG_LEVEL"}
    in_json, in_text = (
        environment_variables(
            a_version(options=VersionOptions(logging=logging)), environment_id="e", runtime_api="rt-a:9001", now=NOW
        )
        for logging in (_JSON, LoggingConfig())
    )
    assert {name: in_json[name] for name in told} == {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "WARN"}
    assert not told & set(in_text)


@pytest.mark.parametrize(("asked", "told"), [(None, "/aws/lambda/hello"), ("/mine", "/mine")])
def test_a_function_is_told_its_log_group(asked: str | None, told: str) -> None:
    """The one that was asked for, else its own."""
    version = a_version(options=VersionOptions(logging=LoggingConfig(log_group=asked)))
    given = environment_variables(version, environment_id="e", runtime_api="rt-a:9001", now=NOW)
    assert given["AWS_LAMBDA_LOG_GROUP_NAME"] == told
