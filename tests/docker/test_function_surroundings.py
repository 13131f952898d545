"""What a function finds around it: nothing of the control plane, of the driver, or of this host's secrets."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import docker
import pytest

from orchestrator.domain.environment_variables import PLACEHOLDER_ACCESS_KEY_ID, PLACEHOLDER_SECRET
from tests.support.paddock_process import PaddockProcess, deploy

_READ = ["/proc/*/environ", "/proc/*/cmdline", "/proc/*/mountinfo", "/proc/*/maps", "/etc/*", "/tmp/*", "/run/*", "/*"]
_CANARIES = {
    "AWS_ACCESS_KEY_ID": "AKIAOFTHEOPERATOR000",
    "AWS_SECRET_ACCESS_KEY": "canary-secret-of-the-operator",
    "AWS_SESSION_TOKEN": "canary-token-of-the-operator",
    "AWS_PROFILE": "canary-profile",
    "DATABASE_URL": "postgres://canary-user:canary-password@db/x",
    "PADDOCK_SECRET_KEY_FILE": "canary.key",
}


@pytest.fixture
def paddock(
    start_paddock: Callable[..., PaddockProcess], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> PaddockProcess:
    """A control plane of an operator whose shell is full of secrets."""
    for name, value in _CANARIES.items():
        monkeypatch.setenv(name, value)
    process = start_paddock(network_pool_size=1, secret_key_file=tmp_path / _CANARIES["PADDOCK_SECRET_KEY_FILE"])
    for name in _CANARIES:
        monkeypatch.delenv(name)
    return process


def test_nothing_of_the_control_plane_is_in_a_functions_surroundings(
    paddock: PaddockProcess, engine: docker.DockerClient, images: dict[str, str], figures: Callable[[str], None]
) -> None:
    """Its variables, every process it can see, and every file of its own."""
    client = paddock.client()
    own = {"MINE": "value-of-the-function"}
    deploy(client, "curious", images["behaviours"], Environment={"Variables": own}, MemorySize=256)
    deploy(client, "other", images["behaviours"], Environment={"Variables": {"THEIRS": "value-of-another-function"}})
    client.invoke(FunctionName="other", Payload=b"{}")
    answer = client.invoke(FunctionName="curious", Payload=json.dumps({"do": "read", "paths": _READ}).encode())
    found = json.loads(answer["Payload"].read())
    assert "value-of-the-function" in found["/proc/1/environ"], "it does see its own"
    everything = json.dumps(found)
    secrets = (*_CANARIES.values(), "value-of-another-function", "PADDOCK_", "docker.sock")
    assert not [one for one in secrets if one in everything]
    figures(f"{len(found)} files read from inside a function: no secret of the control plane, the host or another")

    variables = dict(line.split("=", 1) for line in found["/proc/1/environ"].split("\0") if "=" in line)
    assert variables["AWS_ACCESS_KEY_ID"] == PLACEHOLDER_ACCESS_KEY_ID
    assert variables["AWS_SECRET_ACCESS_KEY"] == variables["AWS_SESSION_TOKEN"] == PLACEHOLDER_SECRET
