"""
The kinds of callers of a mixed load: each does one small thing that a user does, and knows what the right answer is.

A caller's act returns what came of it, in a word or two. What a fault may have caused is raised as `Killed` or as
botocore's error; what nothing may cause is raised as `WrongAnswer`.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import itertools
import json
import random
import urllib.request
from collections.abc import Callable
from typing import Any

import botocore.exceptions

from tests.support.waiting import until

EXIT, OUT_OF_MEMORY, TIMED_OUT = "Runtime.ExitError", "Runtime.OutOfMemory", "Sandbox.Timedout"
_LARGE_BYTES = 1_000_000
_MIB = 1_048_576
_ACTIVE_WITHIN_S = 45
_FOLLOWED_LINES = 20

FUNCTIONS: dict[str, dict[str, Any]] = {
    "marks": {"Timeout": 10},
    "echoes": {"Timeout": 30},
    "bodies": {"Timeout": 30, "MemorySize": 512},
    "hurt": {"Timeout": 10},
    "slow": {"Timeout": 1},
    "files": {"Timeout": 30},
    "changing": {"Timeout": 30, "Environment": {"Variables": {"ROUND": "0"}}},
}
"""What is called, and how it is configured; each is the image that does what its event says."""

Act = Callable[[Any, random.Random], str]


class WrongAnswer(Exception):
    """Nothing explains this."""


class Killed(Exception):
    """The function ended as one does that was killed; only a fault explains that."""


def call(client: Any, name: str, event: object, fails: tuple[str, ...] = (), **options: Any) -> tuple[str, Any, str]:
    """
    Invoke, and judge how it ended.

    Args:
        fails: The error types one of which it must end with; none for an answer.

    Returns: The error's type or `answered`, the body, and the tail of the log.
    """
    answer = client.invoke(FunctionName=name, Payload=json.dumps(event).encode(), **options)
    body = json.loads(answer["Payload"].read())
    tail = base64.b64decode(answer.get("LogResult", "")).decode()
    how = body["errorType"] if "FunctionError" in answer else "answered"
    if how in (fails or ("answered",)):
        return how, body, tail
    if how == EXIT:
        raise Killed(how)
    raise WrongAnswer(f"{name} {str(event)[:80]}: {how} {str(body)[:300]}")


def small(client: Any, chance: random.Random) -> str:
    """A few bytes there and back."""
    event = {"n": chance.random()}
    how, body, _ = call(client, "echoes", event)
    _check(body["event"] == event, event, body)
    return how


def with_tail(client: Any, chance: random.Random) -> str:
    """A few bytes, and the log of the run with the answer."""
    line = f"printed {chance.random()}"
    _, _, tail = call(client, "echoes", {"do": "print", "lines": [line]}, LogType="Tail")
    _check(tail.startswith("START RequestId: "), line, tail)
    return "tail" if line in tail and "REPORT RequestId: " in tail else "tail that came late"


def large(client: Any, chance: random.Random) -> str:
    """A megabyte there and back."""
    event = {"n": chance.random(), "blob": "x" * _LARGE_BYTES}
    how, body, _ = call(client, "bodies", event)
    _check(body["event"] == event, "a megabyte", str(body)[:200])
    return how


def failing(client: Any, chance: random.Random) -> str:
    """What goes wrong in functions by their own fault, and a megabyte of output."""
    todo = chance.choice(("raise", "exit", "memory", "print"))
    if todo == "raise":
        how, body, _ = call(client, "hurt", {"do": "raise", "message": "so"}, ("ValueError",))
        _check(body["errorMessage"] == "so", todo, body)
        return how
    if todo == "exit":
        return call(client, "hurt", {"do": "exit", "code": 3}, (EXIT,))[0]
    if todo == "memory":
        # With 7 % of a core it may not come to the end of its memory in time.
        return call(client, "hurt", {"do": "memory", "mib": 400}, (OUT_OF_MEMORY, TIMED_OUT))[0]
    how, _, _ = call(client, "hurt", {"do": "print", "lines": ["y" * 1000] * 1000})
    return f"{how}, 1 MB printed"


def slow(client: Any, chance: random.Random) -> str:
    """Longer than its function may."""
    return call(client, "slow", {"do": "sleep", "seconds": 20 + chance.random()}, (TIMED_OUT,))[0]


def writing(client: Any, chance: random.Random) -> str:
    """Files in /tmp."""
    size = chance.randint(1, 24) * _MIB
    how, body, _ = call(client, "files", {"do": "write-tmp", "bytes": size})
    _check(body["size"] == size, size, body)
    return how


class Changing:
    """Changes a function's variables, and finds the change in the next answer."""

    def __init__(self) -> None:
        self._rounds = itertools.count(1)
        self._may_be = {0}

    def __call__(self, client: Any, chance: random.Random) -> str:
        """One change and one call."""
        number = next(self._rounds)
        # Whether a change was made whose answer did not come is not known.
        self._may_be.add(number)
        client.update_function_configuration(
            FunctionName="changing",
            MemorySize=128 + 32 * (number % 2),
            Environment={"Variables": {"ROUND": str(number)}},
        )
        self._may_be = {number}
        if number % 3:
            client.put_function_concurrency(FunctionName="changing", ReservedConcurrentExecutions=3 + number % 5)
        else:
            client.delete_function_concurrency(FunctionName="changing")
        _, body, _ = call(client, "changing", {"do": "context"})
        found = int(body["environment"]["ROUND"])
        _check(found in self._may_be, f"variables of {self._may_be}", f"of {found}")
        self._may_be = {found}
        return "changed"


class Brief:
    """Creates a function, calls it, deletes it, and finds it gone."""

    def __init__(self, image: str) -> None:
        self._image = image
        self._numbers = itertools.count(1)
        self._left: list[str] = []

    def __call__(self, client: Any, chance: random.Random) -> str:
        """One function's life."""
        self.clear(client)
        name = f"brief-{next(self._numbers)}"
        self._left.append(name)
        client.create_function(
            FunctionName=name,
            Role="arn:aws:iam::000000000000:role/any",
            PackageType="Image",
            Code={"ImageUri": self._image},
            Timeout=30,
        )
        until(lambda: _state(client, name) == "Active", f"{name} is active", _ACTIVE_WITHIN_S)
        call(client, name, {"n": 1})
        self.clear(client)
        try:
            client.invoke(FunctionName=name, Payload=b"{}")
        except client.exceptions.ResourceNotFoundException:
            return "created, called, deleted"
        raise WrongAnswer(f"{name} answers after it was deleted")

    def clear(self, client: Any) -> None:
        """Delete what an interrupted act left."""
        while self._left:
            with contextlib.suppress(client.exceptions.ResourceNotFoundException):
                client.delete_function(FunctionName=self._left[-1])
            self._left.pop()


class Following:
    """Follows a function's log for some lines, and leaves."""

    def __init__(self, endpoint: str) -> None:
        self._url = f"{endpoint}/_paddock/functions/echoes/output?follow=true&limit=10"

    def __call__(self, client: Any, chance: random.Random) -> str:
        """One reader."""
        try:
            with urllib.request.urlopen(self._url, timeout=20) as lines:
                for _ in itertools.islice(lines, _FOLLOWED_LINES):
                    pass
        except (OSError, http.client.HTTPException) as error:
            raise botocore.exceptions.HTTPClientError(error=error) from error
        return "followed"


def _state(client: Any, name: str) -> str:
    found = client.get_function_configuration(FunctionName=name)
    state: str = found["State"]
    if state == "Failed":
        raise WrongAnswer(f"{name} could not be created: {found.get('StateReason')}")
    return state


def _check(holds: bool, asked: object, told: object) -> None:
    if not holds:
        raise WrongAnswer(f"asked {asked!r}, told {str(told)[:300]!r}")
