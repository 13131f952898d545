"""
Generated requests, valid and hostile, against the whole front port of a real control plane, while things are killed.

2,000 in CI; `PADDOCK_BATTERY=long` for 100,000.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import statistics
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import botocore.exceptions
import docker
import pytest

from scripts.compatibility_page import built_operations
from tests.support.footprint import Process, process
from tests.support.generator.generated import Generated, Generator
from tests.support.generator.sending import Sending
from tests.support.generator.standing import standing_in
from tests.support.generator.verdicts import wrong_with
from tests.support.generator.wire import Answer
from tests.support.paddock_process import PaddockProcess, children, deploy
from tests.support.waiting import until

pytestmark = pytest.mark.alone

LONG = os.environ.get("PADDOCK_BATTERY") == "long"
REQUESTS = 100_000 if LONG else 2_000
CONNECTIONS = 12
PARTS = 20
WARMED_UP = PARTS // 2
SLOW_CONNECTIONS = 200 if LONG else 20
SLOW_PATIENCE_S = 45
SEED = int(os.environ.get("PADDOCK_SEED", "20261126"))
FAULT_PATIENCE_S = 30
"""How long what was killed may take to be replaced; as long, and no longer, callers may get ServiceException."""


class Faults:
    """Kills things, and knows when: a fault lasts from its injection until a call of the function succeeds again."""

    def __init__(self, paddock: PaddockProcess, engine: docker.DockerClient, function: str) -> None:
        self._paddock = paddock
        self._engine = engine
        self._function = function
        self._client = paddock.client(connect_timeout=2, read_timeout=10)
        self._chance = random.Random(SEED)
        self._began: float | None = None
        self._ended: list[tuple[str, float, float]] = []

    def was_under_way_since(self, moment: float) -> bool:
        """Was one, at any time from this moment on?"""
        return self._began is not None or any(ended >= moment for _, _, ended in self._ended)

    def lasted(self) -> list[str]:
        """What was killed, and for how long that was felt."""
        return [f"{name} {ended - began:.1f} s" for name, began, ended in self._ended]

    def kill_container(self) -> None:
        """Of one of the function's environments, whatever it does."""
        with self._under_way("container"):
            found = self._paddock.containers(self._engine, self._function)
            killed = self._chance.choice(found) if found else None
            # It may end by itself between the question and the signal.
            with contextlib.suppress(docker.errors.APIError):
                if killed is not None:
                    killed.kill()
                    self._wait_until_gone({killed.labels["paddock.environment"]})

    def kill_driver(self) -> None:
        """The process that holds the Docker socket; another takes its place."""
        with self._under_way("driver"):
            ran = self._environments()
            self._paddock.kill_driver(FAULT_PATIENCE_S)
            # They answer until the new one removes them.
            self._wait_until_gone(ran)

    @contextlib.contextmanager
    def _under_way(self, name: str) -> Iterator[None]:
        self._began = began = time.monotonic()
        try:
            yield
            until(self._is_answered, f"a call succeeds after the {name} was killed", FAULT_PATIENCE_S)
        finally:
            self._ended.append((name, began, time.monotonic()))
            self._began = None

    def _environments(self) -> set[str]:
        return {one["environment_id"] for one in self._paddock.environments()}

    def _wait_until_gone(self, environments: set[str]) -> None:
        until(lambda: not self._environments() & environments, "what was killed is noticed", FAULT_PATIENCE_S)

    def _is_answered(self) -> bool:
        try:
            answer = self._client.invoke(FunctionName=self._function, Payload=b"{}")
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
            return False
        return "FunctionError" not in answer


def test_whatever_is_sent_is_answered_as_it_should_be_and_nothing_leaks(
    engine: docker.DockerClient,
    images: dict[str, str],
    start_paddock: Callable[..., PaddockProcess],
    tmp_path: Path,
    figures: Callable[[str], None],
) -> None:
    """No 5xx but what faults explain, no traceback, no hang, memory flat; and what is valid is served to the end."""
    paddock = start_paddock(
        log_level="warning",
        async_retry_delays_s="0.5,0.5",
        idle_timeout_s=10,
        payload_retention_mib=64,
        history_retention_mib=64,
        output_per_function_mib=8,
        # What is provisioned goes for nobody, and takes next to nothing.
        memory_budget_mib=32_768,
    )
    client = paddock.client()
    for name in ("steady", "bait"):
        deploy(client, name, images["behaviours"], Timeout=10, MemorySize=512)
    faults = Faults(paddock, engine, "steady")
    sending = Sending(
        Generator(
            SEED,
            invoked="steady",
            bait="bait",
            images=[images["behaviours"]] * 8 + ["localhost:1/nowhere:latest", "no image at all"],
            built=built_operations(),
            description=_read(paddock, "/_paddock/openapi.json"),
            standing=standing_in(client, images["behaviours"]),
        ),
        paddock.port,
        judge=_judge(faults),
        folder=tmp_path,
    )
    samples: list[tuple[Process, Process]] = []
    began = time.monotonic()
    asyncio.run(_send_all(paddock, sending, faults, samples))
    took_s = time.monotonic() - began
    figures(f"generated requests, seed {SEED}: {REQUESTS} in {took_s:.0f} s over {CONNECTIONS} connections")
    for line in [*sending.sent.lines(), *_figures_of(sending, faults, samples)]:
        figures(f"  {line}")
    never = sorted(built_operations() - sending.sent.operations.keys())
    figures(f"  operations of the model that were served: all but {never or 'none'}")
    assert not sending.sent.wrong, f"seed {SEED}:\n" + "\n".join(sending.sent.wrong)
    _is_still_served(paddock, images["behaviours"])
    bait = _read(paddock, "/_paddock/functions/bait")
    assert (bait["queued_events"], bait["in_flight"], bait["environments"]) == (0, 0, [])
    assert {entry["event"] for entry in bait["history"]} == {"function.active"}, "a smuggled request was served"
    assert paddock.terminate() == 0
    assert not _complaints(paddock.log()), "\n".join(_complaints(paddock.log()))[:8000]
    for at, what in enumerate(("control plane", "driver")):
        settled, last = samples[WARMED_UP][at], [one[at] for one in samples[-3:]]
        grown = statistics.median(one.memory_mib for one in last)
        assert grown < settled.memory_mib * 1.1 + 10, (
            f"the {what} grew from {settled.memory_mib:.0f} to {grown:.0f} MiB"
        )
        assert last[-1].files < settled.files + 60, f"the {what} had {settled.files} files open, and {last[-1].files}"


def _judge(faults: Faults) -> Callable[[Generated, Sequence[Answer], float], str | None]:
    def judge(request: Generated, answers: Sequence[Answer], began: float) -> str | None:
        return wrong_with(request, answers, in_fault=faults.was_under_way_since(began))

    return judge


async def _send_all(
    paddock: PaddockProcess, sending: Sending, faults: Faults, samples: list[tuple[Process, Process]]
) -> None:
    """All requests in parts, a fault in the midst of some; and beside them callers who never come to an end."""
    async with asyncio.TaskGroup() as group:
        for number in range(SLOW_CONNECTIONS):
            group.create_task(_is_slow(paddock.port, drips=bool(number % 2)))
        for part in range(PARTS):
            fault: asyncio.Task[None] | None = None
            # The driver is killed while memory still grows: the next one begins with none.
            if part in (3, 7):
                fault = group.create_task(asyncio.to_thread(faults.kill_driver))
            elif part % 3 == 1:
                fault = group.create_task(asyncio.to_thread(faults.kill_container))
            await sending.until((part + 1) * REQUESTS // PARTS, CONNECTIONS)
            if fault is not None:
                await fault
            (driver,) = children(paddock.pid)
            samples.append((process(paddock.pid), process(driver)))


async def _is_slow(port: int, *, drips: bool) -> None:
    """Begin a request and send no more, or a byte a second: it is closed, and told why."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    received = b""
    try:
        writer.write(b"POST /2015-03-31/functions/steady/invocations HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        async with asyncio.timeout(SLOW_PATIENCE_S):
            while True:
                try:
                    piece = await asyncio.wait_for(reader.read(1_000), 1 if drips else None)
                except TimeoutError:
                    writer.write(b"a")
                    continue
                if not piece:
                    break
                received += piece
    finally:
        writer.transport.abort()
    assert received.startswith(b"HTTP/1.1 408 "), received


def _figures_of(sending: Sending, faults: Faults, samples: list[tuple[Process, Process]]) -> list[str]:
    served = sorted(sending.sent.served_s)
    return [
        (
            f"valid calls of a function: p50 {1000 * statistics.median(served):.1f} ms, "
            f"p99 {1000 * served[len(served) * 99 // 100]:.0f} ms; the slowest request of all took "
            f"{sending.sent.slowest_s:.1f} s"
        ),
        f"killed, and until a call succeeded again: {', '.join(faults.lasted())}",
        *(
            f"after each twentieth, {what}: MiB {[round(one[at].memory_mib) for one in samples]}, "
            f"open files {[one[at].files for one in samples]}"
            for at, what in enumerate(("control plane", "driver"))
        ),
    ]


def _is_still_served(paddock: PaddockProcess, image: str) -> None:
    """Everything that a valid caller asks for, after all that."""
    client = paddock.client()
    for number in range(20):
        answer = client.invoke(FunctionName="steady", Payload=json.dumps({"n": number}).encode())
        assert json.loads(answer["Payload"].read())["event"] == {"n": number}
    deploy(client, "last", image)
    assert client.invoke(FunctionName="last", Payload=b"{}")["StatusCode"] == 200
    assert "last" in [one["FunctionName"] for one in client.list_functions()["Functions"]]
    client.delete_function(FunctionName="last")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_function(FunctionName="last")


def _complaints(log: str) -> list[str]:
    """Lines of the log that tell of a failure of ours; that the driver was killed is to be told."""
    found = []
    for line in log.splitlines():
        if not line.startswith("{"):
            found.append(line)
            continue
        entry = json.loads(line)
        is_failure = entry.get("level") in ("error", "critical") and entry.get("event") != "driver.lost"
        if is_failure or "exception" in entry:
            found.append(line)
    return found


def _read(paddock: PaddockProcess, path: str) -> Any:
    with urllib.request.urlopen(f"{paddock.endpoint}{path}", timeout=10) as answer:
        return json.load(answer)
