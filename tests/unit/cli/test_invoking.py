"""`paddock invoke`: what goes where, and what the shell learns."""

from __future__ import annotations

import base64
import json
import threading
from pathlib import Path

import pytest

from tests.unit.cli.answering_endpoint import FUNCTIONS, REQUEST_ID, Answer, AnsweringEndpoint, refusal
from tests.unit.cli.conftest import Paddock

INVOKE = f"{FUNCTIONS}/sum/invocations"
LOG = f"START RequestId: {REQUEST_ID}\nhello\nREPORT RequestId: {REQUEST_ID}\tDuration: 1.00 ms\n"


def answered(body: bytes, **headers: str) -> Answer:
    """An invocation's answer with a log."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(200, body, {"X-Amz-Log-Result": base64.b64encode(LOG.encode()).decode(), **given})


def test_the_body_alone_is_on_stdout_exactly_as_received(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """No newline is added, no JSON is reformatted, no byte is recoded."""
    body = b'{"b":1 ,  "a":"\xff"}'
    endpoint.on("POST", INVOKE, answered(body))
    result = paddock("invoke", "sum")
    assert (result.exit_code, result.stdout_bytes) == (0, body)


def test_the_log_and_its_report_line_are_on_stderr(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """The tail is asked for and decoded."""
    endpoint.on("POST", INVOKE, answered(b"1"))
    assert paddock("invoke", "sum").stderr == LOG
    assert endpoint.asked[0].headers["X-Amz-Log-Type"] == "Tail"


def test_no_log_asks_for_none(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """--no-log leaves stderr to the shell."""
    endpoint.on("POST", INVOKE, Answer(200, b"1"))
    assert paddock("invoke", "sum", "--no-log").stderr == ""
    assert "X-Amz-Log-Type" not in endpoint.asked[0].headers


def test_the_payload_comes_from_the_argument_stdin_or_a_file(
    endpoint: AnsweringEndpoint, paddock: Paddock, tmp_path: Path
) -> None:
    """And it is {} where none is given."""
    endpoint.on("POST", INVOKE, answered(b"1"))
    file = tmp_path / "event.json"
    file.write_bytes(b'"\xc3\xa9"')
    paddock("invoke", "sum")
    paddock("invoke", "sum", "[1]")
    paddock("invoke", "sum", "-", stdin=b" [2]\n")
    paddock("invoke", "sum", f"@{file}")
    assert [asked.body for asked in endpoint.asked] == [b"{}", b"[1]", b" [2]\n", b'"\xc3\xa9"']


def test_a_missing_payload_file_is_a_usage_error(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """Nothing is invoked."""
    result = paddock("invoke", "sum", "@/nonexistent/event.json")
    assert result.exit_code == 2
    assert "/nonexistent/event.json" in result.stderr
    assert endpoint.asked == []


def test_a_client_context_that_is_no_json_is_a_usage_error(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """Nothing is invoked."""
    result = paddock("invoke", "sum", "--client-context", "{")
    assert (result.exit_code, endpoint.asked) == (2, [])


def test_the_client_context_and_the_qualifier_are_sent(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """The context in base64, as the API wants it."""
    endpoint.on("POST", INVOKE, answered(b"1"))
    paddock("invoke", "sum", "--client-context", '{"custom": {}}', "--qualifier", "$LATEST")
    asked = endpoint.asked[0]
    assert base64.b64decode(asked.headers["X-Amz-Client-Context"]) == b'{"custom": {}}'
    assert asked.query == "Qualifier=%24LATEST"


def test_a_version_or_alias_can_stand_behind_the_name(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """As in AWS's own names."""
    endpoint.on("POST", INVOKE.replace("sum", "sum:live"), answered(b"1"))
    assert paddock("invoke", "sum:live").stdout_bytes == b"1"


def test_a_function_error_exits_3_with_the_body_still_on_stdout(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """A script can read what the function raised."""
    body = b'{"errorType":"KeyError","errorMessage":"x"}'
    endpoint.on("POST", INVOKE, answered(body, X_Amz_Function_Error="Unhandled"))
    result = paddock("invoke", "sum")
    assert (result.exit_code, result.stdout_bytes) == (3, body)


@pytest.mark.parametrize(
    "error",
    [
        {"errorType": "Sandbox.Timedout", "errorMessage": "RequestId: x Error: Task timed out after 3.00 seconds"},
        {"errorMessage": "2026-01-01T00:00:00Z x Task timed out after 3.00 seconds"},
    ],
)
def test_a_timeout_exits_4(endpoint: AnsweringEndpoint, paddock: Paddock, error: dict[str, str]) -> None:
    """By its type, or by AWS's text."""
    endpoint.on("POST", INVOKE, answered(json.dumps(error).encode(), X_Amz_Function_Error="Unhandled"))
    assert paddock("invoke", "sum").exit_code == 4


def test_a_body_that_speaks_of_timeouts_without_an_error_exits_0(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """Only the header makes an error."""
    endpoint.on("POST", INVOKE, answered(b'{"errorType": "Sandbox.Timedout"}'))
    assert paddock("invoke", "sum").exit_code == 0


def test_waiting_longer_than_the_clients_timeout_exits_4(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """And asks once only: a second try would run the function twice."""
    held = threading.Event()
    endpoint.on("POST", INVOKE, Answer(200, b"1", held=held))
    result = paddock("invoke", "sum", "--timeout", "0.2")
    held.set()
    assert (result.exit_code, len(endpoint.asked)) == (4, 1)
    assert result.stderr.count("\n") == 1


def test_a_throttle_exits_5_after_one_try(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """Whether to try again is the script's choice."""
    endpoint.on("POST", INVOKE, refusal("TooManyRequestsException", "Rate Exceeded.", 429))
    result = paddock("invoke", "sum")
    assert (result.exit_code, len(endpoint.asked)) == (5, 1)
    assert "Rate Exceeded." in result.stderr


def test_a_docker_engine_out_of_reach_exits_6(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """AWS has no code for it: the message says so, with its own remedy."""
    message = "Docker engine does not answer (connection refused); start it"
    endpoint.on("POST", INVOKE, refusal("ServiceException", message, 500))
    result = paddock("invoke", "sum")
    assert (result.exit_code, len(endpoint.asked)) == (6, 1)
    assert message in result.stderr


def test_an_event_prints_its_request_id_and_nothing_on_stdout(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """--async is AWS's Event, which has no log."""
    endpoint.on("POST", INVOKE, Answer(202))
    result = paddock("invoke", "sum", "--async")
    assert (result.exit_code, result.stdout) == (0, "")
    assert REQUEST_ID in result.stderr
    assert endpoint.asked[0].headers["X-Amz-Invocation-Type"] == "Event"
    assert "X-Amz-Log-Type" not in endpoint.asked[0].headers


def test_a_dry_run_runs_nothing(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """It is AWS's DryRun."""
    endpoint.on("POST", INVOKE, Answer(204))
    result = paddock("invoke", "sum", "--dry-run")
    assert (result.exit_code, result.stdout) == (0, "")
    assert endpoint.asked[0].headers["X-Amz-Invocation-Type"] == "DryRun"


def test_async_and_dry_run_together_are_a_usage_error(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """They are two types of one invocation."""
    assert paddock("invoke", "sum", "--async", "--dry-run").exit_code == 2
    assert endpoint.asked == []


def test_the_document_has_the_payload_as_a_value_and_the_log(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """--json puts everything on stdout and keeps the exit code."""
    endpoint.on("POST", INVOKE, answered(b'{"a": [1]}', X_Amz_Function_Error="Unhandled"))
    result = paddock("invoke", "sum", "--json")
    assert json.loads(result.stdout) == {
        "request_id": REQUEST_ID,
        "status_code": 200,
        "executed_version": None,
        "function_error": "Unhandled",
        "payload": {"a": [1]},
        "log": LOG,
    }
    assert (result.exit_code, result.stderr) == (3, "")


def test_a_tenant_is_named_where_one_is_given(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """Of a function that isolates its tenants; else the header is left out."""
    endpoint.on("POST", INVOKE, answered(b"1"))
    paddock("invoke", "sum", "--tenant-id", "blue")
    paddock("invoke", "sum")
    assert [asked.headers.get("X-Amz-Tenant-Id") for asked in endpoint.asked] == ["blue", None]
