"""What is set on functions is there again after a restart, as it was."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import until
from tests.unit.lambda_api.served_api import ROLE, ServedApi

pytestmark = pytest.mark.slow

QUEUE = "arn:aws:sqs:us-east-1:000000000000:failed"


def settings_of(client: Any) -> list[dict[str, Any]]:
    """All that is set on `hello`."""
    answers = itertools.chain(
        (client.get_function_event_invoke_config(FunctionName=name) for name in ("hello", "hello:1")),
        [client.get_function_url_config(FunctionName="hello"), client.get_policy(FunctionName="hello")],
        [client.get_policy(FunctionName="hello:1"), client.get_function_recursion_config(FunctionName="hello")],
        [client.get_runtime_management_config(FunctionName="hello")],
    )
    return [{name: value for name, value in one.items() if name != "ResponseMetadata"} for one in answers]


def test_every_setting_comes_back_as_it_was(tmp_path: Path) -> None:
    """With its times, and policies with the revision of what they are of."""
    api = ServedApi(tmp_path)
    client = api.client()
    client.create_function(
        FunctionName="hello", Role=ROLE, PackageType="Image", Code={"ImageUri": "hello:latest"}, Publish=True
    )
    until(lambda: client.get_function(FunctionName="hello")["Configuration"]["State"] == "Active", "hello is active")
    client.put_function_event_invoke_config(
        FunctionName="hello", MaximumEventAgeInSeconds=61, DestinationConfig={"OnFailure": {"Destination": QUEUE}}
    )
    client.put_function_event_invoke_config(FunctionName="hello:1", MaximumRetryAttempts=1)
    client.create_function_url_config(
        FunctionName="hello",
        AuthType="AWS_IAM",
        InvokeMode="RESPONSE_STREAM",
        Cors={"AllowCredentials": False, "AllowOrigins": ["*"], "ExposeHeaders": [], "MaxAge": 5},
    )
    statement = {"Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com", "SourceAccount": "123456789012"}
    for name, sid in (("hello", "a"), ("hello", "b"), ("hello:1", "a")):
        client.add_permission(FunctionName=name, StatementId=sid, **statement)
    client.put_function_recursion_config(FunctionName="hello", RecursiveLoop="Allow")
    client.put_runtime_management_config(FunctionName="hello", UpdateRuntimeOn="FunctionUpdate")
    before = settings_of(client)
    api.end()
    again = ServedApi(tmp_path)
    try:
        assert settings_of(again.client()) == before
        again.client().remove_permission(FunctionName="hello", StatementId="a")
        assert '"Sid":"b"' in again.client().get_policy(FunctionName="hello")["Policy"]
    finally:
        again.end()
