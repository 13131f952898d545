"""Recursion and runtime management configs, and the account's settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import botocore.session
import pytest

Active = Callable[..., dict[str, Any]]
Refused = Callable[..., tuple[str, str]]


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


def test_a_recursion_config_is_kept_for_the_whole_function(client: Any, arn: str, active: Active) -> None:
    """Loops are to be terminated as long as nothing else is said, and again when the function is another."""
    assert told(client.get_function_recursion_config(FunctionName="hello")) == {"RecursiveLoop": "Terminate"}
    for loop in ("Allow", "Terminate", "Allow"):
        assert told(client.put_function_recursion_config(FunctionName=arn, RecursiveLoop=loop)) == {
            "RecursiveLoop": loop
        }
        assert told(client.get_function_recursion_config(FunctionName="hello")) == {"RecursiveLoop": loop}
    client.delete_alias(FunctionName="hello", Name="live")
    client.delete_function(FunctionName="hello", Qualifier="1")
    assert client.get_function_recursion_config(FunctionName="hello")["RecursiveLoop"] == "Allow"
    client.delete_function(FunctionName="hello")
    active()
    assert client.get_function_recursion_config(FunctionName="hello")["RecursiveLoop"] == "Terminate"


def test_a_recursion_config_of_what_is_not_there_or_not_a_function_is_refused(
    client: Any, arn: str, refused: Refused
) -> None:
    """Versions and aliases have none."""
    elsewhere = arn.replace("hello", "none")
    not_found = ("ResourceNotFoundException", f"Function not found: {elsewhere}")
    assert refused(client.get_function_recursion_config, FunctionName="none") == not_found
    assert refused(client.put_function_recursion_config, FunctionName="none", RecursiveLoop="Allow") == not_found
    assert refused(client.put_function_recursion_config, FunctionName="hello", RecursiveLoop="invalid") == (
        "ValidationException",
        (
            "1 validation error detected: Value 'invalid' at 'recursiveLoop' failed to satisfy constraint: "
            "Member must satisfy enum value set: [Allow, Terminate]"
        ),
    )
    for name in ("hello:live", "hello:1"):
        assert refused(client.get_function_recursion_config, FunctionName=name)[0] == "ValidationException"


def test_a_runtime_management_config_is_kept_for_each_version(client: Any, arn: str) -> None:
    """What is said of `$LATEST` is not said of what was published before, nor taken over later."""
    put = client.put_runtime_management_config(FunctionName="hello", UpdateRuntimeOn="FunctionUpdate")
    assert told(put) == {"UpdateRuntimeOn": "FunctionUpdate", "FunctionArn": f"{arn}:$LATEST"}
    assert told(client.get_runtime_management_config(FunctionName="hello", Qualifier="$LATEST")) == told(put)
    of_version = client.get_runtime_management_config(FunctionName="hello", Qualifier="1")
    assert told(of_version) == {"UpdateRuntimeOn": "Auto", "FunctionArn": f"{arn}:1"}
    client.put_runtime_management_config(FunctionName="hello:1", UpdateRuntimeOn="FunctionUpdate")
    client.put_runtime_management_config(FunctionName="hello", UpdateRuntimeOn="Auto")
    modes = [
        client.get_runtime_management_config(FunctionName=name)["UpdateRuntimeOn"] for name in ("hello", "hello:1")
    ]
    assert modes == ["Auto", "FunctionUpdate"]


@pytest.mark.parametrize(
    ("given", "code", "told_of"),
    [
        ({"FunctionName": "none"}, "ResourceNotFoundException", "Function not found: {none}"),
        ({"Qualifier": "7"}, "ResourceNotFoundException", "Function not found: {arn}:7"),
        ({"Qualifier": "live"}, "InvalidParameterValueException", "{arn}:live is an alias"),
        ({"UpdateRuntimeOn": "Never"}, "ValidationException", "enum value set: [Auto, Manual, FunctionUpdate]"),
        ({"UpdateRuntimeOn": "Manual"}, "InvalidParameterValueException", "its runtime is in the image"),
        (
            {"RuntimeVersionArn": "arn:aws:lambda:us-east-1::runtime:abc"},
            "InvalidParameterValueException",
            "its runtime is in the image",
        ),
    ],
)
def test_a_runtime_that_cannot_be_chosen_is_refused(
    client: Any, arn: str, refused: Refused, given: dict[str, str], code: str, told_of: str
) -> None:
    """And what was set stays."""
    wanted = {"FunctionName": "hello", "UpdateRuntimeOn": "FunctionUpdate"} | given
    found, message = refused(client.put_runtime_management_config, **wanted)
    assert found == code
    assert told_of.replace("{arn}", arn).replace("{none}", arn.replace("hello", "none")) in message
    assert client.get_runtime_management_config(FunctionName="hello")["UpdateRuntimeOn"] == "Auto"


def test_a_runtime_management_config_of_what_is_not_there_is_not_found(client: Any, arn: str, refused: Refused) -> None:
    """A function, a version; and a name must be one."""
    get = client.get_runtime_management_config
    for given, named in (({"FunctionName": "none"}, arn.replace("hello", "none")), ({"Qualifier": "7"}, f"{arn}:7")):
        wanted = {"FunctionName": "hello"} | given
        assert refused(get, **wanted) == ("ResourceNotFoundException", f"Function not found: {named}")
    assert refused(get, FunctionName="a b")[0] == "ValidationException"


def test_the_accounts_settings_have_every_member_of_the_model(client: Any, arn: str) -> None:
    """Limits and usage; what is reserved is not unreserved."""
    client.put_function_concurrency(FunctionName="hello", ReservedConcurrentExecutions=5)
    settings = told(client.get_account_settings())
    shape: Any = botocore.session.get_session().get_service_model("lambda").operation_model("GetAccountSettings")
    for name, member in shape.output_shape.members.items():
        assert set(settings[name]) == set(member.members)
    assert settings == {
        "AccountLimit": {
            "TotalCodeSize": 80530636800,
            "CodeSizeUnzipped": 262144000,
            "CodeSizeZipped": 52428800,
            "ConcurrentExecutions": 1000,
            "UnreservedConcurrentExecutions": 995,
        },
        "AccountUsage": {"TotalCodeSize": 0, "FunctionCount": 1},
    }


@pytest.mark.parametrize("operation", ["get_function_scaling_config", "put_function_scaling_config"])
def test_scaling_configs_are_refused_by_name(client: Any, arn: str, refused: Refused, operation: str) -> None:
    """They are of functions on instances of one's own, which there are none of."""
    code, message = refused(getattr(client, operation), FunctionName="hello", Qualifier="1")
    name = "".join(word.capitalize() for word in operation.split("_"))
    assert (code, message.partition(" ")[0]) == ("NotImplementedException", name)
