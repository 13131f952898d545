"""CPU time: a processor while a function begins, its share after that, none while frozen: the engine says so."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import docker
import pytest

from orchestrator.domain.processor_time import MIB_PER_VCPU, cpu_period_us, cpu_quota_us, init_cpu_quota_us
from tests.support.paddock_process import PaddockProcess, deploy
from tests.support.waiting import until

pytestmark = pytest.mark.alone

_MEMORY_MIB = 1024
_SHARE = _MEMORY_MIB / MIB_PER_VCPU


@pytest.fixture(scope="module")
def client(paddock: PaddockProcess, images: dict[str, str]) -> Any:
    """boto3, with a function that takes a while to begin."""
    boto = paddock.client()
    slow = {"Variables": {"SLOW_IMPORT_S": "3"}}
    deploy(boto, "begins", images["behaviours"], Timeout=30, MemorySize=_MEMORY_MIB, Environment=slow)
    return boto


def time_us(container: Any) -> tuple[int, int]:
    """What the engine gives it, and in how long a period."""
    container.reload()
    host = container.attrs["HostConfig"]
    return host["CpuQuota"], host["CpuPeriod"]


def ask(client: Any, payload: object) -> Any:
    """Invoke and decode."""
    answer = client.invoke(FunctionName="begins", Payload=json.dumps(payload).encode())
    assert "FunctionError" not in answer
    return json.loads(answer["Payload"].read())


def test_a_function_has_a_whole_processor_until_it_asks_for_work_and_its_memorys_share_after(
    client: Any, paddock: PaddockProcess, engine: docker.DockerClient, figures: Callable[[str], None]
) -> None:
    """AWS gives init more than its share, too. 1,769 MB are one vCPU."""
    calling = threading.Thread(target=lambda: ask(client, {}))
    calling.start()
    container = until(lambda: next(iter(paddock.containers(engine, "begins")), None), "its container runs")
    until(lambda: paddock.environments("begins")[0]["state"] == "initializing", "it begins")
    during = time_us(container)
    assert paddock.environments("begins")[0]["state"] == "initializing", "it was asked too late"
    calling.join(30)
    until(lambda: time_us(container) != during, "it has its share")
    after = time_us(container)
    share = ask(client, {"do": "burn", "seconds": 2})["share"]
    figures(
        f"CPU of {_MEMORY_MIB} MB: {during[0] / 1000:.0f} ms of each {during[1] / 1000:.0f} ms during init, then "
        f"{after[0] / 1000:.1f} ms; a busy loop gets {share:.3f} of a CPU"
    )
    assert during == (init_cpu_quota_us(_MEMORY_MIB), cpu_period_us(_MEMORY_MIB))
    assert after == (cpu_quota_us(_MEMORY_MIB), cpu_period_us(_MEMORY_MIB))
    assert _SHARE * 0.7 < share < _SHARE * 1.3


def test_of_a_frozen_function_the_engine_says_that_it_is_paused(
    client: Any, paddock: PaddockProcess, engine: docker.DockerClient
) -> None:
    """`docker ps` shows what is: whoever looks there is not misled."""
    ask(client, {})
    until(lambda: paddock.environments("begins")[0]["state"] == "frozen", "it is frozen")
    (container,) = paddock.containers(engine, "begins")
    assert container.status == "paused"
    ask(client, {})
    container.reload()
    assert container.status == "running"
