"""Images that are not like others run all the same, and get no more than others."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docker
import pytest

from orchestrator.domain.environment_variables import PLACEHOLDER_SECRET
from tests.support.paddock_process import PaddockProcess, deploy, wait_until_updated
from tests.support.workshop import Workshop

LONG = os.environ.get("PADDOCK_BATTERY") == "long"
_MOST_PAIRS = 12
"""Taken while noise may be why the one takes longer: who really takes longer does so in all of them."""


@pytest.fixture(scope="module")
def seen(paddock: PaddockProcess, images: dict[str, str]) -> Any:
    """What a function in the oddest image sees."""
    client = paddock.client()
    deploy(client, "odd", images["odd"], Timeout=30)
    answer = client.invoke(FunctionName="odd", Payload=b"{}")
    body = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, body
    return body


def test_the_functions_user_has_a_name_whatever_the_image(seen: Any) -> None:
    """Python, Node and Java look it up; USER of the image counts for nothing, as on AWS."""
    assert seen["ids"] == [993, 990, [990]] or seen["ids"] == [993, 990, []]
    assert seen["user"] == seen["by_number"] == seen["group"] == "sbx_user1051"
    assert seen["written"]["/etc/passwd"] in ("EROFS", "EACCES")


def test_volumes_show_the_images_content_and_cannot_be_written(seen: Any) -> None:
    """But /tmp can, also where the image makes it a VOLUME."""
    assert seen["content"] == "kept"
    assert seen["written"]["/var/content/new"] == "EROFS"
    assert seen["written"]["/var/empty/new"] == "EROFS"
    assert seen["written"]["/tmp/new"] == "yes"


def test_a_health_check_of_the_image_does_not_run(seen: Any) -> None:
    """It would wake a frozen function and write into its /tmp."""
    assert not seen["healthy"]


def test_sockets_past_the_firewall_and_new_namespaces_are_refused(seen: Any) -> None:
    """AF_VSOCK passes by every packet filter; a user namespace would bring back capabilities."""
    assert seen["sockets"] == {"vsock": "EPERM", "packet": "EPERM", "raw": "EPERM", "tcp": "yes", "unix": "yes"}
    assert seen["namespaces"] == {"user": "EPERM", "network": "EPERM"}


def test_nothing_of_the_control_planes_own_environment_is_in_the_functions(seen: Any) -> None:
    """Only AWS's reserved variables, and placeholders for credentials."""
    assert not [name for name in seen["environment"] if name.startswith(("PADDOCK_", "DOCKER_"))]
    assert seen["environment"]["AWS_SECRET_ACCESS_KEY"] == PLACEHOLDER_SECRET


def test_nothing_is_left_of_them(engine: docker.DockerClient, images: dict[str, str], tmp_path: Path) -> None:
    """Neither containers nor volumes, once the control plane has ended."""
    paddock = PaddockProcess(tmp_path, network_pool_size=1)
    paddock.start()
    client = paddock.client()
    deploy(client, "odd", images["odd"])
    client.invoke(FunctionName="odd", Payload=b"{}")
    ours = {"label": f"paddock.owner={paddock.owner(engine)}"}
    assert len(engine.volumes.list(filters=ours)) == 3
    assert paddock.terminate() == 0
    assert not engine.volumes.list(filters=ours)
    assert not engine.containers.list(all=True, filters=ours)


def test_a_version_is_its_image_whatever_becomes_of_the_tag(
    paddock: PaddockProcess, workshop: Workshop, images: dict[str, str]
) -> None:
    """Built anew under the same name while it runs: new environments have the old one, until the code is updated."""
    tag, client = "paddock-test/retagged:latest", paddock.client()

    def who() -> str:
        answer = client.invoke(FunctionName="retagged", Payload=b'{"do": "context"}')
        found: str = json.loads(answer["Payload"].read())["environment"]["WHO"]
        return found

    workshop.build(tag, f"FROM {images['behaviours']}\nENV WHO=first\n")
    deploy(client, "retagged", tag, Timeout=10)
    assert who() == "first"
    workshop.build(tag, f"FROM {images['behaviours']}\nENV WHO=second\n")
    client.invoke(FunctionName="retagged", Payload=b'{"do": "exit"}')
    assert who() == "first"
    client.update_function_code(FunctionName="retagged", ImageUri=tag)
    wait_until_updated(client, "retagged")
    assert who() == "second"


def test_a_large_image_starts_like_a_small_one(
    paddock: PaddockProcess, workshop: Workshop, images: dict[str, str], figures: Callable[[str], None]
) -> None:
    """2 GB of it with `PADDOCK_BATTERY=long`: nothing is copied for a cold start, nor for a deployment."""
    client = paddock.client()
    mib = 2048 if LONG else 128
    large = workshop.build(
        "paddock-test/large:latest",
        f"FROM {images['behaviours']}\nRUN head -c {mib}M /dev/zero > /opt/large\n",
    )
    took: dict[str, list[float]] = {"small": [], "large": []}
    for name, image in (("small", images["behaviours"]), ("large", large)):
        deploy(client, f"of-{name}-image", image, Timeout=10)
    for pair in range(_MOST_PAIRS):
        for name, times in took.items():
            began = time.monotonic()
            answer = client.invoke(FunctionName=f"of-{name}-image", Payload=b"{}")
            times.append(time.monotonic() - began)
            assert "FunctionError" not in answer
            client.invoke(FunctionName=f"of-{name}-image", Payload=b'{"do": "exit"}')
        best = {name: min(times) for name, times in took.items()}
        if pair >= 2 and best["large"] < best["small"] + 0.5:
            break
    figures(f"cold start of an image with {mib} MB more: {best['large']:.2f} s, without: {best['small']:.2f} s")
    assert best["large"] < best["small"] + 0.5
