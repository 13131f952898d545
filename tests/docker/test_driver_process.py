"""The process that holds the Docker socket: what a control plane that was taken over could make of it, and its end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import docker
import pytest
from msgspec import msgpack
from msgspec.structs import replace

from orchestrator.clock import SystemClock
from orchestrator.driver import messages
from orchestrator.driver.channel import take_second_socket
from orchestrator.driver.launch import ListeningDriver
from orchestrator.driver.protocol import EnvironmentSpec, ImageNotFound, NotHardened, Sandbox, StartFailed
from orchestrator.driver.remote import RemoteDriver
from tests.support.builders import a_spec
from tests.support.footprint import process
from tests.support.paddock_process import PaddockProcess, children, deploy
from tests.support.waiting import until

_ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
async def taken_over(engine: docker.DockerClient, tmp_path: Path) -> AsyncIterator[RemoteDriver]:
    """Whoever has the control plane's end of the driver's socket, and nothing else."""
    path = tmp_path / "driver.sock"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "orchestrator", "driver"),
        env={
            **os.environ,
            "PADDOCK_DRIVER_SOCKET": str(path),
            "PADDOCK_DRIVER_DIR": str(tmp_path / "driver"),
            "PADDOCK_NETWORK_POOL_SIZE": "1",
        },
        cwd=_ROOT,
    )
    driver = RemoteDriver(ListeningDriver(path), SystemClock())
    await driver.start(None)
    yield driver
    await driver.close()
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 30) == 0
    assert not path.exists()
    owner = (tmp_path / "driver" / "owner").read_text().strip()
    assert not engine.containers.list(all=True, filters={"label": f"paddock.owner={owner}"})
    assert not engine.networks.list(filters={"label": f"paddock.owner={owner}"})


def spec_of(image_id: str) -> EnvironmentSpec:
    """An ordinary environment that waits for work that never comes."""
    return a_spec(
        environment_id="0123456789abcdef" * 2,
        function_name="taken-over",
        image_id=image_id,
        entry_point=("/bin/sleep", "600"),
        command=(),
        environment={"A": "1"},
    )


class Refusals:
    """What a control plane that was taken over asks for, and what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    async def of(self, name: str, attempt: Awaitable[object], kind: type[Exception], words: str) -> None:
        """This is refused, in this way."""
        with pytest.raises(kind, match=words) as refused:
            await attempt
        self.lines.append(f"{name:52} {kind.__name__}: {str(refused.value)[:90]}")


async def test_a_control_plane_that_was_taken_over_gets_no_container_that_reaches_the_host(
    engine: docker.DockerClient,
    taken_over: RemoteDriver,
    images: dict[str, str],
    figures: Callable[[str], None],
) -> None:
    """Privileged, host-mounting, host-network: there is no message for them, and no way around."""
    image = await taken_over.find_image(images["behaviours"])
    spec = spec_of(image.image_id)
    bystander = engine.containers.run(image.image_id, ["600"], entrypoint="/bin/sleep", detach=True)
    refusals = Refusals()
    try:
        for name, network in {
            "the host's network": "host",
            "the default bridge": "bridge",
            "no network": "none",
            "another container's network, by its id": bystander.id,
            "another container's network, by its name": bystander.name,
        }.items():
            place = Sandbox(sandbox_id=network, hostname="rt-a", address="10.0.0.1")
            await refusals.of(name, taken_over.open(spec, place), NotHardened, "no sandbox that was taken")
        sandbox = await taken_over.take_sandbox()
        for name, subnet_ids in {
            "the host's network, as a subnet": ("host",),
            "the default bridge, as a subnet": ("bridge",),
            "another container's network, as a subnet": (f"container:{bystander.id}",),
            "subnets out of order": ("subnet-b", "subnet-a"),
        }.items():
            await refusals.of(name, taken_over.take_sandbox(subnet_ids), NotHardened, "subnet")
            await refusals.of(f"{name}, kept", taken_over.keep_subnets((subnet_ids,)), NotHardened, "subnet")
        await refusals.of(
            "a subnet that nobody labelled or set", taken_over.take_sandbox(("subnet-a",)), StartFailed, "not exist"
        )
        elsewhere = replace(sandbox, address="10.0.0.1")
        await refusals.of("a sandbox, under another address", taken_over.open(spec, elsewhere), NotHardened, "no sandb")
        for name, changes in {
            "an image by its name": {"image_id": images["behaviours"]},
            "an id that is a path": {"environment_id": "../" + "a" * 29},
            "memory without a limit": {"memory_mib": -1},
            "a /tmp without a size": {"ephemeral_storage_mib": 0},
        }.items():
            place = await taken_over.take_sandbox()
            await refusals.of(name, taken_over.open(replace(spec, **changes), place), NotHardened, "may be started")
        for reference in (f"../containers/{bystander.id}", "x/../../info", "a b", "", "-v", "https://example.com/x"):
            name = f"the image {reference[:20]!r}"
            await refusals.of(name, taken_over.find_image(reference), ImageNotFound, "there is no image")
        await refusals.of(
            "another container in the control plane's place", _start_as(taken_over, bystander.id), NotHardened, "no con"
        )
        assert not engine.containers.list(all=True, filters={"label": "paddock.function=taken-over"})
    finally:
        bystander.remove(force=True)
    figures("\n".join(["asked for by a control plane that was taken over, and refused:", *refusals.lines]))


async def test_what_it_does_get_is_hardened(
    engine: docker.DockerClient, taken_over: RemoteDriver, images: dict[str, str]
) -> None:
    """Whatever it says of entry point, command and variables; and it gets a sandbox's place once."""
    image = await taken_over.find_image(images["behaviours"])
    sandbox = await taken_over.take_sandbox()
    spec = replace(spec_of(image.image_id), environment={"LD_PRELOAD": "/x", "DOCKER_HOST": "tcp://x"})
    container = engine.containers.get(await taken_over.open(spec, sandbox))
    host = container.attrs["HostConfig"]
    assert host["NetworkMode"] == f"container:{sandbox.sandbox_id}"
    assert not host["Privileged"]
    assert not host["Binds"]
    assert not host["CapAdd"]
    assert host["CapDrop"] == ["ALL"]
    assert host["ReadonlyRootfs"]
    assert (host["PidMode"], host["UTSMode"], host["UsernsMode"], host["IpcMode"]) == ("", "", "", "none")
    assert container.attrs["Config"]["User"] == "993:990"
    with pytest.raises(NotHardened):
        await taken_over.open(replace(spec, environment_id="f" * 32), sandbox)


FORGED: dict[str, tuple[str, object]] = {
    "privileged": ("HostConfig", {"Privileged": True}),
    "the host's root, mounted": ("Mounts", [{"Type": "bind", "Source": "/", "Target": "/host"}]),
    "the host's network": ("NetworkMode", "host"),
    "the host's processes": ("PidMode", "host"),
    "every capability": ("CapAdd", ["ALL"]),
    "a device": ("Devices", [{"PathOnHost": "/dev/sda"}]),
}


async def test_what_is_forged_beside_the_protocol_ends_the_connection(
    engine: docker.DockerClient,
    taken_over: RemoteDriver,
    images: dict[str, str],
    figures: Callable[[str], None],
) -> None:
    """A field that the protocol does not have is never passed on, whichever part of a message it stands in."""
    image = await taken_over.find_image(images["behaviours"])
    sandbox = msgpack.decode(msgpack.encode(await taken_over.take_sandbox()))
    spec = msgpack.decode(msgpack.encode(spec_of(image.image_id)))
    for name, (field, value) in FORGED.items():
        for verb in (
            {"verb": "open", "spec": {**spec, field: value}, "sandbox": sandbox},
            {"verb": "open", "spec": spec, "sandbox": sandbox, field: value},
        ):
            forged = msgpack.encode([1, verb])
            assert taken_over._verbs is not None
            taken_over._verbs._writer.write(len(forged).to_bytes(4) + forged)
            await asyncio.wait_for(_told(taken_over), 30)
        assert not engine.containers.list(all=True, filters={"label": "paddock.function=taken-over"}), name
        figures(f"forged beside the protocol: {name:32} the connection ends, nothing was created")


async def _told(driver: RemoteDriver) -> None:
    """Until the driver has been lost and is back: another process, that began anew."""
    events = driver.events()
    assert type(await anext(events)).__name__ == "EngineLost"
    assert type(await anext(events)).__name__ == "EngineBack"


async def _start_as(driver: RemoteDriver, container_id: str) -> None:
    """Say that this container is the control plane, to be put on the functions' network."""
    await driver._ask(messages.Start(control_plane_container=container_id))


def test_when_the_driver_is_killed_another_takes_over_and_nothing_accepted_is_lost(
    engine: docker.DockerClient, start_paddock: Callable[..., PaddockProcess], images: dict[str, str]
) -> None:
    """What ran is run again, and no container of the old one is left."""
    paddock = start_paddock(async_retry_delays_s="1,1")
    client = paddock.client()
    deploy(client, "again", images["behaviours"], Timeout=30)
    assert client.invoke(FunctionName="again", Payload=b"{}")["StatusCode"] == 200
    payload = json.dumps({"do": "sleep", "seconds": 2}).encode()
    sent = [
        client.invoke(FunctionName="again", InvocationType="Event", Payload=payload)["ResponseMetadata"]["RequestId"]
        for _ in range(4)
    ]
    until(lambda: paddock.busy_container(engine, "again"), "one of them runs")
    before = {one.id for one in paddock.containers(engine, "again")}
    paddock.kill_driver()
    states = {"succeeded"}
    until(lambda: {paddock.invocation(one)["state"] for one in sent} == states, "every event succeeds", 60)
    assert client.invoke(FunctionName="again", Payload=b"{}")["StatusCode"] == 200
    left = {one.id for one in engine.containers.list(all=True, ignore_removed=True)}
    assert not before & left


def test_output_that_nobody_takes_is_dropped_and_named_and_what_comes_later_is_kept(
    start_paddock: Callable[..., PaddockProcess], images: dict[str, str]
) -> None:
    """The control plane stands still while a function prints 1.5 GB: the driver keeps what one may write meanwhile."""
    paddock = start_paddock(network_pool_size=1)
    client = paddock.client()
    deploy(client, "printer", images["hostile"], Timeout=60, MemorySize=1769)
    client.invoke(FunctionName="printer", Payload=b'{"do": "nothing"}')
    (driver,) = children(paddock.pid)
    before = process(driver).memory_mib
    client.invoke(FunctionName="printer", InvocationType="Event", Payload=b'{"do": "print-much", "mib": 1500}')
    until(lambda: "x" * 100 in paddock.output("printer", limit=1), "it prints")
    os.kill(paddock.pid, signal.SIGSTOP)
    try:
        until(lambda: process(driver).memory_mib > before + 10, "the driver keeps what it may")
    finally:
        os.kill(paddock.pid, signal.SIGCONT)
    client.invoke(FunctionName="printer", Payload=b'{"do": "print-binary"}')
    paddock.wait_for_output("printer", "after", limit=20_000)
    assert "bytes of output were dropped here" in paddock.output("printer", limit=100_000)
    assert paddock.terminate() == 0
    assert "stream.failed" not in paddock.log()


def test_a_channel_to_nobody_says_so() -> None:
    """Nothing is waited for that cannot come."""
    ours, theirs = socket.socketpair()
    theirs.close()
    with ours, pytest.raises(ConnectionError, match="ended"):
        take_second_socket(ours)
