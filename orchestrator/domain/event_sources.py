"""
Event sources: what can be read from, and which settings each takes. Values and rules only.

The settings are kept as AWS names them, for what is taken, needed and meant by default differs from source to source;
the tables say how.
AWS: https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from orchestrator.domain.errors import InvalidParameterValue
from orchestrator.domain.event_patterns import is_pattern

Settings = Mapping[str, Any]
"""Members of the request by AWS's names."""

_SERVERS = "KAFKA_BOOTSTRAP_SERVERS"
_LARGEST_BATCH_WITHOUT_WINDOW = 10
_UNLIMITED_AGE_S = -1
_LEAST_AGE_S = 60


class EventSource(StrEnum):
    """What a mapping reads from."""

    SQS = "sqs"
    KINESIS = "kinesis"
    DYNAMODB = "dynamodb"
    MSK = "kafka"
    SELF_MANAGED_KAFKA = "self-managed-kafka"
    MQ = "mq"
    DOCUMENTDB = "rds"


STREAMS = (EventSource.KINESIS, EventSource.DYNAMODB)
KAFKAS = (EventSource.MSK, EventSource.SELF_MANAGED_KAFKA)
_OF_ALL = frozenset(
    {"BatchSize", "EventSourceArn", "FilterCriteria", "KMSKeyArn", "MaximumBatchingWindowInSeconds", "MetricsConfig"}
)
_OF_POSITIONS = frozenset({"StartingPosition", "StartingPositionTimestamp"})
_OF_RETRIES = frozenset(
    {
        "BisectBatchOnFunctionError",
        "DestinationConfig",
        "FunctionResponseTypes",
        "MaximumRecordAgeInSeconds",
        "MaximumRetryAttempts",
    }
)
_OF_STREAMS = _OF_POSITIONS | _OF_RETRIES | {"ParallelizationFactor", "TumblingWindowInSeconds"}
_OF_KAFKAS = (
    _OF_POSITIONS | _OF_RETRIES | {"LoggingConfig", "ProvisionedPollerConfig", "SourceAccessConfigurations", "Topics"}
)
_TAKEN: Mapping[EventSource, frozenset[str]] = {
    EventSource.SQS: frozenset({"FunctionResponseTypes", "ProvisionedPollerConfig", "ScalingConfig"}),
    EventSource.KINESIS: _OF_STREAMS,
    EventSource.DYNAMODB: _OF_STREAMS,
    EventSource.MSK: _OF_KAFKAS | {"AmazonManagedKafkaEventSourceConfig"},
    EventSource.SELF_MANAGED_KAFKA: (
        (_OF_KAFKAS | {"SelfManagedEventSource", "SelfManagedKafkaEventSourceConfig"}) - {"EventSourceArn"}
    ),
    EventSource.MQ: frozenset({"Queues", "SourceAccessConfigurations"}),
    EventSource.DOCUMENTDB: _OF_POSITIONS | {"DocumentDBEventSourceConfig", "SourceAccessConfigurations"},
}
"""Beside those of all."""
_REQUIRED: Mapping[EventSource, tuple[str, ...]] = {
    EventSource.MSK: ("Topics",),
    EventSource.SELF_MANAGED_KAFKA: ("SourceAccessConfigurations", "Topics"),
    EventSource.MQ: ("Queues", "SourceAccessConfigurations"),
    EventSource.DOCUMENTDB: ("DocumentDBEventSourceConfig", "SourceAccessConfigurations"),
}
_STREAM_DEFAULTS: Settings = {
    "BatchSize": 100,
    "BisectBatchOnFunctionError": False,
    "DestinationConfig": {"OnFailure": {}},
    "FunctionResponseTypes": [],
    "MaximumBatchingWindowInSeconds": 0,
    "MaximumRecordAgeInSeconds": -1,
    "MaximumRetryAttempts": -1,
    "ParallelizationFactor": 1,
    "TumblingWindowInSeconds": 0,
}
_DEFAULTS: Mapping[EventSource, Settings] = {
    EventSource.SQS: {"BatchSize": 10, "FunctionResponseTypes": [], "MaximumBatchingWindowInSeconds": 0},
    EventSource.KINESIS: _STREAM_DEFAULTS,
    EventSource.DYNAMODB: _STREAM_DEFAULTS,
    EventSource.MSK: {"BatchSize": 100},
    EventSource.SELF_MANAGED_KAFKA: {"BatchSize": 100},
    EventSource.MQ: {"BatchSize": 100},
    EventSource.DOCUMENTDB: {"BatchSize": 100},
}
_NOTHING: tuple[object, ...] = ({}, [], "", {"Filters": []}, {"OnFailure": {}}, {"OnFailure": {"Destination": ""}})
"""Values that take away what was set."""
_POLLERS: Mapping[EventSource, tuple[int, int]] = {
    EventSource.SQS: (2, 10_000),
    EventSource.MSK: (1, 2_000),
    EventSource.SELF_MANAGED_KAFKA: (1, 2_000),
}
"""The least of `MinimumPollers`, the most of `MaximumPollers`."""
_MOST_MINIMUM_POLLERS = 200
_MOST_POLLERS_BY_DEFAULT = 200


def source_of(settings: Settings) -> EventSource:
    """
    What a request means to read from.

    Raises:
        InvalidParameterValue: If it is nothing that AWS reads from.
    """
    arn: str | None = settings.get("EventSourceArn")
    if arn is None:
        if "SelfManagedEventSource" in settings:
            return EventSource.SELF_MANAGED_KAFKA
        raise InvalidParameterValue("Unrecognized event source.")
    service = arn.split(":")[2]
    is_table = service == EventSource.DYNAMODB and "/stream/" not in arn
    if is_table or service == EventSource.SELF_MANAGED_KAFKA or service not in set(EventSource):
        raise InvalidParameterValue("Unrecognized event source.")
    return EventSource(service)


def completed(source: EventSource, asked: Settings, now: datetime) -> Settings:
    """
    The settings of a new mapping.

    Raises:
        InvalidParameterValue: If the source does not take what was asked for, or needs what was not.
    """
    _check_position(source, asked, now)
    for name in _REQUIRED.get(source, ()):
        if not asked.get(name):
            raise InvalidParameterValue(f"Required '{_small(name)}' parameter is missing.")
    if source is EventSource.SELF_MANAGED_KAFKA:
        _check_servers(asked)
    return changed(source, _DEFAULTS[source], asked)


def changed(source: EventSource, before: Settings, asked: Settings) -> Settings:
    """
    The settings after a change: what was asked for replaces what was, what is empty takes it away.

    Raises:
        InvalidParameterValue: If the source does not take it.
    """
    for name, value in asked.items():
        if name not in _OF_ALL | _TAKEN[source] and value not in _NOTHING:
            raise _unsupported(name)
    settings = dict(before)
    for name, value in asked.items():
        if value in _NOTHING:
            settings.pop(name, None)
            if name in _DEFAULTS[source]:
                settings[name] = _DEFAULTS[source][name]
        else:
            settings[name] = value
    _check(source, settings)
    return settings


def _check_servers(asked: Settings) -> None:
    # The model leaves them open; without one there is nothing to read from. AWS's text is not known.
    endpoints = asked.get("SelfManagedEventSource", {}).get("Endpoints", {})
    if not endpoints.get(_SERVERS):
        raise InvalidParameterValue(
            f"SelfManagedEventSource names no server; Endpoints.{_SERVERS} is a list of host:port, of at least one"
        )


def _check_position(source: EventSource, asked: Settings, now: datetime) -> None:
    position, at = asked.get("StartingPosition"), asked.get("StartingPositionTimestamp")
    if source is EventSource.SQS and (position is not None or at is not None):
        raise InvalidParameterValue("StartingPosition is not valid for SQS event sources.")
    if source in STREAMS and position is None:
        raise InvalidParameterValue(
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: "
            "Member must not be null."
        )
    if position != "AT_TIMESTAMP":
        if at is not None:
            raise InvalidParameterValue("Timestamp only valid with StartingPosition AT_TIMESTAMP")
        return
    if source is EventSource.DYNAMODB:
        raise InvalidParameterValue(f"Unsupported starting position for arn type: {asked['EventSourceArn']}")
    if at is None:
        raise InvalidParameterValue("Need to specify a timestamp")
    if at < 0:
        raise InvalidParameterValue(
            "Received Exception while reading from provided stream. class java.lang.Long can not be converted to a "
            "Timestamp"
        )
    if at > now.timestamp():
        raise InvalidParameterValue("StartingPositionTimestamp cannot be in the future")


def _check(source: EventSource, settings: Settings) -> None:
    """What several members say together, and what the model's ranges do not say."""
    if "OnSuccess" in settings.get("DestinationConfig", {}):
        raise _unsupported("DestinationConfig")
    window_s: int = settings.get("MaximumBatchingWindowInSeconds", 0)
    if source is EventSource.SQS:
        if settings["EventSourceArn"].endswith(".fifo") and window_s > 0:
            raise InvalidParameterValue("Batching window is not supported for FIFO queues")
        if settings["BatchSize"] > _LARGEST_BATCH_WITHOUT_WINDOW and window_s == 0:
            raise InvalidParameterValue(
                "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
            )
    age_s: int = settings.get("MaximumRecordAgeInSeconds", _UNLIMITED_AGE_S)
    if age_s != _UNLIMITED_AGE_S and age_s < _LEAST_AGE_S:
        raise InvalidParameterValue("MaximumRecordAgeInSeconds must be -1, or between 60 and 604800")
    for one in settings.get("FilterCriteria", {}).get("Filters", []):
        if not is_pattern(one.get("Pattern", "")):
            raise InvalidParameterValue("Invalid filter pattern definition.")
    _check_pollers(source, settings)


def _check_pollers(source: EventSource, settings: Settings) -> None:
    pollers = settings.get("ProvisionedPollerConfig")
    if not pollers:
        return
    if settings.get("ScalingConfig"):
        raise InvalidParameterValue(
            "Provisioned mode for SQS ESM does not support maximum concurrency feature. Use MaximumPollers as the "
            "control mechanism and remove maximum concurrency."
        )
    least, most = _POLLERS[source]
    minimum = pollers.get("MinimumPollers", least)
    maximum = pollers.get("MaximumPollers", max(minimum, _MOST_POLLERS_BY_DEFAULT))
    if not (least <= minimum <= _MOST_MINIMUM_POLLERS and minimum <= maximum <= most):
        raise InvalidParameterValue(
            f"MinimumPollers should be between [{least}, {_MOST_MINIMUM_POLLERS}] and MaximumPollers should be "
            f"between [MinimumPollers, {most}]"
        )


def _unsupported(name: str) -> InvalidParameterValue:
    quoted = name if name == "DestinationConfig" else f"'{_small(name)}'"
    return InvalidParameterValue(f"Unsupported {quoted} parameter for given event source mapping type.")


def _small(name: str) -> str:
    return name[:1].lower() + name[1:]
