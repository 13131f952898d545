"""The real `aws` command line against a real control plane: what a user types after `--endpoint-url`."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.paddock_process import PaddockProcess

_AWS = Path(sys.executable).parent / "aws"
_IMAGE = "paddock-test/behaviours:latest"
_ROLE = "arn:aws:iam::000000000000:role/any"
_PATIENCE_S = 120
_REFUSED = 255
"""Of version 1 of the command; version 2 has 254."""


class AwsCli:
    """
    `aws lambda …` as a user runs it.

    Args:
        home: Has no configuration of the developer's.
    """

    def __init__(self, endpoint: str, home: Path) -> None:
        self._endpoint = endpoint
        self._home = home
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_DEFAULT_OUTPUT": "json",
            "AWS_PAGER": "",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run it; any exit code."""
        return subprocess.run(
            [str(_AWS), "--endpoint-url", self._endpoint, "lambda", *arguments],
            env=self._environment,
            cwd=self._home,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
        )

    def __call__(self, *arguments: str) -> Any:
        """Run it, and read what it prints as JSON (None if nothing)."""
        done = self.run(*arguments)
        assert done.returncode == 0, f"aws lambda {' '.join(arguments)}\n{done.stdout}{done.stderr}"
        return json.loads(done.stdout) if done.stdout.strip() else None

    def invoke(self, *arguments: str) -> tuple[Any, Any]:
        """Invoke `cli`: what the command prints, and the payload it writes to its file."""
        output = self._home / "payload.json"
        printed = self("invoke", "--function-name", "cli", *arguments, str(output))
        payload = output.read_text()
        return printed, json.loads(payload) if payload else None


@pytest.fixture(scope="module")
def aws(paddock: PaddockProcess, images: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsCli]:
    """The command line, with the function `cli` created and waited for by it."""
    assert images["behaviours"] == _IMAGE
    command = AwsCli(paddock.endpoint, tmp_path_factory.mktemp("home"))
    created = command(
        *("create-function", "--function-name", "cli", "--role", _ROLE),
        *("--package-type", "Image", "--code", f"ImageUri={_IMAGE}"),
        *("--timeout", "10", "--environment", "Variables={GREETING=hello}"),
    )
    assert created["State"] == "Pending"
    command("wait", "function-active-v2", "--function-name", "cli")
    yield command
    command("delete-function", "--function-name", "cli")


def test_a_created_function_is_active_after_wait(aws: AwsCli) -> None:
    """`get-function` shows what was asked for."""
    found = aws("get-function", "--function-name", "cli")
    assert found["Configuration"]["State"] == "Active"
    assert found["Configuration"]["Environment"] == {"Variables": {"GREETING": "hello"}}
    assert found["Code"]["ImageUri"] == _IMAGE


def test_invoke_writes_the_payload_to_its_file(aws: AwsCli) -> None:
    """The metadata to stdout, the answer to the file."""
    printed, payload = aws.invoke("--payload", '{"hello": "world"}')
    assert printed == {"StatusCode": 200, "ExecutedVersion": "$LATEST"}
    assert payload["event"] == {"hello": "world"}


def test_invoke_shows_that_the_function_failed(aws: AwsCli) -> None:
    """Exit code 0 and FunctionError, as on AWS."""
    printed, payload = aws.invoke("--payload", '{"do": "raise", "message": "no"}')
    assert printed["FunctionError"] == "Unhandled"
    assert (payload["errorType"], payload["errorMessage"]) == ("ValueError", "no")


def test_an_event_is_accepted_and_runs(aws: AwsCli, paddock: PaddockProcess) -> None:
    """`--invocation-type Event`: 202 and an empty file."""
    printed, payload = aws.invoke("--invocation-type", "Event", "--payload", '{"do": "mark", "mark": "from-the-cli"}')
    assert (printed, payload) == ({"StatusCode": 202}, None)
    paddock.wait_for_output("cli", "MARK from-the-cli")


def test_a_dry_run_answers_204(aws: AwsCli) -> None:
    """`--invocation-type DryRun`."""
    assert aws.invoke("--invocation-type", "DryRun") == ({"StatusCode": 204}, None)


def test_the_log_tail_can_be_queried(aws: AwsCli) -> None:
    """`--log-type Tail --query LogResult`, the line that everybody pipes into base64."""
    printed, _ = aws.invoke(
        "--log-type", "Tail", "--query", "LogResult", "--payload", '{"do": "print", "lines": ["a line of its own"]}'
    )
    lines = base64.b64decode(printed).decode().splitlines()
    assert lines[0].startswith("START RequestId: ")
    assert lines[1] == "a line of its own"
    assert lines[-1].startswith("REPORT RequestId: ")


def test_list_functions_names_it(aws: AwsCli) -> None:
    """With the command's own pagination."""
    listed = aws("list-functions", "--page-size", "1", "--query", "Functions[].FunctionName")
    assert listed == ["cli"]


def test_a_changed_configuration_is_what_the_next_run_has(aws: AwsCli) -> None:
    """The environment that runs already is replaced."""
    aws(
        *("update-function-configuration", "--function-name", "cli", "--memory-size", "256"),
        *("--environment", "Variables={GREETING=changed}"),
    )
    aws("wait", "function-updated-v2", "--function-name", "cli")
    _, context = aws.invoke("--payload", '{"do": "context"}')
    assert (context["memory"], context["environment"]["GREETING"]) == ("256", "changed")


def test_code_is_deployed_again_by_its_tag(aws: AwsCli) -> None:
    """`update-function-code --image-uri`, then the waiter."""
    changed = aws("update-function-code", "--function-name", "cli", "--image-uri", _IMAGE)
    assert changed["LastUpdateStatus"] == "InProgress"
    aws("wait", "function-updated-v2", "--function-name", "cli")


def test_reserved_concurrency_is_put_and_throttles(aws: AwsCli) -> None:
    """Zero switches the function off until it is deleted."""
    put = aws("put-function-concurrency", "--function-name", "cli", "--reserved-concurrent-executions", "0")
    assert put == {"ReservedConcurrentExecutions": 0}
    throttled = aws.run("invoke", "--function-name", "cli", "out.json")
    assert throttled.returncode == _REFUSED
    assert "An error occurred (TooManyRequestsException) when calling the Invoke operation" in throttled.stderr
    aws("delete-function-concurrency", "--function-name", "cli")
    assert aws.invoke()[0]["StatusCode"] == 200


def test_tags_are_put_and_listed(aws: AwsCli) -> None:
    """By ARN."""
    arn = aws("get-function-configuration", "--function-name", "cli")["FunctionArn"]
    aws("tag-resource", "--resource", arn, "--tags", "team=a,stage=test")
    assert aws("list-tags", "--resource", arn) == {"Tags": {"team": "a", "stage": "test"}}
    aws("untag-resource", "--resource", arn, "--tag-keys", "team", "stage")
    assert aws("list-tags", "--resource", arn) == {"Tags": {}}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            ("get-function", "--function-name", "missing"),
            (
                "An error occurred (ResourceNotFoundException) when calling the GetFunction operation: "
                "Function not found: arn:aws:lambda:us-east-1:000000000000:function:missing"
            ),
        ),
        (
            ("update-function-configuration", "--function-name", "cli", "--memory-size", "10241"),
            "An error occurred (InvalidParameterValueException) when calling the UpdateFunctionConfiguration operation",
        ),
        (
            ("get-function-scaling-config", "--function-name", "cli", "--qualifier", "$LATEST"),
            (
                "An error occurred (NotImplementedException) when calling the GetFunctionScalingConfig operation: "
                "GetFunctionScalingConfig is not built yet in Paddock"
            ),
        ),
    ],
)
def test_a_refusal_is_an_error_exit_and_says_why(aws: AwsCli, arguments: tuple[str, ...], text: str) -> None:
    """The command's own words around ours."""
    done = aws.run(*arguments)
    assert (done.returncode, done.stdout) == (_REFUSED, "")
    assert text in done.stderr


def test_a_deleted_function_is_gone(aws: AwsCli) -> None:
    """Another one, from creation to deletion."""
    aws(
        *("create-function", "--function-name", "short-lived", "--role", _ROLE),
        *("--package-type", "Image", "--code", f"ImageUri={_IMAGE}"),
    )
    assert aws("delete-function", "--function-name", "short-lived") == {"StatusCode": 204}
    assert aws.run("get-function", "--function-name", "short-lived").returncode == _REFUSED
