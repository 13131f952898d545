"""
How an application hears that its client has gone: the listener tells, at once, whoever asked.

ASGI's own way, a task that waits for `http.disconnect`, would cost each invocation two tasks and a timer.
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
