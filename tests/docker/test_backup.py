"""A backup is taken while events run, the data is lost, and what was kept goes on from there."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docker

from tests.support.paddock_process import PaddockProcess, deploy
from tests.support.waiting import until

_EVENTS = 60
_ROOT = Path(__file__).parent.parent.parent


def paddock(process: PaddockProcess, *arguments: str) -> Any:
    """Run the command on its data directory; the document that it prints."""
    ran = subprocess.run(
        [sys.executable, "-m", "orchestrator", *arguments, "--json"],
        env=process.variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=_ROOT,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_a_backup_of_a_busy_control_plane_is_restored_and_goes_on(
    engine: docker.DockerClient,
    images: dict[str, str],
    start_paddock: Callable[..., PaddockProcess],
    tmp_path: Path,
    figures: Callable[[str], None],
) -> None:
    """Everything that was acknowledged before it began is in it, with functions and their variables."""
    running = start_paddock(max_environments=2, network_pool_size=2)
    client = running.client()
    deploy(client, "kept", images["behaviours"], Environment={"Variables": {"PASSWORD": "kept-too"}})
    sent = [
        client.invoke(
            FunctionName="kept",
            InvocationType="Event",
            Payload=json.dumps({"do": "mark", "mark": f"event-{number}", "seconds": 0.2}).encode(),
        )["ResponseMetadata"]["RequestId"]
        for number in range(_EVENTS)
    ]
    archive = tmp_path / "backup.tgz"
    made = paddock(running, "backup", str(archive))
    waiting = sum(running.invocation(one)["state"] in ("queued", "running") for one in sent)
    assert waiting, "it was made too late: nothing ran any more"
    assert running.terminate() == 0

    key = (running.data_dir / "secret.key").read_bytes()
    for name in ("paddock.db", "history.db", "secret.key"):
        for path in running.data_dir.glob(f"{name}*"):
            path.unlink()
    shutil.rmtree(running.data_dir / "driver", ignore_errors=True)
    (running.data_dir / "secret.key").write_bytes(key)
    assert paddock(running, "restore", str(archive))["kept"] is None

    running.start()
    client = running.client()
    answer = client.invoke(FunctionName="kept", Payload=b'{"do": "context"}')
    assert json.loads(answer["Payload"].read())["environment"]["PASSWORD"] == "kept-too"
    until(
        lambda: all(running.invocation(one)["state"] == "succeeded" for one in sent),
        "every event has run",
        patience_s=90,
    )
    figures(
        f"backup of {made['bytes'] / 1024:.0f} KiB while {waiting} of {_EVENTS} events waited or ran; restored: all "
        f"{_EVENTS} succeeded"
    )
