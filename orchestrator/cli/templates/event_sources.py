"""
AWS::Lambda::EventInvokeConfig and AWS::Lambda::EventSourceMapping: how events come, and what becomes of them.

AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-eventsourcemapping.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.cli.templates.names import place_of_function, qualified
from orchestrator.cli.templates.references import Stack
from orchestrator.cli.templates.shapes import shaped
from orchestrator.cli.templates.wanted import (
    Ask,
    Call,
    NotForPaddock,
    Standing,
    Wanted,
    members_that_differ,
    without_empty,
)

_LATEST = "$LATEST"
_OF_EVENTS = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")
_WHICH_SOURCE = ("EventSourceArn", "SelfManagedEventSource")
_ONLY_WHEN_CREATED = {
    *_WHICH_SOURCE,
    *("StartingPosition", "StartingPositionTimestamp", "Topics", "Queues", "Tags"),
    *("AmazonManagedKafkaEventSourceConfig", "SelfManagedKafkaEventSourceConfig"),
}
_SERVERS = "KAFKA_BOOTSTRAP_SERVERS"
_RUNS = {"Enabled", "Enabling", "Creating", "Updating"}
_BY_ITS_OWNER = {"User action", "USER_INITIATED", ""}
"""Why it is in its state, if not for another reason."""


class EventInvokeConfigKind:
    """How often an event is tried, how old it may become, and where its record goes."""

    type = "AWS::Lambda::EventInvokeConfig"

    def wanted(self, logical_id: str, properties: Mapping[str, Any]) -> Wanted:
        """As `Kind`."""
        name, _ = place_of_function(properties["FunctionName"])
        qualifier = properties.get("Qualifier")
        target = qualified(name, None if qualifier == _LATEST else qualifier)
        given = without_empty(shaped("PutFunctionEventInvokeConfig", properties))
        members = {key: value for key, value in given.items() if key not in ("FunctionName", "Qualifier")}
        if not members:
            raise NotForPaddock("it sets nothing: neither retries, nor an age, nor a destination")
        shown = f"{name}:{target['Qualifier']}" if "Qualifier" in target else name
        return Wanted(logical_id=logical_id, type=self.type, name=shown, target=target, members=members)

    def standing(self, ask: Ask, wanted: Wanted) -> Standing | None:
        """As `Kind`."""
        found = ask("GetFunctionEventInvokeConfig", **wanted.target)
        return None if found is None else Standing(members=without_empty(found))

    def differing(self, wanted: Wanted, standing: Standing, follows: bool) -> tuple[str, ...]:
        """As `Kind`. Also what is set and the template no longer has."""
        surplus = tuple(name for name in _OF_EVENTS if name in standing.members and name not in wanted.members)
        return members_that_differ(wanted, standing) + surplus

    def renewed_by(self, differing: tuple[str, ...]) -> bool:
        """As `Kind`."""
        return False

    def calls(self, wanted: Wanted, standing: Standing | None, differing: tuple[str, ...]) -> list[Call]:
        """As `Kind`. What is put is all there is."""
        parameters = {**wanted.target, **wanted.members}
        return [Call(operation="PutFunctionEventInvokeConfig", parameters=parameters)]


class EventSourceMappingKind:
    """
    What reads a queue or a stream; one is known by its function and its source, of a Kafka by its topics too.

    As the API knows them, which refuses a second one of the same.
    """

    type = "AWS::Lambda::EventSourceMapping"

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def wanted(self, logical_id: str, properties: Mapping[str, Any]) -> Wanted:
        """As `Kind`."""
        name, qualifier = place_of_function(properties["FunctionName"])
        given = shaped("CreateEventSourceMapping", properties)
        servers = (given.get("SelfManagedEventSource") or {}).get("Endpoints") or {}
        if "KafkaBootstrapServers" in servers:
            # CloudFormation's name of it is not the API's.
            given["SelfManagedEventSource"] = {"Endpoints": {_SERVERS: servers["KafkaBootstrapServers"]}}
        shown = f"{name}:{qualifier}" if qualifier else name
        target = {"FunctionName": shown, **{key: given[key] for key in _WHICH_SOURCE if key in given}}
        members = {key: value for key, value in given.items() if key not in target}
        return Wanted(logical_id=logical_id, type=self.type, name=shown, target=target, members=members)

    def standing(self, ask: Ask, wanted: Wanted) -> Standing | None:
        """As `Kind`."""
        arn = self._stack.function_arn(wanted.name)
        filtered = {key: wanted.target[key] for key in ("EventSourceArn",) if key in wanted.target}
        marker: dict[str, str] = {}
        while True:
            page = ask("ListEventSourceMappings", **filtered, **marker) or {}
            for one in page.get("EventSourceMappings", []):
                if one.get("FunctionArn") == arn and _reads_the_same(wanted, one):
                    reason = one.get("StateTransitionReason", "")
                    is_kept_from_running = one.get("State") not in _RUNS and reason not in _BY_ITS_OWNER
                    return Standing(
                        members={**one, "Enabled": one.get("State") in _RUNS or is_kept_from_running},
                        values={"UUID": one["UUID"]},
                        notes=(reason,) if is_kept_from_running else (),
                    )
            if not page.get("NextMarker"):
                return None
            marker = {"Marker": page["NextMarker"]}

    def differing(self, wanted: Wanted, standing: Standing, follows: bool) -> tuple[str, ...]:
        """As `Kind`."""
        return tuple(name for name in members_that_differ(wanted, standing) if name not in _ONLY_WHEN_CREATED)

    def renewed_by(self, differing: tuple[str, ...]) -> bool:
        """As `Kind`."""
        return False

    def calls(self, wanted: Wanted, standing: Standing | None, differing: tuple[str, ...]) -> list[Call]:
        """As `Kind`."""
        if standing is None:
            return [Call(operation="CreateEventSourceMapping", parameters={**wanted.target, **wanted.members})]
        changes: dict[str, Any] = {key: wanted.members[key] for key in differing}
        return [Call(operation="UpdateEventSourceMapping", parameters={"UUID": standing.values["UUID"], **changes})]


def _reads_the_same(wanted: Wanted, standing: Mapping[str, Any]) -> bool:
    """Would the API refuse to create it beside this one?"""
    topics = wanted.members.get("Topics")
    if topics and not set(topics) & set(standing.get("Topics", ())):
        return False
    return bool(_endpoints_of(wanted.target) & _endpoints_of(standing))


def _endpoints_of(mapping: Mapping[str, Any]) -> set[str]:
    if arn := mapping.get("EventSourceArn"):
        return {arn}
    return set(mapping.get("SelfManagedEventSource", {}).get("Endpoints", {}).get(_SERVERS, ()))
