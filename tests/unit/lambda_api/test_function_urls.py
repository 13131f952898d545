"""Create, Get, Update and DeleteFunctionUrlConfig, ListFunctionUrlConfigs."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.lambda_api.served_api import ServedApi

Active = Callable[..., dict[str, Any]]
Refused = Callable[..., tuple[str, str]]
NONE_HERE = ("ResourceNotFoundException", "The resource you requested does not exist.")
NO_FUNCTION = ("ResourceNotFoundException", "Function does not exist")
CORS = {
    "AllowCredentials": True,
    "AllowHeaders": ["x-one", "x-two"],
    "AllowMethods": ["GET", "DELETE"],
    "AllowOrigins": ["https://shop.example"],
    "ExposeHeaders": ["x-three"],
    "MaxAge": 0,
}


@pytest.fixture
def arn(active: Active, client: Any) -> str:
    """Of a function with version 1 and the alias `live`."""
    found: str = active()["FunctionArn"]
    client.publish_version(FunctionName="hello")
    client.create_alias(FunctionName="hello", Name="live", FunctionVersion="1")
    return found


def told(answer: dict[str, Any]) -> dict[str, Any]:
    """What AWS's members are."""
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def test_a_url_is_created_and_found(api: ServedApi, client: Any, arn: str) -> None:
    """Under a host name of its own; how it answers is shown when it was said, or asked for."""
    created = client.create_function_url_config(FunctionName="hello", AuthType="NONE")
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 201
    url = created["FunctionUrl"]
    assert re.fullmatch(r"http://[0-9a-f]{32}\.lambda-url\.us-east-1\.localhost:4574/", url)
    at = created["CreationTime"]
    assert datetime.strptime(at, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC) == api.clock.now()
    assert told(created) == {"FunctionUrl": url, "FunctionArn": arn, "AuthType": "NONE", "CreationTime": at}
    found = client.get_function_url_config(FunctionName="hello")
    assert told(found) == {**told(created), "LastModifiedTime": at, "InvokeMode": "BUFFERED"}


def test_an_alias_has_a_url_of_its_own(client: Any, arn: str) -> None:
    """With all that can be said of it."""
    of_function = client.create_function_url_config(FunctionName="hello", AuthType="NONE")
    of_alias = client.create_function_url_config(
        FunctionName="hello:live", Qualifier="live", AuthType="AWS_IAM", InvokeMode="RESPONSE_STREAM", Cors=CORS
    )
    assert of_alias["FunctionArn"] == f"{arn}:live"
    assert of_alias["FunctionUrl"] != of_function["FunctionUrl"]
    found = told(client.get_function_url_config(FunctionName="hello", Qualifier="live"))
    assert {**found, "Cors": CORS} == {
        **told(of_alias),
        "AuthType": "AWS_IAM",
        "InvokeMode": "RESPONSE_STREAM",
        "Cors": CORS,
        "LastModifiedTime": of_alias["CreationTime"],
    }


def test_a_change_leaves_what_it_does_not_mention_and_the_url(client: Any, arn: str) -> None:
    """Of what browsers may do it says all."""
    created = client.create_function_url_config(FunctionName="hello", AuthType="NONE", Cors=CORS)
    updated = client.update_function_url_config(FunctionName="hello", AuthType="AWS_IAM")
    assert told(updated) == {
        **told(created),
        "AuthType": "AWS_IAM",
        "LastModifiedTime": updated["LastModifiedTime"],
    }
    streaming = client.update_function_url_config(FunctionName="hello", InvokeMode="RESPONSE_STREAM")
    assert (streaming["InvokeMode"], streaming["AuthType"]) == ("RESPONSE_STREAM", "AWS_IAM")
    fewer = client.update_function_url_config(FunctionName="hello", Cors={"AllowOrigins": ["*"]})
    assert fewer["Cors"] == {"AllowOrigins": ["*"]}
    assert "Cors" not in client.update_function_url_config(FunctionName="hello", Cors={})
    assert client.get_function_url_config(FunctionName="hello")["FunctionUrl"] == created["FunctionUrl"]


def test_urls_are_listed_in_pages_and_gone_once_deleted(client: Any, arn: str, refused: Refused) -> None:
    """A deleted one is not there, and a new one is another."""
    assert client.list_function_url_configs(FunctionName="hello")["FunctionUrlConfigs"] == []
    urls = [
        client.create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]
        for name in ("hello", "hello:live")
    ]

    def listed(**given: Any) -> list[list[str]]:
        pages = client.get_paginator("list_function_url_configs").paginate(FunctionName="hello", **given)
        return [[one["FunctionUrl"] for one in page["FunctionUrlConfigs"]] for page in pages]

    assert listed() == [urls]
    assert listed(MaxItems=1) == [[urls[0]], [urls[1]]]
    (one, _) = client.list_function_url_configs(FunctionName="hello")["FunctionUrlConfigs"]
    assert one == told(client.get_function_url_config(FunctionName="hello"))
    answer = client.delete_function_url_config(FunctionName="hello")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert listed() == [[urls[1]]]
    for operation in ("get", "delete"):
        assert refused(getattr(client, f"{operation}_function_url_config"), FunctionName="hello") == NONE_HERE
    again = client.create_function_url_config(FunctionName="hello", AuthType="NONE")
    assert again["FunctionUrl"] != urls[0]


def test_a_url_stays_when_its_alias_is_deleted(client: Any, arn: str, refused: Refused) -> None:
    """As recorded of AWS; it can be deleted by itself, and is there if the alias is made again."""
    created = client.create_function_url_config(FunctionName="hello:live", AuthType="NONE")
    client.delete_alias(FunctionName="hello", Name="live")
    found = client.get_function_url_config(FunctionName="hello", Qualifier="live")
    assert (found["FunctionUrl"], found["FunctionArn"]) == (created["FunctionUrl"], f"{arn}:live")
    (listed,) = client.list_function_url_configs(FunctionName="hello")["FunctionUrlConfigs"]
    assert listed == told(found)
    client.create_alias(FunctionName="hello", Name="live", FunctionVersion="1")
    assert told(client.get_function_url_config(FunctionName="hello:live")) == told(found)
    client.delete_alias(FunctionName="hello", Name="live")
    client.delete_function_url_config(FunctionName="hello:live")
    assert refused(client.get_function_url_config, FunctionName="hello:live") == NONE_HERE


def test_a_url_goes_with_its_function(client: Any, arn: str, active: Active, refused: Refused) -> None:
    """Also that of an alias, and of one that went before."""
    client.create_function_url_config(FunctionName="hello:live", AuthType="NONE")
    client.create_function_url_config(FunctionName="hello", AuthType="NONE")
    client.delete_alias(FunctionName="hello", Name="live")
    client.delete_function(FunctionName="hello")
    active()
    assert client.list_function_url_configs(FunctionName="hello")["FunctionUrlConfigs"] == []
    for name in ("hello", "hello:live"):
        assert refused(client.get_function_url_config, FunctionName=name) == NONE_HERE


def test_a_second_url_of_the_same_is_refused(client: Any, arn: str, refused: Refused) -> None:
    """As recorded of AWS, with its two blanks."""
    for name, of in (("hello", arn), ("hello:live", f"{arn}:live")):
        client.create_function_url_config(FunctionName=name, AuthType="NONE")
        assert refused(client.create_function_url_config, FunctionName=name, AuthType="AWS_IAM") == (
            "ResourceConflictException",
            (
                f"Failed to create function url config for [functionArn = {of}]. "
                "Error message:  FunctionUrlConfig exists for this Lambda function"
            ),
        )
        assert client.get_function_url_config(FunctionName=name)["AuthType"] == "NONE"


@pytest.mark.parametrize("name", ["none", "hello:none"])
def test_what_is_not_there_is_named(client: Any, arn: str, refused: Refused, name: str) -> None:
    """What changes something speaks of the function, what does not of the URL."""
    assert refused(client.create_function_url_config, FunctionName=name, AuthType="NONE") == NO_FUNCTION
    assert refused(client.update_function_url_config, FunctionName=name, AuthType="NONE") == NO_FUNCTION
    assert refused(client.update_function_url_config, FunctionName="hello", AuthType="NONE") == NONE_HERE
    for operation in ("get", "delete"):
        assert refused(getattr(client, f"{operation}_function_url_config"), FunctionName=name) == NONE_HERE
    assert refused(client.list_function_url_configs, FunctionName="none") == NO_FUNCTION


@pytest.mark.parametrize("operation", ["create", "get", "update", "delete"])
def test_a_version_has_no_url(client: Any, arn: str, refused: Refused, operation: str) -> None:
    """Nor has `$LATEST` by its name; and name and qualifier must agree."""
    call = getattr(client, f"{operation}_function_url_config")
    given = {"AuthType": "NONE"} if operation in ("create", "update") else {}
    for qualifier in ("1", "$LATEST"):
        code, message = refused(call, FunctionName="hello", Qualifier=qualifier, **given)
        assert code == "ValidationException"
        assert message == (
            f"1 validation error detected: Value '{qualifier}' at 'qualifier' failed to satisfy constraint: "
            r"Member must satisfy regular expression pattern: ((?!^\d+$)^[0-9a-zA-Z-_]+$)"
        )
    assert refused(call, FunctionName="hello:1", **given)[0] == "ValidationException"
    assert refused(call, FunctionName="hello:live", Qualifier="other", **given) == (
        "InvalidParameterValueException",
        "The derived qualifier from the function name does not match the specified qualifier.",
    )


def test_what_cannot_be_is_refused(client: Any, arn: str, refused: Refused) -> None:
    """By the model's constraints."""
    wrong = {"AllowMethods": ["OPTIONS"], "MaxAge": 86401}
    code, message = refused(
        client.create_function_url_config, FunctionName="hello", AuthType="ANY", InvokeMode="FAST", Cors=wrong
    )
    assert code == "ValidationException"
    for told_of in ("4 validation errors", "'authType'", "'invokeMode'", "'cors.allowMethods'", "'cors.maxAge'"):
        assert told_of in message
    assert refused(client.list_function_url_configs, FunctionName="hello", MaxItems=51)[0] == "ValidationException"
    assert refused(client.create_function_url_config, FunctionName="hello") == (
        "ValidationException",
        "1 validation error detected: Value null at 'authType' failed to satisfy constraint: Member must not be null",
    )
    assert refused(client.get_function_url_config, FunctionName="hello") == NONE_HERE
