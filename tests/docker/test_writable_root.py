"""The tag `paddock:writable-root`: what the image has may be written, up to a bound, and nothing else changes."""

from __future__ import annotations

import json
from typing import Any

import docker
import pytest

from tests.support.paddock_process import PaddockProcess, deploy
from tests.support.workshop import Workshop

_TAG = {"paddock:writable-root": "true"}
_ARN = "arn:aws:lambda:us-east-1:000000000000:function:"


@pytest.fixture(scope="module")
def image(images: dict[str, str], workshop: Workshop) -> str:
    """One whose task root its function may write, as far as modes go."""
    return workshop.build("paddock-test/writable:latest", f"FROM {images['behaviours']}\nRUN chmod 777 /var/task\n")


@pytest.fixture(scope="module")
def client(paddock: PaddockProcess) -> Any:
    """boto3."""
    return paddock.client()


@pytest.fixture(scope="module")
def engine_gives_sizes(engine: docker.DockerClient, images: dict[str, str]) -> bool:
    """Can this engine bound what a container writes by itself? Only with its data on some filesystems."""
    try:
        container = engine.containers.create(images["behaviours"], storage_opt={"size": "64m"})
    except docker.errors.APIError:
        return False
    container.remove()
    return True


def call(client: Any, name: str, **event: object) -> Any:
    """Invoke; the body."""
    return json.loads(client.invoke(FunctionName=name, Payload=json.dumps(event).encode())["Payload"].read())


def test_with_the_tag_the_image_may_be_written_and_without_it_not(client: Any, image: str) -> None:
    """Set and taken away while environments run: they are replaced."""
    deploy(client, "roots", image, Timeout=10)
    assert "Read-only file system" in call(client, "roots", do="write-root")["refused"]
    client.tag_resource(Resource=_ARN + "roots", Tags=_TAG)
    assert call(client, "roots", do="write-root") == {"refused": None}
    client.untag_resource(Resource=_ARN + "roots", TagKeys=list(_TAG))
    assert "Read-only file system" in call(client, "roots", do="write-root")["refused"]


def test_the_tag_may_come_with_the_creation_and_everything_else_stays_hardened(
    client: Any, image: str, paddock: PaddockProcess, engine: docker.DockerClient
) -> None:
    """As Terraform does it."""
    deploy(client, "tagged", image, Timeout=10, Tags=_TAG)
    assert call(client, "tagged", do="write-root") == {"refused": None}
    (container,) = paddock.containers(engine, "tagged")
    host = container.attrs["HostConfig"]
    assert host["ReadonlyRootfs"] is False
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert "no-new-privileges" in host["SecurityOpt"]
    assert container.attrs["Config"]["User"] == "993:990"


def test_what_it_writes_there_has_a_bound(client: Any, image: str, engine_gives_sizes: bool) -> None:
    """As much as /tmp holds; where the engine has no size for it, whoever wrote more is ended, and told so."""
    deploy(client, "large", image, Timeout=60, MemorySize=512, Tags=_TAG)
    written = call(client, "large", do="write-file", path="/var/task/filled", mib=400)
    assert written == {"size": 400 * 1_048_576}
    error = call(client, "large", do="write-file", path="/var/task/more", mib=400, seconds=30)
    if engine_gives_sizes:
        assert "No space left on device" in error["errorMessage"]
    else:
        assert error["errorType"] == "Runtime.ExitError", error
        assert "MB outside /tmp, where it may write 512, as much as in /tmp" in error["diagnosis"]
    assert call(client, "large", do="echo")["event"] == {"do": "echo"}


def test_what_was_written_is_gone_with_its_environment(
    client: Any, image: str, paddock: PaddockProcess, engine: docker.DockerClient
) -> None:
    """The next one begins with the image."""
    deploy(client, "fresh", image, Timeout=10, Tags=_TAG)
    assert call(client, "fresh", do="write-file", path="/var/task/mine", mib=1) == {"size": 1_048_576}
    call(client, "fresh", do="exit")
    assert "No such file" in call(client, "fresh", do="look-at-file", path="/var/task/mine")["errorMessage"]


def test_that_there_is_no_hard_bound_is_said(
    paddock: PaddockProcess, client: Any, image: str, engine_gives_sizes: bool
) -> None:
    """By the log and `paddock doctor`, once a function has such a root, and only where the engine gives it no size."""
    deploy(client, "told", image, Timeout=10, Tags=_TAG)
    call(client, "told", do="echo")
    told = "a function with a writable root is ended only once it has written too much"
    assert (told in json.dumps(paddock.doctor())) is not engine_gives_sizes
    assert ("writable-roots.not-sized" in paddock.log()) is not engine_gives_sizes
