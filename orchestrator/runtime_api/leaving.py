"""
How the server tells that a client has gone, where nothing more is to be read from it.

A task that waits for ASGI's `http.disconnect` would cost each invocation more than all that its poll does.
"""

from __future__ import annotations

from collections.abc import Callable

WHEN_LEFT = "paddock.when_left"
"""In the scope of a request: a `WhenLeft` of its connection."""

WhenLeft = Callable[[Callable[[], None] | None], None]
"""
Takes what is to be called when the connection has ended (at once, if it has already), in the place of what it took
before; None if nothing is, any more.
"""
