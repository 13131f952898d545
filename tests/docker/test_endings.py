"""How functions end when they do not answer: AWS's error, and a diagnosis that names what to look at."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.support.paddock_process import PaddockProcess, deploy
from tests.support.waiting import until


@pytest.fixture(scope="module")
def client(paddock: PaddockProcess, images: dict[str, str]) -> Any:
    """boto3, with one function for each way to end."""
    boto = paddock.client()
    behaviours = images["behaviours"]
    deploy(boto, "behaviours", behaviours, Timeout=2, MemorySize=128)
    # A 14th of a processor: time enough to touch all of its memory on a slow host, too.
    deploy(boto, "over-its-memory", behaviours, Timeout=30, MemorySize=128)
    deploy(boto, "fails-at-import", behaviours, Timeout=5, Environment={"Variables": {"FAIL_AT_IMPORT": "1"}})
    deploy(boto, "slow-import", behaviours, Timeout=30, Environment={"Variables": {"SLOW_IMPORT_S": "11"}})
    deploy(boto, "never-asks", images["never-asks"], Timeout=2)
    deploy(boto, "exits", images["exits"], Timeout=5)
    deploy(boto, "wrong-entrypoint", behaviours, ImageConfig={"EntryPoint": ["/no/such/program"]})
    deploy(boto, "wrong-directory", behaviours, ImageConfig={"WorkingDirectory": "/etc/passwd"})
    return boto


def failure(client: Any, payload: object, name: str = "behaviours") -> dict[str, Any]:
    """Invoke, expect a function error, decode it."""
    answer = client.invoke(FunctionName=name, Payload=json.dumps(payload).encode())
    assert answer.get("FunctionError") == "Unhandled", answer["Payload"].read()
    error: dict[str, Any] = json.loads(answer["Payload"].read())
    error["id"] = answer["ResponseMetadata"]["RequestId"]
    return error


def test_a_function_that_does_not_answer_in_time_is_stopped_and_named(client: Any) -> None:
    """AWS's text to the letter; the diagnosis says that it took the event and never answered."""
    error = failure(client, {"do": "sleep", "seconds": 30})
    assert error["errorType"] == "Sandbox.Timedout"
    assert error["errorMessage"] == f"RequestId: {error['id']} Error: Task timed out after 2.00 seconds"
    assert "took the event and did not answer" in error["diagnosis"]


def test_after_a_timeout_the_next_call_gets_a_fresh_environment(client: Any) -> None:
    """The reset."""
    before = json.loads(client.invoke(FunctionName="behaviours", Payload=b"{}")["Payload"].read())
    failure(client, {"do": "sleep", "seconds": 30})
    after = json.loads(client.invoke(FunctionName="behaviours", Payload=b"{}")["Payload"].read())
    assert before["started"] != after["started"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "Runtime exited without providing a reason"),
        (7, "Runtime exited with error: exit status 7"),
        (127, "Runtime exited with error: exit status 127"),
    ],
)
def test_a_function_that_exits_gets_its_exit_status_told(client: Any, code: int, words: str) -> None:
    """Runtime.ExitError."""
    error = failure(client, {"do": "exit", "code": code})
    assert error["errorType"] == "Runtime.ExitError"
    assert error["errorMessage"] == f"RequestId: {error['id']} Error: {words}"


def test_a_function_over_its_memory_is_out_of_memory(client: Any) -> None:
    """The kernel kills it; the error says so and the diagnosis names the size."""
    error = failure(client, {"do": "memory", "mib": 200}, "over-its-memory")
    assert error["errorType"] == "Runtime.OutOfMemory"
    assert error["errorMessage"] == f"RequestId: {error['id']} Error: Runtime exited with error: signal: killed"
    assert "128 MB" in error["diagnosis"]


def test_a_container_killed_from_outside_is_an_exit_error(
    client: Any, engine: docker.DockerClient, paddock: PaddockProcess
) -> None:
    """`docker kill` while it runs."""
    outcome: dict[str, Any] = {}

    def call() -> None:
        outcome.update(failure(client, {"do": "sleep", "seconds": 25}, "over-its-memory"))

    thread = threading.Thread(target=call)
    thread.start()
    container = until(lambda: paddock.busy_container(engine, "over-its-memory"), "one is busy")
    container.kill()
    thread.join(30)
    assert outcome["errorType"] == "Runtime.ExitError"
    assert outcome["errorMessage"].endswith("Runtime exited with error: signal: killed")


def test_an_exception_at_import_is_the_runtimes_own_error(client: Any) -> None:
    """Posted to /init/error; init runs again inside the invocation, which gets the error."""
    error = failure(client, {}, "fails-at-import")
    assert error["errorMessage"] == "told to fail at import"
    assert error["errorType"] == "RuntimeError"


def test_an_init_over_ten_seconds_runs_again_inside_the_invocation(client: Any, paddock: PaddockProcess) -> None:
    """Its second run has the function's own timeout, and answers."""
    began = time.monotonic()
    answer = client.invoke(FunctionName="slow-import", Payload=b'{"hello": 1}')
    assert "FunctionError" not in answer, answer["Payload"].read()
    assert time.monotonic() - began > 20
    assert paddock.count_log("environment.created", "slow-import") == 2, "not a third time"


def test_a_program_that_never_asks_for_work_is_named_as_such(client: Any, paddock: PaddockProcess) -> None:
    """In the error and in the log."""
    error = failure(client, {}, "never-asks")
    assert error["errorType"] == "Sandbox.Timedout"
    assert error["errorMessage"].endswith("Task timed out after 2.00 seconds")
    assert "never asked for work" in error["diagnosis"]
    assert "never asked for work" in paddock.log()


@pytest.mark.parametrize(
    ("name", "payload", "words"),
    [
        ("never-asks", {}, "never asked for work"),
        ("behaviours", {"do": "sleep", "seconds": 30}, "took the event and did not answer"),
    ],
)
def test_what_was_wrong_is_in_the_log_and_the_first_line_of_describe(
    client: Any, paddock: PaddockProcess, name: str, payload: object, words: str
) -> None:
    """Whoever asks next, from whichever side, is told what to look at."""
    failure(client, payload, name)
    until(lambda: any(words in line for line in paddock.log().splitlines() if f'"{name}"' in line), "the log has it")
    described = subprocess.run(
        [Path(sys.executable).with_name("paddock"), "describe", name, "--endpoint-url", paddock.endpoint],
        capture_output=True,
        text=True,
        check=True,
    )
    first = described.stdout.splitlines()[0]
    assert first.startswith("! ")
    assert words in first


def test_an_image_without_a_runtime_client_is_named_as_such(client: Any) -> None:
    """It exits before it ever asks."""
    error = failure(client, {}, "exits")
    assert error["errorType"] == "Runtime.ExitError"
    assert "exit status 7" in error["errorMessage"]
    assert "before it ever asked for work" in error["diagnosis"]


def test_a_wrong_entry_point_is_named_as_such(client: Any) -> None:
    """Runtime.InvalidEntrypoint."""
    error = failure(client, {}, "wrong-entrypoint")
    assert error["errorType"] == "Runtime.InvalidEntrypoint"
    assert "/no/such/program" in error["errorMessage"]


def test_a_wrong_working_directory_is_named_as_such(client: Any) -> None:
    """Runtime.InvalidWorkingDir."""
    assert failure(client, {}, "wrong-directory")["errorType"] == "Runtime.InvalidWorkingDir"
