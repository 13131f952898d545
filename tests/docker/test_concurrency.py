"""Scaling on a real engine: enough environments and no more, frozen when idle, gone when idle for long."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import botocore.exceptions
import docker
import pytest

from tests.support.paddock_process import PaddockProcess, deploy
from tests.support.waiting import until

pytestmark = pytest.mark.alone


@pytest.fixture(scope="module")
def quick(engine: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PaddockProcess]:
    """A control plane that freezes after half a second and shuts down after eight."""
    process = PaddockProcess(tmp_path_factory.mktemp("quick"), freeze_after_s=0.5, idle_timeout_s=8)
    process.start()
    yield process
    assert process.terminate() == 0, process.log()[-4000:]


@pytest.fixture(scope="module")
def client(quick: PaddockProcess, images: dict[str, str]) -> Any:
    """boto3 with as many connections as callers."""
    boto = quick.client()
    for name in ("sleeper", "short", "reserved", "evicted"):
        deploy(boto, name, images["behaviours"], Timeout=30, MemorySize=128)
    return boto


def _call(client: Any, name: str, payload: object) -> float:
    began = time.monotonic()
    answer = client.invoke(FunctionName=name, Payload=json.dumps(payload).encode())
    assert "FunctionError" not in answer, answer["Payload"].read()
    answer["Payload"].read()
    return time.monotonic() - began


def test_fifty_calls_of_a_second_are_all_answered_and_none_starts_a_container_too_many(
    client: Any, quick: PaddockProcess, figures: Callable[[str], None]
) -> None:
    """At most one environment per caller, and every one of them got work."""
    with ThreadPoolExecutor(50) as pool:
        took = list(pool.map(lambda _: _call(client, "sleeper", {"do": "sleep", "seconds": 1}), range(50)))
    environments = quick.environments("sleeper")
    created = quick.count_log("environment.created", "sleeper")
    figures(f"50 calls of 1 s: slowest {max(took):.2f} s, environments created {created}")
    assert len(took) == 50
    assert created <= 50
    idle_from_birth = [one for one in environments if one["invocations"] == 0]
    # Those that were on their way when the last waiter was served came too late; at most as many as start at once.
    assert len(idle_from_birth) <= 4, idle_from_birth


def test_thirty_two_short_calls_with_one_warm_environment_start_at_most_four_more(
    client: Any, quick: PaddockProcess, figures: Callable[[str], None]
) -> None:
    """
    A cold start that ends nobody's wait is not made (D9): the warm one answers them all about as soon as it answers as
    many one after another.
    """
    for _ in range(5):
        _call(client, "short", {"do": "sleep", "seconds": 0.01})
    one_by_one = sum(_call(client, "short", {"do": "sleep", "seconds": 0.01}) for _ in range(32))
    before = quick.count_log("environment.created", "short")
    with ThreadPoolExecutor(32) as pool:
        list(pool.map(lambda _: client.get_account_settings(), range(32)))  # connections made, not measured
        began = time.monotonic()
        list(pool.map(lambda _: _call(client, "short", {"do": "sleep", "seconds": 0.01}), range(32)))
        took = time.monotonic() - began
    started = quick.count_log("environment.created", "short") - before
    figures(f"32 calls of 10 ms: {took:.3f} s, one after another {one_by_one:.3f} s, cold starts {started}")
    assert started <= 4
    assert took < 1.4 * one_by_one


def test_idle_environments_freeze_then_are_reaped(
    client: Any, quick: PaddockProcess, engine: docker.DockerClient
) -> None:
    """Paused after half a second, shut down after eight, and no container is left of them."""
    _call(client, "short", {})
    until(lambda: all(one["state"] == "frozen" for one in quick.environments("short")), "the environments freeze")
    frozen = [container for container in quick.containers(engine, "short") if container.status == "paused"]
    assert frozen
    assert _call(client, "short", {}) < 0.5, "a frozen environment thaws and answers"
    until(lambda: not quick.environments("short"), "the environments are reaped", patience_s=30)
    assert not quick.containers(engine, "short")


def test_reserved_concurrency_throttles_with_its_reason(client: Any, quick: PaddockProcess) -> None:
    """429 with ReservedFunctionConcurrentInvocationLimitExceeded and a Retry-After."""
    client.put_function_concurrency(FunctionName="reserved", ReservedConcurrentExecutions=1)
    _call(client, "reserved", {})
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(_call, client, "reserved", {"do": "sleep", "seconds": 2})
        until(lambda: any(one["state"] == "busy" for one in quick.environments("reserved")), "the first call runs")
        throttled = until(lambda: _throttle(client, "reserved"), "a second call is throttled")
        running.result()
    assert throttled.response["Error"]["Code"] == "TooManyRequestsException"
    assert throttled.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert int(throttled.response["ResponseMetadata"]["HTTPHeaders"]["retry-after"]) >= 1
    assert type(throttled).__name__ == "TooManyRequestsException"


def test_one_call_after_another_is_never_throttled_by_a_reservation_of_one(client: Any) -> None:
    """A call right after the last answer waits for the runtime's `/next` instead."""
    client.put_function_concurrency(FunctionName="reserved", ReservedConcurrentExecutions=1)
    for _ in range(100):
        _call(client, "reserved", {})


def _throttle(client: Any, name: str) -> Any:
    try:
        client.invoke(FunctionName=name, Payload=b"{}")
    except botocore.exceptions.ClientError as error:
        return error
    return None


def test_with_no_room_the_least_recently_used_idle_environment_is_evicted(
    engine: docker.DockerClient, images: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Room for two: a third function's call takes the place of the one idle for longest."""
    process = PaddockProcess(
        tmp_path_factory.mktemp("small"), memory_budget_mib=300, minimum_stay_s=0.1, network_pool_size=2
    )
    process.start()
    try:
        client = process.client()
        for name in ("first", "second", "third"):
            deploy(client, name, images["behaviours"], Timeout=10, MemorySize=128)
        for name in ("first", "second", "third"):
            _call(client, name, {})
        assert not process.environments("first")
        assert process.environments("second")
        assert process.environments("third")
        assert "capacity" in process.log()
    finally:
        assert process.terminate() == 0


def test_after_the_end_no_container_and_no_network_is_left(
    engine: docker.DockerClient,
    images: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
    figures: Callable[[str], None],
) -> None:
    """SIGTERM with environments idle, frozen and busy: all are removed, in order, within the grace period."""
    process = PaddockProcess(tmp_path_factory.mktemp("ending"), freeze_after_s=0.2)
    process.start()
    client = process.client()
    deploy(client, "ending", images["behaviours"], Timeout=30)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: _call(client, "ending", {"do": "sleep", "seconds": 0.3}), range(4)))
        late = pool.submit(_call, client, "ending", {"do": "sleep", "seconds": 2})
        until(lambda: any(one["state"] == "busy" for one in process.environments("ending")), "one is busy")
        owner = process.owner(engine)
        began = time.monotonic()
        assert process.terminate() == 0
        figures(f"SIGTERM to end: {time.monotonic() - began:.2f} s")
        assert late.result() > 1.9, "what ran within the drain was answered"
    assert time.monotonic() - began < 30
    assert not engine.containers.list(all=True, filters={"label": f"paddock.owner={owner}"})
    assert not engine.networks.list(filters={"label": f"paddock.owner={owner}"})
