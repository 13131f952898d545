"""Bodies of requests under way have so much memory together, and no more."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from orchestrator.domain.errors import TooManyRequests
from orchestrator.invocations.requests import InvokeRequest, InvokeResult
from orchestrator.lambda_api.bodies import BodyRoom
from tests.support.waiting import until
from tests.unit.lambda_api.served_api import REQUEST_ID, ServedApi

_MIB = 1_048_576
INVOKE = "/2015-03-31/functions/hello/invocations"
LARGE = b'"' + b"x" * (5 * _MIB) + b'"'


@pytest.fixture
def small_api(tmp_path: Path) -> Iterator[ServedApi]:
    """With room for two large bodies."""
    served = ServedApi(tmp_path, body_room_bytes=12 * _MIB)
    yield served
    served.end()


def test_what_does_not_fit_beside_the_others_is_throttled_and_fits_again_later(small_api: ServedApi) -> None:
    """Small ones are served all the while."""
    going_on = threading.Event()

    async def held(request: InvokeRequest) -> InvokeResult:
        if len(request.payload) > _MIB:
            await asyncio.to_thread(going_on.wait, 20)
        return InvokeResult(status_code=200, request_id=REQUEST_ID, payload=b"{}", executed_version="$LATEST")

    small_api.front_desk.script = held
    with ThreadPoolExecutor(2) as pool:
        first = [pool.submit(small_api.send, "POST", INVOKE, LARGE) for _ in range(2)]
        until(lambda: len(small_api.front_desk.asked) == 2, "two large ones are under way")
        refused = small_api.send("POST", INVOKE, LARGE)
        assert refused.status == 429
        assert refused.headers["x-amzn-errortype"] == "TooManyRequestsException"
        assert refused.content["Reason"] == "CallerRateLimitExceeded"
        assert small_api.send("POST", INVOKE, b"{}").status == 200
        going_on.set()
        assert [one.result().status for one in first] == [200, 200]
    assert small_api.send("POST", INVOKE, LARGE).status == 200


def test_room_is_given_back_however_a_request_ends() -> None:
    """Also of one that was refused in the middle."""
    room = BodyRoom(10)
    for _ in range(3):
        with pytest.raises(TooManyRequests):
            _take(room, 6, 6)
    _take(room, 10)


def _take(room: BodyRoom, *sizes: int) -> None:
    with room.hold() as held:
        for size in sizes:
            held.take(size)
