"""
Everything a function could try to reach or to forge, at its own uid and at uid 0, with and without a further network,
over TCP and UDP, IPv4 and IPv6: printed as a table. Whatever must not be reached is shown to be reachable first.
"""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Callable, Iterator

import docker
import pytest

from tests.support.paddock_process import PaddockProcess, deploy
from tests.support.probing import (
    INSIDE,
    INTERNET,
    INTERNET_PORT,
    Echo,
    Ground,
    Prober,
    allowed,
    answers,
    gateway_of,
    has_ipv6,
    laid_out,
    own_address,
    reach,
    sandbox_of,
    switch_ipv6_on,
    table,
)
from tests.support.waiting import until

_FURTHER = "10.217.0.0/24"
_REFUSED_FORGERIES = 20
"""At least so many must be tried."""


@pytest.fixture(scope="module")
def ground(
    engine: docker.DockerClient,
    images: dict[str, str],
    prober: Prober,
    metadata: None,
    internet: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Ground]:
    """Two environments, listeners in one and on the host, all shown to answer."""
    paddock = PaddockProcess(tmp_path_factory.mktemp("table"), host="0.0.0.0", access="open", network_pool_size=2)
    paddock.start()
    with laid_out(engine, images, prober, paddock) as ground:
        yield ground


@pytest.fixture
def further(engine: docker.DockerClient, ground: Ground, prober: Prober) -> Iterator[tuple[str, str]]:
    """The sandbox joins a further network, on which somebody listens: its address, and the host's on it."""
    pool = docker.types.IPAMPool(subnet=_FURTHER, gateway="10.217.0.1")
    network = engine.networks.create("aa-paddock-further", ipam=docker.types.IPAMConfig(pool_configs=[pool]))
    listener = prober.beside(network.name, {"listen": INSIDE})
    try:
        until(lambda: b"listening" in listener.logs(), "the further network's listener listens")
        listener.reload()
        address = listener.attrs["NetworkSettings"]["Networks"][network.name]["IPAddress"]
        assert answers("tcp", address, INSIDE)
        network.connect(ground.sandbox)
        yield address, "10.217.0.1"
        network.disconnect(ground.sandbox, force=True)
    finally:
        listener.remove(force=True)
        network.remove()


@pytest.mark.parametrize("user", ["993:990", "0:0"])
def test_only_what_may_be_reached_is_reached(
    ground: Ground, prober: Prober, user: str, figures: Callable[[str], None]
) -> None:
    """At the functions' uid and at uid 0."""
    seen = prober.ask(ground.sandbox, {"reach": reach(ground.targets)}, user)
    assert seen["uid"] == int(user.partition(":")[0])
    lines = table(seen["reached"], allowed(ground.targets))
    figures("\n".join([f"reached from inside at uid {seen['uid']}:", *lines]))
    assert len(lines) == len(ground.targets)
    assert not [line for line in lines if "WRONG" in line]


def test_with_a_further_network_nothing_more_is_reached(
    ground: Ground,
    prober: Prober,
    further: tuple[str, str],
    figures: Callable[[str], None],
) -> None:
    """Its default route is another one then; the rules go by address. At uid 0."""
    listener, gateway = further
    targets = {
        **ground.targets,
        ("somebody on the further network", "tcp", listener, INSIDE): False,
        ("somebody on the further network", "udp", listener, INSIDE): False,
        ("front port on the further gateway", "tcp", gateway, ground.paddock.port): False,
    }
    seen = prober.ask(ground.sandbox, {"reach": reach(targets)}, "0:0")
    lines = table(seen["reached"], allowed(targets))
    figures("\n".join(["reached from inside at uid 0, with a further network:", *lines]))
    assert not [line for line in lines if "WRONG" in line]


@pytest.mark.parametrize("user", ["993:990", "0:0"])
def test_nothing_can_be_forged(ground: Ground, prober: Prober, user: str, figures: Callable[[str], None]) -> None:
    """Addresses, names, routes, rules, namespaces."""
    forged = prober.ask(ground.sandbox, {**ground.told, "forge": True}, user)["forged"]
    lines = [f"{name:48} {answer}" for name, answer in forged.items()]
    figures("\n".join([f"{len(forged)} forgeries at uid {user.partition(':')[0]}:", *lines]))
    assert len(forged) >= _REFUSED_FORGERIES
    done = [name for name, answer in forged.items() if answer == "DONE"]
    assert not done
    again = prober.ask(ground.sandbox, {"reach": reach(ground.targets)}, "993:990")["reached"]
    assert not [line for line in table(again, allowed(ground.targets)) if "WRONG" in line]


def test_with_ipv6_switched_on_in_both_sandboxes_nothing_is_reached_over_it(
    engine: docker.DockerClient, ground: Ground, prober: Prober, figures: Callable[[str], None]
) -> None:
    """It is off in a sandbox; were it on, the rules alone would hold. At uid 0. (Last: it stays on.)"""
    if not has_ipv6():
        figures("this host has no IPv6: nothing to be reached over it")
        return
    switch_ipv6_on(engine.containers.get(ground.sandbox))
    there = switch_ipv6_on(engine.containers.get(ground.other))
    others = {("another environment, IPv6", way, f"{there}%eth0", INSIDE): False for way in ("tcp", "udp")}
    assert set(prober.ask(ground.other, {"reach": reach(others)}, "0:0")["reached"].values()) == {"reached"}
    targets = {one: may for one, may in ground.targets.items() if ":" in one[2] or may} | others
    seen = prober.ask(ground.sandbox, {"reach": reach(targets)}, "0:0")
    lines = table(seen["reached"], allowed(targets))
    figures("\n".join(["reached from inside at uid 0, with IPv6 on in the sandbox:", *lines]))
    assert not [line for line in lines if "WRONG" in line]
    assert "EADDRNOTAVAIL" not in seen["reached"].values(), "IPv6 was not on"


def test_settings_open_named_addresses_and_close_the_internet(
    engine: docker.DockerClient,
    start_paddock: Callable[..., PaddockProcess],
    images: dict[str, str],
    prober: Prober,
    internet: None,
    figures: Callable[[str], None],
) -> None:
    """One address with a port, one whole; nothing else of the host, nor of the world. Asked by the function itself."""
    docker0 = gateway_of(engine.networks.get("bridge"))
    own = own_address()
    with contextlib.closing(Echo()) as echo, socket.create_server(("0.0.0.0", 0)) as shut:
        shut_port = shut.getsockname()[1]
        paddock = start_paddock(internet="false", open_addresses=f"{own}:{echo.port},{docker0}", network_pool_size=1)
        deploy(paddock.client(), "mine", images["behaviours"], Timeout=30)
        wanted = {
            "named address and port": (own, echo.port),
            "another port of it": (own, shut_port),
            "named address": (docker0, shut_port),
            "internet": (INTERNET, INTERNET_PORT),
        }
        asked = {"do": "connect", "targets": list(wanted.values())}
        answer = paddock.client().invoke(FunctionName="mine", Payload=json.dumps(asked).encode())
        seen = json.loads(answer["Payload"].read())
        datagrams = [["named address", "udp", docker0, echo.port], ["another port", "udp", own, echo.port]]
        sent = prober.ask(sandbox_of(engine, paddock, "mine").id, {"reach": datagrams}, "0:0")["reached"]
        isolation = paddock.check("isolation")
    found = {name: seen[f"{address}:{port}"] for name, (address, port) in wanted.items()}
    figures("\n".join(["settings, from inside a function:", *(f"{name:48} {one}" for name, one in found.items())]))
    assert {name for name, one in found.items() if one == "yes"} == {"named address and port", "named address"}
    assert sent["named address udp"] == "reached"
    assert sent["another port udp"] != "reached"
    assert isolation["ok"]
    assert f"the Runtime API, DNS, {own}:{echo.port}, {docker0} and nothing else" in isolation["fact"]


def test_when_its_sandbox_has_died_nothing_of_a_function_goes_on(
    engine: docker.DockerClient, ground: Ground, images: dict[str, str], prober: Prober
) -> None:
    """A dead sandbox cannot be joined, and what was in it has no network left."""
    client = ground.paddock.client()
    deploy(client, "joined", images["behaviours"])
    client.invoke(FunctionName="joined", Payload=b"{}")
    sandbox = sandbox_of(engine, ground.paddock, "joined")
    sandbox.kill()
    with pytest.raises(docker.errors.APIError):
        prober.start(sandbox.id, {"reach": []}, "993:990")
    until(lambda: not ground.paddock.environments("joined"), "the environment is gone")
    not_started = {"ancestor": "paddock-test/prober:latest", "status": "created"}
    for left in engine.containers.list(all=True, filters=not_started, ignore_removed=True):
        if left.attrs["HostConfig"]["NetworkMode"] == f"container:{sandbox.id}":
            left.remove(force=True)
