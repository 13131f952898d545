"""A runtime as the dispatcher sees one: asks, works when told to, answers. For tests without containers."""

from __future__ import annotations

import asyncio

from orchestrator.domain.invocations import Answer, Outcome
from orchestrator.fleet.live import Event, LiveEnvironment
from orchestrator.invocations.dispatcher import Dispatcher


class ScriptedRuntime:
    """
    The runtime of one environment.

    Args:
        live: The environment it runs in.
    """

    def __init__(self, dispatcher: Dispatcher, live: LiveEnvironment) -> None:
        self._dispatcher = dispatcher
        self.live = live
        self.poll: asyncio.Future[Event | None] | None = None

    def ask(self) -> Event | None:
        """Call `/next`: the event if there is one at once, else None and the poll is parked."""
        self.poll = self._dispatcher.asked_for_work(self.live)
        return self.poll.result() if self.poll.done() else None

    async def event(self) -> Event:
        """What the parked poll is given."""
        assert self.poll is not None, "ask first"
        event = await asyncio.wait_for(self.poll, timeout=5)
        assert event is not None, "the environment has gone"
        return event

    def answer(self, event: Event, outcome: Outcome | None = None) -> None:
        """Post a response, by default the event itself."""
        self._dispatcher.check_request(self.live, event.request_id, event.nonce)
        self._dispatcher.answered(self.live, event.request_id, outcome or Answer(payload=event.body))
