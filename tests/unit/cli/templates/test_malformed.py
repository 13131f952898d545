"""A template that is not as AWS describes it ends in one line: which part of it, what is wrong, what to write."""

from __future__ import annotations

import copy
import itertools
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.failures import ExitCode, Failure
from orchestrator.cli.templates.document import document_of
from orchestrator.cli.templates.kinds import kinds_of
from orchestrator.cli.templates.planning import wanted_of
from orchestrator.cli.templates.reading import read
from orchestrator.cli.templates.references import Stack

MATERIAL = Path(__file__).parent / "material"
STACK = Stack(name="shop", account="123456789012", region="eu-west-1")
SECRETS = {"Secret": "hunter2", "Secrets": "hunter2,hunter3"}
PARAMETERS = {"Secret": {"Type": "String", "NoEcho": True}, "Secrets": {"Type": "CommaDelimitedList", "NoEcho": True}}
ONE_IN = 1 if os.environ.get("PADDOCK_BATTERY") == "long" else 3
"""Of the pairs of a place and a wrong value, one in so many is tried."""
WRONG = ({"Ref": "Secret"}, {"Ref": "Secrets"}, {"a": {"Ref": "Secret"}}, "text", ["text"], 5, None)


def understood(path: Path, **overrides: str) -> None:
    """All that is done before anything is asked or changed."""
    template = read(path, overrides, STACK)
    wanted_of(template.resources, kinds_of(STACK, path.parent, {}))


def function(**properties: Any) -> dict[str, Any]:
    """A template of one function, in plain CloudFormation."""
    properties = {"PackageType": "Image", "Code": {"ImageUri": "f"}, **properties}
    return {"Resources": {"F": {"Type": "AWS::Lambda::Function", "Properties": properties}}}


def sam_function(**properties: Any) -> dict[str, Any]:
    """The same of SAM."""
    properties = {"PackageType": "Image", "ImageUri": "f", **properties}
    resources = {"F": {"Type": "AWS::Serverless::Function", "Properties": properties}}
    return {"Transform": "AWS::Serverless-2016-10-31", "Resources": resources}


def of_function(kind: str, **properties: Any) -> dict[str, Any]:
    """A template of one resource of a function f."""
    return {"Resources": {"A": {"Type": f"AWS::Lambda::{kind}", "Properties": {"FunctionName": "f", **properties}}}}


VARIABLES = "Environment.Variables.A"


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (function(Description={"Fn::Sub": ["a"]}), 'resource F: Fn::Sub: ["a"] is not what it takes; write it as'),
        (function(Description={"Ref": ["a"]}), 'resource F: Ref: ["a"] is not what it takes; write it as'),
        (function(Description={"Fn::GetAtt": 5}), "resource F: Fn::GetAtt: 5 is not what it takes; write it as"),
        (function(Description={"Fn::If": [["a"], "b", "c"]}), 'resource F: Fn::If: [["a"], "b", "c"] is not what it'),
        ({**function(), "Parameters": {"X": None}}, "parameter X is empty; write a map"),
        (function(Tags=["a"]), "resource F: Tags[0] is a text; write a map of Key and Value"),
        (
            {"Resources": {"F": {"Type": "AWS::Lambda::Function", "Properties": "text"}}},
            "resource F: Properties is a text; write a map",
        ),
        (function(RuntimeManagementConfig="Auto"), "resource F: RuntimeManagementConfig is a text; write a map"),
        ({**function(), "Outputs": {"A": "text"}}, "output A is a text; write a map"),
        (sam_function(Events=["a"]), "resource F: Events is a list; write a map"),
        (sam_function(Events={"A": "SQS"}), "resource F: Events.A is a text; write a map"),
        (sam_function(Events={"A": {}}), "resource F: Events.A.Type is empty; write a text"),
        (sam_function(Events={"A": {"Type": "Api", "Properties": "a"}}), "resource F: Events.A.Properties is a text"),
        (function(Environment="A=1"), "resource F: Environment is a text; write a map"),
        (function(Environment={"Variables": {"A": ["b"]}}), f"resource F: {VARIABLES} is a list; write a text"),
        (function(Environment={"Variables": {"A": None}}), f"resource F: {VARIABLES} is empty; write a text"),
        (function(MemorySize="much"), "resource F: MemorySize is a text; write a whole number"),
        (function(MemorySize=1.5), "resource F: MemorySize is a number; write a whole number"),
        (function(Code="f"), "resource F: Code is a text; write a map"),
        (function(Layers={"a": 1}), "resource F: Layers[0] is a map; write a text"),
        (
            of_function("Alias", Name="a", FunctionVersion="1", RoutingConfig="2"),
            "resource A: RoutingConfig is a text; write a map",
        ),
        (
            of_function(
                "Alias",
                Name="a",
                FunctionVersion="1",
                RoutingConfig={"AdditionalVersionWeights": [{"FunctionVersion": "2", "FunctionWeight": "half"}]},
            ),
            "resource A: RoutingConfig.AdditionalVersionWeights.2 is a text; write a number",
        ),
        (
            of_function("Version", ProvisionedConcurrencyConfig=5),
            "resource A: ProvisionedConcurrencyConfig is a number; write a map",
        ),
        (
            of_function("EventInvokeConfig", FunctionName=["f"]),
            "resource A: the function's name is a list; write a text",
        ),
        (
            {**function(), "Parameters": {"A": {"Type": "String", "Default": "a", "AllowedValues": ["a", None]}}},
            "parameter A: AllowedValues[1] is empty; write a text",
        ),
        ({**function(), "Conditions": ["a"]}, "Conditions is a list; write a map"),
        ({**function(), "Mappings": {"A": {"b": "c"}}}, "Mappings.A.b is a text; write a map"),
        ({**function(), "Outputs": {"A": {}}}, "output A: Value is empty; write one"),
        ({**function(), "Outputs": {"A": {"Value": {"Ref": []}}}}, "output A: Ref: [] is not what it takes"),
        ({**function(), "Conditions": {"C": {"Fn::Equals": "a"}}}, None),
        (
            {**function(), "Conditions": {"C": {"Fn::Equals": "a"}}, "Outputs": {"A": {"Value": 1, "Condition": "C"}}},
            'condition C: Fn::Equals: "a" is not what it takes',
        ),
        (
            {"Resources": {"F": {**function()["Resources"]["F"], "Condition": ["a"]}}},
            "resource F: Condition is a list; write a text",
        ),
        (
            {"Resources": {"F": {**function()["Resources"]["F"], "DependsOn": {"a": 1}}}},
            "resource F: DependsOn is a map; write a text or a list of texts",
        ),
        (
            {"Resources": {"F": {**function()["Resources"]["F"], "Metadata": "a"}}},
            "resource F: Metadata is a text; write a map",
        ),
        (
            {"Resources": {"F": {**function()["Resources"]["F"], "Metadata": {"DockerContext": ["a"]}}}},
            "resource F: Metadata.DockerContext is a list; write a text",
        ),
    ],
)
def test_what_is_malformed_is_named_with_what_to_write(
    tmp_path: Path, template: dict[str, Any], message: str | None
) -> None:
    """Before anything is asked or changed; what nothing uses is not looked at."""
    path = tmp_path / "template.json"
    path.write_text(json.dumps(template))
    if message is None:
        understood(path)
        return
    with pytest.raises(Failure, match=re.escape(message)) as failure:
        understood(path)
    assert failure.value.exit_code == ExitCode.USAGE


@pytest.mark.parametrize("kind", ["Secret", "Secrets"])
def test_what_sam_says_of_a_template_has_no_value_of_a_secret_parameter(tmp_path: Path, kind: str) -> None:
    """AWS's translator repeats what it does not take."""
    path = tmp_path / "template.json"
    path.write_text(json.dumps({**sam_function(PackageType={"Ref": kind}), "Parameters": PARAMETERS}))
    with pytest.raises(Failure, match=r"invalid 'PackageType' : .*\*\*\*\*") as failure:
        understood(path, **SECRETS)
    assert "hunter" not in str(failure.value)


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in a document, by keys and indices."""
    if isinstance(value, dict | list):
        for key, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield (*at, key)
            yield from places(one, (*at, key))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sam-shop.yaml", "reached.yaml", "plain.yaml"])
def test_no_wrong_value_anywhere_ends_in_an_error_of_python(tmp_path: Path, name: str) -> None:
    """
    Values of a good template are replaced by wrong ones in turn; and no failure tells a parameter's value.

    Each place has two wrong values or three, each wrong value every third place; all of them with
    `PADDOCK_BATTERY=long`.
    """
    document = document_of(MATERIAL / name)
    path = tmp_path / "template.json"
    raw, told = [], []
    for place, wrong in itertools.islice(itertools.product(places(document), WRONG), 0, None, ONE_IN):
        changed = copy.deepcopy(document)
        parent = changed
        for key in place[:-1]:
            parent = parent[key]
        parent[place[-1]] = copy.deepcopy(wrong)
        if isinstance(changed.setdefault("Parameters", {}), dict):
            changed["Parameters"] |= PARAMETERS
        path.write_text(json.dumps(changed))
        try:
            understood(path, **SECRETS)
        except Failure as error:
            if "hunter" in str(error):
                told.append((place, wrong, str(error)))
        except Exception as error:  # noqa: BLE001  (it is what must not come)
            raw.append((place, wrong, repr(error)))
    assert (raw, told) == ([], [])
