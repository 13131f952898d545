"""Durable executions, of which there are none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Active = Callable[..., dict[str, Any]]
Refused = Callable[..., tuple[str, str]]

_ARN = "arn:aws:lambda:us-east-1:000000000000:function:hello:1/durable-execution/name/id"
_OF_AN_EXECUTION = [
    "get_durable_execution",
    "get_durable_execution_history",
    "stop_durable_execution",
    "pause_durable_execution",
    "resume_durable_execution",
    "delete_durable_execution",
]
_OF_A_CALLBACK = [
    "send_durable_execution_callback_success",
    "send_durable_execution_callback_failure",
    "send_durable_execution_callback_heartbeat",
]


def test_a_function_has_none(active: Active, client: Any) -> None:
    """Whatever is asked for of them."""
    active()
    for further in ({}, {"Statuses": ["RUNNING"], "MaxItems": 5, "ReverseOrder": True, "Qualifier": "$LATEST"}):
        assert client.list_durable_executions_by_function(FunctionName="hello", **further)["DurableExecutions"] == []


def test_a_missing_function_has_not_even_none(client: Any, refused: Refused) -> None:
    """404."""
    code, message = refused(client.list_durable_executions_by_function, FunctionName="missing")
    assert (code, message.startswith("Function not found: ")) == ("ResourceNotFoundException", True)


def test_a_status_that_does_not_exist_is_a_validation_error(active: Active, client: Any, refused: Refused) -> None:
    """As every broken constraint."""
    active()
    code, message = refused(client.list_durable_executions_by_function, FunctionName="hello", Statuses=["LOST"])
    assert (code, "'[LOST]' at 'statuses'" in message) == ("ValidationException", True)


@pytest.mark.parametrize("operation", _OF_AN_EXECUTION)
def test_whatever_names_an_execution_names_none(client: Any, refused: Refused, operation: str) -> None:
    """404 with its ARN."""
    assert refused(getattr(client, operation), DurableExecutionArn=_ARN) == (
        "ResourceNotFoundException",
        f"Durable execution not found: {_ARN}",
    )


@pytest.mark.parametrize("operation", _OF_A_CALLBACK)
def test_whatever_names_a_callback_names_none(client: Any, refused: Refused, operation: str) -> None:
    """404 with its id."""
    assert refused(getattr(client, operation), CallbackId="aGVsbG8=") == (
        "ResourceNotFoundException",
        "Durable execution callback not found: aGVsbG8=",
    )


@pytest.mark.parametrize(
    ("operation", "arguments", "member"),
    [
        ("get_durable_execution", {"DurableExecutionArn": "nothing"}, "durableExecutionArn"),
        ("send_durable_execution_callback_heartbeat", {"CallbackId": "not base64!"}, "callbackId"),
    ],
)
def test_a_name_of_the_wrong_form_is_a_validation_error(
    client: Any, refused: Refused, operation: str, arguments: dict[str, Any], member: str
) -> None:
    """Before anything is looked for."""
    code, message = refused(getattr(client, operation), **arguments)
    assert (code, f"at '{member}' failed to satisfy constraint" in message) == ("ValidationException", True)


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("checkpoint_durable_execution", {"CheckpointToken": "aGVsbG8="}),
        ("get_durable_execution_state", {"CheckpointToken": "aGVsbG8="}),
    ],
)
def test_what_only_a_running_execution_calls_is_refused_by_name(
    client: Any, refused: Refused, operation: str, arguments: dict[str, Any]
) -> None:
    """AWS has no answer for an execution that does not exist there."""
    code, message = refused(getattr(client, operation), DurableExecutionArn=_ARN, **arguments)
    assert (code, "is not built yet in Paddock" in message) == ("NotImplementedException", True)


@pytest.mark.parametrize("result", [b"[1, 2]", b'"text"', b"\x00 no JSON"])
def test_a_callbacks_result_is_any_bytes(client: Any, refused: Refused, result: bytes) -> None:
    """The body is the result itself, not an object that has it: what is refused is the callback."""
    call = client.send_durable_execution_callback_success
    assert refused(call, CallbackId="YQ==", Result=result)[0] == "ResourceNotFoundException"


def test_a_callbacks_error_is_the_whole_body(client: Any, refused: Refused) -> None:
    """Its members are checked where they are."""
    call = client.send_durable_execution_callback_failure
    assert refused(call, CallbackId="YQ==", Error={"ErrorType": "a"})[0] == "ResourceNotFoundException"
    code, message = refused(call, CallbackId="YQ==", Error={"ErrorType": 1})
    assert (code, "Error.ErrorType" in message) == ("SerializationException", True)
