"""
Container specifications in the Docker API's own form. Pure: values in, a dictionary out.

Hardened from the start: no capability, read-only root, non-root user whatever the image names, own limits, no log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.containers.driver import EnvironmentSpec, Sandbox

OWNER = "paddock.owner"
ROLE = "paddock.role"
ENVIRONMENT = "paddock.environment"
FUNCTION = "paddock.function"
VERSION = "paddock.version"

SANDBOX_ROLE = "sandbox"
ENVIRONMENT_ROLE = "environment"

_USER = "993:990"
"""AWS's sbx_user1051."""
_PIDS = 1024
_OPEN_FILES = 1024
_MIB = 1_048_576
_INIT_CPU_SHARES = 1024
_SANDBOX_MEMORY_MIB = 32
_SANDBOX_CAPABILITIES = ("NET_ADMIN", "SETUID", "SETGID", "SETPCAP")


def environment_container(
    spec: EnvironmentSpec, sandbox: Sandbox, *, owner: str, labels: Mapping[str, str]
) -> dict[str, Any]:
    """
    The container of an execution environment, joined to its sandbox.

    It has no CPU quota: that comes after init. /tmp is an anonymous volume: disk, not the function's memory.

    Args:
        owner: Whose containers these are.
        labels: Further labels.
    """
    body: dict[str, Any] = {
        "Image": spec.image_id,
        "User": _USER,
        "Env": [f"{name}={value}" for name, value in spec.environment.items()],
        "AttachStdout": True,
        "AttachStderr": True,
        "Healthcheck": {"Test": ["NONE"]},
        "StopSignal": "SIGTERM",
        "Labels": {
            **labels,
            OWNER: owner,
            ROLE: ENVIRONMENT_ROLE,
            ENVIRONMENT: spec.environment_id,
            FUNCTION: spec.function_name,
            VERSION: spec.function_version,
        },
        "HostConfig": {
            "NetworkMode": f"container:{sandbox.sandbox_id}",
            "IpcMode": "none",
            "ReadonlyRootfs": True,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "PidsLimit": _PIDS,
            "Ulimits": [{"Name": "nofile", "Soft": _OPEN_FILES, "Hard": _OPEN_FILES}],
            "Memory": spec.memory_mib * _MIB,
            "MemorySwap": spec.memory_mib * _MIB,
            "CpuShares": _INIT_CPU_SHARES,
            "Init": False,
            "LogConfig": {"Type": "none"},
            "Mounts": [{"Type": "volume", "Target": "/tmp", "VolumeOptions": {"Labels": {OWNER: owner}}}],
        },
    }
    if spec.entry_point is not None:
        body["Entrypoint"] = list(spec.entry_point)
    if spec.command is not None:
        body["Cmd"] = list(spec.command)
    if spec.working_directory is not None:
        body["WorkingDir"] = spec.working_directory
    return body


def sandbox_container(
    *,
    image: str,
    owner: str,
    network: str,
    hostname: str,
    control_plane: str,
    ruleset: str,
    labels: Mapping[str, str],
) -> dict[str, Any]:
    """
    The container that holds a network namespace behind its firewall.

    Args:
        hostname: The unguessable name for the control plane in its /etc/hosts (D1).
        ruleset: What its entry point loads before it gives up its capabilities.
    """
    return {
        "Image": image,
        "Hostname": "sandbox",
        "Domainname": "localdomain",
        "Env": [f"PADDOCK_RULESET={ruleset}"],
        "AttachStdout": True,
        "AttachStderr": True,
        "Labels": {**labels, OWNER: owner, ROLE: SANDBOX_ROLE},
        "HostConfig": {
            "NetworkMode": network,
            "ExtraHosts": [f"{hostname}:{control_plane}"],
            "ReadonlyRootfs": True,
            "CapDrop": ["ALL"],
            "CapAdd": list(_SANDBOX_CAPABILITIES),
            "SecurityOpt": ["no-new-privileges"],
            "Sysctls": {"net.ipv6.conf.all.disable_ipv6": "1"},
            "PidsLimit": 16,
            "Memory": _SANDBOX_MEMORY_MIB * _MIB,
            "MemorySwap": _SANDBOX_MEMORY_MIB * _MIB,
            "IpcMode": "none",
            "Init": False,
            "LogConfig": {"Type": "none"},
        },
    }


def host_probe_container(*, image: str, owner: str, paths: Sequence[str]) -> dict[str, Any]:
    """An unprivileged one-shot on the host's network that prints these files."""
    return {
        "Image": image,
        "Entrypoint": ["cat"],
        "Cmd": list(paths),
        "User": "65534:65534",
        "AttachStdout": True,
        "AttachStderr": True,
        "Labels": {OWNER: owner, ROLE: "probe"},
        "HostConfig": {
            "NetworkMode": "host",
            "ReadonlyRootfs": True,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "LogConfig": {"Type": "none"},
        },
    }
