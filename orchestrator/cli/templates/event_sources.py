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
_UNSET: Mapping[str, Any] = {
    "FilterCriteria": {},
    "FunctionResponseTypes": [],
    "ScalingConfig": {},
    "ProvisionedPollerConfig": {},
    "DestinationConfig": {},
    "MetricsConfig": {},
    "KMSKeyArn": "",
    "BatchSize": 100,
}
_WITH_A_WINDOW: Mapping[str, Any] = {"MaximumBatchingWindowInSeconds": 0}
"""Of the other sources no value brings back AWS's own, half a second."""
_OF_A_STREAM: Mapping[str, Any] = {
    **_WITH_A_WINDOW,
    "BisectBatchOnFunctionError": False,
    "MaximumRecordAgeInSeconds": -1,
    "MaximumRetryAttempts": -1,
    "ParallelizationFactor": 1,
    "TumblingWindowInSeconds": 0,
}
_UNSET_OF: Mapping[str, Mapping[str, Any]] = {
    "sqs": {**_WITH_A_WINDOW, "BatchSize": 10},
    "kinesis": _OF_A_STREAM,
    "dynamodb": _OF_A_STREAM,
}
"""By the source's service."""
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

    As the API knows them, which refuses a second one of the same. Where there is none, but one of another qualifier of
    the same function, which no resource of the template describes, that one is led to where it should.
    AWS: the FunctionName of a mapping is updated without interruption.
    """

    type = "AWS::Lambda::EventSourceMapping"

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._described: list[Wanted] = []

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
        found = Wanted(logical_id=logical_id, type=self.type, name=shown, target=target, members=members)
        self._described.append(found)
        return found

    def standing(self, ask: Ask, wanted: Wanted) -> Standing | None:
        """As `Kind`."""
        filtered = {key: wanted.target[key] for key in ("EventSourceArn",) if key in wanted.target}
        listed: list[dict[str, Any]] = []
        marker: dict[str, str] = {}
        while True:
            page = ask("ListEventSourceMappings", **filtered, **marker) or {}
            listed += [one for one in page.get("EventSourceMappings", []) if _reads_the_same(wanted, one)]
            if not page.get("NextMarker"):
                break
            marker = {"Marker": page["NextMarker"]}
        mine = [one for one in listed if one.get("FunctionArn") == self._arn_of(wanted)]
        others = [one for one in listed if self._is_of_the_same_function(wanted, one) and not self._is_described(one)]
        if mine:
            return _as_standing(mine[0])
        return _as_standing(others[0]) if len(others) == 1 else None

    def differing(self, wanted: Wanted, standing: Standing, follows: bool) -> tuple[str, ...]:
        """As `Kind`. Also what is set and the template no longer has."""
        found = [name for name in members_that_differ(wanted, standing) if name not in _ONLY_WHEN_CREATED]
        if standing.members.get("FunctionArn", self._arn_of(wanted)) != self._arn_of(wanted):
            found.insert(0, "FunctionName")
        unset = _unset_of(wanted)
        surplus = [
            name
            for name, value in unset.items()
            if name not in wanted.members and not _is_unset(standing.members.get(name), value)
        ]
        return (*found, *surplus)

    def renewed_by(self, differing: tuple[str, ...]) -> bool:
        """As `Kind`."""
        return False

    def calls(self, wanted: Wanted, standing: Standing | None, differing: tuple[str, ...]) -> list[Call]:
        """As `Kind`."""
        if standing is None:
            return [Call(operation="CreateEventSourceMapping", parameters={**wanted.target, **wanted.members})]
        values = {**_unset_of(wanted), **wanted.members, **wanted.target}
        changes = {key: values[key] for key in differing}
        return [Call(operation="UpdateEventSourceMapping", parameters={"UUID": standing.values["UUID"], **changes})]

    def _arn_of(self, wanted: Wanted) -> str:
        return self._stack.function_arn(wanted.name)

    def _is_of_the_same_function(self, wanted: Wanted, mapping: Mapping[str, Any]) -> bool:
        arn = self._stack.function_arn(wanted.name.partition(":")[0])
        return bool(mapping.get("FunctionArn") == arn or str(mapping.get("FunctionArn")).startswith(f"{arn}:"))

    def _is_described(self, mapping: Mapping[str, Any]) -> bool:
        return any(
            mapping.get("FunctionArn") == self._arn_of(one) and _reads_the_same(one, mapping) for one in self._described
        )


def _as_standing(mapping: Mapping[str, Any]) -> Standing:
    reason = mapping.get("StateTransitionReason", "")
    is_kept_from_running = mapping.get("State") not in _RUNS and reason not in _BY_ITS_OWNER
    return Standing(
        members={**mapping, "Enabled": mapping.get("State") in _RUNS or is_kept_from_running},
        values={"UUID": mapping["UUID"]},
        notes=(reason,) if is_kept_from_running else (),
    )


def _unset_of(wanted: Wanted) -> Mapping[str, Any]:
    """What takes away each setting of such a mapping."""
    service = str(wanted.target.get("EventSourceArn", "::kafka")).split(":")[2]
    return {**_UNSET, **_UNSET_OF.get(service, {})}


def _is_unset(standing: Any, unset: Any) -> bool:
    """Is there nothing of a setting that could be taken away?"""
    return standing is None or without_empty(standing) in (unset, {}, [], "", None)


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
