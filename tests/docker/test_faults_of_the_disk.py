"""The disk is full: the databases', the history's alone, the log's alone, the functions' /tmp alone."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore.exceptions
import pytest

from tests.support.load import Load, accepted, answers_again, deploy_marks, settled
from tests.support.paddock_process import PaddockProcess
from tests.support.small_disk import small_disk
from tests.support.waiting import until

StartPaddock = Callable[..., PaddockProcess]
Figures = Callable[[str], None]

_PATIENCE_S = 60


@pytest.mark.parametrize("log_is_on_it", [False, True], ids=["the-log-elsewhere", "the-log-on-it-too"])
def test_on_a_full_disk_callers_are_told_and_it_goes_on_by_itself_when_there_is_room(
    log_is_on_it: bool,
    images: dict[str, str],
    tmp_path: Path,
    start_paddock: StartPaddock,
    figures: Figures,
) -> None:
    """What could not be written was not acknowledged; what was is run, without anybody's help but the room."""
    with small_disk(tmp_path / "disk", 1200) as disk:
        log_path = (disk.path if log_is_on_it else tmp_path) / "paddock.log"
        paddock = start_paddock(disk.path, log_path=log_path, network_pool_size=2)
        client = deploy_marks(paddock, images["behaviours"], Timeout=10, MemorySize=1024)
        pid, load = paddock.pid, Load(paddock, pause_s=0.1)
        load.start()
        load.go_on(1)
        until(lambda: len(load.acknowledged) > 5, "the load goes")
        disk.fill()
        first = until(lambda: _refusal(client, "Event"), "an event is refused", _PATIENCE_S)
        assert first.startswith("ServiceException: the store ")
        assert "disk is full" in first
        for kind in ("Event", "RequestResponse"):
            # The first is refused for its own commit that failed, those after it before they are tried.
            until(
                lambda kind=kind: "goes on by itself" in (_refusal(client, kind) or ""), "callers are told", _PATIENCE_S
            )
        assert not load.wrong
        disk.empty()
        again_s = answers_again(paddock)
        load.stop()
        ended = settled(paddock, load.acknowledged, _PATIENCE_S)
        states = {one["state"] for one in ended.values()}
        figures(
            f"full disk of the databases, {'log on it' if log_is_on_it else 'log elsewhere'}: acknowledged "
            f"{len(load.acknowledged)}, lost {len(load.acknowledged) - len(ended)}, states {sorted(states)}, refused "
            f"{dict(load.refusals)}, answering {again_s:.1f} s after there was room"
        )
        assert len(load.acknowledged) > 5
        assert states == {"succeeded"}
        assert not load.wrong
        assert paddock.pid == pid
        assert paddock.terminate() == 0
        if not log_is_on_it:
            told = [line for line in paddock.log().splitlines() if '"store.failed"' in line]
            assert any("database or disk is full; free some space" in line for line in told)


def test_while_the_disk_of_the_history_is_full_everything_is_accepted_and_run(
    images: dict[str, str], tmp_path: Path, start_paddock: StartPaddock, figures: Figures
) -> None:
    """Output is dropped and counted, and kept again once there is room."""
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    with small_disk(tmp_path / "disk", 64) as disk:
        (data_dir / "history.db").symlink_to(disk.path / "history.db")
        paddock = start_paddock(data_dir, network_pool_size=2)
        client = deploy_marks(paddock, images["behaviours"], Timeout=10, MemorySize=1024)
        disk.fill()
        load = Load(paddock, pause_s=0.1)
        load.start()
        until(lambda: _dropped(paddock), "output is dropped, for it cannot be kept", _PATIENCE_S)
        load.go_on(2)
        load.stop()
        ended = settled(paddock, load.acknowledged, _PATIENCE_S)
        states = {one["state"] for one in ended.values()}
        dropped = _dropped(paddock)
        disk.empty()
        client.invoke(FunctionName="marks", Payload=json.dumps({"do": "mark", "mark": "kept-again"}).encode())
        paddock.wait_for_output("marks", "MARK kept-again")
        figures(
            f"full disk of the history: acknowledged {len(load.acknowledged)}, lost "
            f"{len(load.acknowledged) - len(ended)}, states {sorted(states)}, refused {dict(load.refusals)}, "
            f"synchronous answers {load.answered}, {dropped}"
        )
        assert states == {"succeeded"}
        assert not load.refusals
        assert not load.wrong
        assert load.answered > 5
        complaints = paddock.log().count("history.batch-dropped")
        assert 1 <= complaints <= 3, "each of hundreds would fill the log's disk, too"
        assert paddock.terminate() == 0


def test_while_the_disk_of_the_log_is_full_everything_goes_on(
    images: dict[str, str], tmp_path: Path, start_paddock: StartPaddock, figures: Figures
) -> None:
    """Lines are lost and counted, nothing else."""
    with small_disk(tmp_path / "disk", 8) as disk:
        paddock = start_paddock(log_path=disk.path / "paddock.log", network_pool_size=2)
        client = deploy_marks(paddock, images["behaviours"], Timeout=10, MemorySize=1024)
        disk.fill()
        load = Load(paddock, pause_s=0.1)
        load.start()
        # What is under way when it is full: starts, ends, timeouts, errors, each of them logged.
        client.invoke(FunctionName="marks", Payload=b'{"do": "exit"}')
        client.invoke(FunctionName="marks", Payload=b'{"do": "raise"}')
        load.go_on(3)
        load.stop()
        ended = settled(paddock, load.acknowledged, _PATIENCE_S)
        disk.empty()
        told = until(lambda: _lines_lost(paddock, client), "the log tells how many lines are missing")
        states = {one["state"] for one in ended.values()}
        figures(
            f"full disk of the log: acknowledged {len(load.acknowledged)}, lost "
            f"{len(load.acknowledged) - len(ended)}, states {sorted(states)}, refused {dict(load.refusals)}, "
            f"synchronous answers {load.answered}, log lines lost {told['at_most']} at most"
        )
        assert states == {"succeeded"}
        assert not load.refusals
        assert not load.wrong
        assert told["at_most"] > len(load.acknowledged)
        assert paddock.terminate() == 0


def test_while_the_disk_of_tmp_is_full_no_new_environment_starts_and_everything_waits_for_room(
    images: dict[str, str], tmp_path: Path, start_paddock: StartPaddock, figures: Figures
) -> None:
    """A warm environment goes on; for a new one synchronous callers are told what is full, and events wait."""
    with small_disk(tmp_path / "disk", 1000) as disk:
        paddock = start_paddock(driver_dir=disk.path, network_pool_size=2, max_environments=1, room_wait_s=2)
        client = deploy_marks(paddock, images["behaviours"], Timeout=10, MemorySize=1024)
        disk.fill()
        assert client.invoke(FunctionName="marks", Payload=b"{}")["StatusCode"] == 200
        client.invoke(FunctionName="marks", Payload=b'{"do": "exit"}')
        told = str(_refusal(client, "RequestResponse"))
        assert told.startswith(f"ServiceException: the disk of {disk.path / 'scratch'} has")
        assert "free some space" in told
        waiting = [accepted(client, do="mark", mark="waits") for _ in range(10)]
        assert {paddock.invocation(one)["state"] for one in waiting} == {"queued"}
        disk.empty()
        again_s = answers_again(paddock)
        ended = settled(paddock, waiting, _PATIENCE_S)
        states = {one["state"] for one in ended.values()}
        figures(
            f"full disk of /tmp: acknowledged {len(waiting)}, lost {len(waiting) - len(ended)}, states "
            f"{sorted(states)}, answering {again_s:.1f} s after there was room"
        )
        assert states == {"succeeded"}
        assert {one["attempts"] for one in ended.values()} == {1}
        assert paddock.terminate() == 0


def _refusal(client: Any, kind: str) -> str | None:
    """What a caller of this kind is told; None if it is served."""
    try:
        client.invoke(FunctionName="marks", InvocationType=kind, Payload=b'{"do": "mark", "mark": "asked"}')
    except botocore.exceptions.ClientError as error:
        return f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"
    return None


def _dropped(paddock: PaddockProcess) -> str | None:
    """What `paddock doctor` says of output that could not be kept, if any."""
    with urllib.request.urlopen(f"{paddock.endpoint}/_paddock/doctor", timeout=20) as answer:
        (check,) = [one for one in json.load(answer)["checks"] if one["name"] == "output"]
    return None if check["ok"] else str(check["fact"])


def _lines_lost(paddock: PaddockProcess, client: Any) -> dict[str, Any] | None:
    client.invoke(FunctionName="marks", Payload=b"{}")
    lines = (json.loads(line) for line in paddock.log().splitlines() if "log.lines-lost" in line)
    return next(iter(lines), None)
