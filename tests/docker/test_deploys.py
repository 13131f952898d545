"""
Versions and aliases under load: how an alias shares its invocations, and that a deploy is not felt by any of them.

Short in CI; `PADDOCK_BATTERY=long` for 10,000 invocations, and for ten deploys in 60 s.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import botocore.exceptions
import docker

from tests.support.load import settled
from tests.support.paddock_process import PaddockProcess, deploy, wait_until_updated
from tests.support.waiting import until

LONG = os.environ.get("PADDOCK_BATTERY") == "long"
WEIGHTED = 10_000 if LONG else 1_000
OFF_BY_AT_MOST = 0.02 if LONG else 0.06
"""About four standard deviations of as many draws."""
WEIGHT = 0.3
WEIGHTED_CALLERS = 8

DEPLOYS = 10 if LONG else 2
LOAD_S = 60.0 if LONG else 6.0
_NAME = "deployed"
_BUILDS = ("one", "two")
_PATIENCE_S = 60
_PAUSE_S = 0.02 if LONG else 0.1
_RUN_S = 0.02
_MOST_LINES = 100_000


def _call(client: Any, name: str, event: object, **options: Any) -> tuple[str, Any]:
    """Invoke; the version that the answer names, and the body."""
    answer = client.invoke(FunctionName=name, Payload=json.dumps(event).encode(), **options)
    body = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, body
    version: str = answer["ExecutedVersion"]
    return version, body


def _reconfigure(client: Any, name: str, **variables: str) -> None:
    client.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
    wait_until_updated(client, name)


def test_an_alias_shares_its_invocations_by_weight(
    images: dict[str, str], start_paddock: Callable[..., PaddockProcess], figures: Callable[[str], None]
) -> None:
    """By what the answers name and by what the function finds in its environment, which is the same at each call."""
    client = start_paddock(network_pool_size=4).client()
    deploy(client, "weighted", images["behaviours"], Timeout=30, MemorySize=512)
    client.publish_version(FunctionName="weighted")
    _reconfigure(client, "weighted", ROUND="2")
    assert client.publish_version(FunctionName="weighted")["Version"] == "2"
    client.create_alias(
        FunctionName="weighted",
        Name="live",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": WEIGHT}},
    )

    def called(_: int) -> tuple[str, str]:
        named, body = _call(client, "weighted", {"do": "context"}, Qualifier="live")
        return named, body["environment"]["AWS_LAMBDA_FUNCTION_VERSION"]

    with ThreadPoolExecutor(WEIGHTED_CALLERS) as pool:
        seen = list(pool.map(called, range(WEIGHTED)))
    named, told = Counter(one for one, _ in seen), Counter(one for _, one in seen)
    figures(
        f"{WEIGHTED} invocations through an alias with a weight of {WEIGHT}: answers name {dict(named)}, "
        f"the function says {dict(told)}, share {told['2'] / WEIGHTED:.4f}"
    )
    assert not [one for one in seen if one[0] != one[1]]
    assert set(told) == {"1", "2"}
    assert abs(told["2"] / WEIGHTED - WEIGHT) < OFF_BY_AT_MOST


class _Tokens:
    """
    Callers of a function through its alias and without: each call has a token, which the function prints and answers.
    Whatever is not the answer is a failure, and nothing is tried again.
    """

    def __init__(self, paddock: PaddockProcess) -> None:
        self._paddock = paddock
        self._numbers = itertools.count()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self.synchronous: dict[str, str] = {}
        """Request ids by token."""
        self.asynchronous: dict[str, str] = {}
        self.executed: Counter[str] = Counter()
        self.failed: list[str] = []
        kinds = [(self._ask, "live"), (self._ask, "live"), (self._ask, None)]
        kinds += [(self._send, "live"), (self._send, "live"), (self._send, None)]
        self._threads = [threading.Thread(target=self._go_on, args=kind) for kind in kinds]

    def __enter__(self) -> _Tokens:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(_PATIENCE_S)

    def go_on_until(self, moment: float) -> None:
        """Let the callers call until this moment of `time.monotonic`."""
        self._over.wait(max(0.0, moment - time.monotonic()))

    def hang(self) -> bool:
        """Is one of them still at it?"""
        return any(thread.is_alive() for thread in self._threads)

    def all(self) -> dict[str, str]:
        """Request ids by token."""
        return self.synchronous | self.asynchronous

    def _go_on(self, act: Callable[[Any, str, dict[str, str]], None], qualifier: str | None) -> None:
        client = self._paddock.client()
        options = {"Qualifier": qualifier} if qualifier is not None else {}
        while not self._over.is_set():
            with self._lock:
                token = f"t{next(self._numbers)}"
            try:
                act(client, token, options)
            except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
                self._fails(token, error)
            self._over.wait(_PAUSE_S)

    def _ask(self, client: Any, token: str, options: dict[str, str]) -> None:
        answer = client.invoke(FunctionName=_NAME, Payload=_payload(token), **options)
        body = json.loads(answer["Payload"].read())
        if "FunctionError" in answer or body["event"]["mark"] != token:
            self._fails(token, body)
        with self._lock:
            self.synchronous[token] = answer["ResponseMetadata"]["RequestId"]
            self.executed[answer["ExecutedVersion"]] += 1

    def _send(self, client: Any, token: str, options: dict[str, str]) -> None:
        answer = client.invoke(FunctionName=_NAME, InvocationType="Event", Payload=_payload(token), **options)
        answer["Payload"].read()
        with self._lock:
            self.asynchronous[token] = answer["ResponseMetadata"]["RequestId"]

    def _fails(self, token: str, what: object) -> None:
        with self._lock:
            self.failed.append(f"{token} {str(what)[:300]}")


def _payload(token: str) -> bytes:
    return json.dumps({"do": "mark", "mark": token, "seconds": _RUN_S}).encode()


class _Deploys:
    """New code, new configuration, a version of both, and the alias led there: half of it at first, then all."""

    def __init__(self, client: Any, tags: dict[str, str]) -> None:
        self._client = client
        self._tags = tags
        self._live = "1"
        self.published = ["1"]

    def begin(self, number: int) -> None:
        """Change the function, see that it has changed, and give the new version half of what the alias gets."""
        client, build = self._client, _BUILDS[number % len(_BUILDS)]
        client.update_function_code(FunctionName=_NAME, ImageUri=self._tags[build])
        wait_until_updated(client, _NAME)
        assert self._found() == (build, str(number - 1))
        _reconfigure(client, _NAME, ROUND=str(number))
        assert self._found() == (build, str(number))
        version = client.publish_version(FunctionName=_NAME)["Version"]
        assert version not in self.published
        self.published.append(version)
        client.update_alias(FunctionName=_NAME, Name="live", RoutingConfig={"AdditionalVersionWeights": {version: 0.5}})

    def finish(self) -> None:
        """All of it to the new version."""
        self._live = self.published[-1]
        self._client.update_alias(
            FunctionName=_NAME,
            Name="live",
            FunctionVersion=self._live,
            RoutingConfig={"AdditionalVersionWeights": {}},
        )
        version, _ = _call(self._client, _NAME, {}, Qualifier="live")
        assert version == self._live

    def _found(self) -> tuple[str, str]:
        _, body = _call(self._client, _NAME, {"do": "context"})
        return body["environment"]["BUILD"], body["environment"]["ROUND"]


def _built(engine: docker.DockerClient, image: str) -> dict[str, str]:
    """Two images that say which they are."""
    tags = {}
    for build in _BUILDS:
        recipe = f"FROM {image}\nENV BUILD={build}\n".encode()
        tags[build] = f"paddock-test/deployed:{build}"
        engine.images.build(fileobj=io.BytesIO(recipe), tag=tags[build], rm=True, forcerm=True)
    return tags


def _twice(seen: Iterable[str]) -> dict[str, int]:
    return {one: count for one, count in Counter(seen).items() if count > 1}


def _begun(paddock: PaddockProcess) -> list[str]:
    """The request id of each run that an environment was given, as often as it was."""
    with paddock.log_path.open() as log:
        entries = [json.loads(line) for line in log if '"environment.busy"' in line]
    return [entry["request_id"] for entry in entries if entry["event"] == "environment.busy"]


def _printed(paddock: PaddockProcess) -> list[str]:
    """The token of each run that the function began, as often as it did."""
    texts = [json.loads(line)["text"] for line in paddock.output(_NAME, _MOST_LINES).splitlines()]
    return [text.removeprefix("MARK ") for text in texts if text.startswith("MARK ")]


def test_no_invocation_fails_or_is_doubled_while_its_function_is_deployed_again_and_again(
    engine: docker.DockerClient,
    images: dict[str, str],
    start_paddock: Callable[..., PaddockProcess],
    figures: Callable[[str], None],
) -> None:
    """Synchronous and asynchronous, through an alias that is led on and without one."""
    tags = _built(engine, images["behaviours"])
    paddock = start_paddock(network_pool_size=4, idle_timeout_s=5)
    client = paddock.client()
    deploy(client, _NAME, tags["one"], Timeout=30, MemorySize=512, Environment={"Variables": {"ROUND": "0"}})
    client.publish_version(FunctionName=_NAME)
    client.create_alias(FunctionName=_NAME, Name="live", FunctionVersion="1")
    _call(client, _NAME, {}, Qualifier="live")
    deploys = _Deploys(client, tags)
    tokens = _Tokens(paddock)
    began = time.monotonic()
    with tokens:
        for number in range(1, DEPLOYS + 1):
            deploys.begin(number)
            tokens.go_on_until(began + LOAD_S * (number - 0.5) / DEPLOYS)
            deploys.finish()
            tokens.go_on_until(began + LOAD_S * number / DEPLOYS)
    took_s = time.monotonic() - began
    assert not tokens.hang(), "a caller hangs"
    ended = settled(paddock, list(tokens.asynchronous.values()), _PATIENCE_S)
    states = Counter(one["state"] for one in ended.values())
    everyone = tokens.all()
    until(lambda: set(everyone) <= set(_printed(paddock)), "the function's log has what every run printed", _PATIENCE_S)
    begun, printed = _begun(paddock), _printed(paddock)
    figures(
        f"{DEPLOYS} deploys in {took_s:.0f} s: {len(tokens.synchronous)} answered, {len(tokens.asynchronous)} "
        f"acknowledged and then {dict(states)}, failed {len(tokens.failed)}, begun twice {len(_twice(begun))}, "
        f"printed twice {len(_twice(printed))}, answers by version {dict(sorted(tokens.executed.items()))}"
    )
    assert not tokens.failed
    assert states == {"succeeded": len(tokens.asynchronous)}
    assert {one["attempts"] for one in ended.values()} == {1}
    assert not _twice(begun)
    assert not _twice(printed)
    assert set(everyone.values()) <= set(begun)
    assert set(tokens.executed) == {"$LATEST", *deploys.published}
    assert paddock.terminate() == 0
