"""Event source mappings of a template against the real API: which one of those that stand is the template's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.lambda_api.conftest import Deploy
from tests.unit.lambda_api.served_api import ROLE

CLUSTER = "arn:aws:kafka:us-east-1:000000000000:cluster/orders/1"


def written(tmp_path: Path, **mappings: Any) -> Path:
    """A template of one function and these mappings of it."""
    function = {"PackageType": "Image", "Code": {"ImageUri": "hello:1"}, "Role": ROLE}
    resources: dict[str, Any] = {"F": {"Type": "AWS::Lambda::Function", "Properties": function}}
    for logical_id, properties in mappings.items():
        properties = {"FunctionName": {"Ref": "F"}, "StartingPosition": "LATEST", **properties}
        resources[logical_id] = {"Type": "AWS::Lambda::EventSourceMapping", "Properties": properties}
    path = tmp_path / "template.json"
    path.write_text(json.dumps({"Resources": resources}))
    return path


def own_servers(*servers: str) -> dict[str, Any]:
    """A Kafka of one's own, as CloudFormation writes it."""
    return {
        "SelfManagedEventSource": {"Endpoints": {"KafkaBootstrapServers": servers}},
        "SourceAccessConfigurations": [{"Type": "VPC_SUBNET", "URI": "subnet:subnet-1"}],
    }


@pytest.mark.parametrize("source", [{"EventSourceArn": CLUSTER}, own_servers("a.example:9092", "b.example:9092")])
def test_mappings_of_one_cluster_are_told_apart_by_their_topics(
    deploy: Deploy, client: Any, tmp_path: Path, source: dict[str, Any]
) -> None:
    """Each has its own batches, and no deployment after the first changes them."""
    template = written(
        tmp_path,
        A={**source, "Topics": ["topica"], "BatchSize": 10},
        B={**source, "Topics": ["topicb"], "BatchSize": 20},
    )
    found = [deploy(template) for _ in range(3)]
    assert [(one["A"]["change"], one["B"]["change"]) for one in found] == [
        ("create", "create"),
        ("unchanged", "unchanged"),
        ("unchanged", "unchanged"),
    ]
    assert {
        one["Topics"][0]: one["BatchSize"] for one in client.list_event_source_mappings()["EventSourceMappings"]
    } == {
        "topica": 10,
        "topicb": 20,
    }


def test_a_topic_that_comes_later_is_read_by_a_mapping_of_its_own(deploy: Deploy, client: Any, tmp_path: Path) -> None:
    """The one that stands stays as it is."""
    first = {"EventSourceArn": CLUSTER, "Topics": ["topica"]}
    deploy(written(tmp_path, A=first))
    found = deploy(written(tmp_path, A=first, B={**first, "Topics": ["topicb"]}))
    assert (found["A"]["change"], found["B"]["change"]) == ("unchanged", "create")
    mappings = client.list_event_source_mappings()["EventSourceMappings"]
    assert sorted(one["Topics"][0] for one in mappings) == ["topica", "topicb"]


def test_a_kafka_of_ones_own_is_the_same_by_one_of_its_servers(deploy: Deploy, client: Any, tmp_path: Path) -> None:
    """As the API sees it: it would refuse a second mapping. Which servers it reads from stays, like its topics."""
    for servers in (("a.example:9092", "b.example:9092"), ("b.example:9092", "c.example:9092")):
        template = written(tmp_path, A={**own_servers(*servers), "Topics": ["topica"]})
        found = deploy(template)
    assert found["A"]["change"] == "unchanged"
    (mapping,) = client.list_event_source_mappings()["EventSourceMappings"]
    endpoints = {"KAFKA_BOOTSTRAP_SERVERS": ["a.example:9092", "b.example:9092"]}
    assert mapping["SelfManagedEventSource"]["Endpoints"] == endpoints
