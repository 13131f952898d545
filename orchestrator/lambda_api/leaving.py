"""Ends the wait for an answer when its caller goes away."""

from __future__ import annotations

import asyncio
from types import TracebackType

from orchestrator.lambda_api.answers import Receive
from orchestrator.lambda_api.bodies import CallerLeft

_BEGINS_AFTER_S = 0.1
"""Most answers come sooner, and need no second task: it costs a call 60 us of 500."""


class WhileCallerStays:
    """
    A block that is cancelled, and raises CallerLeft, once its caller has closed the connection.

    Args:
        receive: The body has been read from it: what comes next is the end of the connection.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._has_left = False
        self._watching: asyncio.Task[None] | None = None

    def __enter__(self) -> WhileCallerStays:
        task = asyncio.current_task()
        assert task is not None
        self._waiting = task
        self._timer = task.get_loop().call_later(_BEGINS_AFTER_S, self._begin)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self._watching is not None:
            self._watching.cancel()
        if self._has_left and kind is asyncio.CancelledError:
            self._waiting.uncancel()
            raise CallerLeft from error

    def _begin(self) -> None:
        self._watching = self._waiting.get_loop().create_task(self._watch())

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._has_left = True
        self._waiting.cancel()
