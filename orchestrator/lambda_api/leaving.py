"""Whoever closes the connection while a call waits or runs has gone: the call is left, not answered."""

from __future__ import annotations

import asyncio
from types import TracebackType

from orchestrator.lambda_api.answers import Scope
from orchestrator.lambda_api.bodies import CallerLeft
from orchestrator.when_left import WHEN_LEFT, WhenLeft


class WhileCallerStays:
    """
    A block that is cancelled, and raises CallerLeft, once its caller has closed the connection.

    Args:
        scope: Of the request.
    """

    def __init__(self, scope: Scope) -> None:
        self._when_left: WhenLeft = scope[WHEN_LEFT]
        self._has_left = False

    def __enter__(self) -> WhileCallerStays:
        task = asyncio.current_task()
        assert task is not None
        self._waiting = task
        self._when_left(self._leave)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._when_left(None)
        if self._has_left and kind is asyncio.CancelledError:
            self._waiting.uncancel()
            raise CallerLeft from error

    def _leave(self) -> None:
        self._has_left = True
        self._waiting.cancel()
