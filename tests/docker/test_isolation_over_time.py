"""Isolation while things come and go: control planes, sandboxes, addresses, and what a firewall remembers of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Any

import docker
import pytest

from tests.support.paddock_process import PaddockProcess, deploy
from tests.support.probing import (
    Prober,
    address_of,
    functions_network,
    gateway_of,
    hostname_of,
    in_network_of,
    sandbox_of,
)
from tests.support.waiting import until

_RUNTIME_PORT = 9001
_CONNTRACK = "/proc/sys/net/netfilter"
_FORGETS_AFTER_S = 3
_KERNEL_LOOKS_WITHIN_S = 150
"""The kernel looks for what it may forget once a minute or two where there is a lot, as behind other tests."""


def asked_as(prober: Prober, sandbox: Any, control_plane: str, *names: str) -> dict[str, str]:
    """What the Runtime API answers to a sandbox under these names."""
    told = {"control_plane": control_plane, "runtime_port": _RUNTIME_PORT, "ask_as": names}
    answers: dict[str, str] = prober.ask(sandbox.id, told, "993:990")
    return answers


def sandboxes(engine: docker.DockerClient, owner: str) -> list[Any]:
    """All that live."""
    labels = [f"paddock.owner={owner}", "paddock.role=sandbox"]
    found: list[Any] = engine.containers.list(filters={"label": labels}, ignore_removed=True)
    return found


def test_a_long_poll_is_answered_after_the_firewall_has_forgotten_its_connection(
    engine: docker.DockerClient,
    images: dict[str, str],
    start_paddock: Callable[..., PaddockProcess],
    figures: Callable[[str], None],
) -> None:
    """A rule on `established` alone would drop the answer, and the function would wait for ever."""
    paddock = start_paddock(network_pool_size=1, freeze_after_s=3600)
    client = paddock.client()
    deploy(client, "patient", images["behaviours"], Timeout=5)
    first = json.loads(client.invoke(FunctionName="patient", Payload=b"{}")["Payload"].read())
    sandbox = sandbox_of(engine, paddock, "patient")
    for name, seconds in (("established", _FORGETS_AFTER_S), ("max_retrans", 1), ("unacknowledged", 1)):
        path = f"{_CONNTRACK}/nf_conntrack_tcp_timeout_{name}"
        in_network_of(sandbox, "sh", "-c", f"echo {seconds} >{path}")
    # Seen once more, its connection is remembered for as long as that.
    client.invoke(FunctionName="patient", Payload=b"{}")

    def remembered() -> int:
        return int(in_network_of(sandbox, "cat", f"{_CONNTRACK}/nf_conntrack_count"))

    assert remembered() > 0
    until(lambda: remembered() == 0, "the sandbox's firewall has forgotten the connection", _KERNEL_LOOKS_WITHIN_S)
    second = json.loads(client.invoke(FunctionName="patient", Payload=b"{}")["Payload"].read())
    figures("long poll answered after the sandbox's conntrack held 0 connections")
    assert second["pid"] == first["pid"]
    assert second["started"] == first["started"], "the same environment, over the same connection"
    assert paddock.count_log("environment.created", "patient") == 1


def test_a_freed_address_never_answers_under_its_earlier_hostname(
    engine: docker.DockerClient,
    images: dict[str, str],
    start_paddock: Callable[..., PaddockProcess],
    prober: Prober,
    figures: Callable[[str], None],
) -> None:
    """The network has so few addresses that the next functions get it again."""
    paddock = start_paddock(network_pool_size=0, functions_subnet="10.218.5.0/28", freeze_after_s=3600)
    client = paddock.client()
    deploy(client, "gone", images["behaviours"])
    client.invoke(FunctionName="gone", Payload=b"{}")
    sandbox = sandbox_of(engine, paddock, "gone")
    freed, earlier = address_of(sandbox), hostname_of(sandbox)
    control_plane = gateway_of(functions_network(engine, paddock))
    assert asked_as(prober, sandbox, control_plane, earlier) == {earlier: "200"}
    client.delete_function(FunctionName="gone")
    until(lambda: not paddock.environments("gone"), "its environment is gone")

    tried = []
    for number in range(10):
        name = f"next-{number}"
        deploy(client, name, images["behaviours"])
        client.invoke(FunctionName=name, Payload=b"{}")
        heir = sandbox_of(engine, paddock, name)
        tried.append(address_of(heir))
        if tried[-1] == freed:
            break
        client.delete_function(FunctionName=name)
    assert tried[-1] == freed, tried
    own = hostname_of(heir)
    answers = asked_as(prober, heir, control_plane, earlier, own)
    figures(f"address {freed} given out again after {len(tried)} functions: earlier name {answers[earlier]}, own 200")
    assert own != earlier
    assert answers == {earlier: "403", own: "200"}


@pytest.mark.usefixtures("no_further_address")
def test_a_control_plane_that_was_killed_comes_back_among_its_live_sandboxes(
    engine: docker.DockerClient,
    images: dict[str, str],
    start_paddock: Callable[..., PaddockProcess],
    prober: Prober,
) -> None:
    """
    None takes its address meanwhile. The one that has served is not used again, nor its name known any more; those that
    have served nobody serve now.
    """
    paddock = start_paddock(network_pool_size=2)
    client = paddock.client()
    deploy(client, "survivor", images["behaviours"])
    client.invoke(FunctionName="survivor", Payload=b"{}")
    owner = paddock.owner(engine)
    until(lambda: len(sandboxes(engine, owner)) == 3, "two more are ready")
    network = functions_network(engine, paddock)
    control_plane = gateway_of(network)
    before = sandboxes(engine, owner)
    served = sandbox_of(engine, paddock, "survivor")
    names = {hostname_of(one) for one in before}
    unused = {one.id for one in before} - {served.id}
    paddock.kill()
    assert {one.id for one in sandboxes(engine, owner)} == {one.id for one in before}, "they live on"
    lower, upper = ip_network(network.attrs["IPAM"]["Config"][0]["Subnet"]).subnets(prefixlen_diff=1)
    assert ip_address(control_plane) in lower
    assert all(ip_address(address_of(one)) in upper for one in before)

    paddock.start()
    client = paddock.client()
    assert "FunctionError" not in client.invoke(FunctionName="survivor", Payload=b"{}")
    until(lambda: served.id not in {one.id for one in sandboxes(engine, owner)}, "the one that has served is gone")
    assert gateway_of(functions_network(engine, paddock)) == control_plane
    sandbox = sandbox_of(engine, paddock, "survivor")
    assert sandbox.id in unused
    own = hostname_of(sandbox)
    answers = asked_as(prober, sandbox, control_plane, *names)
    assert answers == {**dict.fromkeys(names, "403"), own: "200"}
