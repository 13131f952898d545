"""Provisioned concurrency on a real engine: there before the first call, replaced when killed, there after a crash."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import docker

from tests.support.paddock_process import PaddockProcess, deploy
from tests.support.waiting import until

_PATIENCE_S = 60


def published(client: Any, name: str, image: str, **configuration: Any) -> None:
    """A function with version 1, to which `live` leads."""
    deploy(client, name, image, Timeout=30, MemorySize=128, **configuration)
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")


def provision(client: Any, name: str, count: int) -> None:
    """Ask for so many."""
    client.put_provisioned_concurrency_config(
        FunctionName=name, Qualifier="live", ProvisionedConcurrentExecutions=count
    )


def until_status(client: Any, name: str, status: str) -> dict[str, Any]:
    """Wait until it has this status; what there is then."""

    def found() -> dict[str, Any] | None:
        config: dict[str, Any] = client.get_provisioned_concurrency_config(FunctionName=name, Qualifier="live")
        return config if config["Status"] == status else None

    config = until(found, f"{name} is {status}", _PATIENCE_S)
    assert config is not None
    return config


def test_they_are_there_before_the_first_call_after_a_kill_and_after_a_crash(
    start_paddock: Callable[..., PaddockProcess], engine: docker.DockerClient, images: dict[str, str]
) -> None:
    """The call starts nothing; a container that is killed is replaced; a new control plane makes them again."""
    paddock = start_paddock(idle_timeout_s=2)
    client = paddock.client()
    published(client, "kept", images["behaviours"])
    provision(client, "kept", 2)
    ready = until_status(client, "kept", "READY")
    assert ready["AvailableProvisionedConcurrentExecutions"] == 2
    created = paddock.count_log("environment.created", "kept")
    seen = client.invoke(
        FunctionName="kept",
        Qualifier="live",
        Payload=json.dumps({"do": "read", "paths": ["/proc/self/environ"]}).encode(),
    )
    assert b"AWS_LAMBDA_INITIALIZATION_TYPE=provisioned-concurrency" in seen["Payload"].read()
    assert paddock.count_log("environment.created", "kept") == created

    before = {one["environment_id"] for one in paddock.environments("kept")}
    paddock.containers(engine, "kept")[0].kill()
    until(lambda: {one["environment_id"] for one in paddock.environments("kept")} - before, "another one is started")
    until_status(client, "kept", "READY")

    paddock.kill()
    paddock.start()
    client = paddock.client()
    until_status(client, "kept", "READY")
    assert {one["initialization_type"] for one in paddock.environments("kept")} == {"provisioned-concurrency"}
    client.delete_provisioned_concurrency_config(FunctionName="kept", Qualifier="live")
    until(lambda: not paddock.environments("kept"), "they are let go of")


def test_an_init_that_fails_is_told_and_does_not_go_on_at_full_speed(
    start_paddock: Callable[..., PaddockProcess], images: dict[str, str]
) -> None:
    """AWS's reason; the diagnosis is in the journal; a handful of starts, not hundreds."""
    paddock = start_paddock()
    client = paddock.client()
    published(client, "fails", images["behaviours"], Environment={"Variables": {"FAIL_AT_IMPORT": "1"}})
    provision(client, "fails", 5)
    failed = until_status(client, "fails", "FAILED")
    assert failed["StatusReason"] == "FUNCTION_ERROR_INIT_FAILURE"
    until(lambda: paddock.count_log("environment.not-provisioned", "fails") >= 2, "it is tried again")
    assert paddock.count_log("environment.created", "fails") <= 8
