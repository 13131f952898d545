"""
The last look at a container before it is created: is it what an execution environment may be?

`spec.py` builds it so. This asks again, of the finished form and by a list of what is allowed, so that neither a
mistake there nor a control plane that was taken over can make a container that reaches the host.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.containers.spec import OWNER
from orchestrator.driver.protocol import EnvironmentSpec, NotHardened

_ENVIRONMENT_ID = re.compile(r"[0-9a-f]{32}")
_IMAGE_ID = re.compile(r"sha256:[0-9a-f]{64}")
_LOOP_DEVICE = re.compile(r"/dev/loop[0-9]{1,6}")
_VOLUME = re.compile(r"paddock-[0-9a-f]+-[0-9a-f]+-[0-9]+")
_SIZE = re.compile(r"[0-9]{1,6}m")
_SUBNET_ID = re.compile(r"subnet-[0-9a-z]{1,64}")
_MOST_SUBNETS = 16
"""AWS: https://docs.aws.amazon.com/lambda/latest/api/API_VpcConfig.html"""
_MEMORY_MIB = range(64, 65_537)
_SCRATCH_MIB = range(64, 65_537)

_TOP = frozenset(
    {
        "Image",
        "User",
        "Env",
        "AttachStdout",
        "AttachStderr",
        "Healthcheck",
        "StopSignal",
        "Labels",
        "HostConfig",
        "Entrypoint",
        "Cmd",
        "WorkingDir",
    }
)
_HOST = frozenset(
    {
        "NetworkMode",
        "IpcMode",
        "ReadonlyRootfs",
        "StorageOpt",
        "CapDrop",
        "SecurityOpt",
        "PidsLimit",
        "Ulimits",
        "Memory",
        "MemorySwap",
        "CpuShares",
        "CpuPeriod",
        "CpuQuota",
        "Init",
        "LogConfig",
        "Mounts",
    }
)


def check_asked_for(spec: EnvironmentSpec) -> None:
    """
    Is this what an environment may be asked for as?

    Raises:
        NotHardened: If an id is none, or a size is out of range.
    """
    _must(_ENVIRONMENT_ID.fullmatch(spec.environment_id), f"{spec.environment_id!r} is no environment id")
    _must(_IMAGE_ID.fullmatch(spec.image_id), f"{spec.image_id!r} is no image id")
    _must(spec.memory_mib in _MEMORY_MIB, f"memory of {spec.memory_mib} MiB is out of range")
    _must(spec.ephemeral_storage_mib in _SCRATCH_MIB, f"/tmp of {spec.ephemeral_storage_mib} MiB is out of range")


def check_subnets_asked_for(subnet_ids: Sequence[str]) -> None:
    """
    Are these such as a sandbox may be asked for in?

    Raises:
        NotHardened: If one is no id of a subnet, or they are none, too many, or not in order.
    """
    for subnet_id in subnet_ids:
        if not _SUBNET_ID.fullmatch(subnet_id):
            raise NotHardened(f"{subnet_id!r} is no id of a subnet")
    if not 1 <= len(subnet_ids) <= _MOST_SUBNETS or list(subnet_ids) != sorted(set(subnet_ids)):
        raise NotHardened(f"a set of subnets has 1 to {_MOST_SUBNETS}, each once and in order")


def check_further_network(found: Mapping[str, Any]) -> None:
    """
    May a sandbox have a place on this network, which somebody gave to functions?

    Args:
        found: As the engine describes it.

    Raises:
        NotHardened: If it is the host's own network, or one on which functions are kept from each other.
    """
    name = found["Name"]
    if found.get("Driver") != "bridge" or found.get("Scope", "local") != "local":
        raise NotHardened(f"functions do not join {name}: it is no bridge of this engine ({found.get('Driver')})")
    if OWNER in (found.get("Labels") or {}):
        raise NotHardened(f"functions do not join {name}: it is a Paddock's own network")


def check_environment(
    form: Mapping[str, Any], *, sandbox_id: str, user: str, files: frozenset[str], has_writable_root: bool
) -> None:
    """
    Is this form, ready for the engine, that of a hardened environment?

    Args:
        sandbox_id: The one that it joins.
        user: The one that it runs as.
        files: Those of the host that may be seen in it, read-only.
        has_writable_root: Was it asked for as one whose root can be written? No other may.

    Raises:
        NotHardened: If anything in it is not allowed, or anything is missing that holds it.
    """
    host = form["HostConfig"]
    _must(form.keys() <= _TOP, f"unknown settings: {sorted(form.keys() - _TOP)}")
    _must(host.keys() <= _HOST, f"settings that reach the host: {sorted(host.keys() - _HOST)}")
    _must(form["User"] == user, "it does not run as the functions' user")
    _must(host["NetworkMode"] == f"container:{sandbox_id}", "it joins another network than its sandbox's")
    _must(host["IpcMode"] == "none", "it shares memory with others")
    _must(host["ReadonlyRootfs"] is not has_writable_root, "its root can be written")
    _must(_is_size(host.get("StorageOpt", {})), "it has options of storage that are no size")
    _must(host["CapDrop"] == ["ALL"], "it keeps capabilities")
    _must("no-new-privileges" in host["SecurityOpt"], "it may gain privileges")
    _must(not any("unconfined" in option for option in host["SecurityOpt"]), "its system calls are not limited")
    _must(0 < host["PidsLimit"] <= 1024, "it may start any number of processes")
    _must(host["Memory"] == host["MemorySwap"] > 0, "its memory has no limit")
    _must(host["CpuPeriod"] > 0 and host["CpuQuota"] > 0, "its processor time has no limit")
    for mount in host["Mounts"]:
        _check_mount(mount, files)


def _is_size(options: Mapping[str, str]) -> bool:
    return options.keys() <= {"size"} and all(_SIZE.fullmatch(size) for size in options.values())


def _check_mount(mount: Mapping[str, Any], files: frozenset[str]) -> None:
    if mount["Type"] == "bind":
        _must(mount["Source"] in files and mount["ReadOnly"] is True, f"it mounts the host's {mount['Source']}")
        return
    _must(mount["Type"] == "volume", f"it has a mount of type {mount['Type']}")
    name = mount.get("Source")
    _must(name is None or _VOLUME.fullmatch(name), f"it mounts the volume {name}, which is no image's")
    driver = mount["VolumeOptions"].get("DriverConfig")
    if driver is not None:
        options = driver["Options"]
        _must(driver["Name"] == "local" and options["type"] == "ext4", "its volume is no scratch disk")
        _must(_LOOP_DEVICE.fullmatch(options["device"]), f"it mounts the device {options['device']}")


def _must(holds: object, otherwise: str) -> None:
    if not holds:
        raise NotHardened(f"this is no execution environment that may be started: {otherwise}")
