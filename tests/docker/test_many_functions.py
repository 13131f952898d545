"""
Many functions in one control plane: their list is whole while it grows, and a warm call costs no more among them.

60 in CI, with a loose bound; `PADDOCK_BATTERY=long` for 2,000 and the bound that is promised.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.load import load
from tests.support.many_functions import Create, Creation, every_name, listings_during, names_of
from tests.support.paddock_process import PaddockProcess, deploy
from tests.support.waiting import until

LONG = os.environ.get("PADDOCK_BATTERY") == "long"
FUNCTIONS = 2_000 if LONG else 60
AT_MOST = 1.10 if LONG else 1.25
TURNS = 120 if LONG else 40
_CALLS = 40 if LONG else 25
"""Of a turn. Short turns, and many: what runs beside one is then beside the other's, too."""
_CREATORS = 8
_PATIENCE_S = 60


def _creates(client: Any, image: str) -> Create:
    def create(name: str) -> None:
        client.create_function(
            FunctionName=name,
            Role="arn:aws:iam::000000000000:role/any",
            PackageType="Image",
            Code={"ImageUri": image},
            MemorySize=128,
        )

    return create


def _creates_and_waits(client: Any, image: str) -> Create:
    create = _creates(client, image)

    def create_and_wait(name: str) -> None:
        create(name)
        until(lambda: _state(client, name) == "Active", f"{name} is active", _PATIENCE_S)

    return create_and_wait


def _state(client: Any, name: str) -> str:
    state: str = client.get_function_configuration(FunctionName=name)["State"]
    return state


def test_pages_of_the_list_are_stable_while_functions_are_created(
    images: dict[str, str], start_paddock: Callable[..., PaddockProcess], figures: Callable[[str], None]
) -> None:
    """What was there before a listing began is in it once, whatever comes between its pages; at last all are."""
    client = start_paddock(network_pool_size=1).client()
    names = names_of(FUNCTIONS)
    earlier, later = names[: FUNCTIONS // 2], names[FUNCTIONS // 2 :]
    create = _creates(client, images["behaviours"])
    with Creation([create] * _CREATORS, earlier):
        pass
    # Not from many threads: there are to be some listings until all are there.
    with Creation([create] * 2, later) as creation:
        listings = list(listings_during(creation, earlier, client))
    figures(
        f"{FUNCTIONS} functions listed {len(listings)} times while half of them were created, "
        f"{[one.meanwhile for one in listings]} of them meanwhile; wrong {sum(len(one.wrong()) for one in listings)}"
    )
    assert any(one.meanwhile for one in listings), "nothing was created between the pages"
    assert not [wrong for one in listings for wrong in one.wrong()]
    assert every_name(client) == sorted(names)


def test_a_warm_call_takes_as_long_among_many_functions_as_alone(
    images: dict[str, str],
    start_paddock: Callable[..., PaddockProcess],
    tmp_path: Path,
    figures: Callable[[str], None],
) -> None:
    """
    Two control planes are called in turns, before and after one of them has many functions.

    The host's speed changes from minute to minute, so they take turns; and two processes of the same code differ, so
    what they differed by with one function each is taken out.
    """
    alone, among_many = [_with_a_warm_function(start_paddock, tmp_path / name, images) for name in ("alone", "many")]
    before = _ratios(alone, among_many)
    client = among_many.client()
    with Creation([_creates_and_waits(client, images["behaviours"])] * _CREATORS, names_of(FUNCTIONS - 1)):
        pass
    assert len(every_name(client)) == FUNCTIONS
    after = _ratios(alone, among_many)
    grown = statistics.median(after) / statistics.median(before)
    figures(
        f"a warm call's p50 with {FUNCTIONS} functions against one, {TURNS} turns: {statistics.median(after):.3f}, "
        f"before they were created {statistics.median(before):.3f}, so by {grown:.3f} (promised: at most {AT_MOST})"
    )
    assert grown <= AT_MOST
    assert len(alone.environments()) == len(among_many.environments()) == 1


def _with_a_warm_function(
    start_paddock: Callable[..., PaddockProcess], folder: Path, images: dict[str, str]
) -> PaddockProcess:
    folder.mkdir()
    paddock = start_paddock(folder, network_pool_size=1, freeze_after_s=600, idle_timeout_s=3600)
    deploy(paddock.client(), "hello", images["behaviours"], Timeout=30, MemorySize=256)
    _p50_ms(paddock)
    return paddock


def _ratios(alone: PaddockProcess, among_many: PaddockProcess) -> Sequence[float]:
    """Of each turn, the other one's median by the first one's; who is called first changes."""
    ratios = []
    for turn in range(TURNS):
        order = (alone, among_many) if turn % 2 else (among_many, alone)
        medians = {one.port: _p50_ms(one) for one in order}
        ratios.append(medians[among_many.port] / medians[alone.port])
    return ratios


def _p50_ms(paddock: PaddockProcess) -> float:
    measured = load(paddock.port, "hello", b'{"hello": 1}', clients=1, seconds=_PATIENCE_S, at_most=_CALLS)
    assert not measured.bad, measured.bad[0]
    return measured.percentile_ms(50)
