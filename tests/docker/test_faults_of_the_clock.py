"""The host's clock is set by an hour, forwards and back, under load and over a crash."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path

import docker
import pytest

from tests.support.clock_steps import SteppedClock
from tests.support.load import Load, accepted, answers_again, deploy_marks, settled
from tests.support.paddock_process import PaddockProcess
from tests.support.waiting import until

_HOUR_S = 3600
_PATIENCE_S = 60
_RETRY_S = 2
_ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def clock(tmp_path: Path) -> SteppedClock:
    """One that can be set."""
    if SteppedClock.library() is None:
        assert not os.environ.get("CI"), "in CI this must run: it needs the package faketime"
        pytest.skip("needs Debian's package faketime")
    return SteppedClock(tmp_path / "clock")


@pytest.fixture
def driver(engine: docker.DockerClient, tmp_path: Path) -> Iterator[Path]:
    """
    Where a driver listens whose clock is the true one: libfaketime's is none for Python's `time.sleep`, which the
    driver uses and the control plane does not.
    """
    with tempfile.TemporaryDirectory(prefix="pd-", dir="/tmp") as folder:
        path = Path(folder) / "driver.sock"
        process = subprocess.Popen(
            [sys.executable, "-m", "orchestrator", "driver"],
            env={
                **os.environ,
                "PADDOCK_DRIVER_SOCKET": str(path),
                "PADDOCK_DRIVER_DIR": str(tmp_path / "driver"),
                "PADDOCK_NETWORK_POOL_SIZE": "4",
            },
            cwd=_ROOT,
        )
        yield path
        process.terminate()
        assert process.wait(_PATIENCE_S) == 0


def test_a_clock_that_is_set_by_an_hour_loses_and_delays_nothing(
    clock: SteppedClock,
    driver: Path,
    images: dict[str, str],
    start_paddock: Callable[..., PaddockProcess],
    figures: Callable[[str], None],
) -> None:
    """Nobody is refused or cut off meanwhile; retries come after their delay; nor does a restart wait for the clock."""
    delays = f"{_RETRY_S},{_RETRY_S}"
    paddock = start_paddock(variables=clock.variables, driver_socket=driver, async_retry_delays_s=delays)
    client = deploy_marks(paddock, images["behaviours"], Timeout=10, MemorySize=1024)
    # Read now: with libfaketime's, to import the console beside a load takes ten seconds in the place of one.
    assert paddock.environments("marks")
    load = Load(paddock, pause_s=0.1)
    load.start()
    fails, took = [], []
    for offset_s in (_HOUR_S, -_HOUR_S, 0):
        fails.append(accepted(client, do="raise"))
        until(lambda: paddock.invocation(fails[-1])["state"] == "retrying", "it waits for its retry")
        began = time.monotonic()
        _step(clock, paddock, offset_s)
        settled(paddock, fails, _PATIENCE_S)
        took.append(time.monotonic() - began)
    _step(clock, paddock, _HOUR_S)
    load.go_on(1)
    assert not load.refusals
    paddock.kill()
    clock.step_to(-_HOUR_S)
    paddock.start()
    again_s = answers_again(paddock)
    load.go_on(1)
    load.stop()
    ended = settled(paddock, load.acknowledged, _PATIENCE_S)
    states = {one["state"] for one in ended.values()}
    figures(
        f"clock steps of 1 and 2 h, five of them, the last over a crash: acknowledged {len(load.acknowledged)}, lost "
        f"{len(load.acknowledged) - len(ended)}, states {sorted(states)}, two retries of {_RETRY_S} s after each step "
        f"took {[round(one, 1) for one in took]} s, answering {again_s:.1f} s after the crash"
    )
    assert states == {"succeeded"}
    assert not load.wrong
    assert all(2 * _RETRY_S - 1 < one < 2 * _RETRY_S + 20 for one in took)
    assert {paddock.invocation(one)["attempts"] for one in fails} == {3}
    assert paddock.terminate() == 0


def _step(clock: SteppedClock, paddock: PaddockProcess, offset_s: int) -> None:
    """Set the clock, and wait until the process says so in an answer's Date."""
    clock.step_to(offset_s)

    def is_seen() -> bool:
        with urllib.request.urlopen(f"{paddock.endpoint}/healthz", timeout=10) as answer:
            told = parsedate_to_datetime(answer.headers["date"]).timestamp()
        return abs(told - time.time() - offset_s) < _HOUR_S / 2

    until(is_seen, "it has the new time")
