"""What the command line's tests share: an endpoint of prepared answers, and the command run against it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from typer.testing import CliRunner, Result

from orchestrator.cli.app import app
from tests.unit.cli.answering_endpoint import AnsweringEndpoint

Paddock = Callable[..., Result]


@pytest.fixture(autouse=True)
def _no_configuration_of_the_developer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/nonexistent")
    for name in ("PADDOCK_ENDPOINT_URL", "PADDOCK_TRACEBACK", "FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def endpoint() -> Iterator[AnsweringEndpoint]:
    """A control plane of prepared answers."""
    answering = AnsweringEndpoint()
    yield answering
    answering.close()


@pytest.fixture
def paddock(endpoint: AnsweringEndpoint) -> Paddock:
    """Run `paddock` with these arguments against that endpoint."""

    def run(*arguments: str, stdin: bytes | None = None) -> Result:
        return CliRunner().invoke(app, list(arguments), input=stdin, env={"PADDOCK_ENDPOINT_URL": endpoint.url})

    return run
