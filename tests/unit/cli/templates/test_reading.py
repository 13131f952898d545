"""From a template's file to its resources: documents, parameters, SAM, references."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from orchestrator.cli.failures import ExitCode, Failure
from orchestrator.cli.templates.document import document_of, names_a_template
from orchestrator.cli.templates.images import Build
from orchestrator.cli.templates.parameters import overrides_of, parameter_values
from orchestrator.cli.templates.reading import Template, read
from orchestrator.cli.templates.references import Stack

MATERIAL = Path(__file__).parent / "material"
STACK = Stack(name="shop", account="123456789012", region="eu-west-1")


def properties_of(template: Template) -> dict[str, Any]:
    """By logical id."""
    return {one.logical_id: one.properties for one in template.resources}


def read_text(tmp_path: Path, text: str, **overrides: str) -> Template:
    """A template of this text."""
    path = tmp_path / "template.yaml"
    path.write_text(text)
    return read(path, overrides, STACK)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("template.yaml", True),
        ("a.yml", True),
        ("x.json", True),
        ("stack.template", True),
        ("./infra/main", True),
        ("sum", False),
        ("template", False),
        ("123456789012:function:sum:live", False),
    ],
)
def test_a_template_is_told_from_a_functions_name(text: str, is_one: bool) -> None:
    """A name has neither a dot nor a slash."""
    assert names_a_template(text) is is_one


def test_short_forms_and_dates_are_read_as_aws_reads_them(tmp_path: Path) -> None:
    """A date stays text, a short form is its long one."""
    path = tmp_path / "t.yaml"
    path.write_text(
        "Resources: {A: {Type: T, Version: 2012-10-17, P: !GetAtt B.C.D, Q: !Sub '${X}', R: !If [C, !Ref Y, [1]]}}"
    )
    assert document_of(path)["Resources"]["A"] == {
        "Type": "T",
        "Version": "2012-10-17",
        "P": {"Fn::GetAtt": ["B", "C.D"]},
        "Q": {"Fn::Sub": "${X}"},
        "R": {"Fn::If": ["C", {"Ref": "Y"}, [1]]},
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no Resources; is it an AWS SAM or CloudFormation template"),
        ("[1]", "has no Resources"),
        ("{", "Expecting property name"),
        ("a: b: c", "mapping values are not allowed here"),
        ("Resources: {A: {}}", "resource A has no Type"),
    ],
)
def test_what_is_no_template_is_a_usage_error(tmp_path: Path, text: str, message: str) -> None:
    """That names the file."""
    path = tmp_path / "t.yaml"
    path.write_text(text)
    with pytest.raises(Failure, match=message) as failure:
        document_of(path)
    assert failure.value.exit_code == ExitCode.USAGE
    assert str(path) in str(failure.value)


def test_overrides_may_be_several_in_one_text() -> None:
    """As in AWS's own commands; a value with spaces is quoted, and one text that is one word is taken literally."""
    texts = ["Stage=prod Level=debug", "Motto='a b'  X=1", 'Json={"a":1}', "Empty="]
    assert overrides_of(texts) == {
        "Stage": "prod",
        "Level": "debug",
        "Motto": "a b",
        "X": "1",
        "Json": '{"a":1}',
        "Empty": "",
    }


def test_an_override_without_a_value_is_not_repeated() -> None:
    """It may be a secret."""
    with pytest.raises(Failure) as failure:
        overrides_of(["hunter2"])
    assert "hunter2" not in str(failure.value)


def test_parameters_have_the_given_value_or_their_default() -> None:
    """Lists are lists."""
    declared = {
        "A": {"Type": "String", "Default": "a"},
        "B": {"Type": "Number"},
        "C": {"Type": "CommaDelimitedList", "Default": "x, y"},
        "D": {"Type": "List<Number>"},
    }
    assert parameter_values(declared, {"B": "2", "D": "1,2"}) == {"A": "a", "B": "2", "C": ["x", "y"], "D": ["1", "2"]}


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("String", "/a, /b"),
        ("AWS::EC2::Image::Id", "/a, /b"),
        ("List<String>", ["/a", "/b"]),
        ("CommaDelimitedList", ["/a", "/b"]),
    ],
)
def test_a_parameter_of_systems_manager_has_its_type_and_the_plan_names_what_was_taken_for_it(
    tmp_path: Path, kind: str, value: object
) -> None:
    """Its default is a name there; an override is the value."""
    text = f"""
Parameters:
  X: {{Type: AWS::SSM::Parameter::Value<{kind}>, Default: "/a, /b"}}
  Hidden: {{Type: AWS::SSM::Parameter::Value<String>, Default: /secret, NoEcho: true}}
  Plain: {{Type: String, Default: plain}}
Resources: {{}}
Outputs: {{O: {{Value: !Ref X}}}}
"""
    template = read_text(tmp_path, text)
    assert template.outputs["O"] == value
    assert template.assumed == {
        f"the value of parameter X (AWS::SSM::Parameter::Value<{kind}>)": "/a, /b",
        "the value of parameter Hidden (AWS::SSM::Parameter::Value<String>)": "****",
    }
    given = read_text(tmp_path, text, X="c", Hidden="d")
    assert (given.outputs["O"], given.assumed) == ("c" if isinstance(value, str) else ["c"], {})


@pytest.mark.parametrize(
    ("allowed", "default", "overrides", "value"),
    [
        (["true", "false"], False, {}, "false"),
        ([True, False], True, {}, "true"),
        ([True, False], False, {"X": "true"}, "true"),
        ([1, 2], "1", {}, "1"),
        (["1", "2"], 1, {"X": "2"}, "2"),
    ],
)
def test_a_parameter_is_a_text_whatever_it_is_written_as(
    allowed: list[Any], default: object, overrides: dict[str, str], value: str
) -> None:
    """As on AWS: `false` and "false" are the same."""
    declared = {"X": {"Type": "String", "AllowedValues": allowed, "Default": default}}
    assert parameter_values(declared, overrides) == {"X": value}


def test_a_text_that_only_resembles_an_allowed_one_is_refused() -> None:
    """No condition would take `True` for `true`."""
    declared = {"X": {"Type": "String", "AllowedValues": [True, False], "Default": False}}
    with pytest.raises(Failure, match="parameter X must be one of true, false"):
        parameter_values(declared, {"X": "True"})


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({}, "parameter Stage has no default; give it with --parameter-overrides Stage=..."),
        ({"Stage": "test"}, "parameter Stage must be one of dev, prod"),
        ({"Stage": "dev", "Stagee": "x"}, "the template has no parameter Stagee"),
    ],
)
def test_parameters_that_cannot_be_are_usage_errors(overrides: dict[str, str], message: str) -> None:
    """As AWS refuses them."""
    with pytest.raises(Failure, match=message):
        parameter_values({"Stage": {"Type": "String", "AllowedValues": ["dev", "prod"]}}, overrides)


def test_a_sam_function_becomes_what_sam_makes_of_it() -> None:
    """Function, version, alias, URL, permissions, invoke config and mapping, with their values."""
    template = read(MATERIAL / "sam-shop.yaml", {}, STACK)
    types = [one.type.removeprefix("AWS::Lambda::") for one in template.resources]
    assert sorted(types) == [
        *("Alias", "EventInvokeConfig", "EventSourceMapping", "Function", "Permission", "Permission", "Url", "Version")
    ]
    function = properties_of(template)["Checkout"]
    assert function["Environment"]["Variables"] == {
        "STAGE": "dev",
        "ORDERS": "arn:aws:dynamodb:eu-west-1:123456789012:table/shop-Orders",
        "LEVEL": 3,
    }
    assert (function["MemorySize"], function["Timeout"]) == (256, 20)
    assert function["Code"] == {"ImageUri": "checkout:v1"}
    assert template.builds == (
        Build(
            logical_id="Checkout",
            tag="checkout:v1",
            context=MATERIAL / "checkout",
            arguments=(("PYTHON", "3.13"),),
        ),
    )
    assert template.outputs == {
        "Url": "${CheckoutUrl.FunctionUrl}",
        "Arn": "arn:aws:lambda:eu-west-1:123456789012:function:shop-Checkout",
    }


@pytest.mark.parametrize("name", ["sam-shop.yaml", "all-left-out.yaml"])
def test_neither_the_network_nor_aws_is_asked(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Managed policies and nested applications are what AWS's translator would ask for."""

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a socket was wanted")

    for variable in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(socket, "socket", refused)
    monkeypatch.setattr(socket, "create_connection", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    assert read(MATERIAL / name, {}, STACK).left_out


def test_what_is_left_out_has_its_reason_and_the_value_that_was_taken_for_it() -> None:
    """Events by their name in the template."""
    template = read(MATERIAL / "sam-shop.yaml", {}, STACK)
    assert {(one.logical_id, one.type): one.reason for one in template.left_out} == {
        ("Orders", "AWS::Serverless::SimpleTable"): "Paddock makes Lambda resources only",
        ("Jobs", "AWS::SQS::Queue"): "Paddock makes Lambda resources only",
        ("CheckoutRole", "AWS::IAM::Role"): "a role's ARN is kept and shown; what it allows is not checked",
        ("Checkout.Nightly", "Schedule event"): "Paddock has no schedules",
        ("Checkout.Root", "Api event"): "Paddock has no API Gateway; FunctionUrlConfig gives a function a URL",
    }
    assert template.assumed == {
        "Orders.Arn": "arn:aws:dynamodb:eu-west-1:123456789012:table/shop-Orders",
        "Jobs.Arn": "arn:aws:sqs:eu-west-1:123456789012:shop-Jobs",
        "CheckoutRole.Arn": "arn:aws:iam::123456789012:role/shop-CheckoutRole",
    }


def test_what_a_role_may_do_is_not_looked_at(tmp_path: Path) -> None:
    """A policy template that lacks what it needs is SAM's business, and a role is not made here."""
    template = read_text(
        tmp_path,
        """
Transform: AWS::Serverless-2016-10-31
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties: {PackageType: Image, ImageUri: f, Policies: [{S3ReadPolicy: {}}]}
""",
    )
    assert [one.logical_id for one in template.resources] == ["F"]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("!GetAtt T.StreamArn", "arn:aws:dynamodb:eu-west-1:123456789012:table/shop-T/stream/1970-01-01T00:00:00.000"),
        ("!Ref T", "shop-T"),
        ("!Ref Q", "https://sqs.eu-west-1.amazonaws.com/123456789012/jobs-dev"),
        ("!GetAtt Q.QueueName", "jobs-dev"),
        ("!Ref N", "arn:aws:sns:eu-west-1:123456789012:shop-N"),
        ("!GetAtt B.Arn", "arn:aws:s3:::shop-B"),
        ("!GetAtt X.Arn", "arn:aws:ecs:eu-west-1:123456789012:shop-X"),
        ("!GetAtt C.Anything", "shop-C"),
    ],
)
def test_what_is_not_made_has_a_plausible_value(tmp_path: Path, written: str, value: str) -> None:
    """Of the same account and region, by its own name where the template gives one."""
    template = read_text(
        tmp_path,
        f"""
Resources:
  F: {{Type: AWS::Lambda::Function, Properties: {{Environment: {{Variables: {{V: {written}}}}}}}}}
  T: {{Type: AWS::DynamoDB::Table}}
  Q: {{Type: AWS::SQS::Queue, Properties: {{QueueName: !Sub "jobs-${{Stage}}"}}}}
  N: {{Type: AWS::SNS::Topic}}
  B: {{Type: AWS::S3::Bucket}}
  X: {{Type: AWS::ECS::Service}}
  C: {{Type: Custom::Thing}}
Parameters: {{Stage: {{Type: String, Default: dev}}}}
""",
    )
    assert properties_of(template)["F"]["Environment"]["Variables"]["V"] == value
    assert list(template.assumed.values()) == [value]


@pytest.mark.parametrize(
    ("written", "kind", "operation", "place"),
    [
        ("!Ref X", "EC2::Subnet", "CreateFunction", ("VpcConfig", "SubnetIds")),
        ("!GetAtt X.SubnetId", "EC2::Subnet", "CreateFunction", ("VpcConfig", "SubnetIds")),
        ("!Ref X", "EC2::SecurityGroup", "CreateFunction", ("VpcConfig", "SecurityGroupIds")),
        ("!GetAtt X.GroupId", "EC2::SecurityGroup", "CreateFunction", ("VpcConfig", "SecurityGroupIds")),
        ("!GetAtt X.Arn", "EFS::AccessPoint", "CreateFunction", ("FileSystemConfigs", "Arn")),
        ("!Ref X", "MSK::Cluster", "CreateEventSourceMapping", ("EventSourceArn",)),
        ("!Ref X", "MSK::ServerlessCluster", "CreateEventSourceMapping", ("EventSourceArn",)),
        ("!GetAtt X.ConsumerARN", "Kinesis::StreamConsumer", "CreateEventSourceMapping", ("EventSourceArn",)),
        ("!Ref X", "ElasticLoadBalancingV2::TargetGroup", "AddPermission", ("SourceArn",)),
        ("!GetAtt X.TargetGroupArn", "ElasticLoadBalancingV2::TargetGroup", "AddPermission", ("SourceArn",)),
        ("!Ref X", "ElasticLoadBalancingV2::LoadBalancer", "AddPermission", ("SourceArn",)),
    ],
)
def test_the_value_of_what_is_not_made_is_one_that_the_api_takes(
    tmp_path: Path, written: str, kind: str, operation: str, place: tuple[str, ...]
) -> None:
    """By AWS's own model."""
    template = read_text(
        tmp_path,
        f"""
Resources:
  F: {{Type: AWS::Lambda::Function, Properties: {{Environment: {{Variables: {{V: {written}}}}}}}}}
  X: {{Type: AWS::{kind}}}
""",
    )
    shape: Any = botocore.session.get_session().get_service_model("lambda").operation_model(operation).input_shape
    for name in place:
        shape = shape.members[name]
        shape = shape.member if shape.type_name == "list" else shape
    assert re.fullmatch(shape.metadata["pattern"], properties_of(template)["F"]["Environment"]["Variables"]["V"])


@pytest.mark.parametrize(
    ("written", "begins"),
    [
        ("!Ref Cluster", "arn:aws:kafka:eu-west-1:123456789012:cluster/shop-Cluster/"),
        ("!GetAtt Broker.Arn", "arn:aws:mq:eu-west-1:123456789012:broker:jobs:b-"),
        ("!Ref Broker", "b-"),
    ],
)
def test_an_event_source_that_is_not_made_has_an_arn_of_its_service(tmp_path: Path, written: str, begins: str) -> None:
    """The API tells sources apart by it."""
    template = read_text(
        tmp_path,
        f"""
Resources:
  F: {{Type: AWS::Lambda::Function, Properties: {{Environment: {{Variables: {{V: {written}}}}}}}}}
  Cluster: {{Type: AWS::MSK::Cluster}}
  Broker: {{Type: AWS::AmazonMQ::Broker, Properties: {{BrokerName: jobs}}}}
""",
    )
    (value,) = template.assumed.values()
    assert value.startswith(begins)


@pytest.mark.parametrize("subnets", ["[!Ref Own]", "!Ref Own", "[subnet-1, !GetAtt Own.SubnetId]"])
def test_a_vpc_whose_subnets_are_the_templates_own_is_left_out_of_its_function(tmp_path: Path, subnets: str) -> None:
    """The function stands without it; with subnets that are there, it has it."""
    text = """
Resources:
  F:
    Type: AWS::Lambda::Function
    Properties: {FunctionName: f, VpcConfig: {SubnetIds: SUBNETS, SecurityGroupIds: [!Ref Group]}}
  Own: {Type: AWS::EC2::Subnet}
  Group: {Type: AWS::EC2::SecurityGroup}
"""
    template = read_text(tmp_path, text.replace("SUBNETS", subnets))
    assert properties_of(template)["F"] == {"FunctionName": "f"}
    (left_out,) = [one for one in template.left_out if one.logical_id == "F.VpcConfig"]
    assert left_out.type == "AWS::Lambda::Function property"
    assert left_out.reason.startswith("its subnets are not made here")
    standing = read_text(tmp_path, text.replace("SUBNETS", "[subnet-1]"))
    assert properties_of(standing)["F"]["VpcConfig"]["SubnetIds"] == ["subnet-1"]


def test_a_resource_whose_condition_is_false_is_not_there() -> None:
    """And is there with the parameter that makes it true."""
    assert "Audit" not in properties_of(read(MATERIAL / "sam-shop.yaml", {}, STACK))
    prod = properties_of(read(MATERIAL / "sam-shop.yaml", {"Stage": "prod"}, STACK))
    assert (prod["Audit"]["Code"], prod["Checkout"]["MemorySize"]) == ({"ImageUri": "audit:1"}, 1024)


def test_what_the_api_chooses_is_deferred_and_needed_first(tmp_path: Path) -> None:
    """A version's number in the alias, a URL in another function's environment."""
    template = read_text(
        tmp_path,
        """
Resources:
  F: {Type: AWS::Lambda::Function, Properties: {FunctionName: f}}
  V: {Type: AWS::Lambda::Version, Properties: {FunctionName: !Ref F}}
  A: {Type: AWS::Lambda::Alias, Properties: {FunctionName: !Ref F, Name: live, FunctionVersion: !GetAtt V.Version}}
  U: {Type: AWS::Lambda::Url, Properties: {TargetFunctionArn: !Ref A, AuthType: NONE}}
  G:
    Type: AWS::Lambda::Function
    DependsOn: A
    Properties: {Environment: {Variables: {URL: !GetAtt U.FunctionUrl, PINNED: !Ref V, NAMED: !Ref A}}}
""",
    )
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:f"
    found = properties_of(template)
    assert found["A"]["FunctionVersion"] == "${V.Version}"
    assert found["U"]["TargetFunctionArn"] == f"{arn}:live"
    variables = {"URL": "${U.FunctionUrl}", "PINNED": arn + ":${V.Version}", "NAMED": f"{arn}:live"}
    assert found["G"]["Environment"]["Variables"] == variables
    needs = {one.logical_id: one.needs for one in template.resources}
    assert needs["A"] == {"F", "V"}
    assert needs["G"] == {"U", "V", "A", "F"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            (
                "Resources: {F: {Type: AWS::Lambda::Function, Properties: {FunctionName: !Ref G}},"
                " G: {Type: AWS::Lambda::Function, Properties: {FunctionName: !Ref F}}}"
            ),
            "refer to each other in a circle: ",
        ),
        (
            (
                "Transform: AWS::Serverless-2016-10-31\n"
                "Resources: {F: {Type: AWS::Serverless::Function, Properties: {PackageType: Image}}}"
            ),
            "the template is not valid SAM: .*ImageUri",
        ),
        (
            (
                "Transform: AWS::Serverless-2016-10-31\nGlobals: {Nonsense: {}}\n"
                "Resources: {F: {Type: AWS::Serverless::Function}}"
            ),
            "the template is not valid SAM: .*Nonsense",
        ),
        (
            (
                "Resources: {F: {Type: AWS::Lambda::Function, Properties: {PackageType: Image},"
                " Metadata: {Dockerfile: D}}}"
            ),
            "F: its Metadata has a Dockerfile, but no DockerContext",
        ),
    ],
)
def test_a_template_that_cannot_be_is_a_usage_error(tmp_path: Path, text: str, message: str) -> None:
    """With what is wrong, in SAM's words where they are SAM's."""
    with pytest.raises(Failure, match=message) as failure:
        read_text(tmp_path, text)
    assert failure.value.exit_code == ExitCode.USAGE


def test_a_build_is_the_docker_command_that_sam_would_give(tmp_path: Path) -> None:
    """Target and platform where the template says them."""
    template = read_text(
        tmp_path,
        """
Transform: AWS::Serverless-2016-10-31
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Properties: {PackageType: Image, Architectures: [arm64]}
    Metadata: {DockerContext: src, Dockerfile: docker/Dockerfile.prod, DockerBuildTarget: run}
""",
    )
    context = f"{tmp_path}/src"
    assert template.builds[0].command() == [
        *("docker", "build", "--tag", "hello:latest", "--file", f"{context}/docker/Dockerfile.prod"),
        *("--target", "run", "--platform", "linux/arm64", context),
    ]
