"""The log of one environment's whole life, on a real engine: a line per event, in order, with its figures."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import docker

from tests.support.paddock_process import PaddockProcess, deploy
from tests.support.waiting import until

_LIFE = [
    "environment.created",
    "environment.init-started",
    "environment.init-done",
    "environment.idle",
    "environment.busy",
    "environment.idle",
    "environment.frozen",
    "environment.thawed",
    "environment.busy",
    "environment.idle",
    "environment.frozen",
    "environment.stopping",
    "environment.gone",
]


def lifecycle(paddock: PaddockProcess) -> list[dict[str, Any]]:
    """Every line about an environment."""
    lines = (json.loads(line) for line in paddock.log().splitlines() if line.startswith("{"))
    return [line for line in lines if str(line.get("event", "")).startswith("environment.")]


def test_each_event_of_an_environments_life_is_a_line_of_the_log(
    engine: docker.DockerClient,
    images: dict[str, str],
    start_paddock: Callable[..., PaddockProcess],
    figures: Callable[[str], None],
) -> None:
    """Created, init with its ms, busy with whom, idle, frozen, thawed, stopping with why, gone."""
    paddock = start_paddock(network_pool_size=1, freeze_after_s=0.3, idle_timeout_s=3)
    client = paddock.client()
    deploy(client, "lives", images["behaviours"])
    requests = [client.invoke(FunctionName="lives", Payload=b"{}")["ResponseMetadata"]["RequestId"]]
    until(lambda: paddock.environments("lives")[0]["state"] == "frozen", "it is frozen")
    requests.append(client.invoke(FunctionName="lives", Payload=b"{}")["ResponseMetadata"]["RequestId"])
    until(lambda: any(line["event"] == "environment.gone" for line in lifecycle(paddock)), "it is gone", 30)
    lines = lifecycle(paddock)
    figures("life of an environment: " + ", ".join(line["event"].removeprefix("environment.") for line in lines))
    assert [line["event"] for line in lines] == _LIFE
    moments = [datetime.fromisoformat(line["at"]) for line in lines]
    assert moments == sorted(moments)
    assert len({line["environment_id"] for line in lines}) == 1
    by_event = {line["event"]: line for line in lines}
    assert 0 < by_event["environment.init-done"]["init_ms"] < 10_000
    assert by_event["environment.stopping"]["reason"] == "idle"
    assert [line["request_id"] for line in lines if line["event"] == "environment.busy"] == requests


def test_output_is_followed_while_it_is_written_with_the_true_time_of_each_line(
    engine: docker.DockerClient, images: dict[str, str], start_paddock: Callable[..., PaddockProcess]
) -> None:
    """`paddock logs -f`: a line is there before the run ends, one stream for the environment's life."""
    paddock = start_paddock(network_pool_size=1)
    client = paddock.client()
    deploy(client, "speaks", images["behaviours"], Timeout=60)
    said = {"do": "print", "lines": ["first"]}
    answer = client.invoke(FunctionName="speaks", Payload=json.dumps(said).encode())
    paddock.wait_for_output("speaks", "REPORT")
    following = subprocess.Popen(
        [Path(sys.executable).with_name("paddock"), "logs", "-f", "--json", "speaks"],
        env={**paddock.variables, "PADDOCK_ENDPOINT_URL": paddock.endpoint},
        stdout=subprocess.PIPE,
        text=True,
    )
    with following:
        assert following.stdout is not None
        seen = []
        try:
            while not seen or not seen[-1]["text"].startswith("REPORT"):
                seen.append(json.loads(following.stdout.readline()))
            assert [line["text"].split()[0] for line in seen] == ["START", "first", "END", "REPORT"]
            assert {line["request_id"] for line in seen} == {answer["ResponseMetadata"]["RequestId"]}
            sent = client.invoke(
                FunctionName="speaks",
                InvocationType="Event",
                Payload=json.dumps({"do": "mark", "mark": "live", "seconds": 30}).encode(),
            )["ResponseMetadata"]["RequestId"]
            while seen[-1]["text"] != "MARK live":
                seen.append(json.loads(following.stdout.readline()))
            assert paddock.invocation(sent)["state"] in ("queued", "running"), "the line came only with the run's end"
        finally:
            following.terminate()
    assert len({line["environment_id"] for line in seen}) == 1
    moments = [datetime.fromisoformat(line["at"]) for line in seen]
    assert moments == sorted(moments)
    assert seen[-1]["request_id"] == sent
