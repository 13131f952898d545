"""Event source mappings of a template: which one is meant, what differs, and what is taken away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.templates.kinds import kinds_of
from orchestrator.cli.templates.references import Stack
from orchestrator.cli.templates.wanted import Call

STACK = Stack(name="shop", account="123456789012", region="eu-west-1")
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:f"
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:jobs"
STREAM = "arn:aws:kinesis:eu-west-1:123456789012:stream/s"
KAFKA = "arn:aws:kafka:eu-west-1:123456789012:cluster/c/1"


def mapping(uuid: str, function: str = ARN, source: str = QUEUE, **settings: Any) -> dict[str, Any]:
    """One of ListEventSourceMappings."""
    return {"UUID": uuid, "FunctionArn": function, "EventSourceArn": source, "State": "Enabled", **settings}


def update(standing: list[dict[str, Any]], properties: dict[str, Any], *beside: dict[str, Any]) -> list[Call] | None:
    """
    The calls that lead to what the template wants.

    Args:
        beside: Properties of other mappings of the template.

    Returns: None if there is no mapping yet.
    """
    kind = kinds_of(STACK, Path("/nowhere"), {})["AWS::Lambda::EventSourceMapping"]
    wanted, *_ = [kind.wanted(f"M{index}", one) for index, one in enumerate((properties, *beside))]
    found = kind.standing(lambda operation, **_: {"EventSourceMappings": standing}, wanted)
    if found is None:
        return None
    differing = kind.differing(wanted, found, False)
    return kind.calls(wanted, found, differing) if differing else []


def changed(uuid: str, **changes: Any) -> list[Call]:
    """One update."""
    return [Call(operation="UpdateEventSourceMapping", parameters={"UUID": uuid, **changes})]


F = {"FunctionName": "f", "EventSourceArn": QUEUE}
LIVE = {"FunctionName": "f:live", "EventSourceArn": QUEUE}


@pytest.mark.parametrize(
    ("standing", "expected"),
    [
        ([], None),
        ([mapping("1", f"{ARN}2"), mapping("2", source=f"{QUEUE}2")], None),
        ([mapping("1", f"{ARN}2"), mapping("2", source=f"{QUEUE}2"), mapping("3")], []),
        ([mapping("1", f"{ARN}:live"), mapping("2")], []),
        ([mapping("1", State="Disabled", StateTransitionReason="USER_INITIATED")], changed("1", Enabled=True)),
    ],
    ids=["none", "others", "beside others", "beside an alias's", "disabled"],
)
def test_a_mapping_is_known_by_its_function_and_source(
    standing: list[dict[str, Any]], expected: list[Call] | None
) -> None:
    """Another function's and another source's are not it."""
    assert update(standing, {**F, "Enabled": True}) == expected


@pytest.mark.parametrize(
    ("properties", "stands", "name"), [(LIVE, ARN, "f:live"), (F, f"{ARN}:live", "f"), (LIVE, f"{ARN}:7", "f:live")]
)
def test_a_mapping_of_another_qualifier_is_led_to_the_one_that_is_wanted(
    properties: dict[str, Any], stands: str, name: str
) -> None:
    """As CloudFormation updates it; a second one would share the queue with it."""
    assert update([mapping("1", stands)], properties) == changed("1", FunctionName=name)


def test_a_mapping_that_the_template_describes_is_led_nowhere() -> None:
    """Nor is one of several that nobody describes: which was meant is not known."""
    assert update([mapping("1")], LIVE, F) is None
    assert update([mapping("1", f"{ARN}:a"), mapping("2", f"{ARN}:b")], LIVE) is None


@pytest.mark.parametrize(
    ("properties", "settings", "changes"),
    [
        (
            F,
            {"FilterCriteria": {"Filters": [{"Pattern": "{}"}]}, "FunctionResponseTypes": ["ReportBatchItemFailures"]},
            {"FilterCriteria": {}, "FunctionResponseTypes": []},
        ),
        (
            F,
            {"BatchSize": 100, "MaximumBatchingWindowInSeconds": 5, "ScalingConfig": {"MaximumConcurrency": 2}},
            {"ScalingConfig": {}, "BatchSize": 10, "MaximumBatchingWindowInSeconds": 0},
        ),
        ({**F, "FilterCriteria": {}}, {"FilterCriteria": {"Filters": [{"Pattern": "{}"}]}}, {"FilterCriteria": {}}),
        (F, {"BatchSize": 10, "FunctionResponseTypes": [], "MaximumBatchingWindowInSeconds": 0}, {}),
        (
            {"FunctionName": "f", "EventSourceArn": STREAM, "StartingPosition": "LATEST"},
            {"BatchSize": 50, "MaximumRetryAttempts": 0, "BisectBatchOnFunctionError": True},
            {"BatchSize": 100, "BisectBatchOnFunctionError": False, "MaximumRetryAttempts": -1},
        ),
        (
            {"FunctionName": "f", "EventSourceArn": STREAM, "StartingPosition": "LATEST"},
            {"BatchSize": 100, "DestinationConfig": {"OnFailure": {}}, "MaximumRetryAttempts": -1},
            {},
        ),
        (
            {"FunctionName": "f", "EventSourceArn": KAFKA, "Topics": ["t"]},
            {"BatchSize": 100, "MaximumBatchingWindowInSeconds": 3, "Topics": ["t"]},
            {},
        ),
    ],
)
def test_what_the_template_no_longer_has_of_a_mapping_is_taken_away(
    properties: dict[str, Any], settings: dict[str, Any], changes: dict[str, Any]
) -> None:
    """As of an event invoke config, where a value takes it away; what is AWS's default is nothing."""
    standing = mapping("1", source=properties["EventSourceArn"], **settings)
    assert update([standing], properties) == (changed("1", **changes) if changes else [])
