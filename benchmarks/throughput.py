"""
Warm invocations with real containers: latency of one client, and throughput of many. Run by `make bench`.

    python -m benchmarks.throughput [--seconds 5] [--environments 8] [--clients 32]

Everything runs on the same cores: the control plane, the functions' runtimes, the engine, and the load itself.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks.images import behaviours_image
from benchmarks.load import Figures, load
from tests.support.paddock_process import PaddockProcess, deploy

_PAYLOAD = b'{"hello": 1}'
_LONG = b'{"do": "sleep", "seconds": 2}'


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--environments", type=int, default=8)
    parser.add_argument("--clients", type=int, default=32)
    arguments = parser.parse_args()
    image = behaviours_image()
    for full in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            paddock = PaddockProcess(
                Path(folder), synchronous_full=full, max_environments=arguments.environments, freeze_after_s=60
            )
            paddock.start()
            try:
                client = paddock.client()
                deploy(client, "hello", image, MemorySize=512, Timeout=30)
                # Calls that are worth a cold start each: short ones would share one environment (D9).
                load(paddock.port, "hello", _LONG, clients=arguments.environments, seconds=3)
                warm = len(paddock.environments("hello"))
                load(paddock.port, "hello", _PAYLOAD, clients=arguments.clients, seconds=1)
                one = load(paddock.port, "hello", _PAYLOAD, clients=1, seconds=arguments.seconds)
                many = load(paddock.port, "hello", _PAYLOAD, clients=arguments.clients, seconds=arguments.seconds)
            finally:
                paddock.terminate()
        durability = "FULL for every call" if full else "default durability"
        print(f"{durability}, {warm} warm environments:")
        print(f"  one client {_words(one)}")
        print(f"  {arguments.clients} clients {_words(many)}")


def _words(figures: Figures) -> str:
    return (
        f"{figures.per_second:.0f}/s, p50 {figures.percentile_ms(50):.2f} ms, p99 {figures.percentile_ms(99):.2f} ms, "
        f"bad answers {len(figures.bad)}"
    )


if __name__ == "__main__":
    main()
