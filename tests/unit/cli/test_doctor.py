"""`paddock doctor`, with and without a control plane, with and without an engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from orchestrator.cli.app import app
from tests.unit.cli.answering_endpoint import AnsweringEndpoint, document
from tests.unit.cli.conftest import Paddock

NOWHERE = "http://127.0.0.1:1"
DISK = {"name": "disk", "ok": True, "fact": "9000 MiB free", "remedy": None}


def check(name: str) -> dict[str, Any]:
    """A failed check."""
    return {"name": name, "ok": False, "fact": f"{name} is broken", "remedy": f"mend the {name}"}


def without_control_plane(docker_host: str) -> Result:
    """Where nothing answers."""
    return CliRunner().invoke(app, ["doctor", "--endpoint-url", NOWHERE], env={"DOCKER_HOST": docker_host})


def test_a_sound_machine_exits_0(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """Every check is shown, with the word ok."""
    endpoint.on("GET", "/_paddock/doctor", document({"checks": [DISK]}))
    result = paddock("doctor")
    assert (result.exit_code, result.stdout.split()) == (0, ["ok", "disk", "9000", "MiB", "free"])


def test_a_failed_check_is_marked_in_words_with_its_remedy_and_exits_1(
    endpoint: AnsweringEndpoint, paddock: Paddock
) -> None:
    """Never by colour alone."""
    endpoint.on("GET", "/_paddock/doctor", document({"checks": [DISK, check("network")]}))
    result = paddock("doctor")
    _, failed, remedy = result.stdout.splitlines()
    assert result.exit_code == 1
    assert failed.split()[:2] == ["FAIL", "network"]
    assert remedy.strip() == "→ mend the network"


def test_a_failed_engine_exits_6_whatever_else_failed(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """Nothing else can be mended before it."""
    endpoint.on("GET", "/_paddock/doctor", document({"checks": [check("network"), check("engine")]}))
    result = paddock("doctor", "--json")
    assert result.exit_code == 6
    assert json.loads(result.stdout) == {"checks": [check("network"), check("engine")]}


def test_without_a_control_plane_the_engine_is_asked_directly(endpoint: AnsweringEndpoint) -> None:
    """Here one that answers: only the control plane is missing."""
    version = document({"Version": "29.1.0", "ApiVersion": "1.44", "MinAPIVersion": "1.24"})
    endpoint.on("GET", "/version", version)
    endpoint.on("GET", "/v1.44/version", version)
    result = without_control_plane(endpoint.url.replace("http", "tcp"))
    assert result.exit_code == 1, result.output
    assert "Docker 29.1.0 answers" in result.stdout
    assert f"nothing answers at {NOWHERE}" in result.stdout
    assert "`paddock up`" in result.stdout


@pytest.mark.parametrize("docker_host", ["unix:///nonexistent.sock", "tcp://127.0.0.1:1", "nonsense://x"])
def test_without_control_plane_and_engine_it_exits_6(docker_host: str) -> None:
    """Both are named, the engine with what helps."""
    # In a process of its own: Docker's SDK forgets to close the socket it could not connect.
    ran = subprocess.run(
        [sys.executable, "-m", "orchestrator", "doctor", "--json", "--endpoint-url", NOWHERE],
        env={**os.environ, "DOCKER_HOST": docker_host},
        capture_output=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (6, b"")
    checks = json.loads(ran.stdout)["checks"]
    assert [(one["name"], one["ok"]) for one in checks] == [("engine", False), ("control plane", False)]
    assert "DOCKER_HOST" in checks[0]["remedy"]
