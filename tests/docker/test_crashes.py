"""
The crash battery: `kill -9` at random moments under load. What was accepted is never lost, nothing is left behind.

Short in CI; `PADDOCK_BATTERY=long` for a hundred crashes and more. Prints its figures.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import botocore.exceptions
import docker
import pytest

from tests.support.paddock_process import PaddockProcess, deploy
from tests.support.second_engine import SecondEngine
from tests.support.waiting import until

LONG = os.environ.get("PADDOCK_BATTERY") == "long"
CRASHES = 100 if LONG else 8
ENGINE_RESTARTS = 10 if LONG else 2
ATTEMPTS_OF_AWS = 3
SEED = 20261123
SECOND_BRIDGE = "paddock-2nd"
_PATIENCE_S = 60
_SETTLED_A_SECOND = 20
"""Events that are worked off at least, and asked for one by one, once the load has ended."""


class Load:
    """Asynchronous and synchronous callers that go on over crashes, and remember what was acknowledged."""

    def __init__(self, paddock: PaddockProcess) -> None:
        self._paddock = paddock
        self._numbers = itertools.count()
        self._stopped = threading.Event()
        self.acknowledged: list[str] = []
        self.answered = 0
        self.wrong: list[object] = []
        self._threads = [threading.Thread(target=self._events) for _ in range(3)]
        self._threads += [threading.Thread(target=self._calls) for _ in range(2)]

    def start(self) -> None:
        """Begin to call."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End, after the calls under way."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive(), "a caller hangs"

    def go_on(self, seconds: float) -> None:
        """Let the callers call for this long."""
        self._stopped.wait(seconds)

    def _events(self) -> None:
        client = self._paddock.client(connect_timeout=1, read_timeout=20)
        while not self._stopped.is_set():
            payload = json.dumps({"do": "mark", "mark": f"m{next(self._numbers)}", "seconds": 0.05}).encode()
            try:
                answer = client.invoke(FunctionName="marks", InvocationType="Event", Payload=payload)
                self.acknowledged.append(answer["ResponseMetadata"]["RequestId"])
            except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
                # Not acknowledged: nothing was promised. Wait for the next start without spinning.
                self._stopped.wait(0.05)
            self._stopped.wait(0.02)

    def _calls(self) -> None:
        client = self._paddock.client(connect_timeout=1, read_timeout=20)
        while not self._stopped.is_set():
            number = next(self._numbers)
            try:
                answer = client.invoke(FunctionName="marks", Payload=json.dumps({"n": number}).encode())
                body = json.loads(answer["Payload"].read())
                if body.get("event") != {"n": number}:
                    self.wrong.append(body)
                self.answered += 1
            except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
                self._stopped.wait(0.05)


def _answers_again(paddock: PaddockProcess) -> None:
    client = paddock.client(connect_timeout=1, read_timeout=20)

    def answered() -> bool:
        try:
            return client.invoke(FunctionName="marks", Payload=b"{}")["StatusCode"] == 200
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
            return False

    until(answered, "it answers again", patience_s=30)


def _attempts(paddock: PaddockProcess) -> Counter[str]:
    """Runs begun per request id, from the lifecycle log."""
    lines = (json.loads(line) for line in paddock.log().splitlines() if line.startswith("{"))
    return Counter(line["request_id"] for line in lines if line.get("event") == "environment.busy")


def _orphans(engine: docker.DockerClient, paddock: PaddockProcess, owner: str) -> list[str]:
    labelled = engine.containers.list(all=True, filters={"label": f"paddock.owner={owner}"}, ignore_removed=True)
    containers = [one for one in labelled if "paddock.environment" in one.labels]
    live = {one["environment_id"] for one in paddock.environments()}
    return [one.name for one in containers if one.labels["paddock.environment"] not in live]


def _settled(paddock: PaddockProcess, acknowledged: list[str], patience_s: float) -> dict[str, dict[str, Any]]:
    """Wait until every acknowledged event has ended; what became of each."""
    ended: dict[str, dict[str, Any]] = {}
    final = ("succeeded", "failed", "dead-lettered")

    def all_have() -> bool:
        for request_id in acknowledged:
            if request_id not in ended:
                found = paddock.invocation(request_id)
                if found["state"] not in final:
                    return False
                ended[request_id] = found
        return True

    until(all_have, "every acknowledged event ends", patience_s)
    return ended


def test_no_acknowledged_event_is_lost_over_kill_9(
    engine: docker.DockerClient,
    images: dict[str, str],
    start_paddock: Callable[..., PaddockProcess],
    figures: Callable[[str], None],
) -> None:
    """Lost 0, orphans 0, attempts within AWS's rules plus one per crash, answering again within 5 s at p99."""
    chance = random.Random(SEED)
    paddock = start_paddock(async_retry_delays_s="0.2,0.2", network_pool_size=4, max_environments=6)
    deploy(paddock.client(), "marks", images["behaviours"], Timeout=10)
    _answers_again(paddock)
    owner = paddock.owner(engine)
    load = Load(paddock)
    load.start()
    again: list[float] = []
    orphans: list[str] = []
    for _ in range(CRASHES):
        load.go_on(chance.uniform(0.05, 1.5))
        paddock.kill()
        began = time.monotonic()
        paddock.start()
        _answers_again(paddock)
        again.append(time.monotonic() - began)
        orphans += _orphans_twice(engine, paddock, owner)
    load.stop()
    ended = _settled(paddock, load.acknowledged, patience_s=_PATIENCE_S + len(load.acknowledged) / _SETTLED_A_SECOND)
    attempts = _attempts(paddock)
    paddock.terminate()
    states = Counter(one["state"] for one in ended.values())
    set_aside = [one for one in ended.values() if one["state"] == "dead-lettered"]
    p99 = sorted(again)[min(len(again) - 1, int(len(again) * 0.99))]
    too_often = {i: n for i, n in attempts.items() if i in ended and n > ATTEMPTS_OF_AWS + CRASHES}
    figures(
        f"{CRASHES} crashes: acknowledged {len(load.acknowledged)}, lost "
        f"{len(load.acknowledged) - len(ended)}, states {dict(states)}, orphans {len(orphans)}, "
        f"most runs of one event {max(attempts.values())}, events run twice or more "
        f"{sum(1 for i, n in attempts.items() if i in ended and n > 1)}, synchronous answers {load.answered}, "
        f"answering again p50 {sorted(again)[len(again) // 2]:.2f} s, p99 {p99:.2f} s, worst {max(again):.2f} s"
    )
    assert len(ended) == len(load.acknowledged)
    assert all("3 crashes" in (one["diagnosis"] or "") for one in set_aside)
    assert states["failed"] == 0
    assert not orphans
    assert not too_often
    assert not load.wrong
    assert p99 < 5
    assert not engine.containers.list(all=True, filters={"label": f"paddock.owner={owner}"})


def _orphans_twice(engine: docker.DockerClient, paddock: PaddockProcess, owner: str) -> list[str]:
    """An environment may come or go between the two questions: an orphan is one in two looks."""
    first = set(_orphans(engine, paddock, owner))
    return [name for name in _orphans(engine, paddock, owner) if name in first] if first else []


def test_an_event_that_is_running_in_three_crashes_is_set_aside_and_named(
    engine: docker.DockerClient, images: dict[str, str], start_paddock: Callable[..., PaddockProcess]
) -> None:
    """It would crash the host for ever."""
    paddock = start_paddock(network_pool_size=2)
    client = paddock.client()
    deploy(client, "marks", images["behaviours"], Timeout=60)
    payload = json.dumps({"do": "mark", "mark": "poison", "seconds": 50}).encode()
    answer = client.invoke(FunctionName="marks", InvocationType="Event", Payload=payload)
    request_id = answer["ResponseMetadata"]["RequestId"]
    for crash in range(3):
        until(lambda: paddock.invocation(request_id)["state"] == "running", f"it runs before crash {crash + 1}")
        paddock.kill()
        paddock.start()
    found = paddock.invocation(request_id)
    assert found["state"] == "dead-lettered"
    assert "running in 3 crashes" in found["diagnosis"]
    assert request_id in paddock.log()
    paddock.terminate()


def test_a_killed_function_container_loses_no_event(
    engine: docker.DockerClient, images: dict[str, str], start_paddock: Callable[..., PaddockProcess]
) -> None:
    """`docker kill` under an event counts as its function's error and is retried."""
    paddock = start_paddock(async_retry_delays_s="0.2,0.2", network_pool_size=2)
    client = paddock.client()
    deploy(client, "marks", images["behaviours"], Timeout=10)
    payload = json.dumps({"do": "mark", "mark": "killed", "seconds": 1.5}).encode()
    answer = client.invoke(FunctionName="marks", InvocationType="Event", Payload=payload)
    request_id = answer["ResponseMetadata"]["RequestId"]
    until(lambda: paddock.busy_container(engine, "marks"), "it runs").kill()
    until(lambda: paddock.invocation(request_id)["state"] == "succeeded", "it is run again and succeeds", 30)
    assert paddock.invocation(request_id)["attempts"] == 2
    paddock.terminate()


@pytest.fixture
def second_engine(engine: docker.DockerClient, images: dict[str, str]) -> Iterator[SecondEngine]:
    """An engine that may be restarted, with the images that are needed."""
    if not SecondEngine.is_possible():
        assert not os.environ.get("CI"), "in CI this must run: it needs root and dockerd"
        pytest.skip("needs root and dockerd, for an engine of its own that it can restart")
    network = engine.networks.create("paddock-second", options={"com.docker.network.bridge.name": SECOND_BRIDGE})
    try:
        with tempfile.TemporaryDirectory(prefix="pd-", dir="/tmp") as folder:
            second = SecondEngine(Path(folder), SECOND_BRIDGE)
            second.start()
            try:
                second.load(engine, "paddock/sandbox:latest", images["behaviours"])
                yield second
            finally:
                second.close()
    finally:
        network.remove()


def test_no_acknowledged_event_is_lost_over_a_restart_of_the_engine(
    second_engine: SecondEngine,
    start_paddock: Callable[..., PaddockProcess],
    images: dict[str, str],
    figures: Callable[[str], None],
) -> None:
    """The engine goes down with every container and comes back; events wait, then run."""
    paddock = start_paddock(
        docker_host=second_engine.host, async_retry_delays_s="0.2,0.2", network_pool_size=4, max_environments=6
    )
    deploy(paddock.client(), "marks", images["behaviours"], Timeout=10)
    _answers_again(paddock)
    load = Load(paddock)
    load.start()
    again = []
    for _ in range(ENGINE_RESTARTS):
        load.go_on(1.5)
        second_engine.restart()
        began = time.monotonic()
        _answers_again(paddock)
        again.append(time.monotonic() - began)
    load.stop()
    ended = _settled(paddock, load.acknowledged, patience_s=_PATIENCE_S + len(load.acknowledged) / _SETTLED_A_SECOND)
    states = Counter(one["state"] for one in ended.values())
    figures(
        f"{ENGINE_RESTARTS} engine restarts: acknowledged {len(load.acknowledged)}, lost "
        f"{len(load.acknowledged) - len(ended)}, states {dict(states)}, answering again, from the engine's first "
        f"answer on, {[round(seconds, 2) for seconds in again]} s"
    )
    assert states["succeeded"] == len(load.acknowledged)
    assert max(again) < 5
    assert paddock.terminate() == 0
    with contextlib.closing(second_engine.client()) as client:
        assert not client.containers.list(all=True)
        assert {one.name for one in client.networks.list()} == {"bridge", "host", "none"}
