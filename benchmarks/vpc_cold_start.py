"""
Cold start of a function in a subnet against one that is in none, in turns. Run by `make bench`.

    python -m benchmarks.vpc_cold_start [--rounds 20]

From environment.created until the runtime's first `/next`, by Paddock's own log: the sandbox of either is ready, the
one of the function in a subnet with its network already attached.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

import docker

from benchmarks.cold_start import bridge, cold_start_ms, words
from benchmarks.images import behaviours_image
from tests.support.paddock_process import PaddockProcess, deploy

_SUBNET_ID = "subnet-bench"
_POOL_SIZE = 4
_TARGET_RATIO = 1.1
_WARMING_UP = 2


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    image = behaviours_image()
    engine = docker.from_env(timeout=120)
    try:
        with bridge(engine, labels={"paddock.subnet": _SUBNET_ID}), tempfile.TemporaryDirectory() as folder:
            paddock = PaddockProcess(Path(folder), network_pool_size=_POOL_SIZE, subnet_pool_size=_POOL_SIZE)
            paddock.start()
            try:
                outside, inside = _measured(paddock, image, rounds)
            finally:
                paddock.terminate()
    finally:
        engine.close()
    ratio = statistics.median(inside) / statistics.median(outside)
    print(f"cold start until the first /next, {rounds} of each in turns:")
    print(f"  in no subnet: {words(outside)}")
    print(f"  in a subnet:  {words(inside)}")
    print(f"  ratio of the medians {ratio:.2f} (promised: at most {_TARGET_RATIO})")


def _measured(paddock: PaddockProcess, image: str, rounds: int) -> tuple[list[float], list[float]]:
    """Milliseconds of each start, out of a subnet and in one; which comes first changes."""
    client = paddock.client()
    deploy(client, "outside", image, MemorySize=512, Timeout=30)
    vpc = {"SubnetIds": [_SUBNET_ID], "SecurityGroupIds": ["sg-1"]}
    deploy(client, "inside", image, MemorySize=512, Timeout=30, VpcConfig=vpc)
    took: dict[str, list[float]] = {"outside": [], "inside": []}
    for turn in range(_WARMING_UP + rounds):
        for function in ("outside", "inside") if turn % 2 else ("inside", "outside"):
            took[function].append(cold_start_ms(client, paddock, function, turn))
    return took["outside"][_WARMING_UP:], took["inside"][_WARMING_UP:]


if __name__ == "__main__":
    main()
