"""`paddock deploy` and `rm`: which calls they make, when they are done, how they fail."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.answering_endpoint import FUNCTIONS, Answer, AnsweringEndpoint, document, refusal
from tests.unit.cli.conftest import Paddock

SUM = f"{FUNCTIONS}/sum"
CONFIGURATION = f"{SUM}/configuration"
CONCURRENCY = "/2017-10-31/functions/sum/concurrency"
MISSING = refusal("ResourceNotFoundException", "Function not found: sum", 404)


def configuration(state: str = "Active", **members: Any) -> Answer:
    """GetFunctionConfiguration's answer."""
    return document({"FunctionName": "sum", "State": state, "MemorySize": 128, "Timeout": 3, **members})


def is_there(endpoint: AnsweringEndpoint, *then: Answer, **members: Any) -> None:
    """The function exists, and every change is accepted; `then` is what its configuration says afterwards."""
    first = configuration(LastUpdateStatus="Successful", **members)
    endpoint.on("GET", CONFIGURATION, first, first, *(then or (first,)))
    endpoint.on("PUT", f"{SUM}/code", configuration())
    endpoint.on("PUT", CONFIGURATION, configuration())


def is_new(endpoint: AnsweringEndpoint, *then: Answer) -> None:
    """The function does not exist, and is accepted."""
    endpoint.on("GET", CONFIGURATION, MISSING, *then)
    endpoint.on("POST", FUNCTIONS, document({"FunctionName": "sum", "State": "Pending"}, 201))


def test_a_new_function_is_created_with_what_was_given(
    endpoint: AnsweringEndpoint, paddock: Paddock, tmp_path: Path
) -> None:
    """One CreateFunction carries everything; the command line's variables win over the file's."""
    is_new(endpoint, configuration())
    file = tmp_path / "variables"
    file.write_text("# a comment\n\nA=file\nB=x=y\n")
    result = paddock(
        *("deploy", "sum", "--image", "sum:1", "--memory", "256", "--timeout", "5", "--role", "arn:aws:iam::1:role/r"),
        *("--env", "A=line", "--env-file", str(file), "--arch", "arm64", "--command", "app.handler"),
        *("--entry-point", "/a", "--entry-point", "b", "--working-dir", "/w"),
    )
    assert result.exit_code == 0, result.output
    (created,) = endpoint.asked_for("POST", FUNCTIONS)
    assert created.document == {
        "FunctionName": "sum",
        "PackageType": "Image",
        "Code": {"ImageUri": "sum:1"},
        "Role": "arn:aws:iam::1:role/r",
        "MemorySize": 256,
        "Timeout": 5,
        "Environment": {"Variables": {"A": "line", "B": "x=y"}},
        "Architectures": ["arm64"],
        "ImageConfig": {"Command": ["app.handler"], "EntryPoint": ["/a", "b"], "WorkingDirectory": "/w"},
    }


def test_what_was_not_given_is_not_sent(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """The control plane's defaults stay its own; only a role, which AWS demands, is made up."""
    is_new(endpoint, configuration())
    paddock("deploy", "sum", "--image", "sum")
    (created,) = endpoint.asked_for("POST", FUNCTIONS)
    assert set(created.document) == {"FunctionName", "PackageType", "Code", "Role"}


def test_a_deployment_waits_until_the_function_is_active(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """Pending is not done."""
    is_new(endpoint, configuration("Pending"), configuration("Pending"), configuration())
    result = paddock("deploy", "sum", "--image", "sum")
    assert result.exit_code == 0
    assert len(endpoint.asked_for("GET", CONFIGURATION)) >= 4
    assert "created" in result.stdout


def test_a_failed_creation_prints_the_reason_and_exits_1(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """On stderr, in one line."""
    is_new(endpoint, configuration("Failed", StateReason="The image has no entry point"))
    result = paddock("deploy", "sum", "--image", "sum")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "The image has no entry point" in result.stderr
    assert result.stderr.count("\n") == 1


def test_an_existing_function_gets_its_code_and_then_its_configuration(
    endpoint: AnsweringEndpoint, paddock: Paddock
) -> None:
    """In this order, each settled before the next."""
    is_there(endpoint)
    result = paddock("deploy", "sum", "--image", "sum:2", "--memory", "512")
    assert result.exit_code == 0, result.output
    assert [(one.method, one.path) for one in endpoint.asked if one.method == "PUT"] == [
        ("PUT", f"{SUM}/code"),
        ("PUT", CONFIGURATION),
    ]
    (code,) = endpoint.asked_for("PUT", f"{SUM}/code")
    assert code.document == {"ImageUri": "sum:2"}
    (changed,) = endpoint.asked_for("PUT", CONFIGURATION)
    assert changed.document == {"MemorySize": 512}


def test_the_same_deployment_again_is_fine(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """Only the code is sent again, because a tag may have moved."""
    is_there(endpoint)
    assert paddock("deploy", "sum", "--image", "sum").exit_code == 0
    assert endpoint.asked_for("PUT", CONFIGURATION) == []


def test_a_failed_update_prints_the_reason_and_exits_1(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """Though the function itself stays Active, with what ran before."""
    is_there(endpoint, configuration(LastUpdateStatus="Failed", LastUpdateStatusReason="no such image"))
    result = paddock("deploy", "sum", "--image", "sum")
    assert result.exit_code == 1
    assert "no such image" in result.stderr


def test_an_update_keeps_the_rest_of_the_image_config(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """The API replaces its three members together; we do not."""
    is_there(endpoint, ImageConfigResponse={"ImageConfig": {"EntryPoint": ["/a"], "Command": ["old"]}})
    paddock("deploy", "sum", "--image", "sum", "--command", "new")
    (changed,) = endpoint.asked_for("PUT", CONFIGURATION)
    assert changed.document == {"ImageConfig": {"EntryPoint": ["/a"], "Command": ["new"]}}


def test_reserved_concurrency_zero_is_sent(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """Zero is a value: it stops a function."""
    is_new(endpoint, configuration())
    endpoint.on("PUT", CONCURRENCY, document({"ReservedConcurrentExecutions": 0}))
    assert paddock("deploy", "sum", "--image", "sum", "--reserved-concurrency", "0").exit_code == 0
    (asked,) = endpoint.asked_for("PUT", CONCURRENCY)
    assert asked.document == {"ReservedConcurrentExecutions": 0}


def test_the_document_is_the_functions_configuration(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """As the API names its members."""
    is_new(endpoint, configuration())
    assert json.loads(paddock("deploy", "sum", "--image", "sum", "--json").stdout) == {
        "FunctionName": "sum",
        "State": "Active",
        "MemorySize": 128,
        "Timeout": 3,
    }


def test_a_variable_without_a_value_is_a_usage_error_that_does_not_repeat_it(
    endpoint: AnsweringEndpoint, paddock: Paddock
) -> None:
    """It may be a secret whose name was forgotten."""
    result = paddock("deploy", "sum", "--image", "sum", "--env", "hunter2")
    assert (result.exit_code, endpoint.asked) == (2, [])
    assert "hunter2" not in result.stderr


def test_a_missing_variables_file_is_a_usage_error(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """Nothing is deployed."""
    result = paddock("deploy", "sum", "--image", "sum", "--env-file", "/nonexistent")
    assert (result.exit_code, endpoint.asked) == (2, [])


@pytest.mark.parametrize("code", ["InvalidParameterValueException", "ValidationException"])
def test_a_value_that_the_api_refuses_is_a_usage_error(
    endpoint: AnsweringEndpoint, paddock: Paddock, code: str
) -> None:
    """It has our exit code for usage, and the API's words."""
    endpoint.on("GET", CONFIGURATION, MISSING)
    endpoint.on("POST", FUNCTIONS, refusal(code, "memorySize is too large", 400))
    result = paddock("deploy", "sum", "--image", "sum", "--memory", "99999")
    assert result.exit_code == 2
    assert "memorySize is too large" in result.stderr


def test_a_removal_that_fails_does_not_keep_the_others(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """And the command still fails."""
    endpoint.on("DELETE", SUM, MISSING)
    endpoint.on("DELETE", f"{FUNCTIONS}/hello", Answer(204))
    result = paddock("rm", "sum", "hello")
    assert (result.exit_code, result.stdout) == (1, "hello: removed\n")
    assert "Function not found: sum" in result.stderr


def test_the_document_of_a_removal_says_which(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """Removed and failed apart."""
    endpoint.on("DELETE", SUM, Answer(204))
    assert json.loads(paddock("rm", "sum", "--json").stdout) == {"removed": ["sum"], "failed": []}
