"""
Event source mappings: which queue or stream is to invoke which function. Values and rules only.

Paddock keeps them and does not read their sources yet.
AWS: https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from orchestrator.domain.errors import ResourceConflict
from orchestrator.domain.event_sources import KAFKAS, EventSource, Settings
from orchestrator.domain.names import FunctionKey, lambda_arn


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSourceMapping:
    """
    One mapping.

    Args:
        qualifier: Of the function, as it was named; None is the function as such.
        settings: With AWS's defaults for this source.
        is_enabled: Does its owner want it read? Nothing is, either way.
    """

    uuid: str
    function: FunctionKey
    qualifier: str | None = None
    source: EventSource
    settings: Settings
    is_enabled: bool = True
    last_modified: datetime
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def function_arn(self) -> str:
        """With the qualifier, if there is one."""
        return self.function.qualified_arn(self.qualifier) if self.qualifier else self.function.arn

    @property
    def arn(self) -> str:
        """The mapping's own."""
        return lambda_arn(self.function.account, self.function.region, "event-source-mapping", self.uuid)

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Where records come from: the source's ARN, or the servers of a self-managed Kafka."""
        if arn := self.settings.get("EventSourceArn"):
            return (arn,)
        endpoints = self.settings.get("SelfManagedEventSource", {}).get("Endpoints", {})
        return tuple(endpoints.get("KAFKA_BOOTSTRAP_SERVERS", ()))


def refuse_a_second(new: EventSourceMapping, existing: Iterable[EventSourceMapping]) -> None:
    """
    One mapping for a source and a function is enough.

    Raises:
        ResourceConflict: Naming the one that there is.
    """
    for one in existing:
        if one.uuid == new.uuid or one.function_arn != new.function_arn or one.source is not new.source:
            continue
        if not set(one.endpoints) & set(new.endpoints):
            continue
        if new.source in KAFKAS and not set(one.settings["Topics"]) & set(new.settings["Topics"]):
            continue
        raise ResourceConflict(_second(new, one.uuid))


def _second(new: EventSourceMapping, uuid: str) -> str:
    name = f"{new.function.name}:{new.qualifier}" if new.qualifier else new.function.name
    remedy = f"already exists. Please update or delete the existing mapping with UUID {uuid}"
    if new.source in KAFKAS:
        return (
            f'An event source mapping with event source ("{",".join(new.endpoints)}"), function '
            f'("{new.function_arn}"), topics ("{",".join(new.settings["Topics"])}") {remedy}'
        )
    if new.source is EventSource.SQS:
        return f'An event source mapping with SQS arn (" {new.endpoints[0]} ") and function (" {name} ") {remedy}'
    return f'The event source arn (" {new.endpoints[0]} ") and function (" {name} ") provided mapping {remedy}'
