"""
The soak with faults: every kind of load, a fault every minute, an hour long. What Paddock takes of the host stays flat.

Short in CI; `PADDOCK_BATTERY=long` for the hour, `PADDOCK_SOAK_S` for another time. Prints a table of samples. With
`PADDOCK_SOAK_LOG_LEVEL=info` its log tells what became of a call that went wrong.

A sample is taken after each tenth of the time, once the load has paused, what was promised has ended, every environment
has gone and the pool of sandboxes is full: so counts can be compared as they are. Memory, files and threads of a
process can be compared within one life only. So in the last six tenths the control plane is not killed any more, and in
the last three its driver neither; each is then compared with its own first sample of that life.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import docker
import pytest

from tests.support.callers import FUNCTIONS
from tests.support.faults import CONTROL_PLANE, DRIVER, Faults
from tests.support.footprint import Footprint, Process, attached, footprint, owner_of, table
from tests.support.mixed_load import MixedLoad
from tests.support.paddock_process import PaddockProcess, deploy
from tests.support.waiting import until

pytestmark = pytest.mark.alone

LONG = os.environ.get("PADDOCK_BATTERY") == "long"
LOAD_S = float(os.environ.get("PADDOCK_SOAK_S", 3600 if LONG else 40))
LOG_LEVEL = os.environ.get("PADDOCK_SOAK_LOG_LEVEL", "warning")
FAULT_EVERY_S = 60 if LONG else 5
PARTS = 10 if LONG else 5
CONTROL_PLANE_LIVES_FROM, DRIVER_LIVES_FROM = int(PARTS * 0.4), int(PARTS * 0.7)
SEED = 20261124
SANDBOXES = 4
MOST_ENVIRONMENTS = 16
MAIN_MIB, HISTORY_MIB = 16, 8
FREE_PAGES_MIB = 8
MOST_BETWEEN_LOOKS_MIB = 40
MOST_LOG_MIB = 64
CACHES_MIB = 8 if LONG else 32
"""
In the short version SQLite's caches are still being filled: two writers' of up to 8 MiB and eight readers' of 2. That
takes some five minutes under this load (144 MiB after 40 s, then 154, 159, 163, 164, 166 a minute later each).
"""
ENGINE_CONNECTIONS = 16
DRIVER_THREADS = 1 + ENGINE_CONNECTIONS + 6
"""
Its first, the engine's pool with a connection each, and asyncio's. Each of a pool is begun when as many calls coincide
for the first time, which on a slow host may be after the first sample of a life.
"""
_SETTLES_WITHIN_S = 60


@pytest.fixture
def paddock(start_paddock: Callable[..., PaddockProcess], images: dict[str, str]) -> PaddockProcess:
    """A control plane whose files reach their bounds early."""
    process = start_paddock(
        network_pool_size=SANDBOXES,
        max_environments=MOST_ENVIRONMENTS,
        freeze_after_s=0.5,
        idle_timeout_s=1,
        async_retry_delays_s="0.2,0.2",
        payload_retention_mib=MAIN_MIB,
        history_retention_mib=HISTORY_MIB,
        output_per_function_mib=1,
        log_level=LOG_LEVEL,
    )
    client = process.client()
    for name, configuration in FUNCTIONS.items():
        deploy(client, name, images["behaviours"], **configuration)
    return process


@pytest.fixture
def faults(paddock: PaddockProcess, engine: docker.DockerClient, images: dict[str, str]) -> Iterator[Faults]:
    """Everything that may be killed under it."""
    made = Faults(paddock, engine, images["behaviours"], ("marks", "files", "bodies", "slow"), SEED)
    yield made
    made.close()


@pytest.mark.battery
def test_under_every_load_and_fault_nothing_is_lost_nothing_is_wrong_and_nothing_grows(
    paddock: PaddockProcess,
    faults: Faults,
    engine: docker.DockerClient,
    images: dict[str, str],
    figures: Callable[[str], None],
) -> None:
    """Lost 0, wrong 0, each error explained by a fault; memory, files, threads, what the engine has, disks: flat."""
    of_others = set(attached(paddock.data_dir / "nowhere"))
    load = MixedLoad(paddock, images["behaviours"], SEED)
    samples: list[Footprint] = []
    load.start()
    try:
        for part in range(PARTS):
            _go_on(load, faults, part)
            load.pause()
            _settle(paddock, engine)
            samples.append(footprint(paddock, engine, load.calls))
    finally:
        load.stop()
        figures(_told(load, faults, samples))
    owner, folder = owner_of(paddock), paddock.data_dir / "driver" / "scratch"
    assert paddock.terminate() == 0

    unexplained = [one for one in load.disturbed if not faults.explain(one.began, one.ended)]
    assert not load.wrong, load.wrong[:5]
    assert not unexplained, unexplained[:5]
    assert not load.lost
    assert Counter(one["state"] for one in load.ended.values()) == {"succeeded": load.promised}
    _is_flat([one.control_plane for one in samples[CONTROL_PLANE_LIVES_FROM:]])
    of_driver = [one.driver for one in samples[DRIVER_LIVES_FROM:]]
    _is_flat(of_driver, threads=0 if LONG else DRIVER_THREADS, connections=0 if LONG else ENGINE_CONNECTIONS)
    # Beside the bound: what comes in between two looks of retention, and the free pages that a file keeps for reuse.
    assert max(one.main_mib for one in samples[1:]) < MAIN_MIB + MOST_BETWEEN_LOOKS_MIB + FREE_PAGES_MIB
    assert max(one.history_mib for one in samples[1:]) < HISTORY_MIB + MOST_BETWEEN_LOOKS_MIB + FREE_PAGES_MIB
    assert max(one.logs_mib for one in samples) < 2 * MOST_LOG_MIB
    assert max(one.loops for one in samples) <= 2 * MOST_ENVIRONMENTS
    for sample in samples:
        assert (sample.containers, sample.volumes, sample.networks) == (SANDBOXES, 0, 1)
    # What is left of them when all has ended.
    labelled = {"label": f"paddock.owner={owner}"}
    assert not engine.api.containers(all=True, filters=labelled)
    assert not engine.api.volumes(filters=labelled)["Volumes"]
    assert not engine.api.networks(filters=labelled)
    assert set(attached(folder)) <= of_others
    assert not list(folder.iterdir())


def _go_on(load: MixedLoad, faults: Faults, part: int) -> None:
    """A part of the load, with a fault whenever its time has come."""
    without = [CONTROL_PLANE] * (part >= CONTROL_PLANE_LIVES_FROM) + [DRIVER] * (part >= DRIVER_LIVES_FROM)
    before, after = part * LOAD_S / PARTS, (part + 1) * LOAD_S / PARTS
    due = [at - before for at in _moments() if before <= at < after]
    began = time.monotonic()
    load.resume()
    for at in due:
        load.go_on(began + at - time.monotonic())
        faults.next(without)
    load.go_on(began + after - before - time.monotonic())


def _moments() -> list[float]:
    """When faults are due, in seconds of the load: in the middle of each interval."""
    return [(number + 0.5) * FAULT_EVERY_S for number in range(int(LOAD_S / FAULT_EVERY_S))]


def _settle(paddock: PaddockProcess, engine: docker.DockerClient) -> None:
    """Until nothing lives but the sandboxes that are ready, and nothing is left of what lived."""
    labelled = {"label": f"paddock.owner={owner_of(paddock)}"}
    seen: dict[str, Any] = {}

    def only_what_is_ready() -> bool:
        containers = engine.api.containers(all=True, filters=labelled)
        seen["containers"] = Counter(f"{one['Labels'].get('paddock.role')} {one['State']}" for one in containers)
        seen["volumes"] = [one["Name"] for one in engine.api.volumes(filters=labelled)["Volumes"] or ()]
        seen["environments"] = paddock.environments()
        return seen["containers"] == {"sandbox running": SANDBOXES} and not seen["volumes"] and not seen["environments"]

    try:
        until(only_what_is_ready, "only the ready sandboxes are left", _SETTLES_WITHIN_S)
    except AssertionError as error:
        raise AssertionError(f"{error}: {seen}") from None


def _is_flat(lives: list[Process], *, threads: int = 0, connections: int = 0) -> None:
    """
    One life: no more memory, files and threads than at its first sample.

    Args:
        threads: As many may there be all the same.
        connections: As many files more.
    """
    assert len({one.pid for one in lives}) == 1
    first, last = lives[0], lives[-1]
    assert last.memory_mib < first.memory_mib * 1.05 + CACHES_MIB
    assert last.files <= first.files + 4 + connections
    assert last.threads <= max(first.threads + 2, threads)


def _told(load: MixedLoad, faults: Faults, samples: list[Footprint]) -> str:
    again = sum(one["attempts"] > 1 or one["crashes"] > 0 for one in load.ended.values())
    states = Counter(one["state"] for one in load.ended.values())
    unexplained = sum(not faults.explain(one.began, one.ended) for one in load.disturbed)
    disturbed = Counter(one.what.partition("(")[0][:90] for one in load.disturbed)
    lines = (
        f"{LOAD_S:.0f} s of load, a fault every {FAULT_EVERY_S} s; a sample after each {100 / PARTS:.0f} %:",
        table(samples),
        f"calls {load.calls}: {_in_words(load.outcomes)}",
        f"wrong {len(load.wrong)}; disturbed by faults {len(load.disturbed)}, unexplained {unexplained}: "
        + _in_words(disturbed),
        f"events acknowledged {load.promised}, lost {load.promised - len(load.ended)}, run again {again}: "
        + _in_words(states),
        f"faults {sum(faults.count.values())}: {_in_words(faults.count)}",
    )
    return "\n".join(lines)


def _in_words(counts: Counter[str]) -> str:
    return ", ".join(f"{what} {count}" for what, count in sorted(counts.items()))
