"""What SAM would have made of events and APIs that are left out may be referred to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.failures import Failure
from orchestrator.cli.templates.reading import Template, read
from orchestrator.cli.templates.references import Stack

MATERIAL = Path(__file__).parent / "material"
STACK = Stack(name="shop", account="123456789012", region="eu-west-1")
NO_GATEWAY = "Paddock has no API Gateway; FunctionUrlConfig gives a function a URL"


def template_of(tmp_path: Path, value: Any, variable: Any = "x", **events: Any) -> Template:
    """A function with these events and an environment variable, a described API, and one output."""
    properties = {
        "PackageType": "Image",
        "ImageUri": "f",
        "Events": events,
        "Environment": {"Variables": {"V": variable}},
    }
    template = {
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {
            "F": {"Type": "AWS::Serverless::Function", "Properties": properties},
            "Front": {"Type": "AWS::Serverless::Api", "Properties": {"StageName": "live"}},
            "Flow": {
                "Type": "AWS::Serverless::StateMachine",
                "Properties": {"Events": {"Daily": {"Type": "Schedule", "Properties": {"Schedule": "rate(1 day)"}}}},
            },
            "Q": {"Type": "AWS::SQS::Queue"},
        },
        "Outputs": {"O": {"Value": value}},
    }
    path = tmp_path / "template.json"
    path.write_text(json.dumps(template))
    return read(path, {}, STACK)


def event(kind: str, **properties: Any) -> dict[str, Any]:
    """One event of a function."""
    return {"Type": kind, "Properties": properties}


API, HTTP, NIGHTLY = event("Api", Path="/", Method="get"), event("HttpApi"), event("Schedule", Schedule="rate(1 day)")


def test_the_hello_world_of_sam_init_is_read() -> None:
    """Its output of an API that is not there is left out; the others can be said."""
    template = read(MATERIAL / "hello-world.yaml", {}, STACK)
    assert template.outputs == {
        "HelloWorldFunction": "arn:aws:lambda:eu-west-1:123456789012:function:shop-HelloWorldFunction",
        "HelloWorldFunctionIamRole": "arn:aws:iam::123456789012:role/shop-HelloWorldFunctionRole",
    }
    assert template.outputs_left_out == {"HelloWorldApi": f"ServerlessRestApi is left out: {NO_GATEWAY}"}


@pytest.mark.parametrize(
    ("written", "needed"),
    [
        ({"Ref": "ServerlessRestApi"}, "ServerlessRestApi"),
        ({"Ref": "ServerlessRestApi.Stage"}, "ServerlessRestApi.Stage"),
        ({"Ref": "ServerlessRestApiProdStage"}, "ServerlessRestApiProdStage"),
        ({"Fn::GetAtt": ["ServerlessRestApi", "RootResourceId"]}, "ServerlessRestApi"),
        ({"Fn::Sub": "https://${ServerlessHttpApi}.x"}, "ServerlessHttpApi"),
        ({"Ref": "ServerlessHttpApiApiGatewayDefaultStage"}, "ServerlessHttpApiApiGatewayDefaultStage"),
        ({"Ref": "FRest"}, "FRest"),
        ({"Ref": "FRestPermissionProd"}, "FRestPermissionProd"),
        ({"Fn::GetAtt": ["FNightly", "Arn"]}, "FNightly"),
        ({"Ref": "FNightlyPermission"}, "FNightlyPermission"),
        ({"Ref": "Front.Stage"}, "Front.Stage"),
        ({"Ref": "FrontliveStage"}, "FrontliveStage"),
        ({"Ref": "Front"}, "Front"),
        ({"Ref": "FlowDaily"}, "FlowDaily"),
    ],
)
def test_an_output_of_what_is_not_there_is_left_out_with_its_reason(tmp_path: Path, written: Any, needed: str) -> None:
    """Nothing would be right: AWS chooses an API's id."""
    template = template_of(tmp_path, written, Rest=API, Http=HTTP, Nightly=NIGHTLY)
    assert template.outputs == {}
    assert template.outputs_left_out["O"].startswith(f"{needed} is left out: Paddock ")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ({"Fn::Sub": "https://${ServerlessRestApi}.x"}, "https://shop-ServerlessRestApi.x"),
        ({"Fn::GetAtt": ["FNightly", "Arn"]}, "arn:aws:events:eu-west-1:123456789012:rule/shop-FNightly"),
        ({"Ref": "Front.Stage"}, "shop-Front.Stage"),
    ],
)
def test_a_property_gets_what_would_be_as_of_everything_that_is_not_made(
    tmp_path: Path, written: Any, value: str
) -> None:
    """And the plan names it."""
    template = template_of(tmp_path, "x", variable=written, Rest=API, Nightly=NIGHTLY)
    (function,) = (one for one in template.resources if one.logical_id == "F")
    assert function.properties["Environment"]["Variables"]["V"] == value
    assert template.assumed


def test_an_output_of_another_services_resource_says_what_it_would_be(tmp_path: Path) -> None:
    """Its name is not AWS's choice."""
    template = template_of(tmp_path, {"Fn::GetAtt": ["Q", "Arn"]})
    assert template.outputs == {"O": "arn:aws:sqs:eu-west-1:123456789012:shop-Q"}


@pytest.mark.parametrize(
    ("name", "events"),
    [
        ("ServerlessRestApi", {"Http": HTTP}),
        ("ServerlessHttpApi", {"Rest": API}),
        ("ServerlessRestApi", {"Rest": event("Api", Path="/", Method="get", RestApiId={"Ref": "Front"})}),
        ("FOther", {"Rest": API}),
    ],
)
def test_what_sam_would_not_have_made_is_still_a_mistake(tmp_path: Path, name: str, events: dict[str, Any]) -> None:
    """An event of an API that the template describes makes no other one."""
    with pytest.raises(Failure, match=f"refers to {name}, which is neither"):
        template_of(tmp_path, {"Ref": name}, **events)
