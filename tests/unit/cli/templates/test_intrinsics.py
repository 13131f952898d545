"""CloudFormation's functions: what each gives, before resources are known and after."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.cli.failures import Failure
from orchestrator.cli.templates.intrinsics import Intrinsics, Reference

PARAMETERS = {"Stage": "prod", "Count": 3, "Zones": ["a", "b"], "AWS::Region": "us-east-1", "AWS::AccountId": "1"}
MAPPINGS = {"Sizes": {"prod": {"Memory": 1024}}}
CONDITIONS = {
    "IsProd": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]},
    "IsNot": {"Fn::Not": [{"Condition": "IsProd"}]},
    "Both": {"Fn::And": [{"Condition": "IsProd"}, {"Fn::Equals": ["3", {"Ref": "Count"}]}]},
    "Either": {"Fn::Or": [{"Condition": "IsNot"}, {"Fn::Equals": ["a", "b"]}]},
    "Circle": {"Fn::Not": [{"Condition": "Circle"}]},
}


def intrinsics(reference: Reference | None = lambda logical_id, attribute: f"<{logical_id}.{attribute}>") -> Intrinsics:
    """With one resource, Table."""
    return Intrinsics(
        parameters=PARAMETERS,
        mappings=MAPPINGS,
        conditions=CONDITIONS,
        resources=frozenset({"Table"}),
        reference=reference,
    )


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ({"Ref": "Stage"}, "prod"),
        ({"Ref": "Zones"}, ["a", "b"]),
        ({"Ref": "Table"}, "<Table.None>"),
        ({"Fn::GetAtt": ["Table", "Arn"]}, "<Table.Arn>"),
        ({"Fn::GetAtt": "Table.Stream.Arn"}, "<Table.Stream.Arn>"),
        ({"Fn::Sub": "${Stage}-${Count}-${AWS::Region}"}, "prod-3-us-east-1"),
        ({"Fn::Sub": "${Table} ${Table.Arn}"}, "<Table.None> <Table.Arn>"),
        ({"Fn::Sub": "${!Stage}"}, "${Stage}"),
        ({"Fn::Sub": ["${A}${Stage}", {"A": {"Ref": "Count"}}]}, "3prod"),
        ({"Fn::Join": [":", ["a", {"Ref": "Count"}, True]]}, "a:3:true"),
        ({"Fn::Join": ["-", {"Ref": "Zones"}]}, "a-b"),
        ({"Fn::Select": ["1", {"Ref": "Zones"}]}, "b"),
        ({"Fn::Split": [",", "x,y"]}, ["x", "y"]),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "Stage"}, "Memory"]}, 1024),
        ({"Fn::FindInMap": ["Sizes", "dev", "Memory", {"DefaultValue": 128}]}, 128),
        ({"Fn::Base64": "a"}, "YQ=="),
        ({"Fn::GetAZs": ""}, ["us-east-1a", "us-east-1b", "us-east-1c"]),
        ({"Fn::Length": {"Ref": "Zones"}}, 2),
        ({"Fn::ToJsonString": {"a": {"Ref": "Stage"}}}, '{"a":"prod"}'),
        ({"Fn::ImportValue": "other-Arn"}, "other-Arn"),
        ({"Fn::If": ["IsProd", 1, {"Fn::Nonsense": []}]}, 1),
        ({"Fn::If": ["IsNot", 1, {"Ref": "Stage"}]}, "prod"),
        ({"a": {"Ref": "AWS::NoValue"}, "b": [1, {"Ref": "AWS::NoValue"}]}, {"b": [1]}),
    ],
)
def test_a_function_gives(written: Any, value: Any) -> None:
    """As AWS documents each."""
    assert intrinsics().resolved(written) == value


@pytest.mark.parametrize(
    "written",
    [
        {"Ref": "Table"},
        {"Fn::GetAtt": ["Table", "Arn"]},
        {"Fn::Sub": "${Stage}/${Table.Arn}"},
        {"Fn::Join": ["", ["x", {"Ref": "Table"}]]},
        {"Fn::Select": [0, [{"Ref": "Table"}]]},
    ],
)
def test_what_refers_to_a_resource_stays_as_it_is_written_before_resources_are_known(written: Any) -> None:
    """SAM's translation comes in between, and wants to see it."""
    assert intrinsics(reference=None).resolved(written) == written


def test_parameters_are_filled_in_around_what_stays() -> None:
    """Half of it is known."""
    written = {"Fn::Join": [{"Ref": "Stage"}, ["x", {"Ref": "Table"}]]}
    assert intrinsics(reference=None).resolved(written) == {"Fn::Join": ["prod", ["x", {"Ref": "Table"}]]}


@pytest.mark.parametrize(
    ("condition", "holds"), [("IsProd", True), ("IsNot", False), ("Both", True), ("Either", False)]
)
def test_a_condition_holds_or_does_not(condition: str, holds: bool) -> None:
    """Conditions may refer to each other."""
    assert intrinsics().holds(condition) is holds


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"Ref": "Nothing"}, "refers to Nothing, which is neither a parameter nor a resource"),
        ({"Fn::Sub": "${Nothing.Arn}"}, "refers to Nothing"),
        ({"Fn::If": ["Nothing", 1, 2]}, "has no condition Nothing"),
        ({"Fn::If": ["Circle", 1, 2]}, "condition Circle refers to itself"),
        ({"Fn::If": ["IsProd", 1]}, "Fn::If takes a list of 3"),
        ({"Fn::FindInMap": ["Sizes", "dev", "Memory"]}, "Mappings have no Sizes.dev.Memory"),
        ({"Fn::Select": [5, ["a"]]}, "Fn::Select: .* is not what it takes"),
        ({"Fn::Join": "a"}, "Fn::Join takes a list of 2"),
        ({"Fn::Cidr": ["10.0.0.0/16", 1, 8]}, "Fn::Cidr cannot be evaluated here"),
    ],
)
def test_what_cannot_be_evaluated_is_named(written: Any, message: str) -> None:
    """With the remedy where there is one."""
    with pytest.raises(Failure, match=message):
        intrinsics().resolved(written)
