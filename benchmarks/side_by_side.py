"""
Another checkout against this one: both control planes run at the same time, and are called in turns of two seconds.

    python -m benchmarks.side_by_side ../other-checkout [--pairs 6] [--rounds 4]

The speed of a host may change by half within a minute; what is called in the next two seconds meets the same host. Two
processes of the same code may differ by a tenth for as long as they live: so there are several pairs, started in either
order. The other checkout needs its `.venv` (`scripts/uv.sh sync --frozen`).
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.images import behaviours_image
from benchmarks.load import Figures, load
from tests.support.paddock_process import PaddockProcess, deploy

_HERE = Path(__file__).parent.parent
_TURN_S = 2.0
_ENVIRONMENTS = 8
_PAYLOAD = b'{"hello": 1}'
_LONG = b'{"do": "sleep", "seconds": 2}'


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("other", type=Path)
    parser.add_argument("--pairs", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=4)
    arguments = parser.parse_args()
    image, other = behaviours_image(), arguments.other.resolve()
    for full in (False, True):
        for clients in (1, 4 * _ENVIRONMENTS):
            turns = []
            for number in range(arguments.pairs):
                turns += _pair(other, image, clients, arguments.rounds, reverse=bool(number % 2), full=full)
            durability = "FULL for every call" if full else "default durability"
            print(f"{durability}, {clients} clients: {_words(turns)}", flush=True)


def _pair(
    other: Path, image: str, clients: int, rounds: int, *, reverse: bool, full: bool
) -> list[tuple[Figures, Figures]]:
    """Two control planes, called in turns; which is started first, and called first, changes."""
    order = (_HERE, other) if reverse else (other, _HERE)
    with (
        _serving(order[0], image, clients, subnet="10.220.0.0/20", full=full) as first,
        _serving(order[1], image, clients, subnet="10.221.0.0/20", full=full) as second,
    ):
        there, here = (second, first) if reverse else (first, second)
        return [_turn(there, here, clients, reverse=bool(number % 2)) for number in range(rounds)]


@contextlib.contextmanager
def _serving(checkout: Path, image: str, clients: int, *, subnet: str, full: bool) -> Iterator[PaddockProcess]:
    """A control plane of a checkout with warm environments."""
    python = sys.executable if checkout == _HERE else str(checkout / ".venv" / "bin" / "python")
    with tempfile.TemporaryDirectory() as folder:
        paddock = PaddockProcess(
            Path(folder),
            checkout=checkout,
            python=python,
            synchronous_full=full,
            max_environments=_ENVIRONMENTS,
            freeze_after_s=600,
            idle_timeout_s=3600,
            functions_subnet=subnet,
        )
        paddock.start()
        try:
            deploy(paddock.client(), "hello", image, MemorySize=512, Timeout=30)
            load(paddock.port, "hello", _LONG, clients=min(clients, _ENVIRONMENTS), seconds=3)
            load(paddock.port, "hello", _PAYLOAD, clients=clients, seconds=1)
            yield paddock
        finally:
            paddock.terminate()


def _turn(other: PaddockProcess, this: PaddockProcess, clients: int, *, reverse: bool) -> tuple[Figures, Figures]:
    """Both, one after the other; which comes first changes."""
    order = (this, other) if reverse else (other, this)
    first, second = (load(one.port, "hello", _PAYLOAD, clients=clients, seconds=_TURN_S) for one in order)
    return (second, first) if reverse else (first, second)


def _words(turns: list[tuple[Figures, Figures]]) -> str:
    p50 = statistics.median(this.percentile_ms(50) / other.percentile_ms(50) for other, this in turns)
    rate = statistics.median(this.per_second / other.per_second for other, this in turns)
    medians = [statistics.median(one[side].percentile_ms(50) for one in turns) for side in (0, 1)]
    rates = [statistics.median(one[side].per_second for one in turns) for side in (0, 1)]
    bad = sum(len(figures.bad) for turn in turns for figures in turn)
    return (
        f"p50 {medians[0]:.2f} -> {medians[1]:.2f} ms (by turn {p50:.2f}), {rates[0]:.0f} -> {rates[1]:.0f}/s "
        f"(by turn {rate:.2f}), bad answers {bad}"
    )


if __name__ == "__main__":
    main()
