"""What we must know of the host: its addresses and DNS servers, read by an unprivileged one-shot, and its limits."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from docker.errors import NotFound

from orchestrator.containers.engine import Engine
from orchestrator.containers.one_shots import output_of
from orchestrator.containers.seccomp import profile
from orchestrator.containers.spec import host_probe_container
from orchestrator.driver.protocol import ImageNotFound

log: structlog.stdlib.BoundLogger = structlog.get_logger()

_PROBED_FILES = ("/proc/net/fib_trie", "/etc/resolv.conf")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostView:
    """
    Args:
        addresses: The host's own IPv4 addresses.
        dns_servers: The IPv4 servers it asks.
    """

    addresses: tuple[str, ...]
    dns_servers: tuple[str, ...]


async def look_at_host(engine: Engine, *, image: str, owner: str, name: str) -> HostView:
    """
    Read the host's routing table and resolver.

    Args:
        image: The sandbox image.
        name: The one-shot's.

    Raises:
        ImageNotFound: If the sandbox image is not there.
    """
    specification = host_probe_container(image=image, owner=owner, paths=_PROBED_FILES)
    try:
        files = await output_of(engine, specification, name)
    except NotFound as error:
        raise ImageNotFound(
            f"the sandbox image {image} is not here; build it with `make base-images`, or set PADDOCK_SANDBOX_IMAGE"
        ) from error
    return HostView(addresses=host_addresses(files), dns_servers=dns_servers(files))


def seccomp_profile(engine: Engine) -> str | None:
    """The profile for functions on this engine's host; None where system calls cannot be limited."""
    if any("seccomp" in option for option in engine.about.get("SecurityOptions") or ()):
        return profile(engine.about["Architecture"])
    log.warning("seccomp.missing", remedy="use an engine that is built with seccomp: system calls are not limited")
    return None


def host_addresses(fib_trie: str) -> tuple[str, ...]:
    """The host's own IPv4 addresses, from /proc/net/fib_trie."""
    found: set[str] = set()
    address = ""
    for line in fib_trie.splitlines():
        words = line.split()
        if len(words) >= 2 and words[0] in ("|--", "+--"):
            address = words[1]
        elif "/32 host LOCAL" in line:
            found.add(address)
    return tuple(sorted(found))


def dns_servers(resolv_conf: str) -> tuple[str, ...]:
    """The IPv4 servers of a resolv.conf."""
    servers = []
    for line in resolv_conf.splitlines():
        words = line.split()
        if len(words) == 2 and words[0] == "nameserver" and ":" not in words[1]:
            servers.append(words[1])
    return tuple(servers)
