"""
The operations on event source mappings.

Paddock keeps mappings and does not read their sources yet. So a mapping is never `Enabled`: it comes to rest as
`Disabled`, which whoever waits for the end of a change takes for one. Of one whose owner wants it enabled,
`StateTransitionReason` and `LastProcessingResult` say that nothing is read, as does a warning in the log. `Enabled` is
kept nevertheless: it is what the mapping will be once sources are polled.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import structlog

from orchestrator.clock import Clock
from orchestrator.domain.errors import InvalidParameterValue, ResourceNotFound
from orchestrator.domain.event_source_mappings import EventSourceMapping, refuse_a_second
from orchestrator.domain.event_sources import STREAMS, changed, completed, source_of
from orchestrator.domain.function_tags import check_count
from orchestrator.domain.functions import check_serves_all_alike
from orchestrator.domain.names import LATEST, FunctionReference, parse_reference
from orchestrator.lambda_api.callers import Caller
from orchestrator.lambda_api.operations import Handler, Reply, no_such_resource
from orchestrator.lambda_api.ownership import own
from orchestrator.lambda_api.pages import page_by_name
from orchestrator.lambda_api.parse import Parameters
from orchestrator.lambda_api.repeating import repeating
from orchestrator.store.documents import Documents, Kind, Place
from orchestrator.store.functions import FunctionStore

MAPPINGS = Kind("event-source-mapping", EventSourceMapping)

_LARGEST_PAGE = 100
_NO_SETTINGS = frozenset({"Enabled", "FunctionName", "Tags", "UUID"})
_NOTHING_READ = "No records processed"
_NOT_POLLED = "Paddock keeps event source mappings but does not poll their sources yet; nothing is read"
_WANTED_ENABLED = f"Enabled was asked for; {_NOT_POLLED}"

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class EventSourceMappingOperations:
    """Create, get, list, update, delete."""

    def __init__(
        self, *, functions: FunctionStore, documents: Documents, clock: Clock, new_id: Callable[[], str]
    ) -> None:
        self._functions = functions
        self._documents = documents
        self._clock = clock
        self._new_id = new_id
        self._changing = asyncio.Lock()
        documents.know(MAPPINGS)

    def handlers(self) -> dict[str, Handler]:
        """By operation name."""
        return {
            "CreateEventSourceMapping": self.create,
            "GetEventSourceMapping": self.get,
            "ListEventSourceMappings": self.list_mappings,
            "UpdateEventSourceMapping": repeating(self.update),
            "DeleteEventSourceMapping": self.delete,
        }

    async def create(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html"""
        asked, now = _settings_in(parameters), self._clock.now()
        source = source_of(asked)
        settings = completed(source, asked, now)
        tags = parameters.get("Tags", {})
        check_count(tags)
        function = self._function(caller, parameters["FunctionName"])
        mapping = EventSourceMapping(
            uuid=self._new_id(),
            function=function.key,
            qualifier=function.qualifier,
            source=source,
            settings=settings,
            is_enabled=parameters.get("Enabled", True),
            last_modified=now,
            tags=tags,
        )
        # Nothing else of this account is created between the look for a second one and the commit.
        async with self._changing:
            refuse_a_second(mapping, self._all(caller))
            await self._documents.put(MAPPINGS, _place(caller, mapping.uuid), mapping, before=None)
        _warn(mapping)
        return Reply(202, _rendered(mapping, "Creating"))

    async def get(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_GetEventSourceMapping.html"""
        return Reply(200, _rendered(self._mapping(caller, parameters)))

    async def list_mappings(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_ListEventSourceMappings.html"""
        found = list(self._all(caller))
        if "EventSourceArn" in parameters:
            found = [one for one in found if one.settings.get("EventSourceArn") == parameters["EventSourceArn"]]
        if "FunctionName" in parameters:
            wanted = _reference(caller, parameters["FunctionName"])
            found = [one for one in found if (one.function, one.qualifier) == (wanted.key, wanted.qualifier)]
            # A mapping outlives its function, and can still be found by its name.
            if not found and self._functions.get(wanted.key) is None:
                raise ResourceNotFound(f"Function not found: {wanted.invoked_arn}")
        shown, more = page_by_name(((one.uuid, one) for one in found), parameters, _LARGEST_PAGE)
        return Reply(200, {"EventSourceMappings": [_rendered(one) for one in shown], **more})

    async def update(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_UpdateEventSourceMapping.html"""
        async with self._changing:
            before = self._mapping(caller, parameters)
            after = replace(
                before,
                settings=changed(before.source, before.settings, _settings_in(parameters)),
                is_enabled=parameters.get("Enabled", before.is_enabled),
                last_modified=self._clock.now(),
            )
            if "FunctionName" in parameters:
                function = self._function(caller, parameters["FunctionName"])
                after = replace(after, function=function.key, qualifier=function.qualifier)
                refuse_a_second(after, self._all(caller))
            await self._documents.put(MAPPINGS, _place(caller, before.uuid), after, before=before)
        if after.is_enabled and not before.is_enabled:
            _warn(after)
        return Reply(202, _rendered(after, _on_the_way(before, after)))

    async def delete(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_DeleteEventSourceMapping.html"""
        mapping = self._mapping(caller, parameters)
        await self._documents.remove(MAPPINGS, _place(caller, mapping.uuid))
        return Reply(202, _rendered(mapping, "Deleting"))

    def _mapping(self, caller: Caller, parameters: Parameters) -> EventSourceMapping:
        mapping = self._documents.get(MAPPINGS, _place(caller, parameters["UUID"]))
        if mapping is None:
            raise no_such_resource()
        return mapping

    def _all(self, caller: Caller) -> Iterator[EventSourceMapping]:
        return (mapping for _, mapping in self._documents.under(MAPPINGS, caller.account, caller.region))

    def _function(self, caller: Caller, name: str) -> FunctionReference:
        reference = _reference(caller, name)
        function = self._functions.get(reference.key)
        qualifier = reference.qualifier
        if function is None or not (
            qualifier in (None, LATEST) or qualifier in function.versions or qualifier in function.aliases
        ):
            raise InvalidParameterValue("Function does not exist")
        check_serves_all_alike(function, "Event source mappings")
        return reference


def _reference(caller: Caller, name: str) -> FunctionReference:
    return own(caller, parse_reference(name, None, caller.account, caller.region))


def _place(caller: Caller, uuid: str) -> Place:
    return Place.beside(caller.account, caller.region, uuid)


def _on_the_way(before: EventSourceMapping, after: EventSourceMapping) -> str:
    """The state that AWS answers an update with."""
    if before.is_enabled == after.is_enabled:
        return "Updating"
    return "Enabling" if after.is_enabled else "Disabling"


def _settings_in(parameters: Parameters) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if name not in _NO_SETTINGS}


def _warn(mapping: EventSourceMapping) -> None:
    if mapping.is_enabled:
        log.warning(
            "event-source-mapping.not-polled",
            uuid=mapping.uuid,
            source=list(mapping.endpoints),
            function=mapping.function_arn,
            fact=_NOT_POLLED,
            remedy="read the source with a program of your own and invoke the function",
        )


def _rendered(mapping: EventSourceMapping, state: str = "Disabled") -> dict[str, Any]:
    """
    As `EventSourceMappingConfiguration`.

    Args:
        state: The one that all come to rest in, or one on the way there.
    """
    is_stream = mapping.source in STREAMS
    reason = "User action" if is_stream else "USER_INITIATED"
    last_result = _NOTHING_READ if is_stream else None
    return {
        **mapping.settings,
        "UUID": mapping.uuid,
        "EventSourceMappingArn": mapping.arn,
        "FunctionArn": mapping.function_arn,
        "LastModified": mapping.last_modified.timestamp(),
        "LastProcessingResult": f"PROBLEM: {_NOT_POLLED}" if mapping.is_enabled else last_result,
        "State": state,
        "StateTransitionReason": _WANTED_ENABLED if mapping.is_enabled else reason,
    }
