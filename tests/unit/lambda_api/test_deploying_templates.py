"""`paddock deploy template.yaml` against the real API: what stands afterwards; a second time changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.failures import Failure
from orchestrator.domain.names import FunctionKey, VersionKey
from orchestrator.domain.provisioned_concurrency import Provisioned
from tests.support.waiting import until
from tests.unit.lambda_api.conftest import Deploy
from tests.unit.lambda_api.served_api import ScriptedEngine, ServedApi

MATERIAL = Path(__file__).parent.parent / "cli" / "templates" / "material"
ROLE = "arn:aws:iam::000000000000:role/any"


@pytest.fixture
def docker(tmp_path: Path) -> Callable[[str], None]:
    """A `docker` command that does as a line of shell says."""

    def docker(line: str) -> None:
        command = tmp_path / "bin" / "docker"
        command.parent.mkdir(exist_ok=True)
        command.write_text(f"#!/bin/sh\n{line}\n")
        command.chmod(0o755)

    return docker


def changes(resources: dict[str, Any]) -> set[str]:
    """What became of them."""
    return {one["change"] for one in resources.values()}


def test_a_plain_template_stands_as_it_says(deploy: Deploy, client: Any, account: str) -> None:
    """Parameters, mappings, numbers that are written as text."""
    resources = deploy(MATERIAL / "plain.yaml", "Memory=640")
    assert resources["Resize"]["change"] == "create"
    found = client.get_function(FunctionName="resize-us-east-1")
    configuration = found["Configuration"]
    assert (configuration["MemorySize"], configuration["Timeout"]) == (640, 7)
    assert configuration["Role"] == f"arn:aws:iam::{account}:role/shop-Role"
    assert configuration["Environment"]["Variables"] == {"SELF": f"{account}:shop"}
    assert configuration["ImageConfigResponse"]["ImageConfig"]["Command"] == ["app.handler", "--fast"]
    assert found["Code"]["ImageUri"] == "resize:latest"
    assert found["Concurrency"] == {"ReservedConcurrentExecutions": 5}
    assert found["Tags"] == {"team": "images"}


@pytest.mark.parametrize("name", ["plain.yaml", "sam-shop.yaml", "reached.yaml", "hello-world.yaml"])
def test_a_second_deployment_changes_nothing(deploy: Deploy, name: str) -> None:
    """Whatever of the template stands after the first."""
    assert "create" in changes(deploy(MATERIAL / name))
    assert changes(deploy(MATERIAL / name)) == {"unchanged", "left out"}


def test_who_reaches_a_function_stands_as_the_template_says(deploy: Deploy, client: Any, account: str) -> None:
    """Its alias's URL, permissions and limits of events, and what is set on the function itself."""
    resources = deploy(MATERIAL / "reached.yaml")
    assert {name for name, one in resources.items() if one["change"] == "left out"} == {"Failed"}
    url = client.get_function_url_config(FunctionName="reached", Qualifier="live")
    assert resources["Address"]["values"] == {"FunctionUrl": url["FunctionUrl"]}
    assert (url["AuthType"], url["Cors"]) == ("NONE", {"AllowOrigins": ["*"], "MaxAge": 60})
    config = client.get_function_event_invoke_config(FunctionName="reached", Qualifier="live")
    assert (config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]) == (0, 120)
    queue = f"arn:aws:sqs:us-east-1:{account}:shop-Failed"
    assert config["DestinationConfig"] == {"OnSuccess": {}, "OnFailure": {"Destination": queue}}
    policy = json.loads(client.get_policy(FunctionName="reached", Qualifier="live")["Policy"])
    assert {one["Sid"]: one["Condition"] for one in policy["Statement"]} == {
        "shop-FromBucket": {
            "StringEquals": {"AWS:SourceAccount": account},
            "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::photos"},
        },
        "shop-ByUrl": {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}},
        "shop-ViaUrl": {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}},
    }
    policy = json.loads(client.get_policy(FunctionName="reached")["Policy"])
    assert [one["Principal"] for one in policy["Statement"]] == [{"AWS": "arn:aws:iam::123456789012:root"}]
    assert client.get_function_recursion_config(FunctionName="reached")["RecursiveLoop"] == "Allow"
    runtime = client.get_runtime_management_config(FunctionName="reached")
    assert runtime["UpdateRuntimeOn"] == "FunctionUpdate"


def test_who_reaches_a_function_is_changed_where_the_template_changes(deploy: Deploy, client: Any) -> None:
    """The URL stays the same; a statement is replaced by another of its id."""
    before = deploy(MATERIAL / "reached.yaml")
    after = deploy(MATERIAL / "reached.yaml", "Auth=AWS_IAM", "Retries=2", "Bucket=films", "Loop=Terminate")
    assert {name: one["members"] for name, one in after.items() if one["change"] == "update"} == {
        "Reached": ["RecursiveLoop"],
        "Limits": ["MaximumRetryAttempts"],
        "Address": ["AuthType"],
        "FromBucket": ["SourceArn"],
    }
    assert after["Address"]["values"] == before["Address"]["values"]
    assert client.get_function_url_config(FunctionName="reached", Qualifier="live")["AuthType"] == "AWS_IAM"
    config = client.get_function_event_invoke_config(FunctionName="reached", Qualifier="live")
    assert (config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]) == (2, 120)
    policy = json.loads(client.get_policy(FunctionName="reached", Qualifier="live")["Policy"])
    (bucket,) = (one for one in policy["Statement"] if one["Sid"] == "shop-FromBucket")
    assert bucket["Condition"]["ArnLike"] == {"AWS:SourceArn": "arn:aws:s3:::films"}


def test_a_limit_that_the_template_no_longer_mentions_is_taken_away(
    deploy: Deploy, client: Any, tmp_path: Path
) -> None:
    """Of events; their config stays as long as it says anything."""
    deploy(MATERIAL / "reached.yaml")
    text = (MATERIAL / "reached.yaml").read_text().replace("      MaximumEventAgeInSeconds: 120\n", "")
    template = tmp_path / "template.yaml"
    template.write_text(text)
    assert deploy(template)["Limits"]["members"] == ["MaximumEventAgeInSeconds"]
    config = client.get_function_event_invoke_config(FunctionName="reached", Qualifier="live")
    assert config["MaximumRetryAttempts"] == 0
    assert "MaximumEventAgeInSeconds" not in config


def test_a_mapping_stands_and_is_said_to_be_unread(deploy: Deploy, client: Any, tmp_path: Path) -> None:
    """Each time, and also where the template says that it is enabled; one that is not has nothing to say."""

    def template(**members: Any) -> Path:
        mapping = {"FunctionName": "shop-F", "EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:jobs"} | members
        function = {"PackageType": "Image", "Code": {"ImageUri": "hello:1"}, "Role": ROLE}
        resources = {
            "F": {"Type": "AWS::Lambda::Function", "Properties": function},
            "M": {"Type": "AWS::Lambda::EventSourceMapping", "DependsOn": "F", "Properties": mapping},
        }
        path = tmp_path / "template.json"
        path.write_text(json.dumps({"Resources": resources}))
        return path

    unread = (
        "Enabled was asked for; Paddock keeps event source mappings but does not poll their sources yet; "
        "nothing is read"
    )
    for change in ("create", "unchanged"):
        mapping = deploy(template(Enabled=True))["M"]
        assert (mapping["change"], mapping["notes"]) == (change, [unread])
    mapping = deploy(template(Enabled=False))["M"]
    assert (mapping["change"], mapping["members"], mapping["notes"]) == ("update", ["Enabled"], [])
    assert client.list_event_source_mappings()["EventSourceMappings"][0]["StateTransitionReason"] == "USER_INITIATED"


def test_a_layer_is_published_again_only_where_its_files_differ(deploy: Deploy, client: Any, tmp_path: Path) -> None:
    """From a folder beside the template."""
    folder = tmp_path / "tools"
    folder.mkdir()
    (folder / "said.txt").write_text("hello")
    template = tmp_path / "template.json"
    layer = {"LayerName": "tools", "Content": "tools", "CompatibleRuntimes": ["python3.12"]}
    template.write_text(json.dumps({"Resources": {"L": {"Type": "AWS::Lambda::LayerVersion", "Properties": layer}}}))
    assert [deploy(template)["L"]["change"] for _ in range(2)] == ["create", "unchanged"]
    (folder / "said.txt").write_text("hello again")
    assert deploy(template)["L"]["change"] == "update"
    assert [one["Version"] for one in client.list_layer_versions(LayerName="tools")["LayerVersions"]] == [2, 1]


def test_only_what_differs_is_updated(deploy: Deploy, client: Any) -> None:
    """Here the memory."""
    deploy(MATERIAL / "plain.yaml")
    function = deploy(MATERIAL / "plain.yaml", "Memory=256")["Resize"]
    assert (function["change"], function["members"]) == ("update", ["MemorySize"])
    assert client.get_function_configuration(FunctionName="resize-us-east-1")["MemorySize"] == 256


def test_what_the_template_no_longer_mentions_has_its_default_again(
    deploy: Deploy, client: Any, tmp_path: Path
) -> None:
    """Of the configuration; a reserved concurrency, tags and whole resources stay."""
    deploy(MATERIAL / "plain.yaml")
    template = tmp_path / "template.json"
    function = {"FunctionName": "resize-us-east-1", "PackageType": "Image", "Code": {"ImageUri": "resize:latest"}}
    template.write_text(json.dumps({"Resources": {"R": {"Type": "AWS::Lambda::Function", "Properties": function}}}))
    assert set(deploy(template)["R"]["members"]) == {"Timeout", "MemorySize", "Environment", "ImageConfig", "Role"}
    found = client.get_function(FunctionName="resize-us-east-1")
    assert found["Configuration"]["Timeout"] == 3
    assert not {"Environment", "ImageConfigResponse"} & set(found["Configuration"])
    assert found["Concurrency"] == {"ReservedConcurrentExecutions": 5}
    assert found["Tags"] == {"team": "images"}


def test_a_function_of_which_everything_is_said_is_unchanged_until_nothing_is(
    deploy: Deploy, client: Any, engine: ScriptedEngine, tmp_path: Path
) -> None:
    """All of its configuration has AWS's default then, but for its log group; and after that nothing changes again."""
    engine.subnets["subnet-1"] = None
    least = {"FunctionName": "whole", "PackageType": "Image", "Code": {"ImageUri": "hello:1"}, "Role": ROLE}
    said = {
        "Description": "greets",
        "MemorySize": 512,
        "Timeout": 30,
        "Environment": {"Variables": {"LEVEL": "debug"}},
        "ImageConfig": {"Command": ["app.handler"], "EntryPoint": ["/bin/run"], "WorkingDirectory": "/srv"},
        "EphemeralStorage": {"Size": 1024},
        "DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-east-1:000000000000:dead"},
        "KmsKeyArn": "arn:aws:kms:us-east-1:000000000000:key/1",
        "LoggingConfig": {"LogFormat": "JSON", "ApplicationLogLevel": "DEBUG", "LogGroup": "ours"},
        "TracingConfig": {"Mode": "Active"},
        "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
    }
    template = tmp_path / "template.json"
    found = []
    for properties in (least | said, least | said, least, least):
        document = {"Resources": {"F": {"Type": "AWS::Lambda::Function", "Properties": properties}}}
        template.write_text(json.dumps(document))
        found.append(deploy(template)["F"])
    assert [one["change"] for one in found] == ["create", "unchanged", "update", "unchanged"]
    assert set(found[2]["members"]) == {*said, "KMSKeyArn"} - {"KmsKeyArn"}
    client.create_function(**(least | {"FunctionName": "fresh"}))
    until(lambda: client.get_function(FunctionName="fresh")["Configuration"]["State"] == "Active", "it is active")
    whole, fresh = (client.get_function_configuration(FunctionName=name) for name in ("whole", "fresh"))
    assert whole.pop("LoggingConfig") == {"LogFormat": "Text", "LogGroup": "ours"}
    left_over = {name for name in {*whole, *fresh} if whole.get(name) != fresh.get(name)}
    own = {
        "FunctionName",
        "FunctionArn",
        "LoggingConfig",
        "RevisionId",
        "LastModified",
        "ResponseMetadata",
        "VpcConfig",
    }
    assert left_over <= own
    assert whole["VpcConfig"]["SubnetIds"] == []


def test_a_template_says_all_of_a_vpc_config(
    deploy: Deploy, client: Any, engine: ScriptedEngine, tmp_path: Path
) -> None:
    """What it leaves out is taken away; by itself Lambda would leave it."""
    engine.subnets["subnet-1"] = None
    template = tmp_path / "template.json"
    least = {"PackageType": "Image", "Code": {"ImageUri": "hello:1"}, "Role": ROLE, "FunctionName": "networked"}
    found = []
    for vpc in ({"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}, {"SubnetIds": []}, {}):
        document = {"Resources": {"F": {"Type": "AWS::Lambda::Function", "Properties": least | {"VpcConfig": vpc}}}}
        template.write_text(json.dumps(document))
        found.append(deploy(template)["F"]["change"])
    assert found == ["create", "update", "unchanged"]
    shown = client.get_function_configuration(FunctionName="networked")["VpcConfig"]
    assert (shown["SubnetIds"], shown["SecurityGroupIds"]) == ([], [])


def test_what_a_template_provisions_for_its_published_alias_is_asked_for_once(
    deploy: Deploy, client: Any, api: ServedApi, account: str, tmp_path: Path
) -> None:
    """And again where its number changed; an alias without is no failure of the plan."""
    template = tmp_path / "template.yaml"

    def write(provisioned: str) -> None:
        template.write_text(
            f"""
Transform: AWS::Serverless-2016-10-31
Resources:
  Shop:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: hello
      PackageType: Image
      ImageUri: hello:1
      AutoPublishAlias: live
{provisioned}
"""
        )

    version = VersionKey(FunctionKey(account, "us-east-1", "hello"), "1")
    api.provisioning.versions[version] = Provisioned(allocated=3, available=3)
    write("")
    deploy(template)
    for count in (2, 2, 3):
        write(f"      ProvisionedConcurrencyConfig: {{ProvisionedConcurrentExecutions: {count}}}")
        deploy(template)
        found = client.get_provisioned_concurrency_config(FunctionName="hello", Qualifier="live")
        assert (found["Status"], found["RequestedProvisionedConcurrentExecutions"]) == ("READY", count)
    assert len(api.provisioning.anew) == 2


def test_a_template_of_which_nothing_can_be_made_is_told_so(deploy: Deploy) -> None:
    """Each resource with its reason; that is no failure."""
    resources = deploy(MATERIAL / "all-left-out.yaml")
    assert changes(resources) == {"left out"}
    assert all(one["reason"] for one in resources.values())
    assert resources["OfInline"]["reason"] == "Inline is left out"


def test_a_function_that_fails_is_named_and_keeps_only_what_needs_it(
    deploy: Deploy, client: Any, engine: ScriptedEngine, tmp_path: Path
) -> None:
    """The command fails, and the rest stands."""
    engine.has_not("gone:1")
    template = tmp_path / "template.yaml"
    template.write_text(
        f"""
Resources:
  Broken:
    Type: AWS::Lambda::Function
    Properties: {{PackageType: Image, Code: {{ImageUri: "gone:1"}}, Role: "{ROLE}"}}
  CallsBroken:
    Type: AWS::Lambda::Function
    Properties:
      PackageType: Image
      Code: {{ImageUri: "hello:1"}}
      Role: {ROLE}
      Environment: {{Variables: {{CALLED: !GetAtt Broken.Arn}}}}
  Whole:
    Type: AWS::Lambda::Function
    Properties: {{PackageType: Image, Code: {{ImageUri: "hello:1"}}, Role: "{ROLE}"}}
"""
    )
    with pytest.raises(Failure, match=r"Broken does not stand as .* says: .*docker build -t gone:1"):
        deploy(template)
    assert {one["FunctionName"] for one in client.list_functions()["Functions"]} >= {"shop-Whole"}
    assert "shop-CallsBroken" not in {one["FunctionName"] for one in client.list_functions()["Functions"]}


def test_an_image_whose_tag_moved_is_deployed_again(deploy: Deploy, docker: Callable[[str], None], client: Any) -> None:
    """Where docker says that the tag stands for something else than the function has."""
    deploy(MATERIAL / "plain.yaml")
    image_id = client.get_function(FunctionName="resize-us-east-1")["Code"]["ResolvedImageUri"].partition("@")[2]
    docker(f"echo {image_id}")
    assert deploy(MATERIAL / "plain.yaml")["Resize"]["change"] == "unchanged"
    docker("echo sha256:another")
    assert deploy(MATERIAL / "plain.yaml")["Resize"]["members"] == ["ImageId"]


def test_images_are_built_before_their_functions_are_deployed(
    deploy: Deploy, docker: Callable[[str], None], client: Any, tmp_path: Path
) -> None:
    """By this machine's docker, as the template's Metadata says, under the tag that the function gets."""
    docker(f'echo "$@" >> {tmp_path}/asked')
    deploy(MATERIAL / "sam-shop.yaml", build=True)
    context = MATERIAL / "checkout"
    assert (tmp_path / "asked").read_text().splitlines()[0] == (
        f"build --tag checkout:v1 --file {context}/Dockerfile --build-arg PYTHON=3.13 {context}"
    )
    assert client.get_function(FunctionName="shop-Checkout")["Code"]["ImageUri"] == "checkout:v1"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (None, "there is no `docker` command here to build checkout:v1; build it elsewhere and say --no-build"),
        ("exit 7", "`docker build` of checkout:v1 ended with 7; its output says why"),
    ],
)
def test_nothing_is_deployed_if_an_image_cannot_be_built(
    deploy: Deploy, docker: Callable[[str], None], client: Any, line: str | None, message: str
) -> None:
    """And the failure says what helps."""
    if line is not None:
        docker(line)
    with pytest.raises(Failure, match=message):
        deploy(MATERIAL / "sam-shop.yaml", build=True)
    assert client.list_functions()["Functions"] == []


def test_the_hello_world_of_sam_init_stands_without_its_api(deploy: Deploy, client: Any) -> None:
    """Which is left out by name; the function is as the template says."""
    resources = deploy(MATERIAL / "hello-world.yaml")
    assert {name for name, one in resources.items() if one["change"] == "create"} == {"HelloWorldFunction"}
    assert resources["HelloWorldFunction.HelloWorld"]["change"] == "left out"
    found = client.get_function(FunctionName="shop-HelloWorldFunction")
    assert found["Code"]["ImageUri"] == "helloworldfunction:python3.13-v1"
    assert found["Configuration"]["LoggingConfig"]["LogFormat"] == "JSON"
