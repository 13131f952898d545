"""`paddock ls`, `ps` and `logs`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from tests.unit.cli.answering_endpoint import FUNCTIONS, Answer, AnsweringEndpoint, document
from tests.unit.cli.conftest import Paddock

Follower = tuple[subprocess.Popen[bytes], threading.Event]
OUTPUT = "/_paddock/functions/sum/output"
ENVIRONMENT = {
    "function_name": "sum",
    "version": "$LATEST",
    "environment_id": "0123456789abcdef0123456789abcdef",
    "state": "busy",
    "state_since": "2026-01-02T10:00:00.250+00:00",
    "created_at": "2026-01-02T09:00:00.000+00:00",
    "memory_size_mb": 128,
    "invocations": 7,
    "request_id": "6f1c2d3e-0000-4000-8000-000000000001",
    "address": "172.20.0.2",
}


@pytest.fixture
def east_of_greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This machine is two hours ahead of UTC."""
    monkeypatch.setenv("TZ", "XXX-2")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def line(text: str, at: str = "2026-01-02T10:00:00.250+00:00") -> bytes:
    """A line of output as the console sends it."""
    said = {"at": at, "environment_id": "0123456789abcdef", "request_id": None, "text": text}
    return json.dumps(said).encode() + b"\n"


def test_functions_of_all_pages_are_listed_by_name(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """Also those behind the first page."""
    endpoint.on(
        *("GET", f"{FUNCTIONS}"),
        document({"Functions": [{"FunctionName": "sum", "MemorySize": 512}], "NextMarker": "more"}),
        document({"Functions": [{"FunctionName": "hello", "MemorySize": 128}]}),
    )
    lines = paddock("ls").stdout.splitlines()
    assert [row.split()[:2] for row in lines[1:]] == [["hello", "128"], ["sum", "512"]]


def test_the_document_of_ls_has_the_apis_members(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """Unchanged."""
    endpoint.on("GET", FUNCTIONS, document({"Functions": [{"FunctionName": "sum", "MemorySize": 512}]}))
    assert json.loads(paddock("ls", "--json").stdout) == {"functions": [{"FunctionName": "sum", "MemorySize": 512}]}


def test_environments_are_not_cut_in_a_pipe_and_have_no_colour(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """Scripts read whole ids."""
    endpoint.on("GET", "/_paddock/environments", document({"environments": [ENVIRONMENT]}))
    heading, row = paddock("ps").stdout.splitlines()
    assert heading.split()[:4] == ["FUNCTION", "VERSION", "ENVIRONMENT", "STATE"]
    for value in ("sum", ENVIRONMENT["environment_id"], "busy", ENVIRONMENT["request_id"], "172.20.0.2"):
        assert str(value) in row
    assert "\x1b" not in row


@pytest.mark.usefixtures("east_of_greenwich")
def test_times_are_local(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """The API speaks UTC; people do not."""
    endpoint.on("GET", "/_paddock/environments", document({"environments": [ENVIRONMENT]}))
    assert "2026-01-02 12:00:00.250" in paddock("ps").stdout


def test_environments_of_one_function_are_asked_for(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """The control plane picks them."""
    endpoint.on("GET", "/_paddock/environments", document({"environments": []}))
    assert json.loads(paddock("ps", "a&b", "--json").stdout) == {"environments": []}
    assert endpoint.asked[0].query == "function=a%26b"


def test_the_log_is_printed_line_by_line_and_keep_alives_are_not(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """However the stream is cut into chunks; [markup] is text."""
    stream = line("one") + b"\n" + line("[red]two[/red]")
    endpoint.on("GET", OUTPUT, Answer(parts=[stream[:20], stream[20:]]))
    result = paddock("logs", "sum", "-n", "2")
    assert [row.split(" ", 3)[2:] for row in result.stdout.splitlines()] == [
        ["01234567", "one"],
        ["01234567", "[red]two[/red]"],
    ]
    assert endpoint.asked[0].query == "limit=2"


def test_the_document_of_a_log_is_one_line_each(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """As the console sent it."""
    endpoint.on("GET", OUTPUT, Answer(body=line("one") + line("two")))
    texts = [json.loads(row)["text"] for row in paddock("logs", "sum", "--json").stdout.splitlines()]
    assert texts == ["one", "two"]


def test_the_log_of_an_unknown_function_exits_1(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """With the control plane's words."""
    endpoint.on("GET", OUTPUT, document({"message": "Function not found: sum"}, 404))
    result = paddock("logs", "sum")
    assert (result.exit_code, result.stderr) == (1, "paddock: Function not found: sum\n")


def test_a_followed_log_that_ends_is_a_failure(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """It would have no end while the control plane runs."""
    endpoint.on("GET", OUTPUT, Answer(parts=[line("one")]))
    result = paddock("logs", "-f", "sum")
    assert (result.exit_code, endpoint.asked[0].query) == (1, "limit=100&follow=true")
    assert "ended" in result.stderr


@pytest.fixture
def follower(endpoint: AnsweringEndpoint) -> Iterator[Follower]:
    """`paddock logs -f sum` in a process of its own; its log's second line comes when the event is set."""
    held = threading.Event()
    endpoint.on("GET", OUTPUT, Answer(parts=[line("one")], held=held, later=line("two")))
    # Buffered, as on a user's machine: unbuffered, it would look as if lines were flushed.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    process = subprocess.Popen(
        [sys.executable, "-m", "orchestrator", "logs", "-f", "sum", "--endpoint-url", endpoint.url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        # A shell that starts the tests in the background has them ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    with process:
        yield process, held
        held.set()
        process.kill()


def test_a_line_is_there_before_the_stream_ends_and_ctrl_c_is_silent(follower: Follower) -> None:
    """No traceback, no word; the shell's own code for an interrupt."""
    process, _ = follower
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline().endswith(b" one\n")
    process.send_signal(signal.SIGINT)
    process.stdout.read()
    assert (process.wait(10), process.stderr.read()) == (130, b"")


def test_a_reader_that_closes_the_pipe_ends_it_silently(follower: Follower) -> None:
    """`paddock logs -f sum | head -1`."""
    process, second_line = follower
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    second_line.set()
    assert (process.wait(10), process.stderr.read()) == (0, b"")
