"""
Cold start and thaw, against plain `docker run` of the same image, in turns. Run by `make bench`.

    python -m benchmarks.cold_start [--rounds 20]

Cold start: from asking the engine to create the container until the runtime's first `GET /next`. The plain one is
created and started on an ordinary bridge network, as `docker run` does, and asks a listener on that bridge's gateway;
Paddock's is the product's own figure: environment.created until the runtime's first `/next`, in a pooled sandbox.
Thaw: from `unpause` until it has returned, and a call to a frozen environment against one to an idle one.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import socket
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import docker

from benchmarks.images import behaviours_image
from tests.support.paddock_process import PaddockProcess, deploy
from tests.support.waiting import until

_SUBNET = "10.216.0.0/24"
_GATEWAY = "10.216.0.1"
_TARGET_RATIO = 0.55
_TARGET_THAW_MS = 25.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    image = behaviours_image()
    engine = docker.from_env(timeout=120)
    plain: list[float] = []
    pooled: list[float] = []
    with bridge(engine) as network, _paddock(image) as paddock:
        client = paddock.client()
        for turn in range(rounds):
            plain.append(_plain(engine, image, network.name))
            pooled.append(cold_start_ms(client, paddock, "cold", turn))
        idle, frozen, thaw = _thaw(client, paddock, rounds)
    engine.close()
    ratio = statistics.median(pooled) / statistics.median(plain)
    print(f"cold start until the first /next, {rounds} of each in turns:")
    print(f"  plain docker create + start on a bridge: {words(plain)}")
    print(f"  Paddock:                                 {words(pooled)}")
    print(f"  ratio of the medians {ratio:.2f} (promised: at most {_TARGET_RATIO})")
    print(f"thaw: {words(thaw)} (promised: at most {_TARGET_THAW_MS:.0f} ms)")
    print(f"  a call to an idle environment {words(idle)}, to a frozen one {words(frozen)}")


def words(milliseconds: list[float]) -> str:
    """Median and nine in ten."""
    ordered = sorted(milliseconds)
    return f"p50 {statistics.median(ordered):.1f} ms, p90 {ordered[int(len(ordered) * 0.9)]:.1f} ms"


@contextlib.contextmanager
def bridge(engine: docker.DockerClient, labels: Mapping[str, str] = {}) -> Iterator[Any]:
    """A network for a while."""
    pool = docker.types.IPAMConfig(pool_configs=[docker.types.IPAMPool(subnet=_SUBNET, gateway=_GATEWAY)])
    network = engine.networks.create("paddock-bench", driver="bridge", ipam=pool, labels=dict(labels))
    try:
        yield network
    finally:
        network.remove()


@contextlib.contextmanager
def _paddock(image: str) -> Iterator[PaddockProcess]:
    with tempfile.TemporaryDirectory() as folder:
        paddock = PaddockProcess(Path(folder), network_pool_size=4, freeze_after_s=0.3)
        paddock.start()
        try:
            deploy(paddock.client(), "cold", image, MemorySize=512, Timeout=30)
            deploy(paddock.client(), "thaw", image, MemorySize=512, Timeout=30)
            yield paddock
        finally:
            paddock.terminate()


def _plain(engine: docker.DockerClient, image: str, network: str) -> float:
    """Create and start the image on a bridge; milliseconds until its runtime asks for work."""
    with socket.create_server((_GATEWAY, 0)) as listening:
        listening.settimeout(30)
        port = listening.getsockname()[1]
        began = time.perf_counter()
        container = engine.containers.create(
            image,
            network=network,
            environment={"AWS_LAMBDA_RUNTIME_API": f"{_GATEWAY}:{port}", "AWS_LAMBDA_FUNCTION_NAME": "plain"},
            mem_limit="512m",
        )
        container.start()
        connection, _ = listening.accept()
        connection.recv(4096)
        took = time.perf_counter() - began
        connection.close()
    container.remove(force=True, v=True)
    return took * 1000


def cold_start_ms(client: Any, paddock: PaddockProcess, function: str, turn: int) -> float:
    """
    Milliseconds until the first `/next`, by Paddock's own log; the environment is retired before the next turn.

    Args:
        turn: How often this function was started before.
    """
    client.update_function_configuration(FunctionName=function, Environment={"Variables": {"TURN": str(turn)}})
    until(lambda: not paddock.environments(function), "the last environment is gone", patience_s=30)
    client.invoke(FunctionName=function, Payload=b"{}")
    created, done = until(lambda: _last_start(paddock, function, turn + 1), "the start is in the log")
    return done - created


def _last_start(paddock: PaddockProcess, function: str, count: int) -> tuple[float, float] | None:
    times: dict[str, list[float]] = {"environment.created": [], "environment.init-done": []}
    for line in paddock.log().splitlines():
        if line.startswith("{"):
            entry = json.loads(line)
            if entry.get("function") == function and entry["event"] in times:
                times[entry["event"]].append(_milliseconds(entry["at"]))
    created, done = times.values()
    return (created[-1], done[-1]) if len(created) == len(done) == count else None


def _milliseconds(at: str) -> float:
    return datetime.fromisoformat(at).timestamp() * 1000


def _thaw(client: Any, paddock: PaddockProcess, rounds: int) -> tuple[list[float], list[float], list[float]]:
    def call() -> float:
        began = time.perf_counter()
        client.invoke(FunctionName="thaw", Payload=b"{}")["Payload"].read()
        return (time.perf_counter() - began) * 1000

    call()
    idle: list[float] = []
    frozen: list[float] = []
    for _ in range(rounds):
        idle.append(call())
        until(lambda: paddock.environments("thaw")[0]["state"] == "frozen", "the environment is frozen")
        until(lambda: paddock.count_log("environment.frozen", "thaw") == len(frozen) + 1, "it is confirmed")
        frozen.append(call())
        call()
    lines = (json.loads(line) for line in paddock.log().splitlines() if line.startswith("{"))
    thaw = [line["thaw_ms"] for line in lines if line.get("event") == "environment.thawed"]
    return idle, frozen, thaw


if __name__ == "__main__":
    main()
