"""The Docker engine is stopped and started, slow, hangs, or answers 500: callers are told, events wait, it recovers."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from typing import Any

import botocore.exceptions
import docker

from tests.support.engine_proxy import EngineProxy, Trouble
from tests.support.load import Load, accepted, answers_again, deploy_marks, settled
from tests.support.paddock_process import PaddockProcess, deploy
from tests.support.second_engine import SECOND_SUBNET, SecondEngine
from tests.support.waiting import until

StartPaddock = Callable[..., PaddockProcess]
Figures = Callable[[str], None]

_PATIENCE_S = 60
_ROOM_WAIT_S = 1
_ENGINE_PATIENCE_S = 3 * _ROOM_WAIT_S
_SWEPT_WITHIN_S = 45
_IN_TROUBLE_S = 2.0


def told(client: Any, name: str = "marks") -> tuple[str, float]:
    """What a synchronous caller gets, and after how long."""
    began = time.monotonic()
    try:
        answer = client.invoke(FunctionName=name, Payload=b"{}")
        said = json.loads(answer["Payload"].read())
        what = f"{answer.get('FunctionError', 'answer')}: {said}"
    except botocore.exceptions.ClientError as error:
        what = f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"
    return what, time.monotonic() - began


def end_environments(client: Any, paddock: PaddockProcess) -> None:
    """So that the next call needs a new one; as far as the engine lets it."""
    for _ in paddock.environments("marks"):
        with contextlib.suppress(botocore.exceptions.ClientError):
            client.invoke(FunctionName="marks", Payload=b'{"do": "exit"}')


def test_while_the_engine_is_stopped_callers_are_told_and_events_wait_for_its_start(
    second_engine: SecondEngine, start_paddock: StartPaddock, images: dict[str, str], figures: Figures
) -> None:
    """It may be away for as long as it likes."""
    paddock = start_paddock(
        docker_host=second_engine.host, functions_subnet=SECOND_SUBNET, network_pool_size=2, room_wait_s=_ROOM_WAIT_S
    )
    client = deploy_marks(paddock, images["behaviours"], Timeout=10, MemorySize=1024)
    load = Load(paddock, pause_s=0.1)
    load.start()
    load.go_on(1)
    second_engine.stop()
    waits = [accepted(client, do="mark", mark=f"while-away-{number}") for number in range(20)]
    what, after_s = told(client)
    assert what.startswith("ServiceException: Docker engine")
    assert after_s < _ROOM_WAIT_S + 5
    load.go_on(2)
    assert {paddock.invocation(one)["state"] for one in waits} == {"queued"}
    second_engine.start()
    again_s = answers_again(paddock)
    load.stop()
    ended = settled(paddock, [*load.acknowledged, *waits], _PATIENCE_S)
    states = {one["state"] for one in ended.values()}
    figures(
        f"engine stopped and started: acknowledged {len(load.acknowledged) + len(waits)}, lost "
        f"{len(load.acknowledged) + len(waits) - len(ended)}, states {sorted(states)}, refused "
        f"{dict(load.refusals)}, answering {again_s:.1f} s after the engine did"
    )
    assert states == {"succeeded"}
    assert set(load.refusals) == {"ServiceException"}
    assert not load.wrong
    assert paddock.terminate() == 0


def test_a_slow_engine_costs_time_and_nothing_else(
    engine_proxy: EngineProxy, start_paddock: StartPaddock, images: dict[str, str], figures: Figures
) -> None:
    """A cold start that takes longer than an init may, and the function's timeout: neither is the function's fault."""
    paddock = start_paddock(
        docker_host=engine_proxy.host, network_pool_size=1, init_timeout_s=3, room_wait_s=20, max_environments=2
    )
    client = deploy_marks(paddock, images["behaviours"], Timeout=3, MemorySize=1024)
    end_environments(client, paddock)
    engine_proxy.make(Trouble(delay_s=2.5))
    waits = [accepted(client, do="mark", mark=f"slow-{number}") for number in range(5)]
    what, after_s = told(client)
    ended = settled(paddock, waits, _PATIENCE_S)
    engine_proxy.heal()
    again_s = answers_again(paddock)
    states = {one["state"] for one in ended.values()}
    figures(
        f"engine slow, 2.5 s for each answer: acknowledged {len(waits)}, lost {len(waits) - len(ended)}, states "
        f"{sorted(states)}, a cold call took {after_s:.1f} s, after that {again_s:.2f} s"
    )
    assert what.startswith("answer: ")
    assert after_s > 5, "create, attach and start were delayed"
    assert states == {"succeeded"}
    assert {one["attempts"] for one in ended.values()} == {1}
    assert paddock.count_log("environment.init-failed", "marks") == 0
    assert paddock.terminate() == 0


def test_while_the_engine_hangs_callers_are_told_in_time_and_events_wait(
    engine_proxy: EngineProxy, start_paddock: StartPaddock, images: dict[str, str], figures: Figures
) -> None:
    """It takes every request and answers none; neither a cold start nor a frozen environment helps."""
    paddock = start_paddock(docker_host=engine_proxy.host, network_pool_size=1, room_wait_s=_ROOM_WAIT_S)
    client = paddock.client()
    deploy(client, "marks", images["behaviours"], Timeout=2, MemorySize=1024)
    deploy(client, "cold", images["behaviours"], Timeout=2, MemorySize=1024)
    answers_again(paddock)
    until(lambda: [one["state"] for one in paddock.environments("marks")] == ["frozen"], "it is frozen")
    engine_proxy.make(Trouble(delay_s=600))
    waits = [accepted(client, do="mark", mark=f"hangs-{number}") for number in range(5)]
    cold, cold_s = told(client, "cold")
    thawing, thawing_s = told(client)
    states_meanwhile = {paddock.invocation(one)["state"] for one in waits}
    engine_proxy.heal()
    again_s = answers_again(paddock)
    ended = settled(paddock, waits, _PATIENCE_S)
    states = {one["state"] for one in ended.values()}
    figures(
        f"engine hangs: acknowledged {len(waits)}, lost {len(waits) - len(ended)}, states {sorted(states)}, callers "
        f"told after {cold_s:.1f} s (cold) and {thawing_s:.1f} s (frozen), answering {again_s:.1f} s after it went on"
    )
    assert cold.startswith("ServiceException: Docker engine")
    assert cold_s < _ENGINE_PATIENCE_S + 5
    assert thawing.startswith("ServiceException: Docker engine")
    assert states_meanwhile <= {"queued", "running"}
    assert states == {"succeeded"}
    assert {one["attempts"] for one in ended.values()} == {1}
    assert paddock.terminate() == 0


_EVERYTHING = ""
_CREATE = "^POST .*/containers/create"
_START = "^POST .*/containers/.*/start"
_REMOVE = "^DELETE "
_INSPECT_AND_LIST = "^GET .*/containers/"
_FAILING = (_EVERYTHING, _CREATE, _START, _REMOVE, _INSPECT_AND_LIST)


def test_whatever_the_engine_answers_500_to_nothing_is_lost_nor_left_behind(
    engine: docker.DockerClient,
    engine_proxy: EngineProxy,
    start_paddock: StartPaddock,
    images: dict[str, str],
    figures: Figures,
) -> None:
    """To everything, and to one thing of the many that a start or an end needs; each for a while, under load."""
    paddock = start_paddock(
        docker_host=engine_proxy.host, network_pool_size=2, max_environments=4, room_wait_s=_ROOM_WAIT_S
    )
    client = deploy_marks(paddock, images["behaviours"], Timeout=10, MemorySize=1024)
    owner = paddock.owner(engine)
    load = Load(paddock, pause_s=0.1)
    load.start()
    again = []
    for what in _FAILING:
        if what != _REMOVE:
            end_environments(client, paddock)
        engine_proxy.make(Trouble(on=what, fails=True), cuts=True)
        if what == _REMOVE:
            end_environments(client, paddock)
        load.go_on(_IN_TROUBLE_S)
        engine_proxy.heal()
        again.append(answers_again(paddock))
    load.stop()
    ended = settled(paddock, load.acknowledged, _PATIENCE_S)
    states = {one["state"] for one in ended.values()}
    until(lambda: not paddock.orphans(engine, owner), "no container is left behind", _SWEPT_WITHIN_S)
    figures(
        f"engine answers 500, five times: acknowledged {len(load.acknowledged)}, lost "
        f"{len(load.acknowledged) - len(ended)}, states {sorted(states)}, {engine_proxy.troubled} requests failed, "
        f"refused {dict(load.refusals)}, answering after {[round(one, 1) for one in again]} s"
    )
    assert engine_proxy.troubled > len(_FAILING)
    assert states == {"succeeded"}
    assert set(load.refusals) <= {"ServiceException"}
    assert not load.wrong
    assert paddock.terminate() == 0
    assert not engine.containers.list(all=True, filters={"label": f"paddock.owner={owner}"})
