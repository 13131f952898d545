"""Event invoke configs: the kind of document, and what one means for an event."""

from __future__ import annotations

from orchestrator.domain.event_invoke_configs import EventInvokeConfig
from orchestrator.domain.names import LATEST, FunctionKey
from orchestrator.domain.retries import RetryPolicy
from orchestrator.store.documents import Documents, Kind, Place

EVENT_INVOKE_CONFIGS = Kind("event-invoke-config", EventInvokeConfig)


def retry_policy(documents: Documents, default: RetryPolicy, key: FunctionKey, qualifier: str | None) -> RetryPolicy:
    """
    How often and how long an event is tried.

    Args:
        default: Where nothing is set.
        qualifier: As the event was sent; None is `$LATEST`. What it leads to does not matter.
    """
    config = documents.get(EVENT_INVOKE_CONFIGS, Place.on(key, qualifier or LATEST))
    return config.policy(default) if config is not None else default
