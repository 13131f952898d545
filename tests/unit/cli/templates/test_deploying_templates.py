"""`paddock deploy TEMPLATE` as a command: its options, what it prints, and what it does where something is missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli import deploying
from tests.unit.cli.answering_endpoint import FUNCTIONS, Answer, AnsweringEndpoint, document, refusal
from tests.unit.cli.conftest import Paddock

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:f"
F = f"{FUNCTIONS}/f"
URL = "/2021-10-31/functions/f/url"
MISSING = refusal("ResourceNotFoundException", f"Function not found: {ARN}", 404)
ACTIVE = {"FunctionName": "f", "FunctionArn": ARN, "State": "Active", "Role": "r", "MemorySize": 128, "Timeout": 3}
FUNCTION_AND_URL = """
Resources:
  F:
    Type: AWS::Lambda::Function
    Properties: {FunctionName: f, PackageType: Image, Code: {ImageUri: "f:1"}, Role: r, TracingConfig: {Mode: Active}}
  U:
    Type: AWS::Lambda::Url
    Properties: {TargetFunctionArn: !Ref F, AuthType: NONE}
Outputs:
  Address: {Value: !GetAtt U.FunctionUrl}
"""


def not_built(what: str) -> Answer:
    """How the API refuses what it does not have yet."""
    return refusal("NotImplementedException", f"{what} is not built yet in Paddock; leave it out", 501)


@pytest.fixture(autouse=True)
def _no_docker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture
def template(tmp_path: Path) -> str:
    """A function and its URL."""
    path = tmp_path / "template.yaml"
    path.write_text(FUNCTION_AND_URL)
    return str(path)


@pytest.fixture
def answering(endpoint: AnsweringEndpoint) -> AnsweringEndpoint:
    """Nothing stands, and all of it can be created."""
    function = document({"Configuration": ACTIVE, "Code": {"ImageUri": "f:1"}})
    endpoint.on("GET", f"{FUNCTIONS}/paddock-asks-where-it-is/configuration", MISSING)
    endpoint.on("GET", F, MISSING, function)
    endpoint.on("GET", f"{F}/configuration", document(ACTIVE))
    endpoint.on("POST", FUNCTIONS, document(ACTIVE, 201))
    url = document({"FunctionUrl": "http://f.url/", "FunctionArn": ARN, "AuthType": "NONE"})
    endpoint.on("GET", URL, MISSING, url)
    endpoint.on("POST", URL, url)
    return endpoint


def test_the_plan_comes_first_and_then_what_stands(
    answering: AnsweringEndpoint, paddock: Paddock, template: str
) -> None:
    """With the ARN, the URL and the template's outputs."""
    result = paddock("deploy", template, "--stack-name", "s")
    assert result.exit_code == 0, result.output
    assert [" ".join(line.split()) for line in result.stdout.splitlines()] == [
        f"stack s, from {template}",
        "CHANGE RESOURCE TYPE NAME DETAIL",
        "create F Function f -",
        "create U Url f -",
        "2 to create, 0 to update, 0 unchanged, 0 left out",
        "F (f): created",
        "U (f): created",
        "U (f): left out of it: its URL is kept and shown, and nothing answers there yet",
        "RESOURCE NAME STANDS AS",
        f"F f {ARN}",
        "U f http://f.url/",
        "output Address: http://f.url/",
        "2 created, 0 updated, 0 unchanged, 0 left out",
    ]


def test_a_second_time_nothing_is_to_be_changed_and_only_questions_are_asked(
    answering: AnsweringEndpoint, paddock: Paddock, template: str
) -> None:
    """The plan says so before, and the result afterwards; what stands is shown all the same."""
    configuration = {**ACTIVE, "TracingConfig": {"Mode": "Active"}}
    answering.on("GET", F, document({"Configuration": configuration, "Code": {"ImageUri": "f:1"}}))
    answering.on("GET", URL, document({"FunctionUrl": "http://f.url/", "FunctionArn": ARN, "AuthType": "NONE"}))
    result = paddock("deploy", template, "--stack-name", "s")
    assert result.exit_code == 0, result.output
    assert [" ".join(line.split()) for line in result.stdout.splitlines()] == [
        f"stack s, from {template}",
        "CHANGE RESOURCE TYPE NAME DETAIL",
        "unchanged F Function f -",
        "unchanged U Url f -",
        "nothing to change, 2 unchanged, 0 left out",
        "U (f): left out of it: its URL is kept and shown, and nothing answers there yet",
        "RESOURCE NAME STANDS AS",
        f"F f {ARN}",
        "U f http://f.url/",
        "output Address: http://f.url/",
        "nothing changed, 2 unchanged, 0 left out",
    ]
    assert {one.method for one in answering.asked} == {"GET"}


def test_what_is_left_out_is_in_the_plan_with_its_reason_and_in_the_count(
    answering: AnsweringEndpoint, paddock: Paddock, template: str
) -> None:
    """Other services' resources, zip functions and what needs them; and the value taken for what is not made."""
    left_out = """
  Jobs: {Type: AWS::SQS::Queue}
  Zipped:
    Type: AWS::Lambda::Function
    Properties: {Runtime: python3.13, Handler: a.b, Role: r, Code: {ZipFile: "x = 1"}}
  OfZipped:
    Type: AWS::Lambda::Alias
    Properties: {FunctionName: !Ref Zipped, Name: live, FunctionVersion: !GetAtt Jobs.Arn}
Outputs:
"""
    Path(template).write_text(FUNCTION_AND_URL.replace("Outputs:\n", left_out.lstrip("\n")))
    answering.on("GET", f"{FUNCTIONS}/s-Zipped/aliases/live", MISSING)
    result = paddock("deploy", template, "--stack-name", "s", "--plan")
    assert result.exit_code == 0, result.output
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    zipped = "zip packages are not built in Paddock; make it an image (PackageType: Image)"
    assert {line for line in lines if line.startswith("left out")} == {
        "left out Jobs AWS::SQS::Queue - Paddock makes Lambda resources only",
        f"left out Zipped Function - {zipped}",
        "left out OfZipped Alias s-Zipped:live Zipped is left out",
    }
    assert "Jobs.Arn is not made here; taken for it: arn:aws:sqs:eu-west-1:123456789012:s-Jobs" in lines
    assert lines[-1] == "2 to create, 0 to update, 0 unchanged, 3 left out"


@pytest.mark.parametrize("option", ["--plan", "--dry-run"])
def test_a_plan_asks_and_changes_nothing(
    answering: AnsweringEndpoint, paddock: Paddock, template: str, option: str
) -> None:
    """Under either name."""
    result = paddock("deploy", template, "--stack-name", "s", option)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1] == "2 to create, 0 to update, 0 unchanged, 0 left out"
    assert {one.method for one in answering.asked} == {"GET"}


def test_a_plan_for_programs(answering: AnsweringEndpoint, paddock: Paddock, template: str) -> None:
    """One document."""
    plan = json.loads(paddock("deploy", template, "--stack-name", "s", "--plan", "--json").stdout)
    assert plan["stack"] == "s"
    assert plan["resources"][1] == {
        "logical_id": "U",
        "type": "AWS::Lambda::Url",
        "name": "f",
        "change": "create",
        "members": [],
        "reason": "",
    }


def test_a_member_that_is_not_built_is_left_out_and_named(
    answering: AnsweringEndpoint, paddock: Paddock, template: str
) -> None:
    """The function still stands, without it."""
    answering.on("POST", FUNCTIONS, not_built("TracingConfig"), document(ACTIVE, 201))
    result = paddock("deploy", template, "--stack-name", "s")
    assert result.exit_code == 0, result.output
    assert "F (f): created\nF (f): left out of it: TracingConfig: not built in this Paddock" in result.stdout
    with_it, without_it = (one.document for one in answering.asked_for("POST", FUNCTIONS))
    assert with_it == {**without_it, "TracingConfig": {"Mode": "Active"}}


def test_an_update_of_nothing_but_what_is_not_built_is_no_change(
    answering: AnsweringEndpoint, paddock: Paddock, template: str
) -> None:
    """So a second deployment says that nothing changed, and still names it."""
    answering.on("GET", F, document({"Configuration": ACTIVE, "Code": {"ImageUri": "f:1"}}))
    answering.on("PUT", f"{F}/configuration", not_built("TracingConfig"))
    answering.on("GET", URL, document({"FunctionUrl": "http://f.url/", "FunctionArn": ARN, "AuthType": "NONE"}))
    result = paddock("deploy", template, "--stack-name", "s")
    assert result.exit_code == 0, result.output
    assert "F (f): left out of it: TracingConfig: not built in this Paddock" in result.stdout
    assert result.stdout.splitlines()[-1] == "nothing changed, 2 unchanged, 0 left out"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_operation_that_is_not_built_leaves_its_resource_out(
    answering: AnsweringEndpoint, paddock: Paddock, template: str, method: str
) -> None:
    """Whether it is already the question or only the creation; what would be of it is not known."""
    answering.on(method, URL, not_built({"GET": "GetFunctionUrlConfig", "POST": "CreateFunctionUrlConfig"}[method]))
    result = paddock("deploy", template, "--stack-name", "s", "--json")
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    changes = {one["logical_id"]: one["change"] for one in answer["resources"]}
    assert changes == {"F": "create", "U": "left out"}
    assert "not built in this Paddock" in answer["resources"][1]["reason"]
    assert answer["outputs"] == {"Address": None}
    assert answer["outputs_left_out"] == {"Address": "U is not there"}


def test_what_the_api_refuses_fails_that_resource_with_the_apis_words(
    answering: AnsweringEndpoint, paddock: Paddock, template: str
) -> None:
    """And with its exit code; the result says what stands."""
    answering.on("POST", URL, refusal("InvalidParameterValueException", "AuthType is bad", 400))
    result = paddock("deploy", template, "--stack-name", "s")
    assert result.exit_code == 2
    assert "U (f): failed: CreateFunctionUrlConfig: AuthType is bad" in result.stdout
    assert result.stdout.splitlines()[-1] == "1 created, 0 updated, 0 unchanged, 0 left out, 1 failed"
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("options", [(), ("--plan",)])
def test_a_question_that_the_api_refuses_fails_that_resource_alone(
    answering: AnsweringEndpoint, paddock: Paddock, template: str, options: tuple[str, ...]
) -> None:
    """The plan says so, what needs it is left out, and the rest comes to stand."""
    alias = """
  A:
    Type: AWS::Lambda::Alias
    Properties: {FunctionName: !Ref F, Name: live, FunctionVersion: "1", Description: !Ref U}
Outputs:
"""
    Path(template).write_text(FUNCTION_AND_URL.replace("Outputs:\n", alias.lstrip("\n")))
    answering.on("GET", URL, refusal("InvalidParameterValueException", "no such address", 400))
    answering.on("GET", f"{F}/aliases/live", MISSING)
    result = paddock("deploy", template, "--stack-name", "s", *options)
    assert result.exit_code == 2
    refused = "GetFunctionUrlConfig: no such address (InvalidParameterValueException)"
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert f"failed U Url f {refused}" in lines
    assert "left out A Alias f:live U is not there" in lines
    assert "1 to create, 0 to update, 0 unchanged, 1 left out, 1 failed" in lines
    assert refused in result.stderr
    if not options:
        assert f"U (f): failed: {refused}" in lines
        assert lines[-1] == "1 created, 0 updated, 0 unchanged, 1 left out, 1 failed"


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ("Type: AWS::Lambda::EventInvokeConfig, Properties: {FunctionName: f, Qualifier: live", "it sets nothing: "),
        (
            (
                "Type: AWS::Lambda::EventInvokeConfig, Properties: {FunctionName: f, Qualifier: live, "
                "MaximumRetryAttempts: !Ref AWS::NoValue, DestinationConfig: {OnFailure: {Destination: ''}}"
            ),
            "it sets nothing: ",
        ),
        ("Type: AWS::Lambda::Alias, Properties: {FunctionName: f, Name: live", "it has no FunctionVersion, "),
        (
            "Type: AWS::Lambda::Alias, Properties: {FunctionName: f, Name: live, FunctionVersion: ''",
            "it has no FunctionVersion, ",
        ),
    ],
)
def test_what_sets_nothing_is_left_out_with_the_reason(
    answering: AnsweringEndpoint, paddock: Paddock, template: str, properties: str, reason: str
) -> None:
    """And what stands beside it in the template is made."""
    Path(template).write_text(FUNCTION_AND_URL.replace("Outputs:\n", f"  E: {{{properties}}}}}\nOutputs:\n", 1))
    answering.on("GET", "/2019-09-25/functions/f/event-invoke-config", MISSING)
    answering.on("GET", f"{F}/aliases/live", MISSING)
    result = paddock("deploy", template, "--stack-name", "s", "--json")
    assert result.exit_code == 0, result.output
    found = {one["logical_id"]: one for one in json.loads(result.stdout)["resources"]}
    assert {name: one["change"] for name, one in found.items()} == {"F": "create", "U": "create", "E": "left out"}
    assert found["E"]["reason"].startswith(reason)


def test_an_update_waits_for_the_one_under_way(answering: AnsweringEndpoint, paddock: Paddock, template: str) -> None:
    """The API would refuse a second one."""
    answering.on("GET", F, document({"Configuration": ACTIVE, "Code": {"ImageUri": "f:0"}}))
    under_way = document({**ACTIVE, "LastUpdateStatus": "InProgress"})
    answering.on("GET", f"{F}/configuration", under_way, under_way, document(ACTIVE))
    answering.on("PUT", f"{F}/code", document(ACTIVE))
    answering.on("PUT", f"{F}/configuration", document(ACTIVE))
    assert paddock("deploy", template, "--stack-name", "s").exit_code == 0
    asked = [(one.method, one.path) for one in answering.asked if one.path in (f"{F}/configuration", f"{F}/code")]
    assert asked[:4] == [*[("GET", f"{F}/configuration")] * 3, ("PUT", f"{F}/code")]


PROVISIONED = "/2019-09-30/functions/f/provisioned-concurrency"


@pytest.mark.parametrize(
    ("statuses", "exit_code"), [(["IN_PROGRESS", "READY"], 0), (["IN_PROGRESS", "FAILED"], 1)], ids=["ready", "failed"]
)
def test_a_version_with_provisioned_concurrency_is_published_first_and_waited_for(
    answering: AnsweringEndpoint, paddock: Paddock, template: str, statuses: list[str], exit_code: int
) -> None:
    """Its number is the one that was just published; the alias that refers to it follows."""
    Path(template).write_text(
        """
Resources:
  V:
    Type: AWS::Lambda::Version
    Properties: {FunctionName: f, ProvisionedConcurrencyConfig: {ProvisionedConcurrentExecutions: 2}}
  A:
    Type: AWS::Lambda::Alias
    Properties: {FunctionName: f, Name: live, FunctionVersion: !GetAtt V.Version}
"""
    )
    listed = [{"Version": "$LATEST", "FunctionArn": ARN}]
    versions = f"{F}/versions"
    published = document({"Versions": [*listed, {"Version": "8", "FunctionArn": f"{ARN}:8"}]})
    answering.on("GET", versions, document({"Versions": listed}), published)
    answering.on("POST", versions, document({"Version": "8"}, 201))
    answering.on("PUT", PROVISIONED, document({"Status": "IN_PROGRESS"}, 202))
    states = [document({"Status": one, "StatusReason": "FUNCTION_ERROR_INIT_FAILURE"}) for one in statuses]
    answering.on("GET", PROVISIONED, *states)
    answering.on("GET", f"{F}/aliases/live", MISSING, document({"AliasArn": f"{ARN}:live", "FunctionVersion": "8"}))
    answering.on("POST", f"{F}/aliases", document({}, 201))
    result = paddock("deploy", template, "--stack-name", "s")
    assert result.exit_code == exit_code, result.output
    (asked,) = answering.asked_for("PUT", PROVISIONED)
    assert asked.query == "Qualifier=8"
    if exit_code == 0:
        (created,) = answering.asked_for("POST", f"{F}/aliases")
        assert created.document == {"Name": "live", "FunctionVersion": "8"}
    else:
        assert "f:8: provisioned concurrency failed: FUNCTION_ERROR_INIT_FAILURE" in result.stderr
        assert "A: left out: V is not there" in result.stdout


def test_values_of_environment_variables_are_in_no_plan(
    answering: AnsweringEndpoint, paddock: Paddock, template: str
) -> None:
    """They may be secrets."""
    text = FUNCTION_AND_URL.replace("Role: r,", "Role: r, Environment: {Variables: {KEY: hunter2}},")
    Path(template).write_text(text)
    answering.on("GET", F, document({"Configuration": ACTIVE, "Code": {"ImageUri": "f:1"}}))
    result = paddock("deploy", template, "--stack-name", "s", "--plan")
    assert "Environment" in result.stdout
    assert "hunter2" not in result.output


def test_parameters_may_follow_one_option(answering: AnsweringEndpoint, paddock: Paddock, tmp_path: Path) -> None:
    """As in AWS's commands."""
    path = tmp_path / "t.yaml"
    path.write_text(
        "Parameters: {A: {Type: String}, B: {Type: String}}\n"
        "Resources: {Q: {Type: AWS::SQS::Queue}}\nOutputs: {O: {Value: !Sub '${A}${B}'}}"
    )
    result = paddock("deploy", str(path), "--stack-name", "s", "--parameter-overrides", "A=1", "B=2")
    assert result.exit_code == 0, result.output
    assert "output O: 12" in result.stdout


def test_an_output_that_cannot_be_said_is_named_with_its_reason(
    answering: AnsweringEndpoint, paddock: Paddock, template: str
) -> None:
    """Here the id of an API."""
    front = "  Front: {Type: AWS::ApiGateway::RestApi}\nOutputs:\n  Front: {Value: !Ref Front}\n"
    Path(template).write_text(FUNCTION_AND_URL.replace("Outputs:\n", front).lstrip("\n"))
    result = paddock("deploy", template, "--stack-name", "s")
    assert result.exit_code == 0, result.output
    assert "output Address: http://f.url/" in result.stdout
    assert "output Front: left out, because Front is left out: Paddock makes Lambda resources only" in result.stdout


def test_a_stack_is_named_after_its_folder(answering: AnsweringEndpoint, paddock: Paddock, tmp_path: Path) -> None:
    """With hyphens for what a stack may not be called."""
    path = tmp_path / "my shop_v2" / "t.yaml"
    path.parent.mkdir()
    path.write_text("Resources: {Q: {Type: AWS::SQS::Queue}}")
    assert paddock("deploy", str(path)).stdout.startswith("stack my-shop-v2, from ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sum"], "sum: give its image with --image, or name the file of a template"),
        (["sum", "--image", "a", "--plan"], "--plan is for templates, and 'sum' is a function's name"),
        (["sum", "more", "--image", "a"], "'more' is one argument too many"),
        (["t.yaml", "--memory", "1"], "--memory is for one function"),
        (["t.yaml", "--image", "a"], "--image is for one function"),
        (["t.yaml", "A=1"], "'A=1' is one argument too many; values of parameters follow --parameter-overrides"),
        (["t.yaml", "--stack-name", "a_b"], "--stack-name 'a_b': a stack's name has letters, digits and hyphens"),
        (["/nonexistent/t.yaml"], "template '/nonexistent/t.yaml': No such file or directory"),
    ],
)
def test_a_command_line_that_cannot_be_meant_is_a_usage_error(
    answering: AnsweringEndpoint, paddock: Paddock, arguments: list[str], message: str
) -> None:
    """And nothing is changed."""
    result = paddock("deploy", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert {one.method for one in answering.asked} <= {"GET"}


def test_templates_and_folders_are_completed_beside_functions(
    endpoint: AnsweringEndpoint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Other files are not."""
    (tmp_path / "template.yaml").touch()
    (tmp_path / "tests").mkdir()
    (tmp_path / "text.txt").touch()
    monkeypatch.chdir(tmp_path)
    endpoint.on("GET", FUNCTIONS, document({"Functions": [{"FunctionName": "teller"}]}))
    context: Any = type("Context", (), {"params": {"endpoint_url": endpoint.url}, "parent": None})()
    assert deploying.complete_function_or_template(context, "te") == ["teller", "template.yaml", "tests/"]
