"""The variables an execution environment gets."""

from __future__ import annotations

import pytest

from orchestrator.domain.environment_variables import (
    PLACEHOLDER_ACCESS_KEY_ID,
    PLACEHOLDER_SECRET,
    environment_variables,
)
from orchestrator.domain.environments import Initialization
from tests.support.builders import NOW, a_version

_ID = "0123456789abcdef" * 2


def variables(**of_the_user: str) -> dict[str, str]:
    """Of a function with these variables."""
    version = a_version(environment=of_the_user)
    return environment_variables(version, environment_id=_ID, runtime_api="rt-a:9001", now=NOW)


def test_credentials_are_placeholders() -> None:
    """An SDK finds some and does not go looking for others; they open nothing."""
    given = variables()
    assert given["AWS_ACCESS_KEY_ID"] == PLACEHOLDER_ACCESS_KEY_ID
    assert given["AWS_SECRET_ACCESS_KEY"] == given["AWS_SESSION_TOKEN"] == PLACEHOLDER_SECRET


def test_what_aws_reserves_is_never_the_users() -> None:
    """Whatever an earlier version let into the store."""
    given = variables(AWS_LAMBDA_RUNTIME_API="elsewhere:1", AWS_ACCESS_KEY_ID="AKIA", AWS_REGION="the-moon-1")
    assert given["AWS_LAMBDA_RUNTIME_API"] == "rt-a:9001"
    assert given["AWS_ACCESS_KEY_ID"] == PLACEHOLDER_ACCESS_KEY_ID
    assert given["AWS_REGION"] == "us-east-1"


def test_what_aws_does_not_reserve_is_the_users() -> None:
    """It was accepted, so it counts: a function may call Lambda elsewhere, or trace elsewhere."""
    assert variables()["AWS_ENDPOINT_URL_LAMBDA"] == "http://rt-a:9001"
    wanted = {"AWS_ENDPOINT_URL_LAMBDA": "https://lambda.example", "AWS_XRAY_DAEMON_ADDRESS": "10.0.0.1:2000", "A": "b"}
    assert wanted.items() <= variables(**wanted).items()


@pytest.mark.parametrize("initialization", list(Initialization))
def test_a_function_can_tell_whether_it_was_provisioned(initialization: Initialization) -> None:
    """In AWS's words."""
    given = environment_variables(
        a_version(), environment_id=_ID, runtime_api="rt-a:9001", now=NOW, initialization=initialization
    )
    assert given["AWS_LAMBDA_INITIALIZATION_TYPE"] == initialization
    assert {one.value for one in Initialization} == {"on-demand", "provisioned-concurrency"}
