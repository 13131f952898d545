"""The host runs out of open files, or of memory: callers wait or are told, and nothing accepted is lost."""

from __future__ import annotations

import contextlib
import json
import select
import signal
import socket
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import botocore.exceptions
import docker

from tests.support.host_limits import little_memory, no_more_files
from tests.support.load import Load, accepted, answers_again, deploy_marks, settled
from tests.support.paddock_process import PaddockProcess, children
from tests.support.waiting import until

StartPaddock = Callable[..., PaddockProcess]
Figures = Callable[[str], None]

_PATIENCE_S = 60
_LARGE = json.dumps({"do": "none", "filler": "x" * 5_900_000}).encode()


def test_callers_who_connect_without_end_take_no_file_of_what_they_wait_for(
    images: dict[str, str], start_paddock: StartPaddock, figures: Figures
) -> None:
    """The host allows 400 files: 600 silent connections leave enough of them for environments and databases."""
    paddock = start_paddock(network_pool_size=2, open_files=400)
    client = deploy_marks(paddock, images["behaviours"], Timeout=10, MemorySize=1024)
    load = Load(paddock, pause_s=0.1)
    load.start()
    load.go_on(0.5)
    with contextlib.ExitStack() as opened:
        connect = (socket.create_connection(("127.0.0.1", paddock.port), timeout=10) for _ in range(600))
        silent = [opened.enter_context(connection) for connection in connect]
        sent_away = until(lambda: _sent_away(silent), "those that are too many are sent away")
        open_files = len(list(Path(f"/proc/{paddock.pid}/fd").iterdir()))
        # Read, or its connection is not used again, and may still count when another is made.
        client.invoke(FunctionName="marks", Payload=b'{"do": "exit"}')["Payload"].read()
        client.invoke(FunctionName="marks", Payload=b"{}")["Payload"].read()  # in a new environment
        load.go_on(1)
    again_s = answers_again(paddock)
    load.stop()
    ended = settled(paddock, load.acknowledged, _PATIENCE_S)
    states = {one["state"] for one in ended.values()}
    figures(
        f"600 silent connections where 400 files are allowed: acknowledged {len(load.acknowledged)}, lost "
        f"{len(load.acknowledged) - len(ended)}, states {sorted(states)}, sent away {sent_away}, open files "
        f"{open_files}, refused {dict(load.refusals)}, a new caller answered {again_s:.1f} s after they had gone"
    )
    assert open_files < 350
    assert states == {"succeeded"}
    assert not load.wrong
    assert paddock.terminate() == 0


def _sent_away(connections: list[socket.socket]) -> int | None:
    """How many have been told that there is no place for them; None if it is not yet most of what is too many."""
    poll = select.poll()
    for connection in connections:
        poll.register(connection, select.POLLIN)
    told = len(poll.poll(0))
    return told if told > 300 else None


def test_a_control_plane_without_a_free_file_serves_those_it_has_and_then_everybody(
    images: dict[str, str], start_paddock: StartPaddock, figures: Figures
) -> None:
    """No connection is accepted meanwhile, and none that there is goes."""
    paddock = start_paddock(network_pool_size=2, freeze_after_s=60)
    deploy_marks(paddock, images["behaviours"], Timeout=10, MemorySize=1024)
    load = Load(paddock, pause_s=0.1)
    load.start()
    load.go_on(1)
    until(lambda: load.answered and load.acknowledged, "the load goes")
    with no_more_files(paddock.pid):
        until(lambda: not _is_served(paddock), "a new caller is not served")
        before, acknowledged_before = load.answered, len(load.acknowledged)
        load.go_on(3)
        answered, acknowledged = load.answered - before, len(load.acknowledged) - acknowledged_before
    again_s = answers_again(paddock)
    load.stop()
    ended = settled(paddock, load.acknowledged, _PATIENCE_S)
    states = {one["state"] for one in ended.values()}
    figures(
        f"control plane without a free file: acknowledged {len(load.acknowledged)}, of them {acknowledged} meanwhile, "
        f"lost {len(load.acknowledged) - len(ended)}, states {sorted(states)}, synchronous answers meanwhile "
        f"{answered}, refused {dict(load.refusals)}, a new caller answered {again_s:.1f} s after there were files"
    )
    assert answered > 0
    assert acknowledged > 0
    assert states == {"succeeded"}
    assert not load.wrong
    assert paddock.terminate() == 0


def _is_served(paddock: PaddockProcess) -> bool:
    """Is a caller who connects only now answered within a second?"""
    with socket.socket() as connection:
        connection.settimeout(1)
        try:
            connection.connect(("127.0.0.1", paddock.port))
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return b" 200 " in connection.recv(64)
        except OSError:
            return False


def test_a_driver_without_a_free_file_starts_nothing_and_leaves_nothing_behind(
    engine: docker.DockerClient, images: dict[str, str], start_paddock: StartPaddock, figures: Figures
) -> None:
    """A container's output could not be read: it is not started, callers are told why, events wait."""
    paddock = start_paddock(network_pool_size=2, max_environments=2, room_wait_s=1, freeze_after_s=60)
    client = deploy_marks(paddock, images["behaviours"], Timeout=10)
    owner = paddock.owner(engine)
    (driver,) = children(paddock.pid)
    with no_more_files(driver):
        client.invoke(FunctionName="marks", Payload=b'{"do": "exit"}')
        told = _outcome(paddock)
        waits = [accepted(client, do="mark", mark=f"waits-{number}") for number in range(10)]
        meanwhile = {paddock.invocation(one)["state"] for one in waits}
    again_s = answers_again(paddock)
    ended = settled(paddock, waits, _PATIENCE_S)
    states = {one["state"] for one in ended.values()}
    figures(
        f"driver without a free file: acknowledged {len(waits)}, lost {len(waits) - len(ended)}, states "
        f"{sorted(states)}, answering {again_s:.1f} s after there were files"
    )
    assert told.startswith("ServiceException: ")
    assert "Too many open files" in told
    assert meanwhile == {"queued"}
    assert states == {"succeeded"}
    assert {one["attempts"] for one in ended.values()} == {1}
    assert paddock.terminate() == 0
    assert not engine.containers.list(all=True, filters={"label": f"paddock.owner={owner}"})


def test_many_large_payloads_at_once_are_bounded_and_the_kernel_kills_nobody(
    images: dict[str, str], start_paddock: StartPaddock, figures: Figures
) -> None:
    """Those that there is no room for get a 429, as AWS's clients expect and try again."""
    paddock = start_paddock(network_pool_size=2, request_memory_mib=16)
    client = deploy_marks(paddock, images["behaviours"], Timeout=20, MemorySize=1024)
    pid = paddock.pid
    with little_memory(pid, further_mib=256), ThreadPoolExecutor(16) as pool:
        outcomes = Counter(pool.map(lambda _: _outcome(paddock, _LARGE).partition(":")[0], range(64)))
        event = accepted(client, do="mark", mark="beside")
        settled(paddock, [event], _PATIENCE_S)
        assert paddock.is_running()
    figures(f"64 payloads of 6 MB, 16 at once, with 256 MiB: {dict(outcomes)}, the process was not killed")
    assert paddock.pid == pid
    assert set(outcomes) == {"answer", "TooManyRequestsException"}
    assert paddock.terminate() == 0


def test_what_was_accepted_before_the_kernel_kills_for_want_of_memory_runs_after_the_next_start(
    engine: docker.DockerClient, images: dict[str, str], start_paddock: StartPaddock, figures: Figures
) -> None:
    """It is a `kill -9` like any other; whoever supervises the process starts it again."""
    paddock = start_paddock(network_pool_size=2, max_environments=4)
    deploy_marks(paddock, images["behaviours"], Timeout=20, MemorySize=1024)
    owner = paddock.owner(engine)
    load = Load(paddock, pause_s=0.1)
    load.start()
    load.go_on(1)
    stopped = threading.Event()
    with little_memory(paddock.pid, further_mib=24), ThreadPoolExecutor(8) as pool:
        for _ in range(8):
            pool.submit(_flood, paddock, stopped)
        code = until(paddock.ended, "the kernel kills it", _PATIENCE_S)
        stopped.set()
    paddock.start()
    again_s = answers_again(paddock)
    load.stop()
    ended = settled(paddock, load.acknowledged, _PATIENCE_S)
    states = {one["state"] for one in ended.values()}
    figures(
        f"control plane out of memory: acknowledged {len(load.acknowledged)}, lost "
        f"{len(load.acknowledged) - len(ended)}, states {sorted(states)}, answering {again_s:.1f} s after the start"
    )
    assert code == -signal.SIGKILL
    assert states == {"succeeded"}
    assert not load.wrong
    assert paddock.terminate() == 0
    assert not engine.containers.list(all=True, filters={"label": f"paddock.owner={owner}"})


def _flood(paddock: PaddockProcess, stopped: threading.Event) -> None:
    while not stopped.is_set():
        _outcome(paddock, _LARGE)


def _outcome(paddock: PaddockProcess, payload: bytes = b"{}") -> str:
    """What a synchronous caller gets who connects only now."""
    client = paddock.client()
    try:
        answer = client.invoke(FunctionName="marks", Payload=payload)
    except botocore.exceptions.ClientError as error:
        return f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"
    except botocore.exceptions.BotoCoreError as error:
        return f"{type(error).__name__}: {error}"
    finally:
        client.close()
    return f"{answer.get('FunctionError', 'answer')}: {answer['Payload'].read().decode()}"
