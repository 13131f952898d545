"""How a function may be named, and whose it is: account and region come from the credential scope."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.lambda_api.served_api import ROLE, ScriptedFrontDesk, ServedApi

Active = Callable[..., dict[str, Any]]
Refused = Callable[..., tuple[str, str]]


@pytest.mark.parametrize(
    "name",
    [
        "hello",
        "hello:$LATEST",
        "function:hello",
        "{account}:function:hello",
        "{account}:hello",
        "arn:aws:lambda:us-east-1:{account}:function:hello",
        "arn:aws:lambda:us-east-1:{account}:function:hello:$LATEST",
    ],
)
def test_a_function_answers_to_every_form_of_its_name(
    active: Active, client: Any, front_desk: ScriptedFrontDesk, account: str, name: str
) -> None:
    """Bare, partial ARN, ARN, each with a qualifier."""
    active()
    asked = name.format(account=account)
    assert client.get_function(FunctionName=asked)["Configuration"]["FunctionName"] == "hello"
    client.invoke(FunctionName=asked)
    assert front_desk.asked[-1].reference.key == (account, "us-east-1", "hello")


def test_a_function_may_be_created_by_its_arn(client: Any, create: Active, account: str) -> None:
    """Its name is the last part."""
    created = create(f"arn:aws:lambda:us-east-1:{account}:function:by-arn")
    assert created["FunctionName"] == "by-arn"
    assert created["FunctionArn"] == f"arn:aws:lambda:us-east-1:{account}:function:by-arn"


def test_a_qualifier_reaches_the_front_desk(client: Any, front_desk: ScriptedFrontDesk) -> None:
    """In the name or beside it; the ARN that the function sees has it."""
    client.invoke(FunctionName="hello:live")
    client.invoke(FunctionName="hello", Qualifier="live")
    assert [one.reference.qualifier for one in front_desk.asked] == ["live", "live"]
    assert front_desk.asked[0].reference.invoked_arn.endswith(":function:hello:live")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ({"FunctionName": "hello:7"}, "ResourceNotFoundException", "hello:7"),
        ({"FunctionName": "hello", "Qualifier": "live"}, "ResourceNotFoundException", "hello:live"),
        ({"FunctionName": "hello:1", "Qualifier": "2"}, "InvalidParameterValueException", "derived qualifier"),
        ({"FunctionName": "x" * 65}, "ResourceNotFoundException", "Function not found: arn:aws:lambda:us-east-1:"),
        ({"FunctionName": "x" * 257}, "ValidationException", "less than or equal to 256"),
        ({"FunctionName": "hello", "Qualifier": "x" * 129}, "ValidationException", "less than or equal to 128"),
        ({"FunctionName": "a:1:2"}, "ValidationException", "regular expression pattern"),
        ({"FunctionName": "with space"}, "ValidationException", "regular expression pattern"),
        ({"FunctionName": "a/b"}, "ValidationException", "regular expression pattern"),
        ({"FunctionName": "missing"}, "ResourceNotFoundException", "Function not found: arn:aws:lambda:us-east-1:"),
    ],
)
def test_a_name_of_nothing_is_refused(
    active: Active, client: Any, refused: Refused, arguments: dict[str, Any], code: str, words: str
) -> None:
    """With AWS's code for each way to miss."""
    active()
    found, message = refused(client.get_function, **arguments)
    assert (found, words in message) == (code, True), message


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            {"FunctionName": "a b", "Qualifier": "c d"},
            "ValidationException",
            (
                "2 validation errors detected: Value 'a b' at 'functionName' failed to satisfy constraint: Member must "
                "satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|"
                "(-iso([a-z]?)))?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?([a-zA-Z0-9-_\\.]+)(:(\\$LATEST(\\.PUBLISHED)?|"
                "[a-zA-Z0-9-_]+))?; Value 'c d' at 'qualifier' failed to satisfy constraint: Member must satisfy "
                "regular expression pattern: \\$(LATEST(\\.PUBLISHED)?)|[a-zA-Z0-9-_$]+"
            ),
        ),
        (
            {"FunctionName": "hello:1", "Qualifier": "2"},
            "InvalidParameterValueException",
            "The derived qualifier from the function name does not match the specified qualifier.",
        ),
    ],
)
@pytest.mark.parametrize("operation", ["invoke", "get_function", "get_function_configuration", "delete_function"])
def test_every_operation_finds_the_same_fault_with_a_name(
    client: Any, refused: Refused, operation: str, arguments: dict[str, Any], code: str, message: str
) -> None:
    """Invoke reads names by itself, the others by the model."""
    assert refused(getattr(client, operation), **arguments) == (code, message)


def test_an_arn_of_another_region_is_not_reachable(client: Any, refused: Refused, account: str) -> None:
    """For control operations and for Invoke."""
    arn = f"arn:aws:lambda:eu-west-1:{account}:function:hello"
    for call in (client.get_function, client.invoke):
        code, message = refused(call, FunctionName=arn)
        assert code == "ResourceNotFoundException"
        assert message == "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"


def test_the_credential_scope_decides_the_region(api: ServedApi, active: Active, account: str) -> None:
    """The same name in two regions is two functions."""
    active(Description="in Virginia")
    ireland = api.client(account, "eu-west-1")
    assert ireland.list_functions()["Functions"] == []
    created = ireland.create_function(
        FunctionName="hello", Role=ROLE, PackageType="Image", Code={"ImageUri": "hello:latest"}
    )
    assert created["FunctionArn"] == f"arn:aws:lambda:eu-west-1:{account}:function:hello"
    ireland.delete_function(FunctionName="hello")
    virginia = api.client(account, "us-east-1")
    assert virginia.get_function_configuration(FunctionName="hello")["Description"] == "in Virginia"


def test_a_twelve_digit_access_key_decides_the_account(api: ServedApi, active: Active, refused: Refused) -> None:
    """Another account sees nothing of it."""
    active()
    other = api.client("999999999999")
    assert refused(other.get_function, FunctionName="hello")[0] == "ResourceNotFoundException"
    assert other.get_account_settings()["AccountUsage"]["FunctionCount"] == 0


def test_other_access_keys_speak_for_the_default_account(api: ServedApi, front_desk: ScriptedFrontDesk) -> None:
    """As AWS's example keys do."""
    api.client("AKIAIOSFODNN7EXAMPLE", "ap-south-1").invoke(FunctionName="hello")
    assert front_desk.asked[0].reference.key == ("000000000000", "ap-south-1", "hello")


def test_a_call_without_a_signature_has_default_account_and_region(
    api: ServedApi, front_desk: ScriptedFrontDesk
) -> None:
    """curl is a client too."""
    assert api.send("POST", "/2015-03-31/functions/hello/invocations", b"{}").status == 200
    assert front_desk.asked[0].reference.key == ("000000000000", "us-east-1", "hello")


def test_a_presigned_url_has_its_scope_in_the_query(api: ServedApi, front_desk: ScriptedFrontDesk) -> None:
    """As botocore's `generate_presigned_url` makes them."""
    url = api.client("123456789012", "sa-east-1").generate_presigned_url("invoke", {"FunctionName": "hello"})
    path = url.removeprefix(f"http://127.0.0.1:{api.port}")
    assert api.send("POST", path, b"{}").status == 200
    assert front_desk.asked[0].reference.key == ("123456789012", "sa-east-1", "hello")
