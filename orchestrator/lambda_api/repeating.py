"""
Changes that lose to another: read again, decided anew, written again.

A caller that gave no RevisionId asks for its change whatever came before, so it hears nothing of the race. For one that
gave it, reading again is what tells that the RevisionId is outdated.
"""

from __future__ import annotations

from orchestrator.domain.errors import ChangedMeanwhile
from orchestrator.lambda_api.callers import Caller
from orchestrator.lambda_api.operations import Handler, Reply
from orchestrator.lambda_api.parse import Parameters

_MOST_TIMES = 100
"""Each time somebody's change is written, so that of so many callers at once all come to an end."""


def repeating(handler: Handler) -> Handler:
    """
    The handler, run again for as long as something else was written between its reading and its writing.

    Args:
        handler: Where that happens to it, it has written nothing.
    """

    async def handle(caller: Caller, parameters: Parameters) -> Reply:
        for _ in range(_MOST_TIMES - 1):
            try:
                return await handler(caller, parameters)
            except ChangedMeanwhile:
                continue
        return await handler(caller, parameters)

    return handle
