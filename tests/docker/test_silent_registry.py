"""A registry that takes connections and never answers: who deploys from it waits, and nobody else."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import docker
import pytest

from tests.support.paddock_process import PaddockProcess, deploy

FUNCTIONS = 40
PATIENCE_S = 8


@pytest.fixture
def silent_registry() -> Iterator[int]:
    """Its port."""
    with socket.create_server(("127.0.0.1", 0), backlog=200) as listening:
        taken: list[socket.socket] = []

        def take() -> None:
            while True:
                try:
                    taken.append(listening.accept()[0])
                except OSError:
                    return

        taking = threading.Thread(target=take)
        taking.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        taking.join(10)
        for one in taken:
            one.close()


def test_who_deploys_from_a_registry_that_never_answers_delays_nobody_else(
    engine: docker.DockerClient,
    images: dict[str, str],
    start_paddock: Callable[..., PaddockProcess],
    silent_registry: int,
    figures: Callable[[str], None],
) -> None:
    """Forty such deployments are under way; a function of a local image is there and answers as if there were none."""
    paddock = start_paddock()
    client = paddock.client()

    def create(number: int) -> None:
        client.create_function(
            FunctionName=f"waits-{number}",
            Role="arn:aws:iam::000000000000:role/any",
            PackageType="Image",
            Code={"ImageUri": f"localhost:{silent_registry}/image-{number}:latest"},
        )

    # Each is answered when a call's patience for an image is over.
    with ThreadPoolExecutor(10) as threads:
        list(threads.map(create, range(FUNCTIONS)))
    began = time.monotonic()
    deploy(client, "prompt", images["behaviours"])
    assert client.invoke(FunctionName="prompt", Payload=b"{}")["StatusCode"] == 200
    took_s = time.monotonic() - began
    figures(f"beside {FUNCTIONS} pulls from a silent registry, deployed and first answered in {took_s:.1f} s")
    assert client.get_function_configuration(FunctionName="waits-0")["State"] == "Pending"
    assert took_s < PATIENCE_S
