"""
What a function reaches from inside, on a real engine: its own Runtime API and nothing else of this host.

Each target is shown to be reachable from somewhere first: a blocked connection to nothing would prove nothing.
"""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import botocore.exceptions
import docker
import pytest

from tests.support.paddock_process import PaddockProcess, deploy
from tests.support.probing import SANDBOX_IMAGE, functions_network, gateway_of, own_address
from tests.support.waiting import until

LISTENING_INSIDE = 8000
RETAGGED = "paddock-test/sandbox-of-today:latest"


@pytest.fixture(scope="module")
def open_paddock(engine: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PaddockProcess]:
    """A control plane whose front port listens on every address of the host, as in a container."""
    process = PaddockProcess(tmp_path_factory.mktemp("isolation"), host="0.0.0.0", access="open", network_pool_size=3)
    process.start()
    yield process
    assert process.terminate() == 0, process.log()[-4000:]


@pytest.fixture(scope="module")
def client(open_paddock: PaddockProcess, images: dict[str, str]) -> Any:
    """boto3, with the prober deployed."""
    boto = open_paddock.client()
    deploy(boto, "prober", images["behaviours"], Timeout=60)
    return boto


@pytest.fixture
def host_listener() -> Iterator[int]:
    """A listener on every address of the host; its port."""
    with socket.create_server(("0.0.0.0", 0)) as listening:
        yield listening.getsockname()[1]


def call(client: Any, payload: object) -> Any:
    """Invoke and decode; a function error fails the test."""
    answer = client.invoke(FunctionName="prober", Payload=json.dumps(payload).encode())
    body = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, body
    return body


def is_reached_from_the_host(address: str, port: int) -> bool:
    """The positive control: somebody listens there."""
    with socket.create_connection((address, port), timeout=2):
        return True


def test_another_environment_is_not_reached(client: Any, open_paddock: PaddockProcess) -> None:
    """Its listener answers itself and nobody else."""
    with ThreadPoolExecutor(1) as pool:
        listening = pool.submit(call, client, {"do": "listen", "port": LISTENING_INSIDE, "seconds": 8})
        other = until(lambda: _busy(open_paddock), "the listener runs")
        targets = [[other["address"], LISTENING_INSIDE]]
        seen = call(client, {"do": "connect", "targets": targets})
        assert listening.result()["address"] == other["address"]
    assert seen[f"{other['address']}:{LISTENING_INSIDE}"] != "yes", seen
    # The same environment, the most recently used, reaches its own listener: it does listen.
    own = until(lambda: _idle(open_paddock, other["environment_id"]), "the listener's environment is idle")
    _until_only(client, open_paddock, own["environment_id"])


def _until_only(client: Any, paddock: PaddockProcess, environment_id: str) -> None:
    """Some environment that connects to itself on that port succeeds, and it is the listener's."""
    found = next(one for one in paddock.environments("prober") if one["environment_id"] == environment_id)
    with ThreadPoolExecutor(4) as pool:
        payload = {"do": "connect", "targets": [[found["address"], LISTENING_INSIDE]]}
        answers = list(pool.map(lambda _: call(client, payload), range(4)))
    assert any(list(answer.values()) == ["yes"] for answer in answers), answers


def _busy(paddock: PaddockProcess) -> dict[str, Any] | None:
    return next((one for one in paddock.environments("prober") if one["state"] == "busy"), None)


def _idle(paddock: PaddockProcess, environment_id: str) -> dict[str, Any] | None:
    return next(
        (
            one
            for one in paddock.environments("prober")
            if one["environment_id"] == environment_id and one["state"] in ("idle", "frozen")
        ),
        None,
    )


def test_the_front_port_and_every_listener_of_the_host_are_not_reached(
    client: Any, open_paddock: PaddockProcess, engine: docker.DockerClient, host_listener: int
) -> None:
    """On none of the host's addresses."""
    call(client, {})
    gateway = gateway_of(functions_network(engine, open_paddock))
    bridge = gateway_of(engine.networks.get("bridge"))
    own = own_address()
    targets = [[address, port] for address in {gateway, bridge, own} for port in (open_paddock.port, host_listener)]
    assert all(is_reached_from_the_host(address, port) for address, port in targets)
    seen = call(client, {"do": "connect", "targets": targets})
    assert len(seen) == len(targets)
    assert "yes" not in seen.values(), seen


def test_the_metadata_address_and_private_networks_are_not_reached(client: Any) -> None:
    """What a cloud's host would hand out."""
    seen = call(client, {"do": "connect", "targets": [["169.254.169.254", 80], ["10.0.0.1", 80], ["192.168.0.1", 80]]})
    assert "yes" not in seen.values(), seen


def test_the_runtime_api_is_reached_and_sees_the_sandboxs_address(client: Any, open_paddock: PaddockProcess) -> None:
    """The peer address is the sandbox's own: it is what identifies the caller, together with the hostname."""
    seen = call(client, {"do": "ping-runtime-api"})
    assert seen["status"] == 200
    assert seen["address"] in {one["address"] for one in open_paddock.environments("prober")}


def test_the_right_hostname_from_another_address_is_refused(
    client: Any, open_paddock: PaddockProcess, engine: docker.DockerClient
) -> None:
    """403 to the host itself, with a hostname that is some environment's."""
    host = call(client, {"do": "ping-runtime-api"})["host"]
    port = int(host.partition(":")[2])
    connection = http.client.HTTPConnection(gateway_of(functions_network(engine, open_paddock)), port, timeout=5)
    connection.request("GET", "/2018-06-01/ping", headers={"Host": host})
    assert connection.getresponse().status == 403
    connection.close()


def test_with_a_broken_rule_no_function_starts(
    engine: docker.DockerClient, images: dict[str, str], start_paddock: Callable[..., PaddockProcess]
) -> None:
    """The sandbox fails closed: the caller hears why, and no function container was ever created."""
    engine.images.get(SANDBOX_IMAGE).tag(RETAGGED)
    # No pool: the next sandbox is made from whatever the tag is then.
    paddock = start_paddock(sandbox_image=RETAGGED, room_wait_s=3, network_pool_size=0)
    client = paddock.client()
    deploy(client, "never-started", images["behaviours"])
    engine.images.get(images["broken-sandbox"]).tag(RETAGGED)
    try:
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            client.invoke(FunctionName="never-started", Payload=b"{}")
    finally:
        engine.images.remove(RETAGGED)
    assert caught.value.response["Error"]["Code"] == "ServiceException"
    assert "firewall" in caught.value.response["Error"]["Message"]
    assert not engine.containers.list(all=True, filters={"label": "paddock.function=never-started"})


def test_the_self_test_is_passed_once_for_an_engine_and_remembered(
    engine: docker.DockerClient, start_paddock: Callable[..., PaddockProcess]
) -> None:
    """
    It takes a second or two, which a restart after a crash need not pay again. On other addresses, which the second
    start would get if somebody took these meanwhile, it is another test.
    """
    paddock = start_paddock(network_pool_size=1, functions_subnet="10.218.1.0/28")
    assert paddock.log().count('"isolation.tested"') == 1
    assert paddock.terminate() == 0
    paddock.start()
    assert paddock.log().count('"isolation.tested"') == 1
