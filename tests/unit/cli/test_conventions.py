"""What scripts may rely on with every command: exit codes, documents, no colour in a pipe, completion."""

from __future__ import annotations

import json
import os
import pty
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from orchestrator.__main__ import app
from orchestrator.cli.failures import ExitCode
from tests.unit.cli.answering_endpoint import FUNCTIONS, Answer, AnsweringEndpoint, document, refusal
from tests.unit.cli.test_watching import ENVIRONMENT

pytestmark = pytest.mark.slow

_PADDOCK = Path(sys.executable).with_name("paddock")
NOWHERE = "http://127.0.0.1:1"
INVOKE = f"{FUNCTIONS}/sum/invocations"
_SERVERS = {"up", "driver"}
"""They run until they are ended, and have nothing to print."""

Prepare = Callable[[AnsweringEndpoint], None]


def _answers(answer: Answer) -> Prepare:
    return lambda endpoint: endpoint.on("POST", INVOKE, answer)


def _timed_out() -> Answer:
    error = {"errorType": "Sandbox.Timedout", "errorMessage": "Task timed out after 3.00 seconds"}
    return Answer(200, json.dumps(error).encode(), {"X-Amz-Function-Error": "Unhandled"})


EXIT_CODES: dict[ExitCode, tuple[list[str], dict[str, str], Prepare]] = {
    ExitCode.OK: (["invoke", "sum"], {}, _answers(Answer(200, b"1"))),
    ExitCode.OUR_FAILURE: (["invoke", "sum", "--endpoint-url", NOWHERE], {}, lambda _: None),
    ExitCode.USAGE: (["invoke"], {}, lambda _: None),
    ExitCode.FUNCTION_ERROR: (
        ["invoke", "sum"],
        {},
        _answers(Answer(200, b"{}", {"X-Amz-Function-Error": "Unhandled"})),
    ),
    ExitCode.TIMEOUT: (["invoke", "sum"], {}, _answers(_timed_out())),
    ExitCode.THROTTLED: (
        ["invoke", "sum"],
        {},
        _answers(refusal("TooManyRequestsException", "Rate Exceeded.", 429)),
    ),
    ExitCode.ENGINE_OUT_OF_REACH: (["up"], {"DOCKER_HOST": "unix:///nowhere/docker.sock"}, lambda _: None),
}


def paddock(endpoint: AnsweringEndpoint, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """The command itself, as a shell runs it."""
    return subprocess.run(
        [_PADDOCK, *arguments],
        env={**os.environ, "PADDOCK_ENDPOINT_URL": endpoint.url, "TERM": "xterm-256color", **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("code", ExitCode, ids=lambda code: f"{code.value}-{code.name}")
def test_each_exit_code_is_what_the_shell_gets(endpoint: AnsweringEndpoint, code: ExitCode, tmp_path: Path) -> None:
    """From a process of its own; and whoever fails says why on stderr, in one line."""
    arguments, variables, prepare = EXIT_CODES[code]
    prepare(endpoint)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    ran = paddock(endpoint, *arguments, PADDOCK_DATA_DIR=str(tmp_path), PADDOCK_PORT=port, **variables)
    assert ran.returncode == code, ran.stderr
    assert "Traceback" not in ran.stderr
    if code in (ExitCode.OUR_FAILURE, ExitCode.THROTTLED):
        assert ran.stderr.startswith("paddock: ")
        assert ran.stderr.count("\n") == 1


def _commands() -> Iterator[tuple[str, Any]]:
    waiting: list[tuple[str, Any]] = [("", typer.main.get_command(app))]
    while waiting:
        name, command = waiting.pop()
        below = getattr(command, "commands", None)
        if below is None:
            yield name, command
        else:
            waiting.extend((f"{name} {one}".strip(), of_it) for one, of_it in below.items())


def test_every_command_prints_a_document_where_it_is_asked_to() -> None:
    """All but the two that never end."""
    without = {name for name, command in _commands() if "--json" not in {one for p in command.params for one in p.opts}}
    assert without == _SERVERS


@pytest.fixture
def answering(endpoint: AnsweringEndpoint) -> AnsweringEndpoint:
    """With a function that is Active, and a check that failed."""
    endpoint.on("GET", FUNCTIONS, document({"Functions": [{"FunctionName": "sum", "State": "Active"}]}))
    endpoint.on("GET", "/_paddock/environments", document({"environments": [ENVIRONMENT]}))
    failed = {"name": "disk", "ok": False, "fact": "full", "remedy": "free some space"}
    endpoint.on("GET", "/_paddock/doctor", document({"checks": [failed]}))
    return endpoint


@pytest.mark.parametrize("command", ["ls", "ps", "doctor"])
def test_what_is_coloured_on_a_terminal_is_plain_in_a_pipe(answering: AnsweringEndpoint, command: str) -> None:
    """And under NO_COLOR on a terminal, too."""
    piped = paddock(answering, command)
    assert "\x1b[" not in piped.stdout + piped.stderr
    assert "\x1b[" in _on_a_terminal(answering, command)
    assert "\x1b[3" not in _on_a_terminal(answering, command, NO_COLOR="1")


def _on_a_terminal(endpoint: AnsweringEndpoint, *arguments: str, **variables: str) -> str:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [_PADDOCK, *arguments],
        env={**os.environ, "PADDOCK_ENDPOINT_URL": endpoint.url, "TERM": "xterm-256color", **variables},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    written = bytearray()
    try:
        while piece := os.read(ours, 4096):
            written += piece
    except OSError:
        # The other end of a terminal that is closed is an error, not an end.
        pass
    finally:
        os.close(ours)
        process.wait(60)
    return written.decode()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_a_script_for_its_completion(endpoint: AnsweringEndpoint, shell: str) -> None:
    """Which asks `paddock` itself for what fits."""
    script = paddock(endpoint, _PADDOCK_COMPLETE=f"source_{shell}")
    assert script.returncode == 0
    assert f"_PADDOCK_COMPLETE=complete_{shell}" in script.stdout


def test_commands_and_options_are_completed(endpoint: AnsweringEndpoint) -> None:
    """As bash asks for them."""

    def offered(words: str) -> list[str]:
        count = str(len(words.split(" ")) - 1)
        ran = paddock(endpoint, _PADDOCK_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=count)
        return ran.stdout.split()

    assert offered("paddock dep") == ["deploy"]
    assert "--reserved-concurrency" in offered("paddock deploy --r")
