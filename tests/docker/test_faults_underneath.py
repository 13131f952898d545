"""Containers, sandboxes, images, the network and the disks are taken away underneath: as `docker rm -f` and rm do."""

from __future__ import annotations

import contextlib
import json
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore.exceptions
import docker
import pytest

from tests.support.footprint import attached
from tests.support.load import Load, accepted, answers_again, deploy_marks, settled
from tests.support.loop_devices import detach
from tests.support.paddock_process import PaddockProcess, deploy, wait_until_updated
from tests.support.waiting import until
from tests.support.workshop import commit

_PATIENCE_S = 60


def test_containers_that_are_removed_by_force_cost_no_event_and_no_later_call(
    engine: docker.DockerClient,
    images: dict[str, str],
    start_paddock: Callable[..., PaddockProcess],
    figures: Callable[[str], None],
) -> None:
    """A busy one, an idle one, a frozen one; and every sandbox that waits in the pool."""
    paddock = start_paddock(async_retry_delays_s="0.2,0.2", network_pool_size=2, freeze_after_s=5)
    client = deploy_marks(paddock, images["behaviours"], Timeout=20)
    owner = paddock.owner(engine)
    running = accepted(client, do="mark", mark="removed", seconds=5)
    until(lambda: paddock.busy_container(engine, "marks"), "it runs").remove(force=True)
    settled(paddock, [running], _PATIENCE_S)
    found = paddock.invocation(running)
    again = []
    for state in ("idle", "frozen"):
        until(lambda state=state: _states(paddock) == [state], f"it is {state}")
        for container in (*paddock.containers(engine, "marks"), *_sandboxes(engine, owner)):
            with contextlib.suppress(docker.errors.APIError):  # a sandbox goes with its environment
                container.remove(force=True)
        again.append(answers_again(paddock))
    figures(
        f"containers and sandboxes removed by force: acknowledged 1, lost 0, state {found['state']} at attempt "
        f"{found['attempts']}, answering after {[round(one, 1) for one in again]} s"
    )
    assert (found["state"], found["attempts"]) == ("succeeded", 2)
    assert paddock.terminate() == 0
    assert not engine.containers.list(all=True, filters={"label": f"paddock.owner={owner}"})


def _states(paddock: PaddockProcess) -> list[str]:
    return [one["state"] for one in paddock.environments("marks")]


def _sandboxes(engine: docker.DockerClient, owner: str) -> list[Any]:
    labelled = engine.containers.list(filters={"label": f"paddock.owner={owner}"}, ignore_removed=True)
    return [one for one in labelled if "paddock.environment" not in one.labels]


def test_a_sandbox_that_dies_fails_its_invocation_at_once(
    engine: docker.DockerClient, images: dict[str, str], start_paddock: Callable[..., PaddockProcess]
) -> None:
    """Its function looks alive, but nobody can reach it; the next call has another."""
    paddock = start_paddock()
    client = paddock.client()
    deploy(client, "sleeper", images["behaviours"], Timeout=60)
    answers: list[Any] = []

    def call() -> None:
        try:
            answers.append(client.invoke(FunctionName="sleeper", Payload=b'{"do": "sleep", "seconds": 50}'))
        except botocore.exceptions.ClientError as error:
            answers.append(error.response)

    calling = threading.Thread(target=call)
    calling.start()
    container = until(lambda: paddock.busy_container(engine, "sleeper"), "it sleeps")
    sandbox = container.attrs["HostConfig"]["NetworkMode"].removeprefix("container:")
    began = time.monotonic()
    engine.containers.get(sandbox).kill()
    calling.join(20)
    assert not calling.is_alive()
    assert time.monotonic() - began < 10
    assert "Sandbox.Failure" in str(answers[0]) or "ServiceException" in str(answers[0]), answers
    answer = client.invoke(FunctionName="sleeper", Payload=b'{"n": 1}')
    assert json.loads(answer["Payload"].read())["event"] == {"n": 1}


def test_an_image_that_is_removed_underneath_is_named_with_the_remedy(
    engine: docker.DockerClient, images: dict[str, str], start_paddock: Callable[..., PaddockProcess]
) -> None:
    """A version is its image, not its tag. When that is gone, the error says so, and a new deployment helps."""
    tag = "paddock-test/removed:latest"
    _build_anew(engine, images["behaviours"], tag)
    paddock = start_paddock(room_wait_s=2)
    client = paddock.client()
    deploy(client, "removed", tag)
    client.invoke(FunctionName="removed", Payload=b"{}")
    image_id = engine.images.get(tag).id
    engine.images.remove(tag, force=True)
    answer = client.invoke(FunctionName="removed", Payload=b'{"n": 1}')
    assert json.loads(answer["Payload"].read())["event"] == {"n": 1}
    client.invoke(FunctionName="removed", Payload=b'{"do": "exit"}')
    client.invoke(FunctionName="removed", Payload=b'{"n": 1}')  # a new environment, of the image without a tag
    client.invoke(FunctionName="removed", Payload=b'{"do": "exit"}')
    until(lambda: not paddock.environments("removed"), "nothing of it runs any more")
    engine.images.remove(image_id, force=True)
    told = str(_outcome(client))
    assert "no longer here" in told or "No such image" in told, told
    _build_anew(engine, images["behaviours"], tag)
    client.update_function_code(FunctionName="removed", ImageUri=tag)
    wait_until_updated(client, "removed")
    answer = client.invoke(FunctionName="removed", Payload=b'{"n": 2}')
    assert json.loads(answer["Payload"].read())["event"] == {"n": 2}


def test_a_network_that_is_removed_is_made_again_and_what_was_cut_off_is_replaced(
    engine: docker.DockerClient,
    images: dict[str, str],
    start_paddock: Callable[..., PaddockProcess],
    figures: Callable[[str], None],
) -> None:
    """Every sandbox is taken from it first, or the engine would refuse: what ran there reaches nobody any more."""
    # Nobody else takes this subnet while its network is gone.
    paddock = start_paddock(
        network_pool_size=2, max_environments=4, async_retry_delays_s="0.2,0.2", functions_subnet="10.218.4.0/27"
    )
    deploy_marks(paddock, images["behaviours"], Timeout=40, MemorySize=1024)
    (network,) = engine.networks.list(filters={"label": f"paddock.owner={paddock.owner(engine)}"})
    network.reload()
    subnet = network.attrs["IPAM"]["Config"][0]["Subnet"]
    load = Load(paddock, pause_s=0.1)
    load.start()
    load.go_on(1)
    until(lambda: _is_removed(network), "it is removed")
    began = time.monotonic()
    again = until(lambda: engine.networks.list(names=[network.name]), "it is made again", _PATIENCE_S)
    made_s = time.monotonic() - began
    again_s = answers_again(paddock)
    load.go_on(1)
    load.stop()
    ended = settled(paddock, load.acknowledged, _PATIENCE_S)
    states = {one["state"] for one in ended.values()}
    figures(
        f"network removed: acknowledged {len(load.acknowledged)}, lost {len(load.acknowledged) - len(ended)}, states "
        f"{sorted(states)}, refused {dict(load.refusals)}, made again after {made_s:.1f} s, answering "
        f"{again_s:.1f} s after that"
    )
    again[0].reload()
    assert again[0].attrs["IPAM"]["Config"][0]["Subnet"] == subnet
    assert states == {"succeeded"}
    assert set(load.refusals) <= {"ServiceException"}
    assert not load.wrong
    assert paddock.terminate() == 0


def _is_removed(network: Any) -> bool:
    network.reload()
    for container_id in network.attrs["Containers"]:
        try:
            network.disconnect(container_id, force=True)
        except docker.errors.APIError:
            return False  # it has gone meanwhile
    try:
        network.remove()
    except docker.errors.APIError:
        return False  # another has come meanwhile
    return True


@pytest.mark.alone
def test_disks_that_are_detached_or_removed_are_replaced(
    images: dict[str, str], tmp_path: Path, start_paddock: Callable[..., PaddockProcess], figures: Callable[[str], None]
) -> None:
    """What runs keeps its own; the next environment has a new one, never a device that may be another program's."""
    paddock = start_paddock(network_pool_size=2, max_environments=1)
    folder = tmp_path / "driver" / "scratch"
    client = deploy_marks(paddock, images["behaviours"], Timeout=20)
    without_file: list[str] = []
    again = []
    for take_away in (_detach_all, _remove_folder):
        devices = take_away(folder)
        without_file += devices
        assert _call(client, do="echo")["event"] == {"do": "echo"}
        waits = accepted(client, do="mark", mark="waits", seconds=0.2)
        settled(paddock, [waits], _PATIENCE_S)
        _call(client, do="exit")
        again.append(answers_again(paddock))
        assert _call(client, do="look-at-tmp") == {"listed": [], "filesystem": "ext4", "ran": "it runs"}
    log = paddock.log()
    figures(f"disks of /tmp taken away: acknowledged 2, lost 0, answering after {[round(one, 1) for one in again]} s")
    assert "its loop device was detached" in log
    assert "its file was removed" in log
    assert paddock.terminate() == 0
    for device in without_file:
        detach(device)


def _detach_all(folder: Path) -> list[str]:
    """Also of the one that is mounted: its device goes when it is unmounted."""
    for device in attached(folder):
        detach(device)
    return []


def _remove_folder(folder: Path) -> list[str]:
    """The devices that are left without a file."""
    devices = attached(folder)
    shutil.rmtree(folder)
    return devices


def _call(client: Any, **event: object) -> dict[str, Any]:
    answer = client.invoke(FunctionName="marks", Payload=json.dumps(event).encode())
    body: dict[str, Any] = json.loads(answer["Payload"].read())
    return body


def _outcome(client: Any) -> object:
    try:
        answer = client.invoke(FunctionName="removed", Payload=b"{}")
    except botocore.exceptions.ClientError as error:
        return error.response
    return answer["Payload"].read()


def _build_anew(engine: docker.DockerClient, base: str, tag: str) -> None:
    """An image that there was not before."""
    commit(engine, base, tag, labels={"paddock-test": "removed", "made": str(time.monotonic_ns())})
