"""What tests on a real Docker engine share. Without an engine they fail; they are never skipped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.support.paddock_process import PaddockProcess

FUNCTIONS = Path(__file__).parent / "functions"
_FIGURES = pytest.StashKey[list[str]]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs Docker."""
    for item in items:
        if Path(item.fspath).is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.docker)


def pytest_configure(config: pytest.Config) -> None:
    """Measured figures are gathered here."""
    config.stash[_FIGURES] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What was measured stands at the end of each run, green or red."""
    if config.stash[_FIGURES]:
        terminalreporter.section("figures")
        for line in config.stash[_FIGURES]:
            terminalreporter.write_line(line)


@pytest.fixture
def figures(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Keeps a line of what was measured for the end of the run."""
    return pytestconfig.stash[_FIGURES].append


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """The Docker engine."""
    client = docker.from_env(timeout=120)
    client.ping()
    yield client
    client.close()


@pytest.fixture(scope="session")
def images(engine: docker.DockerClient) -> dict[str, str]:
    """The functions in `tests/docker/functions`, built: name → tag."""
    tags = {}
    for folder in sorted(path for path in FUNCTIONS.iterdir() if (path / "Dockerfile").exists()):
        tag = f"paddock-test/{folder.name}:latest"
        engine.images.build(path=str(folder), tag=tag, rm=True, forcerm=True)
        tags[folder.name] = tag
    return tags


@pytest.fixture(scope="module")
def paddock(engine: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PaddockProcess]:
    """A control plane for the tests of one file; it leaves nothing behind."""
    process = PaddockProcess(tmp_path_factory.mktemp("paddock"))
    process.start()
    yield process
    assert process.terminate() == 0, process.log()[-4000:]


@pytest.fixture
def start_paddock(engine: docker.DockerClient, tmp_path: Path) -> Iterator[Callable[..., PaddockProcess]]:
    """Starts a control plane with settings of a test's own; ended with the test, also one that failed."""
    started: list[PaddockProcess] = []

    def start(**settings: Any) -> PaddockProcess:
        process = PaddockProcess(tmp_path, **settings)
        started.append(process)
        process.start()
        return process

    yield start
    for process in started:
        if process.is_running():
            process.terminate()
