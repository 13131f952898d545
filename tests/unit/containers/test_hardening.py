"""A container that is no hardened environment is not created, whoever asks and however its form came about."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.containers.hardening import check_asked_for, check_environment
from orchestrator.containers.spec import USER
from orchestrator.driver.protocol import NotHardened
from tests.support.builders import a_spec
from tests.unit.containers.test_spec import built

PASSWD = "/data/accounts/passwd"
Change = Callable[[dict[str, Any]], object]


def check(form: dict[str, Any], has_writable_root: bool = False) -> None:
    """In the sandbox it was built for, with one file of the host."""
    check_environment(
        form, sandbox_id="s" * 64, user=USER, files=frozenset({PASSWD}), has_writable_root=has_writable_root
    )


def test_what_the_specification_builds_passes() -> None:
    """With every kind of mount that there is."""
    volumes = {"/var/lib/x": "paddock-0123456789ab-0123456789ab-0"}
    check(built(volumes=volumes, files={"/etc/passwd": PASSWD}))
    check(built(device=None))
    check(built(has_writable_root=True, root_size_mib=512), has_writable_root=True)


REFUSED: dict[str, Change] = {
    "privileged": lambda form: form["HostConfig"].update(Privileged=True),
    "the host's network": lambda form: form["HostConfig"].update(NetworkMode="host"),
    "another container's network": lambda form: form["HostConfig"].update(NetworkMode="container:" + "d" * 64),
    "a network of its own": lambda form: form["HostConfig"].update(NetworkMode="bridge"),
    "the host's processes": lambda form: form["HostConfig"].update(PidMode="host"),
    "the host's users": lambda form: form["HostConfig"].update(UsernsMode="host"),
    "the host's memory": lambda form: form["HostConfig"].update(IpcMode="host"),
    "the host's name": lambda form: form["HostConfig"].update(UTSMode="host"),
    "a bind": lambda form: form["HostConfig"].update(Binds=["/:/host"]),
    "another container's volumes": lambda form: form["HostConfig"].update(VolumesFrom=["db"]),
    "a mount of the host": lambda form: form["HostConfig"]["Mounts"].append(
        {"Type": "bind", "Source": "/", "Target": "/host", "ReadOnly": True}
    ),
    "a writable account file": lambda form: form["HostConfig"]["Mounts"].append(
        {"Type": "bind", "Source": PASSWD, "Target": "/etc/passwd", "ReadOnly": False}
    ),
    "somebody's volume": lambda form: form["HostConfig"]["Mounts"].append(
        {"Type": "volume", "Source": "database", "Target": "/x", "VolumeOptions": {}}
    ),
    "a disk of the host": lambda form: form["HostConfig"]["Mounts"][0]["VolumeOptions"]["DriverConfig"][
        "Options"
    ].update(device="/dev/sda1"),
    "a file system of the network": lambda form: form["HostConfig"]["Mounts"][0]["VolumeOptions"]["DriverConfig"][
        "Options"
    ].update(type="nfs"),
    "a tmpfs": lambda form: form["HostConfig"]["Mounts"].append({"Type": "tmpfs", "Target": "/x"}),
    "devices": lambda form: form["HostConfig"].update(Devices=[{"PathOnHost": "/dev/sda"}]),
    "a right to devices": lambda form: form["HostConfig"].update(DeviceCgroupRules=["a *:* rwm"]),
    "a capability": lambda form: form["HostConfig"].update(CapAdd=["SYS_ADMIN"]),
    "capabilities kept": lambda form: form["HostConfig"].update(CapDrop=[]),
    "new privileges": lambda form: form["HostConfig"].update(SecurityOpt=[]),
    "all system calls": lambda form: form["HostConfig"]["SecurityOpt"].append("seccomp=unconfined"),
    "no apparmor": lambda form: form["HostConfig"]["SecurityOpt"].append("apparmor=unconfined"),
    "a runtime of its own": lambda form: form["HostConfig"].update(Runtime="other"),
    "a kernel setting": lambda form: form["HostConfig"].update(Sysctls={"kernel.core_pattern": "|/x"}),
    "another cgroup": lambda form: form["HostConfig"].update(CgroupParent="/"),
    "a published port": lambda form: form["HostConfig"].update(PortBindings={"80/tcp": [{}]}),
    "a restart policy": lambda form: form["HostConfig"].update(RestartPolicy={"Name": "always"}),
    "root": lambda form: form.update(User="0:0"),
    "a writable root": lambda form: form["HostConfig"].update(ReadonlyRootfs=False),
    "memory without a limit": lambda form: form["HostConfig"].update(Memory=0, MemorySwap=0),
    "swap": lambda form: form["HostConfig"].update(MemorySwap=-1),
    "processor time without a limit": lambda form: form["HostConfig"].update(CpuQuota=-1),
    "processes without a limit": lambda form: form["HostConfig"].update(PidsLimit=-1),
    "a network configuration": lambda form: form.update(NetworkingConfig={"EndpointsConfig": {"host": {}}}),
    "options of storage": lambda form: form["HostConfig"].update(StorageOpt={"overlay2.size": "1g"}),
    "a size of storage that is none": lambda form: form["HostConfig"].update(StorageOpt={"size": "all"}),
    "volumes of the image's own": lambda form: form.update(Volumes={"/x": {}}),
}


@pytest.mark.parametrize("change", REFUSED.values(), ids=REFUSED.keys())
def test_what_reaches_further_is_refused(change: Change) -> None:
    """One change to a form that passes."""
    form = copy.deepcopy(built())
    check(form)
    change(form)
    with pytest.raises(NotHardened, match="no execution environment that may be started"):
        check(form)


def test_only_who_was_asked_for_with_a_writable_root_has_one() -> None:
    """Neither a mistake nor a change to the form gives it to another; and it is nothing but that."""
    with pytest.raises(NotHardened, match="its root can be written"):
        check(built(has_writable_root=True))
    with pytest.raises(NotHardened, match="its root can be written"):
        check(built(), has_writable_root=True)
    form = built(has_writable_root=True)
    form["HostConfig"].update(CapDrop=[])
    with pytest.raises(NotHardened, match="it keeps capabilities"):
        check(form, has_writable_root=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"environment_id": "../../etc"},
        {"environment_id": ""},
        {"image_id": "alpine"},
        {"image_id": "sha256:" + "a" * 63 + "/"},
        {"memory_mib": 0},
        {"memory_mib": -1},
        {"memory_mib": 10**9},
        {"ephemeral_storage_mib": 10**9},
    ],
    ids=str,
)
def test_what_is_no_id_and_no_size_is_refused_before_anything_is_made(changes: dict[str, Any]) -> None:
    """Ids become parts of names and paths."""
    check_asked_for(a_spec())
    with pytest.raises(NotHardened):
        check_asked_for(a_spec(**changes))
