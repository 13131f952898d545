"""
What there is to be reached and forged from a sandbox: listeners, each shown to answer somebody, and a prober that
tries.
"""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import docker

from orchestrator.containers.seccomp import profile
from tests.support.host_lock import only_here
from tests.support.paddock_process import PaddockProcess, deploy
from tests.support.waiting import until

INSIDE = 8000
METADATA = "169.254.169.254"
INTERNET = "198.51.100.2"
INTERNET_PORT = 8080
SANDBOX_IMAGE = "paddock/sandbox:latest"
_IP_PKTINFO = 8

Target = tuple[str, str, str, int]
"""Name, `tcp` or `udp`, address, port. An IPv6 address may have the host's interface as its scope."""


@dataclass(frozen=True)
class Ground:
    """
    What there is to be reached.

    Args:
        sandbox: The id of the one to try it from.
        other: Another environment's.
        targets: Whether a function may reach each.
        told: What the prober needs to know for its forgeries.
    """

    paddock: PaddockProcess
    sandbox: str
    other: str
    targets: dict[Target, bool]
    told: dict[str, Any]


class Echo:
    """Answers on TCP and UDP, IPv4 and IPv6, on every address of the host."""

    def __init__(self) -> None:
        self.stream = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        self.port: int = self.stream.getsockname()[1]
        self._datagrams = [self._bound(socket.AF_INET, "0.0.0.0"), self._bound(socket.AF_INET6, "::")]
        self._threads = [threading.Thread(target=_echo, args=(one,), daemon=True) for one in self._datagrams]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Answer no more."""
        for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            with socket.socket(family, socket.SOCK_DGRAM) as last:
                last.sendto(b"", (address, self.port))
        for thread in self._threads:
            thread.join(10)
        for one in (self.stream, *self._datagrams):
            one.close()

    def _bound(self, family: socket.AddressFamily, address: str) -> socket.socket:
        datagrams = socket.socket(family, socket.SOCK_DGRAM)
        if family is socket.AF_INET6:
            datagrams.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        else:
            datagrams.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
        datagrams.bind((address, self.port))
        return datagrams


def _echo(datagrams: socket.socket) -> None:
    """From the address that was asked: another, and the engine's masquerading loses the answer."""
    while True:
        content, asked, _, peer = datagrams.recvmsg(100, socket.CMSG_SPACE(12))
        if not content:
            return
        from_there = [
            (level, kind, b"\0" * 4 + told[4:8] + b"\0" * 4) for level, kind, told in asked if kind == _IP_PKTINFO
        ]
        with contextlib.suppress(OSError):
            datagrams.sendmsg([content], from_there, 0, peer)


def answers(way: str, address: str, port: int) -> bool:
    """The positive control, from the host."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    kind = socket.SOCK_STREAM if way == "tcp" else socket.SOCK_DGRAM
    with socket.socket(family, kind) as connection:
        connection.settimeout(3)
        place = socket.getaddrinfo(address, port, family, kind)[0][4]
        connection.connect(place)
        if way == "udp":
            connection.send(b"anybody there?")
            return connection.recv(100) == b"anybody there?"
        return True


def answers_tcp(address: str, port: int) -> bool:
    """The same, and no is no error."""
    with contextlib.suppress(OSError):
        return answers("tcp", address, port)
    return False


def run(*words: str) -> str:
    """A command of the host."""
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def _forget(*words: str) -> None:
    """What a test that was killed has left; there is none, as a rule."""
    subprocess.run(words, check=False, capture_output=True)


def in_network_of(container: Any, *words: str) -> str:
    """A command of the host, in a container's network namespace."""
    container.reload()
    return run("nsenter", "--net", f"--target={container.attrs['State']['Pid']}", *words)


@contextlib.contextmanager
def metadata_address() -> Iterator[None]:
    """The cloud's address, on this host for a while."""
    with only_here("metadata-address"):
        _forget("ip", "address", "del", f"{METADATA}/32", "dev", "lo")
        run("ip", "address", "add", f"{METADATA}/32", "dev", "lo")
        try:
            yield
        finally:
            run("ip", "address", "del", f"{METADATA}/32", "dev", "lo")


@contextlib.contextmanager
def stand_in_internet() -> Iterator[None]:
    """A public address behind this host, in a network namespace of its own, where somebody listens."""
    with only_here("internet"), _internet():
        yield


@contextlib.contextmanager
def _internet() -> Iterator[None]:
    # A link lives on with whoever still listens in a namespace that has no name any more.
    _forget("ip", "link", "del", "pd-inet0")
    _forget("ip", "netns", "del", "paddock-internet")
    run("ip", "netns", "add", "paddock-internet")
    try:
        run("ip", "link", "add", "pd-inet0", "type", "veth", "peer", "name", "pd-inet1", "netns", "paddock-internet")
        run("ip", "address", "add", "198.51.100.1/24", "dev", "pd-inet0")
        run("ip", "link", "set", "pd-inet0", "up")
        inside = ("ip", "netns", "exec", "paddock-internet")
        run(*inside, "ip", "address", "add", f"{INTERNET}/24", "dev", "pd-inet1")
        run(*inside, "ip", "link", "set", "pd-inet1", "up")
        run(*inside, "ip", "link", "set", "lo", "up")
        run(*inside, "ip", "route", "add", "default", "via", "198.51.100.1")
        server = subprocess.Popen(
            [*inside, "python3", "-m", "http.server", str(INTERNET_PORT)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            until(lambda: answers_tcp(INTERNET, INTERNET_PORT), "the stand-in internet answers")
            yield
        finally:
            server.terminate()
            server.wait(10)
    finally:
        run("ip", "netns", "del", "paddock-internet")


class Prober:
    """Runs the prober in a sandbox, hardened as a function is but for its uid."""

    def __init__(self, engine: docker.DockerClient, image: str) -> None:
        self._engine = engine
        self._image = image

    def start(self, sandbox: str, told: dict[str, Any], user: str) -> Any:
        """Started, not waited for."""
        return self._engine.containers.run(
            self._image,
            [json.dumps(told)],
            detach=True,
            network_mode=f"container:{sandbox}",
            user=user,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges", f"seccomp={profile('x86_64')}"],
            read_only=True,
            tmpfs={"/tmp": ""},
        )

    def beside(self, network: str, told: dict[str, Any], **options: Any) -> Any:
        """Started on a network itself, without a sandbox or any firewall."""
        return self._engine.containers.run(self._image, [json.dumps(told)], detach=True, network=network, **options)

    def ask(self, sandbox: str, told: dict[str, Any], user: str) -> Any:
        """What it found."""
        container = self.start(sandbox, told, user)
        try:
            assert container.wait(timeout=120)["StatusCode"] == 0, container.logs().decode()
            return json.loads(container.logs(stderr=False))
        finally:
            container.remove(force=True)


def sandbox_of(engine: docker.DockerClient, paddock: PaddockProcess, function: str) -> Any:
    """The sandbox's container of a function's environment."""
    (container,) = paddock.containers(engine, function)
    return engine.containers.get(container.attrs["HostConfig"]["NetworkMode"].removeprefix("container:"))


def address_of(sandbox: Any) -> str:
    """Its address on the functions' network."""
    (network,) = [one for name, one in sandbox.attrs["NetworkSettings"]["Networks"].items() if "zz-paddock" in name]
    address: str = network["IPAddress"]
    return address


def hostname_of(sandbox: Any) -> str:
    """The name under which its environment asks for work."""
    (name,) = [one.split(":")[0] for one in sandbox.attrs["HostConfig"]["ExtraHosts"]]
    hostname: str = name
    return hostname


def functions_network(engine: docker.DockerClient, paddock: PaddockProcess) -> Any:
    """The functions' network."""
    (network,) = engine.networks.list(filters={"label": f"paddock.owner={paddock.owner(engine)}"})
    return network


def gateway_of(network: Any) -> str:
    """The host's address on a network."""
    gateway: str = network.attrs["IPAM"]["Config"][0].get("Gateway", "172.17.0.1")
    return gateway


def own_address() -> str:
    """Of the interface towards the internet; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        address: str = probe.getsockname()[0]
        return address


def link_local(listed: str, beside: str) -> tuple[str, str] | None:
    """
    The IPv6 address of the interface that has an IPv4 address, and its name; None where there is no IPv6.

    Args:
        listed: What `ip -json address show` said.
    """
    for interface in json.loads(listed):
        held = [one["local"] for one in interface["addr_info"] if "local" in one]
        local = [one for one in held if one.startswith("fe80")]
        if beside in held and local:
            return local[0], interface["ifname"]
    return None


@contextlib.contextmanager
def laid_out(
    engine: docker.DockerClient, images: dict[str, str], prober: Prober, paddock: PaddockProcess
) -> Iterator[Ground]:
    """The ground of a control plane that runs; it is ended with it, in order."""
    with contextlib.ExitStack() as afterwards:
        afterwards.callback(_ended, paddock)
        echo = afterwards.enter_context(contextlib.closing(Echo()))
        yield _lay_out(engine, images, prober, paddock, echo, afterwards)


def _ended(paddock: PaddockProcess) -> None:
    assert paddock.terminate() == 0, paddock.log()[-4000:]


def _lay_out(
    engine: docker.DockerClient,
    images: dict[str, str],
    prober: Prober,
    paddock: PaddockProcess,
    echo: Echo,
    afterwards: contextlib.ExitStack,
) -> Ground:
    """Two environments, listeners in one and on the host and beside them; every one is shown to answer somebody."""
    client = paddock.client()
    for name in ("mine", "other"):
        deploy(client, name, images["behaviours"])
        client.invoke(FunctionName=name, Payload=b"{}")
    mine, other = sandbox_of(engine, paddock, "mine"), sandbox_of(engine, paddock, "other")
    listener = prober.start(other.id, {"listen": INSIDE}, "993:990")
    afterwards.callback(listener.remove, force=True)
    until(lambda: b"listening" in listener.logs(), "the other environment listens")
    network = functions_network(engine, paddock)
    gateway = gateway_of(network)
    docker0 = gateway_of(engine.networks.get("bridge"))
    targets: dict[Target, bool] = {}
    for place, address in (("gateway", gateway), ("docker0", docker0), ("host", own_address()), ("metadata", METADATA)):
        targets[(f"front port on {place}", "tcp", address, paddock.port)] = False
        for way in ("tcp", "udp"):
            targets[(f"host's listener on {place}", way, address, echo.port)] = False
    bridge = link_local(run("ip", "-json", "address", "show"), gateway)
    neighbour = _neighbour(prober, network.name, afterwards)
    if bridge is not None:
        for way in ("tcp", "udp"):
            targets[("host's listener on the bridge, IPv6", way, "%".join(bridge), echo.port)] = False
    for name, way, address, port in targets:
        assert answers(way, address, port), f"{name} at {address} does not answer even the host"
    for way in ("tcp", "udp"):
        targets[("another environment", way, address_of(other), INSIDE)] = False
    _reaches_itself(prober, other, address_of(other))
    if neighbour is not None:
        for way in ("tcp", "udp"):
            targets[("a neighbour on the network, IPv6", way, f"{neighbour}%eth0", INSIDE)] = False
    targets[("Runtime API", "tcp", gateway, 9001)] = True
    targets[("stand-in internet", "tcp", INTERNET, INTERNET_PORT)] = True
    told = {
        "control_plane": gateway,
        "runtime_port": 9001,
        "other_address": address_of(other),
        "other_hostname": hostname_of(other),
        "listening": INSIDE,
    }
    return Ground(paddock, mine.id, other.id, targets, told)


def _reaches_itself(prober: Prober, place: Any, address: str) -> None:
    """The positive control of what even the host may not reach."""
    wanted = [["itself", way, address, INSIDE] for way in ("tcp", "udp")]
    found = prober.ask(place.id, {"reach": wanted}, "0:0")["reached"]
    assert set(found.values()) == {"reached"}, found


def _neighbour(prober: Prober, network: str, afterwards: contextlib.ExitStack) -> str | None:
    """A container beside the sandboxes, with no firewall of its own, where IPv6 was switched on: its address."""
    container = prober.beside(network, {"listen": INSIDE})
    afterwards.callback(container.remove, force=True)
    until(lambda: b"listening" in container.logs(), "the neighbour listens")
    if not has_ipv6():
        return None
    address = switch_ipv6_on(container)
    _reaches_itself(prober, container, f"{address}%eth0")
    return address


def switch_ipv6_on(container: Any) -> str:
    """As if the engine had never switched it off; the address that it then has on its link."""
    in_network_of(container, "sh", "-c", "for one in /proc/sys/net/ipv6/conf/*/disable_ipv6; do echo 0 >$one; done")
    container.reload()
    (place,) = container.attrs["NetworkSettings"]["Networks"].values()

    def found() -> tuple[str, str] | None:
        return link_local(in_network_of(container, "ip", "-json", "address", "show", "-tentative"), place["IPAddress"])

    return until(found, "it has an IPv6 address")[0]


def has_ipv6() -> bool:
    """Does this host have it at all?"""
    return bool(run("ip", "-6", "address", "show", "dev", "lo").strip())


def reach(targets: dict[Target, bool]) -> list[list[object]]:
    """As the prober is told. In the sandbox the scope of an IPv6 address is its own interface's."""
    return [
        [name, way, address.partition("%")[0] + ("%eth0" if "%" in address else ""), port]
        for name, way, address, port in targets
    ]


def allowed(targets: dict[Target, bool]) -> set[str]:
    """The names of those that may be reached, as the prober answers with them."""
    return {f"{name} {way}" for (name, way, _, _), may in targets.items() if may}


def table(found: dict[str, str], may: set[str]) -> list[str]:
    """Lines of it, each with its verdict."""
    return [
        f"{name:48} {answer:14} {'as it must be' if (answer == 'reached') == (name in may) else 'WRONG'}"
        for name, answer in found.items()
    ]
