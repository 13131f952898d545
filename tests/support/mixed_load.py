"""A mixed load that goes on over faults: what its callers saw, and what became of every event they were promised."""

from __future__ import annotations

import http.client
import itertools
import json
import random
import threading
import time
import urllib.error
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import botocore.exceptions

from tests.support.callers import (
    Act,
    Brief,
    Changing,
    Following,
    Killed,
    WrongAnswer,
    failing,
    large,
    slow,
    small,
    with_tail,
    writing,
)
from tests.support.paddock_process import PaddockProcess
from tests.support.waiting import until

FINAL = ("succeeded", "failed", "dead-lettered")
_ALWAYS = ("TooManyRequestsException", "ResourceConflictException")
"""AWS's own, at any time: no room or no concurrency; an update under way."""
_NEAR_A_FAULT = ("ServiceException",)
_LOOKED_UP_AT_ONCE = 200
_HANGS_AFTER_S = 90
_LONGER_EVERY = 10
"""One in so many events runs long enough to be met by a fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbed:
    """What a caller saw that only a fault explains, from when it called until it knew (monotonic seconds)."""

    caller: str
    what: str
    began: float
    ended: float


@dataclass(slots=True, kw_only=True, eq=False)
class _Caller:
    name: str
    act: Act
    pause_s: float
    chance: random.Random
    turn: threading.Lock


class MixedLoad:
    """
    A bounded number of callers.

    Args:
        image: Of functions that are created meanwhile.
        further: Callers beside the usual ones, with the pause after each call in seconds.
    """

    def __init__(
        self, paddock: PaddockProcess, image: str, seed: int, further: Iterable[tuple[str, Act, float]] = ()
    ) -> None:
        self._paddock = paddock
        self._brief = Brief(image)
        self._client = paddock.client()
        self._numbers = itertools.count()
        self._going = threading.Event()
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self.outcomes: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.disturbed: list[Disturbed] = []
        self.promised = 0
        self.ended: dict[str, dict[str, Any]] = {}
        self.lost: list[str] = []
        self._pending: list[str] = []
        acts: list[tuple[str, Act, float]] = [
            ("small", small, 0.05),
            ("tail", with_tail, 0.1),
            ("large", large, 1.0),
            ("failing", failing, 0.5),
            ("slow", slow, 1.0),
            ("files", writing, 0.3),
            ("changing", Changing(), 0.5),
            ("brief", self._brief, 0.5),
            ("following", Following(paddock.endpoint), 0.5),
            ("event", self._event, 0.1),
            ("event", self._event, 0.1),
            *further,
        ]
        self._callers = [
            _Caller(name=name, act=act, pause_s=pause_s, chance=random.Random(seed + at), turn=threading.Lock())
            for at, (name, act, pause_s) in enumerate(acts)
        ]
        self._threads = [threading.Thread(target=self._run, args=(one,)) for one in self._callers]
        self._threads.append(threading.Thread(target=self._look_up))

    def start(self) -> None:
        """Begin, paused."""
        for thread in self._threads:
            thread.start()

    def resume(self) -> None:
        """Let the callers call."""
        self._going.set()

    def go_on(self, seconds: float) -> None:
        """Let what goes on go on for so long."""
        self._stopped.wait(max(0.0, seconds))

    def pause(self) -> None:
        """Call no more, once the calls under way have ended; and wait until every promised event has."""
        self._going.clear()
        for caller in self._callers:
            assert caller.turn.acquire(timeout=_HANGS_AFTER_S), f"a call of {caller.name} hangs"
            caller.turn.release()
        self._brief.clear(self._client)
        until(self._is_settled, "every acknowledged event has ended", patience_s=_HANGS_AFTER_S)

    def stop(self) -> None:
        """End the threads."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(_HANGS_AFTER_S)
            assert not thread.is_alive(), "a caller hangs"

    @property
    def calls(self) -> int:
        """So far."""
        return self.outcomes.total()

    def _run(self, caller: _Caller) -> None:
        client = self._paddock.client(connect_timeout=10, read_timeout=60)
        while not self._stopped.is_set():
            with caller.turn:
                if self._going.is_set():
                    self._call(caller, client)
            # A pause is a pause of the load, not a wait for something to have happened.
            self._stopped.wait(caller.pause_s)

    def _call(self, caller: _Caller, client: Any) -> None:
        began = time.monotonic()
        try:
            what = caller.act(client, caller.chance)
        except (WrongAnswer, AssertionError, botocore.exceptions.ReadTimeoutError) as error:
            what = "wrong"
            self.wrong.append(f"{caller.name} until {datetime.now(UTC):%H:%M:%S.%f}: {type(error).__name__} {error}")
        except Killed as error:
            what = self._note(caller, str(error), began)
        except botocore.exceptions.ClientError as error:
            what = error.response["Error"]["Code"]
            if what in _NEAR_A_FAULT:
                self._note(caller, f"{what} {error.response['Error']['Message']}", began)
            elif what not in _ALWAYS:
                self.wrong.append(f"{caller.name}: {error}")
        except botocore.exceptions.BotoCoreError as error:
            what = self._note(caller, "connection error", began, str(error))
        with self._lock:
            self.outcomes[f"{caller.name}: {what}"] += 1

    def _note(self, caller: _Caller, what: str, began: float, more: str = "") -> str:
        self.disturbed.append(
            Disturbed(caller=caller.name, what=f"{what} {more}".strip(), began=began, ended=time.monotonic())
        )
        return what

    def _event(self, client: Any, chance: random.Random) -> str:
        with self._lock:
            number = next(self._numbers)
        seconds = 0.05 if number % _LONGER_EVERY else 1.0
        payload = json.dumps({"do": "mark", "mark": f"m{number}", "seconds": seconds}).encode()
        answer = client.invoke(FunctionName="marks", InvocationType="Event", Payload=payload)
        with self._lock:
            self.promised += 1
            self._pending.append(answer["ResponseMetadata"]["RequestId"])
        return "acknowledged"

    # -- what became of the events

    def _is_settled(self) -> bool:
        with self._lock:
            return not self._pending

    def _look_up(self) -> None:
        """Soon after each has ended, for what has ended is not kept for long here."""
        while not self._stopped.wait(0.1):
            with self._lock:
                looked_up = self._pending[:_LOOKED_UP_AT_ONCE]
            for request_id in looked_up:
                if not self._has_ended(request_id):
                    continue
                with self._lock:
                    self._pending.remove(request_id)

    def _has_ended(self, request_id: str) -> bool:
        try:
            found = self._paddock.invocation(request_id)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 404:
                self.lost.append(request_id)
            return error.code == 404
        except (OSError, http.client.HTTPException):
            return False  # nobody answers just now
        if found["state"] not in FINAL:
            return False
        self.ended[request_id] = {name: found[name] for name in ("state", "attempts", "crashes", "diagnosis")}
        return True
