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
    "OfTable": {"Fn::GetAtt": ["Table", "Arn"]},
    "Text": "IsProd",
}


def intrinsics(
    reference: Reference | None = lambda logical_id, attribute: f"<{logical_id}.{attribute}>",
    *,
    parameters: dict[str, Any] = PARAMETERS,
    conditions: dict[str, Any] = CONDITIONS,
) -> Intrinsics:
    """With one resource, Table."""
    return Intrinsics(
        parameters=parameters,
        mappings=MAPPINGS,
        conditions=conditions,
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


def test_parameters_are_not_filled_in_within_what_stays() -> None:
    """A failure that tells what is written would tell their values; around it they are."""
    stays = {"Fn::Join": [{"Ref": "Stage"}, ["x", {"Ref": "Table"}]]}
    written = {"a": stays, "b": {"Ref": "Stage"}, "c": {"Fn::If": ["IsProd", stays, 1]}}
    assert intrinsics(reference=None).resolved(written) == {"a": stays, "b": "prod", "c": stays}


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
        ({"Fn::If": ["IsProd", 1]}, r'Fn::If: \["IsProd", 1\] is not what it takes'),
        ({"Fn::FindInMap": ["Sizes", "dev", "Memory"]}, 'Mappings have nothing for .*"Sizes", "dev", "Memory"'),
        ({"Fn::Select": [5, ["a"]]}, r'Fn::Select: \[5, \["a"\]\] is not what it takes; write it as AWS describes'),
        ({"Fn::Sub": ["a"]}, r'Fn::Sub: \["a"\] is not what it takes; write it as AWS describes'),
        ({"Ref": ["a"]}, r'Ref: \["a"\] is not what it takes'),
        ({"Fn::GetAtt": 5}, "Fn::GetAtt: 5 is not what it takes"),
        ({"Fn::GetAtt": []}, r"Fn::GetAtt: \[\] is not what it takes"),
        ({"Fn::GetAtt": [{}, "b"]}, "Fn::GetAtt: .* is not what it takes"),
        ({"Fn::If": [["a"], "b", "c"]}, r'Fn::If: \[\["a"\], "b", "c"\] is not what it takes'),
        ({"Fn::Sub": ["a", "b"]}, "Fn::Sub: .* is not what it takes"),
        ({"Fn::FindInMap": "a"}, 'Fn::FindInMap: "a" is not what it takes'),
        ({"Fn::Not": []}, r"Fn::Not: \[\] is not what it takes"),
        ({"Fn::And": 5}, "Fn::And: 5 is not what it takes"),
        ({"Fn::If": ["OfTable", 1, 2]}, "condition OfTable is neither true nor false"),
        ({"Fn::If": ["Text", 1, 2]}, "condition Text is neither true nor false"),
        ({"Fn::Join": "a"}, 'Fn::Join: "a" is not what it takes'),
        ({"Fn::Cidr": ["10.0.0.0/16", 1, 8]}, "Fn::Cidr cannot be evaluated here"),
    ],
)
def test_what_cannot_be_evaluated_is_named(written: Any, message: str) -> None:
    """With the remedy where there is one."""
    with pytest.raises(Failure, match=message):
        intrinsics().resolved(written)


@pytest.mark.parametrize("reference", [None, lambda logical_id, attribute: logical_id], ids=["before", "after"])
def test_what_is_called_condition_outside_of_conditions_is_an_ordinary_name(reference: Reference | None) -> None:
    """An environment variable may be called so."""
    written = {"Variables": {"Condition": "IsProd"}, "List": [{"Condition": "new"}]}
    assert intrinsics(reference).resolved(written) == written


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Alias", {"Condition": "IsProd"}),
        ("Nested", {"Fn::Not": [{"Fn::Or": [{"Condition": "IsNot"}, {"Fn::Not": [{"Condition": "Both"}]}]}]}),
    ],
)
def test_a_condition_may_name_others_at_any_depth(name: str, value: Any) -> None:
    """By itself, and in And, Or and Not."""
    assert intrinsics(conditions={**CONDITIONS, name: value}).holds(name)


@pytest.mark.parametrize(
    "written",
    [
        {"Fn::Select": [5, {"Fn::Split": [",", {"Ref": "Pw"}]}]},
        {"Fn::FindInMap": [{"Ref": "Pw"}, "dev", "Memory"]},
        {"Fn::Length": {"Ref": "Pw"}},
        {"Fn::If": [{"Ref": "Pw"}, 1, 2]},
        {"Fn::Select": [5, [{"Fn::Sub": "${Pw}${Table}"}]]},
        {"Fn::Select": [5, [{"Fn::Join": ["", [{"Ref": "Pw"}, {"Ref": "Table"}]]}]]},
        {"Fn::GetAtt": ["Table", {"Fn::Split": [",", {"Ref": "Pw"}], "a": 1}]},
    ],
)
def test_a_failure_repeats_what_is_written_and_no_value(written: Any) -> None:
    """A parameter may be a secret; also where what refers to a resource is evaluated later."""
    parameters = {**PARAMETERS, "Pw": "hunter2"}
    before, after = intrinsics(None, parameters=parameters), intrinsics(parameters=parameters)
    with pytest.raises(Failure) as failure:
        after.resolved(before.resolved(written))
    assert "hunter2" not in str(failure.value)
    assert "Pw" in str(failure.value)
