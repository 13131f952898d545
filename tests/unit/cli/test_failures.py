"""What every command has in common: where it asks, how it fails, what it costs to start."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from orchestrator.cli.app import app
from tests.unit.cli.answering_endpoint import FUNCTIONS, Answer, AnsweringEndpoint, document, refusal
from tests.unit.cli.conftest import Paddock

NOWHERE = "http://127.0.0.1:1"
EVERY_CLIENT_COMMAND = [
    ["deploy", "sum", "--image", "sum"],
    ["invoke", "sum"],
    ["ls"],
    ["ps"],
    ["describe", "sum"],
    ["logs", "sum"],
    ["rm", "sum"],
]


@pytest.mark.parametrize("arguments", EVERY_CLIENT_COMMAND, ids=lambda arguments: arguments[0])
def test_a_control_plane_that_does_not_answer_is_one_line_and_exit_1(arguments: list[str]) -> None:
    """Subject, fact, remedy; never a traceback."""
    result = CliRunner().invoke(app, [*arguments, "--endpoint-url", NOWHERE])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"paddock: nothing answers at {NOWHERE}; start it with `make up` or `paddock up`\n"


@pytest.mark.parametrize("arguments", EVERY_CLIENT_COMMAND, ids=lambda arguments: arguments[0])
def test_an_endpoint_that_is_something_else_is_one_line_and_exit_1(
    endpoint: AnsweringEndpoint, paddock: Paddock, arguments: list[str]
) -> None:
    """A web page instead of an API."""
    page = Answer(200, b"<html>welcome</html>", {"Content-Type": "text/html"})
    for method, path in [
        ("GET", "/_paddock/environments"),
        ("GET", "/_paddock/functions/sum/output"),
        ("GET", "/_paddock/functions/sum"),
    ]:
        endpoint.on(method, path, page)
    result = paddock(*arguments)
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1


def test_the_endpoint_after_the_command_wins_over_the_one_before(endpoint: AnsweringEndpoint) -> None:
    """Both places are accepted; the nearer one counts, and the environment variable last."""
    endpoint.on("GET", "/_paddock/environments", document({"environments": []}))
    run = CliRunner().invoke
    nowhere = {"PADDOCK_ENDPOINT_URL": NOWHERE}
    assert run(app, ["--endpoint-url", NOWHERE, "ps", "--endpoint-url", endpoint.url]).exit_code == 0
    assert run(app, ["--endpoint-url", endpoint.url, "ps"], env=nowhere).exit_code == 0
    assert run(app, ["ps"], env=nowhere).exit_code == 1


def test_an_endpoint_that_is_no_url_is_a_usage_error() -> None:
    """With an example of one."""
    result = CliRunner().invoke(app, ["ps", "--endpoint-url", "localhost:4574"])
    assert result.exit_code == 2
    assert "http://127.0.0.1:4574" in result.stderr


def test_values_of_variables_that_were_refused_are_not_shown(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """AWS's text has them all; that it was too much, and how much, is what helps."""
    text = 'provided exceeded the 4KB limit. String measured: {"PASSWORD":"hush"}'
    endpoint.on("GET", f"{FUNCTIONS}/sum/configuration", refusal("InvalidParameterValueException", text, 400))
    result = paddock("deploy", "sum", "--image", "sum")
    assert "hush" not in result.output + result.stderr
    assert "exceeded the 4KB limit. String measured: 19 bytes" in result.stderr


def test_a_proxy_is_not_asked(endpoint: AnsweringEndpoint, paddock: Paddock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Corporate machines have HTTP_PROXY set; the control plane is here."""
    monkeypatch.setenv("HTTP_PROXY", NOWHERE)
    monkeypatch.setenv("http_proxy", NOWHERE)
    endpoint.on("GET", FUNCTIONS, document({"Functions": []}))
    assert paddock("ls").exit_code == 0


def test_a_missing_option_is_a_usage_error() -> None:
    """Typer's own."""
    assert CliRunner().invoke(app, ["deploy", "sum"]).exit_code == 2


def test_the_version_is_told_by_option_and_command() -> None:
    """Both ways that people try."""
    by_option = CliRunner().invoke(app, ["--version"]).stdout
    assert by_option == CliRunner().invoke(app, ["version"]).stdout
    assert by_option == f"paddock {json.loads(CliRunner().invoke(app, ['version', '--json']).stdout)['version']}\n"


def complete(endpoint_url: str, words: str) -> list[str]:
    """What bash would offer."""
    result = CliRunner().invoke(
        app,
        [],
        prog_name="paddock",
        env={
            "_PADDOCK_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split(" ")) - 1),
            "PADDOCK_ENDPOINT_URL": endpoint_url,
        },
    )
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout.split()


@pytest.mark.parametrize("command", ["invoke", "rm", "describe", "ps"])
def test_function_names_are_completed(endpoint: AnsweringEndpoint, command: str) -> None:
    """Those that begin so."""
    names = [{"FunctionName": name} for name in ("hello", "sum", "summit")]
    endpoint.on("GET", FUNCTIONS, document({"Functions": names}))
    assert complete(endpoint.url, f"paddock {command} su") == ["sum", "summit"]


def test_completion_without_a_control_plane_is_silent() -> None:
    """A Tab key prints no errors."""
    assert complete(NOWHERE, "paddock invoke su") == []


def test_help_loads_neither_boto3_nor_the_server() -> None:
    """It is asked for often, and should come at once."""
    script = (
        "import sys; from orchestrator.__main__ import app; app(['--help'], standalone_mode=False); "
        "heavy = {'boto3', 'botocore', 'urllib3', 'docker', 'rich', 'sqlalchemy', 'fastapi', "
        "'orchestrator.process', 'orchestrator.wiring', 'orchestrator.domain'}; "
        "print('loaded:', sorted(heavy & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "loaded: []"
