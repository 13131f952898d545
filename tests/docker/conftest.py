"""What tests on a real Docker engine share. Without an engine they fail; they are never skipped."""

from __future__ import annotations

import contextlib
import gc
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.support.engine_proxy import EngineProxy
from tests.support.host_lock import only_here
from tests.support.paddock_process import PaddockProcess
from tests.support.probing import Prober, metadata_address, stand_in_internet
from tests.support.second_engine import SecondEngine
from tests.support.self_tests import SelfTests
from tests.support.workshop import Workshop

FUNCTIONS = Path(__file__).parent / "functions"
SECOND_BRIDGE = "paddock-2nd"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs Docker."""
    for item in items:
        if Path(item.fspath).is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.docker)


@pytest.fixture(autouse=True)
def _what_is_left_open_is_found_where_it_was_left() -> Iterator[None]:
    """A socket in a forgotten cycle would otherwise be reported in whichever test the collector happens to run."""
    yield
    gc.collect()


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
    with only_here("images"):
        for folder in sorted(path for path in FUNCTIONS.iterdir() if (path / "Dockerfile").exists()):
            tag = f"paddock-test/{folder.name}:latest"
            engine.images.build(path=str(folder), tag=tag, rm=True, forcerm=True)
            tags[folder.name] = tag
    return tags


@pytest.fixture(scope="session")
def workshop(engine: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """Builds odd images; needs gcc, which `make test` installs."""
    return Workshop(engine, tmp_path_factory.mktemp("workshop"))


@pytest.fixture(scope="session")
def self_tests() -> SelfTests:
    """Of the firewall: two or three seconds each, which only the first start on the same addresses takes."""
    return SelfTests()


@pytest.fixture(scope="module")
def paddock(
    engine: docker.DockerClient, self_tests: SelfTests, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PaddockProcess]:
    """A control plane for the tests of one file; it leaves nothing behind."""
    process = PaddockProcess(tmp_path_factory.mktemp("paddock"), network_pool_size=2)
    self_tests.hand_on(process.data_dir)
    process.start()
    self_tests.take(process.data_dir)
    yield process
    assert process.terminate() == 0, process.log()[-4000:]


@pytest.fixture
def start_paddock(
    engine: docker.DockerClient, self_tests: SelfTests, tmp_path: Path
) -> Iterator[Callable[..., PaddockProcess]]:
    """Starts a control plane with settings of a test's own; ended with the test, also one that failed."""
    started: list[PaddockProcess] = []

    def start(data_dir: Path = tmp_path, **settings: Any) -> PaddockProcess:
        process = PaddockProcess(data_dir, **settings)
        started.append(process)
        self_tests.hand_on(data_dir)
        process.start()
        self_tests.take(data_dir)
        return process

    yield start
    for process in started:
        if process.is_running():
            process.terminate()


@pytest.fixture(scope="module")
def metadata() -> Iterator[None]:
    """The cloud's address, on this host for a while."""
    with metadata_address():
        yield


@pytest.fixture(scope="module")
def internet() -> Iterator[None]:
    """A public address behind this host, where somebody listens."""
    with stand_in_internet():
        yield


@pytest.fixture
def no_further_address() -> Iterator[None]:
    """The host has no public address more or less meanwhile: the rules of sandboxes name each."""
    with only_here("internet"):
        yield


@pytest.fixture(scope="session")
def prober(engine: docker.DockerClient, images: dict[str, str]) -> Prober:
    """Tries from a sandbox what a hostile function would."""
    return Prober(engine, images["prober"])


@pytest.fixture
def second_engine(engine: docker.DockerClient, images: dict[str, str]) -> Iterator[SecondEngine]:
    """An engine that may be restarted, with the images that are needed."""
    if not SecondEngine.is_possible():
        assert not os.environ.get("CI"), "in CI this must run: it needs root and dockerd"
        pytest.skip("needs root and dockerd, for an engine of its own that it can restart")
    with only_here("second-engine"), _bridge(engine), tempfile.TemporaryDirectory(prefix="pd-", dir="/tmp") as folder:
        second = SecondEngine(Path(folder), SECOND_BRIDGE)
        second.start()
        try:
            second.load(engine, "paddock/sandbox:latest", images["behaviours"])
            yield second
        finally:
            second.close()


@contextlib.contextmanager
def _bridge(engine: docker.DockerClient) -> Iterator[None]:
    network = engine.networks.create("paddock-second", options={"com.docker.network.bridge.name": SECOND_BRIDGE})
    try:
        yield
    finally:
        network.remove()


@pytest.fixture
def engine_proxy(engine: docker.DockerClient) -> Iterator[EngineProxy]:
    """The machine's engine, with trouble to be made."""
    with tempfile.TemporaryDirectory(prefix="pd-", dir="/tmp") as folder:
        proxy = EngineProxy(Path(folder) / "docker.sock")
        proxy.start()
        yield proxy
        proxy.close()
