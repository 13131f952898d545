"""Put, Update, Get, List and DeleteFunctionEventInvokeConfig."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.lambda_api.served_api import ServedApi

Active = Callable[..., dict[str, Any]]
Refused = Callable[..., tuple[str, str]]
NOTHING = {"OnSuccess": {}, "OnFailure": {}}


@pytest.fixture
def arn(active: Active, client: Any) -> str:
    """Of a function with version 1 and the alias `live`."""
    found: str = active()["FunctionArn"]
    client.publish_version(FunctionName="hello")
    client.create_alias(FunctionName="hello", Name="live", FunctionVersion="1")
    return found


def told(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer but for when it was changed."""
    return {name: value for name, value in answer.items() if name not in ("ResponseMetadata", "LastModified")}


def test_what_is_put_is_found_and_what_is_not_said_is_left_out(api: ServedApi, client: Any, arn: str) -> None:
    """With the function's ARN qualified in any case, and a destination config even if there is none."""
    put = client.put_function_event_invoke_config(FunctionName="hello", MaximumRetryAttempts=0)
    assert told(put) == {
        "FunctionArn": f"{arn}:$LATEST",
        "MaximumRetryAttempts": 0,
        "DestinationConfig": NOTHING,
    }
    assert put["LastModified"] == api.clock.now()
    for qualifier in ({}, {"Qualifier": "$LATEST"}):
        assert told(client.get_function_event_invoke_config(FunctionName="hello", **qualifier)) == told(put)


def test_put_replaces_all_and_update_only_what_it_says(client: Any, arn: str) -> None:
    """As recorded of AWS."""
    both = {"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 60}
    client.put_function_event_invoke_config(FunctionName="hello", **both)
    updated = client.update_function_event_invoke_config(FunctionName="hello", MaximumRetryAttempts=0)
    assert (updated["MaximumRetryAttempts"], updated["MaximumEventAgeInSeconds"]) == (0, 60)
    put = client.put_function_event_invoke_config(FunctionName="hello", MaximumRetryAttempts=0)
    assert "MaximumEventAgeInSeconds" not in put
    largest = client.put_function_event_invoke_config(FunctionName="hello", MaximumEventAgeInSeconds=21600)
    assert told(largest) == {
        "FunctionArn": f"{arn}:$LATEST",
        "MaximumEventAgeInSeconds": 21600,
        "DestinationConfig": NOTHING,
    }


@pytest.mark.parametrize(
    "named",
    [
        {"FunctionName": "hello", "Qualifier": "live"},
        {"FunctionName": "hello:live"},
        {"FunctionName": "hello:live", "Qualifier": "live"},
        {"FunctionName": "{arn}:live"},
    ],
)
def test_an_alias_has_a_config_of_its_own(client: Any, arn: str, named: dict[str, str]) -> None:
    """However it is named; that of the function stays."""
    client.put_function_event_invoke_config(FunctionName="hello", MaximumRetryAttempts=2)
    named = {member: value.replace("{arn}", arn) for member, value in named.items()}
    put = client.put_function_event_invoke_config(MaximumRetryAttempts=1, **named)
    assert put["FunctionArn"] == f"{arn}:live"
    assert client.get_function_event_invoke_config(FunctionName="hello")["MaximumRetryAttempts"] == 2


def test_configs_are_listed_in_pages_and_gone_once_deleted(client: Any, arn: str, refused: Refused) -> None:
    """Of one function: those of its `$LATEST`, versions and aliases."""
    for qualifier in ("live", "1", "$LATEST"):
        client.put_function_event_invoke_config(FunctionName="hello", Qualifier=qualifier, MaximumRetryAttempts=1)

    def listed(**given: Any) -> list[list[str]]:
        pages = client.get_paginator("list_function_event_invoke_configs").paginate(FunctionName="hello", **given)
        return [[one["FunctionArn"] for one in page["FunctionEventInvokeConfigs"]] for page in pages]

    assert listed() == [[f"{arn}:$LATEST", f"{arn}:1", f"{arn}:live"]]
    assert listed(MaxItems=2) == [[f"{arn}:$LATEST", f"{arn}:1"], [f"{arn}:live"]]
    answer = client.delete_function_event_invoke_config(FunctionName="hello", Qualifier="1")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert listed() == [[f"{arn}:$LATEST", f"{arn}:live"]]
    assert refused(client.delete_function_event_invoke_config, FunctionName="hello", Qualifier="1") == (
        "ResourceNotFoundException",
        f"The function {arn}:1 doesn't have an EventInvokeConfig",
    )


def test_a_config_goes_with_what_it_is_set_on(client: Any, arn: str, active: Active, refused: Refused) -> None:
    """Who comes to have the name later has none."""
    client.put_function_event_invoke_config(FunctionName="hello:live", MaximumRetryAttempts=1)
    client.delete_alias(FunctionName="hello", Name="live")
    client.create_alias(FunctionName="hello", Name="live", FunctionVersion="1")
    assert refused(client.get_function_event_invoke_config, FunctionName="hello:live")[0] == "ResourceNotFoundException"
    client.put_function_event_invoke_config(FunctionName="hello", MaximumRetryAttempts=1)
    client.delete_function(FunctionName="hello")
    active()
    assert client.list_function_event_invoke_configs(FunctionName="hello")["FunctionEventInvokeConfigs"] == []


@pytest.mark.parametrize("operation", ["put_function_event_invoke_config", "update_function_event_invoke_config"])
@pytest.mark.parametrize(
    ("given", "code", "message"),
    [
        (
            {"FunctionName": "none"},
            "InvalidParameterValueException",
            "You must specify at least one of error handling or destination setting.",
        ),
        (
            {"FunctionName": "none", "MaximumRetryAttempts": 1},
            "ResourceNotFoundException",
            "The function doesn't exist.",
        ),
        (
            {"Qualifier": "none", "MaximumRetryAttempts": 1},
            "ResourceNotFoundException",
            "The function doesn't exist.",
        ),
        (
            {"FunctionName": "hello:1", "Qualifier": "$LATEST", "MaximumRetryAttempts": 1},
            "InvalidParameterValueException",
            "The derived qualifier from the function name does not match the specified qualifier.",
        ),
        (
            {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 59},
            "ValidationException",
            (
                "2 validation errors detected: Value '3' at 'maximumRetryAttempts' failed to satisfy constraint: "
                "Member must have value less than or equal to 2; Value '59' at 'maximumEventAgeInSeconds' failed to "
                "satisfy constraint: Member must have value greater than or equal to 60"
            ),
        ),
    ],
)
def test_what_cannot_be_is_refused_in_awss_words(
    client: Any, arn: str, refused: Refused, operation: str, given: dict[str, Any], code: str, message: str
) -> None:
    """And changes nothing."""
    client.put_function_event_invoke_config(FunctionName="hello", MaximumRetryAttempts=2)
    assert refused(getattr(client, operation), **({"FunctionName": "hello"} | given)) == (code, message)
    assert client.get_function_event_invoke_config(FunctionName="hello")["MaximumRetryAttempts"] == 2


def test_what_is_not_there_is_named(client: Any, arn: str, refused: Refused) -> None:
    """AWS tells a function that is not there from a config that is not there only where it lists."""
    elsewhere = arn.replace("hello", "none")
    for operation, given in (
        ("get", {}),
        ("delete", {}),
        ("update", {"MaximumRetryAttempts": 0}),
    ):
        call = getattr(client, f"{operation}_function_event_invoke_config")
        for name, found in (("hello", f"{arn}:$LATEST"), ("hello:live", f"{arn}:live")):
            message = f"The function {found} doesn't have an EventInvokeConfig"
            assert refused(call, FunctionName=name, **given) == ("ResourceNotFoundException", message)
    for operation in ("get", "delete"):
        call = getattr(client, f"{operation}_function_event_invoke_config")
        message = f"The function {elsewhere}:$LATEST doesn't have an EventInvokeConfig"
        assert refused(call, FunctionName="none") == ("ResourceNotFoundException", message)
    assert refused(client.list_function_event_invoke_configs, FunctionName="none") == (
        "ResourceNotFoundException",
        "The function doesn't exist.",
    )


@pytest.mark.parametrize("service", ["sqs", "sns", "events"])
def test_destinations_are_kept_and_shown(client: Any, arn: str, account: str, service: str) -> None:
    """An empty one is none."""
    target = f"arn:aws:{service}:us-east-1:{account}:records"
    wanted = {"OnSuccess": {"Destination": target}, "OnFailure": {"Destination": target}}
    put = client.put_function_event_invoke_config(FunctionName="hello", DestinationConfig=wanted)
    assert put["DestinationConfig"] == wanted
    assert client.get_function_event_invoke_config(FunctionName="hello")["DestinationConfig"] == wanted
    fewer = {"OnSuccess": {"Destination": ""}, "OnFailure": {"Destination": target}}
    updated = client.update_function_event_invoke_config(FunctionName="hello", DestinationConfig=fewer)
    assert updated["DestinationConfig"] == {"OnSuccess": {}, "OnFailure": {"Destination": target}}
    none = client.put_function_event_invoke_config(FunctionName="hello", DestinationConfig={"OnSuccess": {}})
    assert none["DestinationConfig"] == NOTHING


def test_another_function_is_a_destination_and_a_bucket_for_failures_only(
    client: Any, arn: str, active: Active, refused: Refused
) -> None:
    """Of a function it is asked whether it is there."""
    active("other")
    function = {"OnSuccess": {"Destination": arn.replace("hello", "other")}}
    put = client.put_function_event_invoke_config(FunctionName="hello", DestinationConfig=function)
    assert put["DestinationConfig"] == {**function, "OnFailure": {}}
    bucket = {"Destination": "arn:aws:s3:::failed"}
    put = client.put_function_event_invoke_config(FunctionName="hello", DestinationConfig={"OnFailure": bucket})
    assert put["DestinationConfig"]["OnFailure"] == bucket
    wrong = {"FunctionName": "hello", "DestinationConfig": {"OnSuccess": bucket}}
    assert refused(client.put_function_event_invoke_config, **wrong)[0] == "InvalidParameterValueException"


@pytest.mark.parametrize(
    ("destinations", "message"),
    [
        ({"OnSuccess": "{arn}-none"}, "The destination ARN {arn}-none is invalid."),
        ({"OnSuccess": "{arn}"}, "You can't specify the function as a destination for itself."),
        ({"OnFailure": "{arn}:live"}, "You can't specify the function as a destination for itself."),
        (
            {"OnSuccess": "arn:aws:iam:us-east-1:111111111111:x"},
            (
                "The provided destination config DestinationConfig(onSuccess=OnSuccess(destination="
                "arn:aws:iam:us-east-1:111111111111:x), onFailure=null) is invalid."
            ),
        ),
        (
            {"OnFailure": "kafka://records"},
            (
                "The provided destination config DestinationConfig(onSuccess=null, onFailure=OnFailure(destination="
                "kafka://records)) is invalid."
            ),
        ),
        (
            {"OnFailure": "arn:aws:sqs:us-east-1:111111111111:x.fifo"},
            "The destination ARN arn:aws:sqs:us-east-1:111111111111:x.fifo is invalid.",
        ),
    ],
)
def test_a_destination_that_takes_no_records_is_refused(
    client: Any, arn: str, refused: Refused, destinations: dict[str, str], message: str
) -> None:
    """The function itself, one that is not there, another service, a queue that AWS does not send to."""
    given = {name: {"Destination": value.replace("{arn}", arn)} for name, value in destinations.items()}
    call = client.put_function_event_invoke_config
    assert refused(call, FunctionName="hello", DestinationConfig=given) == (
        "InvalidParameterValueException",
        message.replace("{arn}", arn),
    )
    wrong = {"OnFailure": {"Destination": "arn:aws:_-/!lambda:x"}}
    code, message = refused(call, FunctionName="hello", DestinationConfig=wrong)
    assert code == "ValidationException"
    assert "at 'destinationConfig.onFailure.destination' failed to satisfy constraint" in message


@pytest.mark.parametrize(
    ("operation", "given", "member"),
    [
        ("get_function_event_invoke_config", {"Qualifier": "a?b"}, "qualifier"),
        ("delete_function_event_invoke_config", {"FunctionName": "a b"}, "functionName"),
        ("list_function_event_invoke_configs", {"MaxItems": 51}, "maxItems"),
    ],
)
def test_what_breaks_the_model_is_named(
    client: Any, arn: str, refused: Refused, operation: str, given: dict[str, Any], member: str
) -> None:
    """Where nothing is set, too."""
    code, message = refused(getattr(client, operation), **({"FunctionName": "hello"} | given))
    assert code == "ValidationException"
    assert f"at '{member}' failed to satisfy constraint" in message
