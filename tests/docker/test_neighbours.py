"""
An innocent function beside hostile ones: its p99 while they do their worst, against its own undisturbed, in turns.

`PADDOCK_BATTERY=long` measures it: the figure needs time, and a machine that does nothing else. The short version only
sees to it that nobody is starved. Prints its figures.
"""

from __future__ import annotations

import json
import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from tests.support.neighbour import Neighbour, Times
from tests.support.paddock_process import PaddockProcess, deploy

pytestmark = pytest.mark.alone

LONG = os.environ.get("PADDOCK_BATTERY") == "long"
PHASE_S = 4.0 if LONG else 1.5
ROUNDS = 5 if LONG else 1
MOST_ROUNDS = 4 * ROUNDS
"""On a machine that does other things as well, single rounds say little: who exceeds the bound is measured further."""
MOST_TIMES_AS_LONG = 1.5 if LONG else 25.0
NEIGHBOUR = "neighbour"

HARMS: dict[str, dict[str, Any]] = {
    "sleeps (what the machine does by itself)": {"do": "sleeps"},
    "spins on every processor": {"do": "spins"},
    "forks and ends": {"do": "fork-and-exit"},
    "takes nearly all its memory, again and again": {"do": "allocate", "mib": 400},
    "fills /tmp and empties it": {"do": "fill-tmp"},
    "fills /tmp and syncs it": {"do": "fill-tmp", "sync": True},
    "prints lines of 1 KB": {"do": "print-for-a-while"},
    "prints empty lines": {"do": "print-for-a-while", "width": 0},
    "floods with pings on 50 connections": {"do": "ping-flood"},
    "connects and leaves": {"do": "connection-flood"},
    "holds 4,000 connections": {"do": "many-connections", "processes": 8, "each": 500},
}


STARTS = {"spins in its init": "spins-at-init", "exits each time": "hostile"}


@pytest.fixture(scope="module")
def client(paddock: PaddockProcess, images: dict[str, str]) -> Any:
    """boto3, with a hostile function of 512 MB, more than a quarter of a processor, and the neighbour."""
    boto = paddock.client()
    deploy(boto, NEIGHBOUR, images["behaviours"], Timeout=30, MemorySize=512)
    deploy(boto, "hostile", images["hostile"], Timeout=60, MemorySize=512)
    deploy(
        boto,
        "spins-at-init",
        images["hostile"],
        Timeout=30,
        MemorySize=512,
        Environment={"Variables": {"SPIN_AT_IMPORT_S": str(PHASE_S)}},
    )
    for name in (NEIGHBOUR, "hostile"):
        assert "FunctionError" not in boto.invoke(FunctionName=name, Payload=b"{}")
    return boto


@pytest.fixture
def neighbour(paddock: PaddockProcess, client: Any) -> Iterator[Neighbour]:
    """Is called all the while."""
    calling = Neighbour(paddock, NEIGHBOUR)
    calling.start()
    yield calling
    calling.end()
    assert not calling.wrong, calling.wrong[:3]


def compared(neighbour: Neighbour, harm: Callable[[], None]) -> tuple[float, Times, Times]:
    """
    The median over several rounds of how many times as long its p99 was while harm was done; all times of both kinds.

    Args:
        harm: Does it for a phase, and returns.
    """
    quiet, disturbed = Times([]), Times([])
    ratios: list[float] = []
    while len(ratios) < ROUNDS or (statistics.median(ratios) > MOST_TIMES_AS_LONG and len(ratios) < MOST_ROUNDS):
        before = neighbour.during(PHASE_S)
        doing = threading.Thread(target=harm)
        doing.start()
        meanwhile = neighbour.during(PHASE_S)
        doing.join()
        ratios.append(meanwhile.p99 / before.p99)
        quiet, disturbed = quiet + before, disturbed + meanwhile
    return statistics.median(ratios), quiet, disturbed


def until_over(act: Callable[[], object]) -> None:
    """Again and again for a phase."""
    deadline = time.monotonic() + PHASE_S
    while time.monotonic() < deadline:
        act()


@pytest.mark.battery
@pytest.mark.parametrize("name", HARMS)
def test_a_neighbour_notices_little(
    client: Any, neighbour: Neighbour, figures: Callable[[str], None], name: str
) -> None:
    """Within one and a half times its own p99, where there is the time to measure that."""
    event = {**HARMS[name], "seconds": PHASE_S}
    act = partial(client.invoke, FunctionName="hostile", Payload=json.dumps(event).encode())
    ratio, quiet, disturbed = compared(neighbour, act)
    figures(_line(name, ratio, quiet, disturbed))
    assert ratio <= MOST_TIMES_AS_LONG


@pytest.mark.battery
@pytest.mark.parametrize("name", STARTS)
def test_a_neighbour_notices_little_of_one_that_is_started_again_and_again(
    client: Any, neighbour: Neighbour, figures: Callable[[str], None], name: str
) -> None:
    """Each start is work for the engine; an init has a processor of its own."""
    act = partial(client.invoke, FunctionName=STARTS[name], Payload=b'{"do": "exits"}')
    ratio, quiet, disturbed = compared(neighbour, lambda: until_over(act))
    figures(_line(name, ratio, quiet, disturbed))
    assert ratio <= MOST_TIMES_AS_LONG


def _line(name: str, ratio: float, quiet: Times, disturbed: Times) -> str:
    return f"beside one that {name}: p99 x {ratio:.2f} ({quiet} → {disturbed})"
