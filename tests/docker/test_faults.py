"""Bad days: time stands still, and two control planes meet. Nothing accepted is lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import docker

from tests.support.load import Load, answers_again, settled
from tests.support.paddock_process import PaddockProcess, deploy

_STANDS_STILL_S = 8


def test_after_standing_still_for_eight_seconds_it_goes_on(
    images: dict[str, str], start_paddock: Callable[..., PaddockProcess]
) -> None:
    """A suspended laptop, a swapping host: neither a lost event nor a wrong answer, nor an environment given up."""
    paddock = start_paddock()
    client = paddock.client()
    deploy(client, "marks", images["behaviours"], Timeout=30)
    client.invoke(FunctionName="marks", Payload=b"{}")
    load = Load(paddock)
    load.start()
    load.go_on(1)
    os.kill(paddock.pid, signal.SIGSTOP)
    load.go_on(_STANDS_STILL_S)
    os.kill(paddock.pid, signal.SIGCONT)
    load.go_on(1)
    load.stop()
    answers_again(paddock)
    ended = settled(paddock, load.acknowledged, 60)
    assert {one["state"] for one in ended.values()} == {"succeeded"}
    assert not load.wrong


def test_two_control_planes_on_one_engine_keep_apart(
    engine: docker.DockerClient, images: dict[str, str], tmp_path: Path
) -> None:
    """Each has its functions, network and containers; the end of one leaves the other's alone."""
    both = [PaddockProcess(tmp_path / name, network_pool_size=1) for name in ("one", "two")]
    for number, paddock in enumerate(both):
        paddock.data_dir.mkdir()
        paddock.start()
        deploy(paddock.client(), "same", images["behaviours"], Environment={"Variables": {"WHOSE": str(number)}})
    for number, paddock in enumerate(both):
        answer = paddock.client().invoke(FunctionName="same", Payload=b'{"do": "context"}')
        assert json.loads(answer["Payload"].read())["environment"]["WHOSE"] == str(number)
    assert both[0].owner(engine) != both[1].owner(engine)
    assert both[0].terminate() == 0
    answer = both[1].client().invoke(FunctionName="same", Payload=b'{"do": "context"}')
    assert json.loads(answer["Payload"].read())["environment"]["WHOSE"] == "1"
    assert both[1].terminate() == 0


def test_a_second_control_plane_on_the_same_data_is_refused_and_the_first_goes_on(
    engine: docker.DockerClient, images: dict[str, str], start_paddock: Callable[..., PaddockProcess]
) -> None:
    """It would hand out the same events, and remove the first one's containers as leftovers."""
    paddock = start_paddock(network_pool_size=1)
    client = paddock.client()
    deploy(client, "first", images["behaviours"])
    client.invoke(FunctionName="first", Payload=b"{}")
    (container,) = paddock.containers(engine, "first")
    second = subprocess.run(
        [sys.executable, "-m", "orchestrator", "up"],
        env={**paddock.variables, "PADDOCK_PORT": str(paddock.port + 1)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    )
    assert second.returncode == 1
    (said,) = second.stdout.splitlines()
    assert f"used by another control plane (process {paddock.pid} on " in said
    assert "PADDOCK_DATA_DIR" in said
    answer = client.invoke(FunctionName="first", Payload=b'{"n": 1}')
    assert json.loads(answer["Payload"].read())["event"] == {"n": 1}
    assert [one.id for one in paddock.containers(engine, "first")] == [container.id]
    assert paddock.terminate() == 0
