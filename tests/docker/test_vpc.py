"""
A function in subnets, on a real engine: it reaches what is on its networks, and of everything else what any function
reaches. Each target is shown to answer somebody first.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import botocore.exceptions
import docker
import pytest

from tests.support.paddock_process import PaddockProcess, deploy
from tests.support.probing import (
    INSIDE,
    INTERNET,
    INTERNET_PORT,
    METADATA,
    Echo,
    Prober,
    Target,
    address_of,
    allowed,
    answers,
    functions_network,
    gateway_of,
    own_address,
    reach,
    sandbox_of,
    table,
)
from tests.support.waiting import until

_POOL_SIZE = 2
_SUBNETS = {"a": "10.217.0.0/24", "b": "10.218.0.0/24", "c": "10.219.0.0/24"}
"""`a` is labelled, `b` is set, `c` is given to nobody. All sort before the functions' network."""


def name_of(network: str) -> str:
    """Docker's."""
    return {"a": "aa-paddock-test-a", "b": "paddock-test-b", "c": "paddock-test-c"}[network]


def subnet_id(network: str) -> str:
    """The Lambda API's."""
    return f"subnet-test{network}"


@dataclass(frozen=True)
class Place:
    """
    Three networks, and a control plane that gives two of them.

    Args:
        wall: Where the firewall stands.
        listeners: The address of somebody who listens on each.
        gateways: The host's on each.
    """

    wall: str
    paddock: PaddockProcess
    networks: dict[str, Any]
    listeners: dict[str, str]
    gateways: dict[str, str]
    echo: Echo

    def in_vpc(self, *networks: str) -> dict[str, Any]:
        """Of a function that is in these."""
        return {"SubnetIds": [subnet_id(one) for one in networks], "SecurityGroupIds": ["sg-1"]}


def _listens(prober: Prober, network: str, afterwards: contextlib.ExitStack) -> str:
    container = prober.beside(network, {"listen": INSIDE})
    afterwards.callback(container.remove, force=True)
    until(lambda: b"listening" in container.logs(), "it listens")
    container.reload()
    address: str = container.attrs["NetworkSettings"]["Networks"][network]["IPAddress"]
    assert answers("tcp", address, INSIDE)
    return address


@pytest.fixture(scope="module", params=["in-sandbox", "on-host"])
def place(
    request: pytest.FixtureRequest,
    engine: docker.DockerClient,
    images: dict[str, str],
    prober: Prober,
    metadata: None,
    internet: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Place]:
    """Functions in `a`, in both, and in none, each called once; behind rules of their own, and behind the host's."""
    wall: str = request.param
    with contextlib.ExitStack() as afterwards:
        networks, listeners = {}, {}
        for network, subnet in _SUBNETS.items():
            gateway = subnet.replace("0/24", "1")
            pool = docker.types.IPAMPool(subnet=subnet, gateway=gateway)
            labels = {"paddock.subnet": subnet_id("a")} if network == "a" else {}
            networks[network] = engine.networks.create(
                name_of(network), ipam=docker.types.IPAMConfig(pool_configs=[pool]), labels=labels
            )
            afterwards.callback(networks[network].remove)
            listeners[network] = _listens(prober, name_of(network), afterwards)
        echo = afterwards.enter_context(contextlib.closing(Echo()))
        paddock = PaddockProcess(
            tmp_path_factory.mktemp(f"vpc-{wall}"),
            host="0.0.0.0",
            access="open",
            network_pool_size=2,
            subnet_pool_size=_POOL_SIZE,
            subnets=f"{subnet_id('b')}={name_of('b')}",
            **({"sandbox_image": images["broken-sandbox"]} if wall == "on-host" else {}),
        )
        paddock.start()
        afterwards.callback(_ended, paddock)
        gateways = {network: gateway_of(one) for network, one in networks.items()}
        found = Place(wall, paddock, networks, listeners, gateways, echo)
        client = paddock.client()
        deploy(client, "in-a", images["behaviours"], VpcConfig=found.in_vpc("a"))
        deploy(client, "in-both", images["behaviours"], VpcConfig=found.in_vpc("b", "a"))
        deploy(client, "in-none", images["behaviours"])
        for name in ("in-a", "in-both", "in-none"):
            answer = client.invoke(FunctionName=name, Payload=b"{}")
            assert "FunctionError" not in answer, answer["Payload"].read()
        yield found


def _ended(paddock: PaddockProcess) -> None:
    assert paddock.terminate() == 0, paddock.log()[-4000:]


def targets_of(engine: docker.DockerClient, place: Place, *networks: str) -> dict[Target, bool]:
    """Everything there is to be reached; only what is on these networks may be, besides what every function reaches."""
    targets: dict[Target, bool] = {}
    for network, address in place.listeners.items():
        for way in ("tcp", "udp"):
            targets[(f"somebody on {network}", way, address, INSIDE)] = network in networks
    control_plane = gateway_of(functions_network(engine, place.paddock))
    hosts = {"functions' gateway": control_plane, "host": own_address(), "metadata": METADATA}
    hosts |= {f"gateway of {network}": address for network, address in place.gateways.items()}
    for name, address in hosts.items():
        targets[(f"front port on {name}", "tcp", address, place.paddock.port)] = False
        for way in ("tcp", "udp"):
            targets[(f"host's listener on {name}", way, address, place.echo.port)] = False
    for name, way, address, port in targets:
        assert answers(way, address, port), f"{name} at {address} does not answer even the host"
    targets[("Runtime API", "tcp", control_plane, 9001)] = True
    targets[("stand-in internet", "tcp", INTERNET, INTERNET_PORT)] = True
    return targets


def on(engine: docker.DockerClient, network: Any, prefix: str = "paddock-sandbox-") -> set[str]:
    """The sandboxes that have a place on a network."""
    network.reload()
    return {key for key, one in network.attrs["Containers"].items() if one["Name"].startswith(prefix)}


@pytest.mark.parametrize("user", ["993:990", "0:0"])
@pytest.mark.parametrize(("function", "networks"), [("in-a", "a"), ("in-both", "ab"), ("in-none", "")])
def test_only_its_own_networks_are_reached_besides(
    engine: docker.DockerClient,
    place: Place,
    prober: Prober,
    figures: Callable[[str], None],
    function: str,
    networks: str,
    user: str,
) -> None:
    """At the functions' uid and at uid 0. The default route of `in-a` goes by its subnet's network."""
    targets = targets_of(engine, place, *networks)
    seen = prober.ask(sandbox_of(engine, place.paddock, function).id, {"reach": reach(targets)}, user)
    lines = table(seen["reached"], allowed(targets))
    figures("\n".join([f"reached by {function} at uid {seen['uid']}, rules {place.wall}:", *lines]))
    assert len(lines) == len(targets)
    assert not [line for line in lines if "WRONG" in line]


def test_a_function_on_the_same_network_is_not_reached(
    engine: docker.DockerClient, place: Place, prober: Prober
) -> None:
    """Neither by another function nor by the host: nobody opens a connection to a function."""
    sandbox = sandbox_of(engine, place.paddock, "in-both")
    listener = prober.start(sandbox.id, {"listen": INSIDE}, "993:990")
    try:
        until(lambda: b"listening" in listener.logs(), "the function listens")
        on_a = sandbox.attrs["NetworkSettings"]["Networks"][name_of("a")]["IPAddress"]
        wanted = [
            [f"{name} {way}", way, address, INSIDE]
            for name, address in (("on a", on_a), ("on the functions' network", address_of(sandbox)))
            for way in ("tcp", "udp")
        ]
        itself = prober.ask(sandbox.id, {"reach": wanted}, "0:0")["reached"]
        assert set(itself.values()) == {"reached"}, itself
        other = prober.ask(sandbox_of(engine, place.paddock, "in-a").id, {"reach": wanted}, "0:0")["reached"]
        assert "reached" not in other.values(), other
        if place.wall == "in-sandbox":
            # The host's own rules let the host itself through.
            assert not any(answers_quietly(way, on_a) for way in ("tcp", "udp"))
    finally:
        listener.remove(force=True)


def answers_quietly(way: str, address: str) -> bool:
    """From the host; that nothing comes is no error."""
    with contextlib.suppress(OSError):
        return answers(way, address, INSIDE)
    return False


def test_names_on_its_networks_are_resolved(place: Place, engine: docker.DockerClient, prober: Prober) -> None:
    """By the engine's own DNS, as for any container on them."""
    container = prober.beside(name_of("a"), {"listen": INSIDE}, name="paddock-test-database")
    try:
        until(lambda: b"listening" in container.logs(), "it listens")
        client = place.paddock.client()
        payload = json.dumps({"do": "connect", "targets": [["paddock-test-database", INSIDE]]}).encode()
        for function, is_there in (("in-a", True), ("in-none", False)):
            seen = json.loads(client.invoke(FunctionName=function, Payload=payload)["Payload"].read())
            assert (seen[f"paddock-test-database:{INSIDE}"] == "yes") is is_there, (function, seen)
    finally:
        container.remove(force=True)


def test_nothing_can_be_forged_in_a_subnet(engine: docker.DockerClient, place: Place, prober: Prober) -> None:
    """At uid 0."""
    mine, other = (sandbox_of(engine, place.paddock, name) for name in ("in-a", "in-both"))
    told = {
        "control_plane": gateway_of(functions_network(engine, place.paddock)),
        "runtime_port": 9001,
        "other_address": address_of(other),
        "other_hostname": other.attrs["HostConfig"]["ExtraHosts"][0].split(":")[0],
        "listening": INSIDE,
        "forge": True,
    }
    forged = prober.ask(mine.id, told, "0:0")["forged"]
    assert not [name for name, answer in forged.items() if answer == "DONE"]


def test_a_sandbox_is_ready_before_the_first_call_and_goes_with_the_last_function(
    engine: docker.DockerClient, place: Place, images: dict[str, str]
) -> None:
    """From the creation on; when nobody is in the subnet, nobody holds its network."""
    client, network = place.paddock.client(), place.networks["b"]
    before = on(engine, network)
    deploy(client, "in-b", images["behaviours"], VpcConfig=place.in_vpc("b"))
    until(lambda: len(on(engine, network) - before) == _POOL_SIZE, "sandboxes are ready on b")
    ready = on(engine, network) - before
    client.invoke(FunctionName="in-b", Payload=b"{}")
    assert sandbox_of(engine, place.paddock, "in-b").id in ready
    client.delete_function(FunctionName="in-b")
    until(lambda: on(engine, network) <= before, "none of them is left")


def test_after_a_restart_sandboxes_are_ready_for_the_functions_that_there_are(
    engine: docker.DockerClient, place: Place
) -> None:
    """Also after a crash: those of the earlier life are removed, and others made."""
    earlier = on(engine, place.networks["a"])
    assert earlier
    place.paddock.kill()
    place.paddock.start()
    until(lambda: len(on(engine, place.networks["a"]) - earlier) == 2 * _POOL_SIZE, "both sets have theirs")
    until(lambda: not on(engine, place.networks["a"]) & earlier, "the earlier ones are gone")
    client = place.paddock.client()
    payload = json.dumps({"do": "connect", "targets": [[place.listeners["a"], INSIDE]]}).encode()
    seen = json.loads(client.invoke(FunctionName="in-a", Payload=payload)["Payload"].read())
    assert list(seen.values()) == ["yes"]
    client.invoke(FunctionName="in-both", Payload=b"{}")
    client.invoke(FunctionName="in-none", Payload=b"{}")


def test_a_killed_driver_is_told_again_which_subnets_are_kept(engine: docker.DockerClient, place: Place) -> None:
    """The one that takes over knows nothing of them."""
    earlier = on(engine, place.networks["b"])
    place.paddock.kill_driver()
    until(lambda: len(on(engine, place.networks["b"]) - earlier) == _POOL_SIZE, "the other driver's are ready", 60)
    place.paddock.client().invoke(FunctionName="in-both", Payload=b"{}")


@pytest.mark.parametrize("named", ["subnet-nowhere", subnet_id("c")])
def test_a_subnet_that_was_given_to_nobody_is_refused(place: Place, images: dict[str, str], named: str) -> None:
    """Though there is a network."""
    vpc = {"SubnetIds": [named], "SecurityGroupIds": ["sg-1"]}
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        deploy(place.paddock.client(), "in-nothing", images["behaviours"], VpcConfig=vpc)
    error = caught.value.response["Error"]
    assert (error["Code"], f"The subnet ID '{named}' does not exist" in error["Message"]) == (
        "InvalidParameterValueException",
        True,
    )
