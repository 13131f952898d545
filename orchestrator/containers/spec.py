"""
Container specifications in the Docker API's own form. Pure: values in, a dictionary out.

Hardened from the start: no capability, read-only root, non-root user whatever the image names, own limits, no log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestrator.containers.accounts import GROUP_ID, USER_ID
from orchestrator.domain.processor_time import cpu_period_us, init_cpu_quota_us
from orchestrator.driver.protocol import EnvironmentSpec, Sandbox

OWNER = "paddock.owner"
LIFE = "paddock.life"
ROLE = "paddock.role"
ENVIRONMENT = "paddock.environment"
FUNCTION = "paddock.function"
VERSION = "paddock.version"
WRITABLE_ROOT = "paddock.writable-root"

CONTROL_PLANE_ROLE = "control-plane"
SANDBOX_ROLE = "sandbox"
ENVIRONMENT_ROLE = "environment"

USER = f"{USER_ID}:{GROUP_ID}"
"""AWS's sbx_user1051."""
TMP = "/tmp"
NO_PROXY = ("NO_PROXY", "no_proxy")
_SCRATCH_MOUNT = "nosuid,nodev,discard,noinit_itable,nobarrier"
"""
`discard`: what a function deletes frees the host's disk at once. `nobarrier`: what it syncs is as lost after a crash as
what it does not, and need not wait for the host's disk, nor make others wait. Programs may run from it, as on AWS.
"""
_PIDS = 1024
_OPEN_FILES = 1024
_MIB = 1_048_576
_CPU_SHARES = 1024
_SANDBOX_MEMORY_MIB = 32
_SANDBOX_CAPABILITIES = ("NET_ADMIN", "SETUID", "SETGID", "SETPCAP")
_NOBODY = "65534:65534"
_HOLD_ONLY = ("sh", "-c", "echo ready && exec catatonit -P")


@dataclass(frozen=True, slots=True, kw_only=True)
class OfTheImage:
    """
    What a specification has because of the image.

    Args:
        volumes: The volume for each of its VOLUMEs, by its place. It shows what the image has there, as on AWS, and
            nothing can be written.
        files: Files of the host, by their place in the container.
        no_proxy: Its variables that name who is reached without a proxy.
    """

    volumes: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    no_proxy: Mapping[str, str] = field(default_factory=dict)


def environment_container(
    spec: EnvironmentSpec,
    sandbox: Sandbox,
    *,
    owner: str,
    labels: Mapping[str, str],
    seccomp: str | None,
    image: OfTheImage,
    scratch_device: str | None,
    root_size_mib: int | None = None,
) -> dict[str, Any]:
    """
    The container of an execution environment, joined to its sandbox.

    Its CPU quota is that of an init; the function's own comes after it.

    Args:
        owner: Whose containers these are.
        labels: Further labels.
        scratch_device: Of its /tmp; None makes that a volume without a size of its own. Either is disk, not memory.
        seccomp: Which system calls it may make (`seccomp.py`); None leaves that to the engine.
        root_size_mib: How much it may write outside /tmp, if it may and the engine can bound that.
    """
    # Go and curl would send what is for the Runtime API to a proxy.
    no_proxy = {
        name: ",".join(filter(None, (spec.environment.get(name, image.no_proxy.get(name)), sandbox.hostname)))
        for name in NO_PROXY
    }
    variables = {**spec.environment, **no_proxy}
    body: dict[str, Any] = {
        "Image": spec.image_id,
        "User": USER,
        "Env": [f"{name}={value}" for name, value in variables.items()],
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
            "ReadonlyRootfs": not spec.has_writable_root,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges", *([f"seccomp={seccomp}"] if seccomp else [])],
            "PidsLimit": _PIDS,
            "Ulimits": [{"Name": "nofile", "Soft": _OPEN_FILES, "Hard": _OPEN_FILES}],
            "Memory": spec.memory_mib * _MIB,
            "MemorySwap": spec.memory_mib * _MIB,
            "CpuShares": _CPU_SHARES,
            "CpuPeriod": cpu_period_us(spec.memory_mib),
            "CpuQuota": init_cpu_quota_us(spec.memory_mib),
            "Init": False,
            "LogConfig": {"Type": "none"},
            "Mounts": [_temporary(scratch_device, owner), *_mounts(image, owner)],
        },
    }
    if spec.has_writable_root:
        body["Labels"][WRITABLE_ROOT] = "true"
    if root_size_mib is not None:
        body["HostConfig"]["StorageOpt"] = _sized(root_size_mib)
    if spec.entry_point is not None:
        body["Entrypoint"] = list(spec.entry_point)
    if spec.command is not None:
        body["Cmd"] = list(spec.command)
    if spec.working_directory is not None:
        body["WorkingDir"] = spec.working_directory
    return body


def _sized(mib: int) -> dict[str, str]:
    return {"size": f"{mib}m"}


def _temporary(device: str | None, owner: str) -> dict[str, Any]:
    options: dict[str, Any] = {"Labels": {OWNER: owner}}
    if device is not None:
        options["NoCopy"] = True
        options["DriverConfig"] = {
            "Name": "local",
            "Options": {"type": "ext4", "device": device, "o": _SCRATCH_MOUNT},
        }
    return {"Type": "volume", "Target": TMP, "VolumeOptions": options}


def _mounts(image: OfTheImage, owner: str) -> list[dict[str, Any]]:
    files = [
        {"Type": "bind", "Source": source, "Target": target, "ReadOnly": True} for target, source in image.files.items()
    ]
    return [*image_volumes(image.volumes, owner), *files]


def image_volumes(volumes: Mapping[str, str], owner: str) -> list[dict[str, Any]]:
    """The mounts of an image's VOLUMEs."""
    return [
        {
            "Type": "volume",
            "Source": name,
            "Target": path,
            "ReadOnly": True,
            "VolumeOptions": {"Labels": {OWNER: owner}},
        }
        for path, name in volumes.items()
    ]


def sandbox_container(
    *,
    image: str,
    owner: str,
    network: str,
    hostname: str,
    control_plane: str,
    ruleset: str | None,
    labels: Mapping[str, str],
) -> dict[str, Any]:
    """
    The container that holds a network namespace behind its firewall.

    Args:
        hostname: The unguessable name for the control plane in its /etc/hosts (D1).
        ruleset: What its entry point loads before it gives up its capabilities; None if the firewall is elsewhere:
            then it has none to give up.
    """
    if ruleset is None:
        holding: dict[str, Any] = {"Entrypoint": list(_HOLD_ONLY), "User": _NOBODY}
        capabilities: tuple[str, ...] = ()
    else:
        holding = {"Env": [f"PADDOCK_RULESET={ruleset}"]}
        capabilities = _SANDBOX_CAPABILITIES
    return {
        "Image": image,
        "Hostname": "sandbox",
        "Domainname": "localdomain",
        **holding,
        "AttachStdout": True,
        "AttachStderr": True,
        "Labels": {**labels, OWNER: owner, ROLE: SANDBOX_ROLE},
        "HostConfig": {
            "NetworkMode": network,
            "ExtraHosts": [f"{hostname}:{control_plane}"],
            "ReadonlyRootfs": True,
            "CapDrop": ["ALL"],
            "CapAdd": list(capabilities),
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
    return _one_shot(
        image=image,
        owner=owner,
        role="probe",
        words=["cat", *paths],
        user=_NOBODY,
        host={"NetworkMode": "host"},
    )


def host_firewall_container(*, image: str, owner: str, script: str, arguments: Sequence[str]) -> dict[str, Any]:
    """
    A one-shot with the right to the host's network rules, and no other.

    Args:
        script: For the shell; it has the arguments as $1, $2 …
    """
    return _one_shot(
        image=image,
        owner=owner,
        role="host-firewall",
        words=["sh", "-c", script, "host-firewall", *arguments],
        user="0:0",
        host={"NetworkMode": "host", "CapAdd": ["NET_ADMIN"]},
    )


def scratch_container(*, image: str, owner: str, folder: str, arguments: Sequence[str]) -> dict[str, Any]:
    """
    A one-shot that attaches files to loop devices (`scratch-disks` in the sandbox image).

    Args:
        folder: On the host.
    """
    control = "/dev/loop-control"
    return _one_shot(
        image=image,
        owner=owner,
        role="scratch",
        words=["/scratch-disks", *arguments],
        user="0:0",
        host={
            "NetworkMode": "none",
            "Tmpfs": {"/tmp": "size=1m"},
            "CapAdd": ["MKNOD"],
            "Devices": [{"PathOnHost": control, "PathInContainer": control, "CgroupPermissions": "rw"}],
            "DeviceCgroupRules": ["b 7:* rwm"],
            "Mounts": [{"Type": "bind", "Source": folder, "Target": "/scratch"}],
        },
    )


def sized_container(*, image: str, owner: str) -> dict[str, Any]:
    """One that is never started: does the engine take a size for what a container writes?"""
    return _one_shot(
        image=image, owner=owner, role="sized", words=["-"], user=USER, host={"StorageOpt": _sized(_SANDBOX_MEMORY_MIB)}
    )


def reach_container(*, image: str, owner: str, sandbox: Sandbox, targets: Sequence[str]) -> dict[str, Any]:
    """A one-shot in a sandbox, as a function would be there, that tries to connect (`reach` in the sandbox image)."""
    return _one_shot(
        image=image,
        owner=owner,
        role="self-test",
        words=["/reach", *targets],
        user=USER,
        host={"NetworkMode": f"container:{sandbox.sandbox_id}"},
    )


def _one_shot(
    *, image: str, owner: str, role: str, words: Sequence[str], user: str, host: Mapping[str, Any]
) -> dict[str, Any]:
    """
    A hardened container that does one thing.

    Args:
        words: The program and its arguments.
        host: What its HostConfig has besides.
    """
    return {
        "Image": image,
        "Entrypoint": [words[0]],
        "Cmd": list(words[1:]),
        "User": user,
        "AttachStdout": True,
        "AttachStderr": True,
        "Labels": {OWNER: owner, ROLE: role},
        "HostConfig": {
            "ReadonlyRootfs": True,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "LogConfig": {"Type": "none"},
            **host,
        },
    }
