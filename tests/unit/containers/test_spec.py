"""What an environment's container may do, as the engine is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestrator.containers.seccomp import profile
from orchestrator.containers.spec import OfTheImage, environment_container
from orchestrator.driver.protocol import Sandbox
from tests.support.builders import a_spec


def built(
    device: str | None = "/dev/loop7",
    has_writable_root: bool = False,
    root_size_mib: int | None = None,
    memory_mib: int = 128,
    **image: Any,
) -> dict[str, Any]:
    """The specification of an ordinary environment."""
    spec = a_spec(environment={"A": "1"}, has_writable_root=has_writable_root, memory_mib=memory_mib)
    sandbox = Sandbox(sandbox_id="s" * 64, hostname="rt-a", address="10.0.0.5")
    return environment_container(
        spec,
        sandbox,
        owner="me",
        labels={},
        seccomp=profile("x86_64"),
        image=OfTheImage(**image),
        scratch_device=device,
        root_size_mib=root_size_mib,
    )


def test_it_has_no_privilege_of_any_kind() -> None:
    """Whatever the image says."""
    host = built()["HostConfig"]
    assert built()["User"] == "993:990"
    assert host["CapDrop"] == ["ALL"]
    assert "CapAdd" not in host
    assert host["ReadonlyRootfs"]
    assert host["SecurityOpt"][0] == "no-new-privileges"
    assert not host.get("Privileged")
    assert not host.get("Devices")
    assert host["Memory"] == host["MemorySwap"] == 128 * 1_048_576
    assert host["PidsLimit"] == 1024
    assert host["CpuQuota"] == host["CpuPeriod"] == 100_000


@pytest.mark.parametrize(("memory_mib", "period_us"), [(128, 100_000), (512, 25_000), (1024, 20_000)])
def test_it_begins_with_a_whole_processor_in_the_periods_of_its_memory(memory_mib: int, period_us: int) -> None:
    """What it has in each of them is made less when its init is over; they stay."""
    host = built(memory_mib=memory_mib)["HostConfig"]
    assert host["CpuQuota"] == host["CpuPeriod"] == period_us


def test_what_the_image_reaches_without_a_proxy_is_kept_and_the_runtime_api_added() -> None:
    """An image for a company's network names its hosts there; of its other variables the engine takes care."""
    environment = built(no_proxy={"NO_PROXY": "corp.example,10.0.0.0/8"})["Env"]
    assert "NO_PROXY=corp.example,10.0.0.0/8,rt-a" in environment
    assert "no_proxy=rt-a" in environment


def test_a_writable_root_is_that_and_nothing_more() -> None:
    """Everything else stays as it is; where the engine can bound it, it is bound."""
    ordinary, writable = built(), built(has_writable_root=True, root_size_mib=600)
    assert writable["HostConfig"].pop("StorageOpt") == {"size": "600m"}
    assert writable["HostConfig"].pop("ReadonlyRootfs") is False
    assert writable["Labels"].pop("paddock.writable-root") == "true"
    ordinary["HostConfig"].pop("ReadonlyRootfs")
    assert writable == ordinary


def test_tmp_is_a_disk_of_its_own() -> None:
    """Or, where the host has none, a volume: never memory."""
    (mount,) = built()["HostConfig"]["Mounts"]
    assert mount["VolumeOptions"]["DriverConfig"]["Options"]["device"] == "/dev/loop7"
    assert "nosuid,nodev" in mount["VolumeOptions"]["DriverConfig"]["Options"]["o"]
    (mount,) = built(device=None)["HostConfig"]["Mounts"]
    assert mount == {"Type": "volume", "Target": "/tmp", "VolumeOptions": {"Labels": {"paddock.owner": "me"}}}


def test_volumes_of_the_image_are_shown_and_not_written() -> None:
    """But /tmp is the function's own, also where the image makes it a volume."""
    mounts = {one["Target"]: one for one in built(volumes={"/data": "of-the-image"})["HostConfig"]["Mounts"]}
    assert set(mounts) == {"/tmp", "/data"}
    assert mounts["/data"]["Source"] == "of-the-image"
    assert mounts["/data"]["ReadOnly"]
    assert not mounts["/tmp"].get("ReadOnly")


def test_files_of_the_host_are_mounted_to_be_read() -> None:
    """Never to be written."""
    (mount,) = [
        one for one in built(files={"/etc/passwd": "/host/passwd"})["HostConfig"]["Mounts"] if one["Type"] == "bind"
    ]
    assert mount == {"Type": "bind", "Source": "/host/passwd", "Target": "/etc/passwd", "ReadOnly": True}


def test_the_system_calls_are_an_allow_list_without_what_escapes() -> None:
    """Names that would change the host or see into other processes are not in it."""
    text = profile("x86_64")
    assert text is not None
    document = json.loads(text)
    assert document["defaultAction"] == "SCMP_ACT_ERRNO"
    plain = {name for rule in document["syscalls"] if not rule.get("args") for name in rule["names"]}
    for name in ("mount", "bpf", "setns", "unshare", "kexec_load", "open_by_handle_at", "keyctl", "socketcall"):
        assert name not in plain
    for name in ("read", "openat2", "futex_waitv", "rseq", "membarrier", "statx", "execveat"):
        assert name in plain
    conditions = {rule["names"][0]: rule for rule in document["syscalls"] if rule.get("args")}
    assert conditions["socket"]["args"] == [{"index": 0, "value": 40, "op": "SCMP_CMP_NE"}]
    assert profile("s390x") is None
