"""Callers that go on over faults and remember what was acknowledged."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections import Counter
from typing import Any

import botocore.exceptions

from tests.support.paddock_process import PaddockProcess, deploy
from tests.support.waiting import until

_AGAIN_S = 0.2
"""After a call that failed: callers that ask in vain all the time take the processor from what they wait for."""


class Load:
    """
    Asynchronous and synchronous callers that go on over crashes, and remember what was acknowledged.

    Args:
        pause_s: Between two events of one caller.
    """

    def __init__(self, paddock: PaddockProcess, *, pause_s: float = 0.02) -> None:
        self._paddock = paddock
        self._pause_s = pause_s
        self._numbers = itertools.count()
        self._stopped = threading.Event()
        self._noting = threading.Lock()
        self.acknowledged: list[str] = []
        self.answered = 0
        self.wrong: list[object] = []
        self.refusals: Counter[str] = Counter()
        """What callers got instead: the error's code, or how the connection failed."""
        self._threads = [threading.Thread(target=self._events, daemon=True) for _ in range(3)]
        self._threads += [threading.Thread(target=self._calls, daemon=True) for _ in range(2)]

    def start(self) -> None:
        """Begin to call."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End, after the calls under way."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive(), "a caller hangs"

    def go_on(self, seconds: float) -> None:
        """Let the callers call for this long."""
        self._stopped.wait(seconds)

    def _events(self) -> None:
        client = patient_client(self._paddock)
        while not self._stopped.is_set():
            payload = json.dumps({"do": "mark", "mark": f"m{next(self._numbers)}", "seconds": 0.05}).encode()
            try:
                answer = client.invoke(FunctionName="marks", InvocationType="Event", Payload=payload)
                self.acknowledged.append(answer["ResponseMetadata"]["RequestId"])
                answer["Payload"].read()  # or its connection is not used again
            except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
                # Not acknowledged: nothing was promised. Wait for the next start without spinning.
                self._note(error)
                self._stopped.wait(_AGAIN_S)
            self._stopped.wait(self._pause_s)

    def _calls(self) -> None:
        client = patient_client(self._paddock)
        while not self._stopped.is_set():
            number = next(self._numbers)
            try:
                answer = client.invoke(FunctionName="marks", Payload=json.dumps({"n": number}).encode())
                body = json.loads(answer["Payload"].read())
                if body.get("event") != {"n": number}:
                    self.wrong.append(body)
                self.answered += 1
            except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
                self._note(error)
                self._stopped.wait(_AGAIN_S)

    def _note(self, error: Exception) -> None:
        is_answer = isinstance(error, botocore.exceptions.ClientError)
        code = error.response["Error"]["Code"] if is_answer else type(error).__name__
        with self._noting:
            self.refusals[code] += 1


def deploy_marks(paddock: PaddockProcess, image: str, **configuration: Any) -> Any:
    """Deploy what the load calls, and wait until it has answered; the client that did."""
    client = paddock.client()
    deploy(client, "marks", image, **configuration)
    answers_again(paddock)
    return client


def patient_client(paddock: PaddockProcess) -> Any:
    """One that gives up a connection soon and an answer late, as callers over crashes do."""
    return paddock.client(connect_timeout=1, read_timeout=20)


def answers_again(paddock: PaddockProcess, client: Any = None) -> float:
    """
    Wait until a call succeeds; the seconds that took.

    Args:
        client: Made before, if the time that takes is not to be counted.
    """
    began = time.monotonic()
    client = client or patient_client(paddock)

    def answered() -> bool:
        try:
            return client.invoke(FunctionName="marks", Payload=b"{}")["StatusCode"] == 200
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
            return False

    until(answered, "it answers again", patience_s=30)
    return time.monotonic() - began


def accepted(client: Any, **event: object) -> str:
    """Send one event; its request id."""
    answer = client.invoke(FunctionName="marks", InvocationType="Event", Payload=json.dumps(event).encode())
    request_id: str = answer["ResponseMetadata"]["RequestId"]
    return request_id


def settled(paddock: PaddockProcess, acknowledged: list[str], patience_s: float) -> dict[str, dict[str, Any]]:
    """Wait until every acknowledged event has ended; what became of each."""
    ended: dict[str, dict[str, Any]] = {}
    final = ("succeeded", "failed", "dead-lettered")

    def all_have() -> bool:
        for request_id in acknowledged:
            if request_id not in ended:
                found = paddock.invocation(request_id)
                if found["state"] not in final:
                    return False
                ended[request_id] = found
        return True

    until(all_have, "every acknowledged event ends", patience_s)
    return ended
