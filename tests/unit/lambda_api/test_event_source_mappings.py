"""Create, get, list, update and delete event source mappings: AWS's records and refusals, and what is not done yet."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.unit.lambda_api.served_api import ServedApi

Create = Callable[..., dict[str, Any]]
Refused = Callable[..., tuple[str, str]]

QUEUE = "arn:aws:sqs:us-east-1:123456789012:orders"
FIFO = f"{QUEUE}.fifo"
STREAM = "arn:aws:kinesis:us-east-1:123456789012:stream/clicks"
TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/carts/stream/2026-01-01T00:00:00.000"
CLUSTER = "arn:aws:kafka:us-east-1:123456789012:cluster/c/11111111-2222-3333-4444-555555555555-1"
BROKER = "arn:aws:mq:us-east-1:123456789012:broker:b:b-11111111-2222-3333-4444-555555555555"
DOCUMENTS = "arn:aws:rds:us-east-1:123456789012:cluster:docs"
SECRET = [{"Type": "BASIC_AUTH", "URI": "arn:aws:secretsmanager:us-east-1:123456789012:secret:s"}]
NOT_POLLED = "Paddock keeps event source mappings but does not poll their sources yet; nothing is read"
INVALID = "InvalidParameterValueException"


@pytest.fixture
def hello(create: Create) -> str:
    """A function's ARN."""
    arn: str = create()["FunctionArn"]
    return arn


@pytest.fixture
def mapped(client: Any, hello: str) -> Create:
    """Create a mapping for it."""

    def mapped(source: str | None = QUEUE, **members: Any) -> dict[str, Any]:
        if source is not None:
            members["EventSourceArn"] = source
        answer: dict[str, Any] = client.create_event_source_mapping(FunctionName="hello", **members)
        return answer

    return mapped


def _told(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != "ResponseMetadata"}


def test_a_queues_mapping_has_the_defaults_of_aws_and_says_that_nothing_is_read(
    api: ServedApi, client: Any, hello: str, mapped: Create, account: str
) -> None:
    """As recorded, but never `Enabled`: whoever waits for that is not deceived."""
    created = mapped()
    uuid = created["UUID"]
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert _told(created) == {
        "UUID": uuid,
        "EventSourceMappingArn": f"arn:aws:lambda:us-east-1:{account}:event-source-mapping:{uuid}",
        "BatchSize": 10,
        "EventSourceArn": QUEUE,
        "FunctionArn": hello,
        "FunctionResponseTypes": [],
        "LastModified": api.clock.now(),
        "LastProcessingResult": f"PROBLEM: {NOT_POLLED}",
        "MaximumBatchingWindowInSeconds": 0,
        "State": "Creating",
        "StateTransitionReason": f"Enabled was asked for; {NOT_POLLED}",
    }
    got = client.get_event_source_mapping(UUID=uuid)
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert _told(got) == _told(created) | {"State": "Disabled"}


def test_a_streams_mapping_has_the_defaults_of_aws(
    client: Any, hello: str, mapped: Create, api: ServedApi, account: str
) -> None:
    """As recorded; one that is not enabled has no problem."""
    created = mapped(STREAM, StartingPosition="LATEST", Enabled=False)
    uuid = created["UUID"]
    assert _told(client.get_event_source_mapping(UUID=uuid)) == {
        "UUID": uuid,
        "EventSourceMappingArn": f"arn:aws:lambda:us-east-1:{account}:event-source-mapping:{uuid}",
        "BatchSize": 100,
        "BisectBatchOnFunctionError": False,
        "DestinationConfig": {"OnFailure": {}},
        "EventSourceArn": STREAM,
        "FunctionArn": hello,
        "FunctionResponseTypes": [],
        "LastModified": api.clock.now(),
        "LastProcessingResult": "No records processed",
        "MaximumBatchingWindowInSeconds": 0,
        "MaximumRecordAgeInSeconds": -1,
        "MaximumRetryAttempts": -1,
        "ParallelizationFactor": 1,
        "StartingPosition": "LATEST",
        "State": "Disabled",
        "StateTransitionReason": "User action",
        "TumblingWindowInSeconds": 0,
    }


@pytest.mark.parametrize(
    ("source", "members"),
    [
        (FIFO, {"BatchSize": 10, "ScalingConfig": {"MaximumConcurrency": 2}}),
        (QUEUE, {"BatchSize": 10_000, "MaximumBatchingWindowInSeconds": 300}),
        (QUEUE, {"ProvisionedPollerConfig": {"MinimumPollers": 2, "MaximumPollers": 10_000}}),
        (QUEUE, {"FunctionResponseTypes": ["ReportBatchItemFailures"], "MetricsConfig": {"Metrics": ["EventCount"]}}),
        (QUEUE, {"FilterCriteria": {"Filters": [{"Pattern": '{"body": {"kind": ["a", {"prefix": "b"}]}}'}]}}),
        (
            TABLE,
            {
                "StartingPosition": "TRIM_HORIZON",
                "DestinationConfig": {"OnFailure": {"Destination": QUEUE}},
                "MaximumRecordAgeInSeconds": 60,
                "MaximumRetryAttempts": 1,
                "ParallelizationFactor": 10,
                "BisectBatchOnFunctionError": True,
                "TumblingWindowInSeconds": 900,
            },
        ),
        (STREAM, {"StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": datetime(2026, 1, 1, tzinfo=UTC)}),
        (CLUSTER, {"Topics": ["clicks"], "StartingPosition": "LATEST", "BatchSize": 10_000}),
        (
            None,
            {
                "Topics": ["clicks"],
                "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["k.example:9092"]}},
                "SourceAccessConfigurations": SECRET,
                "SelfManagedKafkaEventSourceConfig": {"ConsumerGroupId": "us"},
            },
        ),
        (BROKER, {"Queues": ["orders"], "SourceAccessConfigurations": SECRET}),
        (
            DOCUMENTS,
            {"DocumentDBEventSourceConfig": {"DatabaseName": "shop"}, "SourceAccessConfigurations": SECRET},
        ),
    ],
    ids=["fifo", "large", "pollers", "failures", "filter", "dynamodb", "kinesis", "msk", "kafka", "mq", "documentdb"],
)
def test_what_a_source_takes_is_kept_and_shown(
    client: Any, mapped: Create, source: str | None, members: dict[str, Any]
) -> None:
    """For every kind of source, to the letter."""
    created = mapped(source, **members)
    got = client.get_event_source_mapping(UUID=created["UUID"])
    assert {name: got.get(name) for name in members} == members
    assert got.get("EventSourceArn") == source


@pytest.mark.parametrize(
    ("source", "members", "message"),
    [
        (None, {}, "Unrecognized event source."),
        ("arn:aws:s3:::bucket", {}, "Unrecognized event source."),
        (TABLE.partition("/stream/")[0], {"StartingPosition": "LATEST"}, "Unrecognized event source."),
        (QUEUE, {"StartingPosition": "LATEST"}, "StartingPosition is not valid for SQS event sources."),
        (
            QUEUE,
            {"BatchSize": 11},
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10",
        ),
        (FIFO, {"MaximumBatchingWindowInSeconds": 1}, "Batching window is not supported for FIFO queues"),
        (
            QUEUE,
            {"ParallelizationFactor": 2},
            "Unsupported 'parallelizationFactor' parameter for given event source mapping type.",
        ),
        (
            QUEUE,
            {"ScalingConfig": {"MaximumConcurrency": 2}, "ProvisionedPollerConfig": {"MinimumPollers": 2}},
            (
                "Provisioned mode for SQS ESM does not support maximum concurrency feature. Use MaximumPollers as the "
                "control mechanism and remove maximum concurrency."
            ),
        ),
        (
            QUEUE,
            {"ProvisionedPollerConfig": {"MinimumPollers": 5, "MaximumPollers": 4}},
            "MinimumPollers should be between [2, 200] and MaximumPollers should be between [MinimumPollers, 10000]",
        ),
        (QUEUE, {"FilterCriteria": {"Filters": [{"Pattern": "{"}]}}, "Invalid filter pattern definition."),
        (QUEUE, {"FilterCriteria": {"Filters": [{}]}}, "Invalid filter pattern definition."),
        (
            STREAM,
            {},
            (
                "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: "
                "Member must not be null."
            ),
        ),
        (
            STREAM,
            {"StartingPosition": "LATEST", "StartingPositionTimestamp": datetime(2026, 1, 1, tzinfo=UTC)},
            "Timestamp only valid with StartingPosition AT_TIMESTAMP",
        ),
        (STREAM, {"StartingPosition": "AT_TIMESTAMP"}, "Need to specify a timestamp"),
        (
            STREAM,
            {"StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": datetime(1969, 12, 31, tzinfo=UTC)},
            (
                "Received Exception while reading from provided stream. class java.lang.Long can not be converted to a "
                "Timestamp"
            ),
        ),
        (
            STREAM,
            {"StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": datetime(2036, 1, 1, tzinfo=UTC)},
            "StartingPositionTimestamp cannot be in the future",
        ),
        (TABLE, {"StartingPosition": "AT_TIMESTAMP"}, f"Unsupported starting position for arn type: {TABLE}"),
        (
            TABLE,
            {"StartingPosition": "LATEST", "DestinationConfig": {"OnSuccess": {"Destination": QUEUE}}},
            "Unsupported DestinationConfig parameter for given event source mapping type.",
        ),
        (
            TABLE,
            {"StartingPosition": "LATEST", "MaximumRecordAgeInSeconds": 59},
            "MaximumRecordAgeInSeconds must be -1, or between 60 and 604800",
        ),
        (CLUSTER, {}, "Required 'topics' parameter is missing."),
        (
            None,
            {
                "Topics": ["clicks"],
                "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["k.example:9092"]}},
            },
            "Required 'sourceAccessConfigurations' parameter is missing.",
        ),
        (BROKER, {"SourceAccessConfigurations": SECRET}, "Required 'queues' parameter is missing."),
        (QUEUE, {"FunctionName": "missing"}, "Function does not exist"),
        (QUEUE, {"FunctionName": "hello:7"}, "Function does not exist"),
        (QUEUE, {"Tags": {f"t{number}": "" for number in range(51)}}, "Number of tags exceeds resource tag limit."),
    ],
)
def test_what_a_source_does_not_take_is_refused_as_on_aws(
    client: Any, hello: str, refused: Refused, source: str | None, members: dict[str, Any], message: str
) -> None:
    """And nothing is kept."""
    arguments = {"FunctionName": "hello"} | members | ({"EventSourceArn": source} if source else {})
    assert refused(client.create_event_source_mapping, **arguments) == (INVALID, message)
    assert client.list_event_source_mappings()["EventSourceMappings"] == []


@pytest.mark.parametrize(
    "members",
    [
        {"BatchSize": 0},
        {"BatchSize": 10_001},
        {"MaximumBatchingWindowInSeconds": 301},
        {"ScalingConfig": {"MaximumConcurrency": 1}},
        {"ScalingConfig": {"MaximumConcurrency": 1001}},
        {"StartingPosition": "0"},
        {"EventSourceArn": "orders"},
        {"Topics": ["a" * 3, "b" * 3]},
        {"FunctionResponseTypes": ["ReportNothing"]},
    ],
    ids=str,
)
def test_what_the_model_forbids_is_a_validation_exception(
    client: Any, hello: str, refused: Refused, members: dict[str, Any]
) -> None:
    """Before anything else is looked at."""
    arguments = {"FunctionName": "hello", "EventSourceArn": QUEUE} | members
    assert refused(client.create_event_source_mapping, **arguments)[0] == "ValidationException"


@pytest.mark.parametrize("when", [b'"never"', b"NaN", b"[]"])
def test_a_time_that_is_none_is_refused(api: ServedApi, hello: str, when: bytes) -> None:
    """A number of seconds or a text of ISO 8601 is one."""
    body = b'{"FunctionName": "hello", "StartingPositionTimestamp": ' + when + b"}"
    answer = api.send("POST", "/2015-03-31/event-source-mappings", body)
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (400, "SerializationException")


@pytest.mark.parametrize(
    ("source", "members", "message"),
    [
        (QUEUE, {}, 'An event source mapping with SQS arn (" {source} ") and function (" hello ") already exists.'),
        (
            STREAM,
            {"StartingPosition": "LATEST"},
            'The event source arn (" {source} ") and function (" hello ") provided mapping already exists.',
        ),
        (
            CLUSTER,
            {"Topics": ["clicks"]},
            (
                'An event source mapping with event source ("{source}"), function ("{function}"), topics ("clicks") '
                "already exists."
            ),
        ),
    ],
    ids=["sqs", "kinesis", "kafka"],
)
def test_a_second_mapping_of_a_source_to_a_function_is_refused_with_the_uuid_of_the_first(
    mapped: Create, hello: str, refused: Refused, source: str, members: dict[str, Any], message: str
) -> None:
    """In the words AWS has for this source."""
    uuid = mapped(source, **members)["UUID"]
    assert refused(mapped, source=source, **members) == (
        "ResourceConflictException",
        (
            f"{message.format(source=source, function=hello)} Please update or delete the existing mapping with UUID "
            f"{uuid}"
        ),
    )


def test_one_queue_may_lead_to_two_functions_and_two_topics_of_a_cluster_to_one(
    client: Any, create: Create, mapped: Create, refused: Refused
) -> None:
    """Unless one is changed to be the same as another."""
    create("other")
    mapped()
    other = client.create_event_source_mapping(FunctionName="other", EventSourceArn=QUEUE)["UUID"]
    mapped(CLUSTER, Topics=["clicks"])
    mapped(CLUSTER, Topics=["orders"])
    code, _ = refused(client.update_event_source_mapping, UUID=other, FunctionName="hello")
    assert code == "ResourceConflictException"


def test_an_update_changes_what_it_names_and_what_is_empty_takes_away(
    api: ServedApi, client: Any, mapped: Create
) -> None:
    """The answer says what is under way, the next look where it led."""
    uuid = mapped(BatchSize=5, ScalingConfig={"MaximumConcurrency": 7})["UUID"]
    api.clock.advance(timedelta(seconds=60))  # type: ignore[attr-defined]
    updated = client.update_event_source_mapping(
        UUID=uuid, MaximumBatchingWindowInSeconds=1, ScalingConfig={}, BatchSize=20
    )
    assert updated["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert (updated["State"], updated["BatchSize"]) == ("Updating", 20)
    assert "ScalingConfig" not in updated
    assert updated["LastModified"] == api.clock.now()
    assert client.update_event_source_mapping(UUID=uuid, Enabled=False)["State"] == "Disabling"
    disabled = client.get_event_source_mapping(UUID=uuid)
    assert (disabled["State"], disabled["BatchSize"]) == ("Disabled", 20)
    assert disabled["StateTransitionReason"] == "USER_INITIATED"
    assert "LastProcessingResult" not in disabled
    wanted = client.update_event_source_mapping(UUID=uuid, Enabled=True)
    assert (wanted["State"], wanted["StateTransitionReason"]) == (
        "Enabling",
        f"Enabled was asked for; {NOT_POLLED}",
    )
    assert client.get_event_source_mapping(UUID=uuid)["State"] == "Disabled"
    assert client.update_event_source_mapping(UUID=uuid, Enabled=True)["State"] == "Updating"


@pytest.mark.parametrize("servers", [{}, {"Endpoints": {}}, {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": []}}])
def test_a_kafka_of_ones_own_has_a_server(client: Any, hello: str, refused: Refused, servers: Any) -> None:
    """The model asks for none; without one there is nothing to read from."""
    code, _ = refused(
        client.create_event_source_mapping,
        FunctionName="hello",
        SelfManagedEventSource=servers,
        Topics=["clicks"],
        SourceAccessConfigurations=SECRET,
    )
    assert code in (INVALID, "ValidationException")
    assert client.list_event_source_mappings()["EventSourceMappings"] == []


def test_an_update_is_refused_for_the_same_reasons(client: Any, mapped: Create, refused: Refused) -> None:
    """What would be after it counts, not only what it names."""
    uuid = mapped(BatchSize=20, MaximumBatchingWindowInSeconds=1)["UUID"]
    assert refused(client.update_event_source_mapping, UUID=uuid, MaximumBatchingWindowInSeconds=0) == (
        INVALID,
        "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10",
    )
    assert refused(client.update_event_source_mapping, UUID=uuid, FunctionName="missing") == (
        INVALID,
        "Function does not exist",
    )


def test_what_is_deleted_says_so_once_and_is_gone(client: Any, mapped: Create, refused: Refused) -> None:
    """A new one of the same source may come."""
    uuid = mapped()["UUID"]
    deleted = client.delete_event_source_mapping(UUID=uuid)
    assert (deleted["ResponseMetadata"]["HTTPStatusCode"], deleted["State"], deleted["UUID"]) == (202, "Deleting", uuid)
    gone = ("ResourceNotFoundException", "The resource you requested does not exist.")
    assert refused(client.get_event_source_mapping, UUID=uuid) == gone
    assert refused(client.update_event_source_mapping, UUID=uuid) == gone
    assert refused(client.delete_event_source_mapping, UUID=uuid) == gone
    assert refused(client.get_event_source_mapping, UUID="short")[0] == "ValidationException"
    assert mapped()["UUID"] != uuid


def test_mappings_are_listed_by_source_by_function_and_in_pages(
    client: Any, create: Create, mapped: Create, refused: Refused
) -> None:
    """A mapping outlives its function, and is still found by its name."""
    create("other")
    first = mapped()["UUID"]
    second = mapped(STREAM, StartingPosition="LATEST")["UUID"]
    third = client.create_event_source_mapping(FunctionName="other", EventSourceArn=QUEUE)["UUID"]

    def listed(**arguments: Any) -> list[str]:
        return [one["UUID"] for one in client.list_event_source_mappings(**arguments)["EventSourceMappings"]]

    assert listed() == sorted([first, second, third])
    assert listed(EventSourceArn=QUEUE) == sorted([first, third])
    assert listed(FunctionName="other") == [third]
    assert listed(FunctionName="other", EventSourceArn=STREAM) == []
    pages = client.get_paginator("list_event_source_mappings").paginate(PaginationConfig={"PageSize": 2})
    assert [[one["UUID"] for one in page["EventSourceMappings"]] for page in pages] == [
        sorted([first, second, third])[:2],
        sorted([first, second, third])[2:],
    ]
    client.delete_function(FunctionName="other")
    assert listed(FunctionName="other") == [third]
    assert refused(client.list_event_source_mappings, FunctionName="missing")[0] == "ResourceNotFoundException"
    assert refused(client.list_event_source_mappings, Marker="!")[0] == INVALID


def test_a_mapping_may_lead_to_a_qualifier_of_a_function(client: Any, hello: str) -> None:
    """It is another function, to AWS: both may read one queue."""
    client.create_event_source_mapping(FunctionName=hello, EventSourceArn=QUEUE)
    latest = client.create_event_source_mapping(FunctionName=f"{hello}:$LATEST", EventSourceArn=QUEUE)
    assert latest["FunctionArn"] == f"{hello}:$LATEST"
    found = client.list_event_source_mappings(FunctionName="hello:$LATEST")["EventSourceMappings"]
    assert [one["UUID"] for one in found] == [latest["UUID"]]
