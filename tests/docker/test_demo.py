"""`paddock demo chaos` shows what it promises, and leaves nothing behind."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import docker
import pytest

pytestmark = pytest.mark.alone


def test_the_chaos_demo_loses_nothing_and_cleans_up(engine: docker.DockerClient) -> None:
    """In a short version; another control plane on the same engine may come and go as it likes."""
    before = _owners(engine)
    shown = subprocess.run(
        [sys.executable, "-m", "orchestrator", "demo", "chaos", "--events=80", "--kills=2", "--json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
        cwd=Path(__file__).parent.parent.parent,
    )
    assert shown.returncode == 0, shown.stderr[-3000:]
    told = json.loads(shown.stdout)
    assert told["acknowledged"] == 80
    assert told["control_plane_kills"] == 2
    assert told["container_kills"] == 2
    assert told["lost"] == []
    assert _owners(engine) <= before


def _owners(engine: docker.DockerClient) -> set[str]:
    """Whose containers, volumes and networks there are."""
    containers = engine.containers.list(all=True, filters={"label": "paddock.owner"}, ignore_removed=True)
    labels = [one.labels for one in containers]
    labels += [one.attrs["Labels"] for one in engine.volumes.list(filters={"label": "paddock.owner"})]
    labels += [one.attrs["Labels"] for one in engine.networks.list(filters={"label": "paddock.owner"})]
    return {one["paddock.owner"] for one in labels}
