"""An innocent function beside others: called a hundred times a second, each answer checked and timed."""

from __future__ import annotations

import http.client
import threading
import time
from dataclasses import dataclass

from tests.support.paddock_process import PaddockProcess
from tests.support.waiting import until

_EVERY_S = 0.01
_BODY = b'{"n": 1}'
_EXPECTED = b'"event": {"n": 1}'


@dataclass(frozen=True)
class Times:
    """How long calls took, in milliseconds."""

    values: list[float]

    def quantile(self, share: float) -> float:
        """The time that this share of the calls did not exceed."""
        ordered = sorted(self.values)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]

    @property
    def p50(self) -> float:
        """Half of them took no longer."""
        return self.quantile(0.5)

    @property
    def p99(self) -> float:
        """One in a hundred took longer."""
        return self.quantile(0.99)

    def __add__(self, other: Times) -> Times:
        return Times(self.values + other.values)

    def __str__(self) -> str:
        return f"p50 {self.p50:.1f} ms, p99 {self.p99:.1f} ms of {len(self.values)}"


class Neighbour:
    """
    Calls an echo, over one connection, until it is ended.

    Args:
        function: Echoes its event.
    """

    def __init__(self, paddock: PaddockProcess, function: str) -> None:
        self._port = paddock.port
        self._path = f"/2015-03-31/functions/{function}/invocations"
        self._times: list[tuple[float, float]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="neighbour")
        self.wrong: list[bytes] = []

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self) -> None:
        """Call no more."""
        self._ended.set()
        self._thread.join(30)
        assert not self._thread.is_alive(), "the neighbour hangs"

    def since(self, began: float, at_least: int = 0) -> Times:
        """
        The calls that were made since then.

        Args:
            began: Of `time.monotonic()`.
            at_least: Wait for so many.
        """
        until(lambda: self._times and len(self._made_since(began)) >= at_least, f"{at_least} calls are made")
        return Times(self._made_since(began))

    def _made_since(self, began: float) -> list[float]:
        return [took * 1000 for at, took in list(self._times) if at >= began]

    def during(self, seconds: float) -> Times:
        """Wait so long; the calls that were made meanwhile."""
        began = time.monotonic()
        self._ended.wait(seconds)
        return self.since(began)

    def _go_on(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        while not self._ended.is_set():
            began = time.monotonic()
            connection.request("POST", self._path, _BODY)
            answer = connection.getresponse()
            content = answer.read()
            took = time.monotonic() - began
            self._times.append((began, took))
            if answer.status != 200 or _EXPECTED not in content:
                self.wrong.append(content)
            self._ended.wait(_EVERY_S - took)
        connection.close()
