"""
An application that is built when it is first asked for.

For what is large to import and seldom needed at once: after a crash, callers of functions do not wait for the console.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from orchestrator.lambda_api.answers import App, Receive, Scope, Send


class OnDemand:
    """
    One.

    Args:
        build: Imports and builds it; called once, in a thread.
    """

    def __init__(self, build: Callable[[], App]) -> None:
        self._build = build
        self._built: App | None = None
        self._one_at_a_time = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; whoever comes while it is built waits."""
        if self._built is None:
            async with self._one_at_a_time:
                if self._built is None:
                    self._built = await asyncio.to_thread(self._build)
        await self._built(scope, receive, send)
