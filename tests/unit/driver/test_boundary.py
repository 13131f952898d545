"""What parses strangers' bytes does not hold the Docker socket."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.slow

_ROOT = Path(__file__).parent.parent.parent.parent


def test_the_control_plane_does_not_load_docker_s_sdk() -> None:
    """Nor anything else that knows the engine."""
    loaded = subprocess.run(
        [sys.executable, "-c", "import orchestrator.process, sys; print(*sys.modules)"],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert "orchestrator.driver.remote" in loaded
    assert not [name for name in loaded if name.partition(".")[0] == "docker" or "orchestrator.containers" in name]


def test_in_compose_only_the_driver_has_the_socket_and_it_has_no_network() -> None:
    """As the file says it."""
    services = yaml.safe_load((_ROOT / "docker-compose.yml").read_text())["services"]
    with_socket = [name for name, one in services.items() if "docker.sock" in str(one.get("volumes"))]
    assert with_socket == ["driver"]
    assert services["driver"]["network_mode"] == "none"
    assert "ports" not in services["driver"]
    for name in ("driver", "control-plane"):
        assert services[name]["cap_drop"] == ["ALL"]
        assert services[name]["read_only"]
        assert not services[name].get("privileged")
