"""Faults while a load goes on: what is killed, stopped or changed under a control plane, one after the other."""

from __future__ import annotations

import contextlib
import io
import os
import random
import signal
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

import botocore.exceptions
import docker
from docker.errors import APIError

from tests.support.callers import Killed, WrongAnswer, call
from tests.support.paddock_process import PaddockProcess, deploy, wait_until_updated
from tests.support.waiting import until

CONTROL_PLANE = "kill -9 of the control plane"
DRIVER = "kill -9 of the driver"
RETAGGED = "paddock-test/retagged"
_VARIANTS = ("a", "b")
_PATIENCE_S = 60
_STOPPED_S = 3.0
_LEAVING = 20
_FELT_FOR_S = 5.0
"""After a fault, and the first answer after it, its effects may reach a caller for so long."""
_AT_ONCE = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """When a fault may be felt, in monotonic seconds."""

    kind: str
    began: float
    over: float


class Faults:
    """
    One kind after the other.

    Args:
        image: What is retagged is made from it.
        busy: Functions whose environments may be killed.
    """

    def __init__(
        self, paddock: PaddockProcess, engine: docker.DockerClient, image: str, busy: Collection[str], seed: int
    ) -> None:
        self._paddock = paddock
        self._engine = engine
        self._busy = tuple(busy)
        self._chance = random.Random(seed)
        self._client = paddock.client()
        self._variant = 0
        self._kinds: dict[str, Callable[[], None]] = {
            CONTROL_PLANE: self._kill_control_plane,
            "docker kill": self._kill_container,
            DRIVER: self._kill_driver,
            "docker rm -f": self._remove_container,
            "sandboxes killed": self._kill_sandboxes,
            "SIGSTOP for 3 s": self._stop_control_plane,
            "bodies broken off": self._break_bodies_off,
            "image retagged": self._retag,
        }
        self._turns = self._in_turn()
        self.windows: list[Window] = []
        for variant in _VARIANTS:
            recipe = f"FROM {image}\nENV VARIANT={variant}\n".encode()
            engine.images.build(fileobj=io.BytesIO(recipe), tag=f"{RETAGGED}:{variant}", rm=True, forcerm=True)
        self._tag()
        deploy(self._client, "retagged", f"{RETAGGED}:latest", Timeout=30)

    @property
    def count(self) -> Counter[str]:
        """How many of each kind."""
        return Counter(window.kind for window in self.windows)

    def next(self, without: Collection[str] = ()) -> None:
        """
        Do the next kind, and wait until the control plane answers again.

        Args:
            without: Kinds that are left out now.
        """
        kind = next(kind for kind in self._turns if kind not in without)
        began = time.monotonic()
        self._kinds[kind]()
        until(self._answers, f"it answers after {kind}", _PATIENCE_S)
        self.windows.append(Window(kind=kind, began=began, over=time.monotonic() + _FELT_FOR_S))

    def explain(self, began: float, ended: float) -> bool:
        """Was one felt between these moments?"""
        return any(window.began <= ended and began <= window.over for window in self.windows)

    def close(self) -> None:
        """Remove the images."""
        for tag in (*_VARIANTS, "latest"):
            with contextlib.suppress(APIError):
                self._engine.images.remove(f"{RETAGGED}:{tag}", force=True)

    def _in_turn(self) -> Iterator[str]:
        while True:
            yield from self._kinds

    def _answers(self, name: str = "echoes", event: object = None) -> Any:
        """What it answers; None while it is not there, or has no room."""
        try:
            return call(self._client, name, event or {"n": 1})[1]
        except (Killed, botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
            return None

    # -- the kinds

    def _kill_control_plane(self) -> None:
        self._paddock.kill()
        self._paddock.start()

    def _kill_driver(self) -> None:
        """What ran goes on to answer until the next driver has removed it: that is waited for."""
        lived = {one["environment_id"] for one in self._paddock.environments()}
        self._paddock.kill_driver(_PATIENCE_S)
        until(
            lambda: lived.isdisjoint(one["environment_id"] for one in self._paddock.environments()),
            "what ran under the old driver has gone",
            _PATIENCE_S,
        )

    def _kill_container(self) -> None:
        self._on_a_busy_one(lambda container: container.kill())

    def _remove_container(self) -> None:
        """As somebody does by hand: its volume stays."""
        self._on_a_busy_one(lambda container: container.remove(force=True))

    def _kill_sandboxes(self) -> None:
        """That of an environment that works, and one that is ready."""
        joined: set[str] = set()

        def kill_its_own(container: Any) -> None:
            sandbox = container.attrs["HostConfig"]["NetworkMode"].removeprefix("container:")
            joined.add(sandbox)
            self._engine.api.kill(sandbox)

        owner = self._on_a_busy_one(kill_its_own).labels["paddock.owner"]
        found = self._engine.containers.list(
            filters={"label": [f"paddock.owner={owner}", "paddock.role=sandbox"]}, ignore_removed=True
        )
        # The newest is the one that is taken last.
        ready = [one for one in found if one.id not in joined]
        with contextlib.suppress(APIError):
            if ready:
                max(ready, key=lambda one: str(one.attrs["Created"])).kill()

    def _on_a_busy_one(self, act: Callable[[Any], None]) -> Any:
        def done() -> Any:
            container = self._paddock.busy_container(self._engine, self._chance.choice(self._busy))
            # It may have ended by itself between the question and the act.
            with contextlib.suppress(APIError):
                if container is not None:
                    act(container)
                    return container
            return None

        return until(done, "an environment works, and is killed", _PATIENCE_S)

    def _stop_control_plane(self) -> None:
        os.kill(self._paddock.pid, signal.SIGSTOP)
        try:
            time.sleep(_STOPPED_S)  # the fault itself
        finally:
            os.kill(self._paddock.pid, signal.SIGCONT)

    def _break_bodies_off(self) -> None:
        """Callers that leave half-way: some with a reset, some in order."""
        kinds = (
            "/2015-03-31/functions/echoes/invocations HTTP/1.1",
            "/2015-03-31/functions/marks/invocations HTTP/1.1\r\nX-Amz-Invocation-Type: Event",
            "/2015-03-31/functions HTTP/1.1",
        )
        connections = [socket.create_connection(("127.0.0.1", self._paddock.port)) for _ in range(_LEAVING)]
        for number, connection in enumerate(connections):
            head = f"POST {kinds[number % len(kinds)]}\r\nHost: localhost\r\nContent-Length: 500000\r\n\r\n"
            connection.sendall(head.encode() + b'{"half": "' + b"x" * 250_000)
        for number, connection in enumerate(connections):
            if number % 2:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            connection.close()

    def _retag(self) -> None:
        """What runs goes on with the image it has, until the function is updated; then the new one answers."""
        before = _VARIANTS[self._variant]
        self._variant = 1 - self._variant
        self._tag()
        if self._seen() != before:
            raise WrongAnswer("a tag that was moved changed what runs")
        self._client.update_function_code(FunctionName="retagged", ImageUri=f"{RETAGGED}:latest")
        wait_until_updated(self._client, "retagged")
        if self._seen() != _VARIANTS[self._variant]:
            raise WrongAnswer("after the update the old image answers")

    def _tag(self) -> None:
        self._engine.images.get(f"{RETAGGED}:{_VARIANTS[self._variant]}").tag(RETAGGED, "latest")

    def _seen(self) -> str:
        context = until(lambda: self._answers("retagged", {"do": "context"}), "the retagged one answers", _PATIENCE_S)
        variant: str = context["environment"]["VARIANT"]
        return variant
