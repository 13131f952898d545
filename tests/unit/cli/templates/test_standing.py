"""How what stands is read from the API's answers, kind by kind."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.templates.kinds import kinds_of
from orchestrator.cli.templates.layers import zip_of
from orchestrator.cli.templates.planning import plan, wanted_of
from orchestrator.cli.templates.reading import Resource
from orchestrator.cli.templates.references import Stack
from orchestrator.cli.templates.wanted import Ask, Standing

STACK = Stack(name="shop", account="123456789012", region="eu-west-1")
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:f"
CODE = {"ImageUri": "f:1"}
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:jobs"


def standing(kind: str, properties: dict[str, Any], answers: dict[str, Any]) -> tuple[Standing | None, tuple[str, ...]]:
    """What stands by these answers, and what differs from it."""
    made = kinds_of(STACK, Path("/nowhere"), {})[f"AWS::Lambda::{kind}"]
    wanted = made.wanted("X", properties)
    found = made.standing(ask(answers), wanted)
    return found, () if found is None else made.differing(wanted, found, False)


def ask(answers: dict[str, Any]) -> Ask:
    """Answers by operation, or by what a function says of the parameters; everything else is not found."""

    def ask(operation: str, **parameters: Any) -> dict[str, Any] | None:
        answer = answers.get(operation)
        return answer(**parameters) if isinstance(answer, Callable) else answer  # type: ignore[arg-type]

    return ask


def version(number: str, **members: Any) -> dict[str, Any]:
    """One of ListVersionsByFunction."""
    return {"Version": number, "FunctionArn": f"{ARN}:{number}", "CodeSha256": "a", "MemorySize": 128, **members}


@pytest.mark.parametrize(
    ("versions", "number", "differing"),
    [
        ([version("$LATEST")], None, ()),
        ([version("$LATEST"), version("1")], "1", ()),
        ([version("$LATEST"), version("9", CodeSha256="b"), version("10")], "10", ()),
        ([version("$LATEST"), version("9"), version("10", CodeSha256="b")], "10", ("IsPublished",)),
        ([version("$LATEST", MemorySize=256), version("1")], "1", ("IsPublished",)),
        ([version("$LATEST", RevisionId="x", LastModified="y"), version("1", RevisionId="z")], "1", ()),
        ([version("$LATEST"), version("1", Description="another")], "1", ()),
    ],
)
def test_the_newest_version_is_compared_with_latest(
    versions: list[dict[str, Any]], number: str | None, differing: tuple[str, ...]
) -> None:
    """By number, not by text; and by what a version holds of its own."""
    answer = {"ListVersionsByFunction": {"Versions": versions}}
    found, differs = standing("Version", {"FunctionName": "f", "Description": "d"}, answer)
    assert (found and found.values["Version"], differs) == (number, differing)


def test_versions_are_read_to_the_last_page() -> None:
    """The newest is on it."""

    def page(Marker: str | None = None, **_: Any) -> dict[str, Any]:  # noqa: N803  (the API's name)
        first = {"Versions": [version("$LATEST"), version("1")], "NextMarker": "m"}
        return {"Versions": [version("2")]} if Marker == "m" else first

    found, _ = standing("Version", {"FunctionName": "f"}, {"ListVersionsByFunction": page})
    assert found is not None
    assert found.values["Version"] == "2"


@pytest.mark.parametrize(
    ("state", "differing"),
    [
        ({"State": "Active", "LastUpdateStatus": "Successful"}, ()),
        ({"State": "Active", "LastUpdateStatus": "Failed"}, ("ImageUri",)),
        ({"State": "Failed"}, ("ImageUri",)),
    ],
)
def test_the_code_of_a_function_that_failed_is_sent_again(state: dict[str, str], differing: tuple[str, ...]) -> None:
    """Whatever it says it has, it does not run it."""
    configuration = {"FunctionArn": ARN, "Role": "r", **state}
    answer = {"GetFunction": {"Configuration": configuration, "Code": {"ImageUri": "f:1"}}}
    properties = {"FunctionName": "f", "PackageType": "Image", "Code": {"ImageUri": "f:1"}, "Role": "r"}
    assert standing("Function", properties, answer)[1] == differing


@pytest.mark.parametrize(
    ("wanted", "stands", "differing"),
    [
        ({"A": "1", "B": ""}, {"A": "1"}, ("Environment",)),
        ({"A": "1"}, {"A": "1", "B": ""}, ("Environment",)),
        ({"B": ""}, None, ("Environment",)),
        ({"A": "1", "B": ""}, {"B": "", "A": "1"}, ()),
        ({}, None, ()),
    ],
)
def test_a_variable_without_a_value_is_a_variable(
    wanted: dict[str, str], stands: dict[str, str] | None, differing: tuple[str, ...]
) -> None:
    """Programs ask whether it is there."""
    environment = {} if stands is None else {"Environment": {"Variables": stands}}
    answer = {"GetFunction": {"Configuration": {"FunctionArn": ARN, "Role": "r", **environment}, "Code": CODE}}
    properties = {"FunctionName": "f", "PackageType": "Image", "Code": CODE, "Role": "r"}
    assert standing("Function", {**properties, "Environment": {"Variables": wanted}}, answer)[1] == differing


def test_settings_with_operations_of_their_own_are_asked_for_where_the_template_has_them() -> None:
    """And compared as those operations say them."""
    answers = {
        "GetFunction": {
            "Configuration": {"FunctionArn": ARN, "Role": "r"},
            "Code": {"ImageUri": "f:1"},
            "Concurrency": {"ReservedConcurrentExecutions": 5},
            "Tags": {"team": "a", "other": "kept"},
        },
        "GetFunctionRecursionConfig": {"RecursiveLoop": "Allow"},
        "GetRuntimeManagementConfig": {"UpdateRuntimeOn": "Auto", "FunctionArn": ARN},
    }
    properties = {
        "FunctionName": "f",
        "PackageType": "Image",
        "Code": {"ImageUri": "f:1"},
        "Role": "r",
        "ReservedConcurrentExecutions": 5,
        "RecursiveLoop": "Allow",
        "RuntimeManagementConfig": {"UpdateRuntimeOn": "Auto"},
        "Tags": [{"Key": "team", "Value": "a"}],
    }
    assert standing("Function", properties, answers)[1] == ()
    answers["GetFunctionRecursionConfig"] = {"RecursiveLoop": "Terminate"}
    answers["GetRuntimeManagementConfig"] = {"UpdateRuntimeOn": "Manual"}
    assert standing("Function", properties, answers)[1] == ("RecursiveLoop", "RuntimeManagementConfig")


def test_provisioned_concurrency_is_what_was_asked_for() -> None:
    """Not what is ready by now."""
    answers: dict[str, Any] = {
        "GetAlias": {"FunctionVersion": "1", "AliasArn": f"{ARN}:live", "Description": ""},
        "GetProvisionedConcurrencyConfig": {
            "RequestedProvisionedConcurrentExecutions": 2,
            "AllocatedProvisionedConcurrentExecutions": 1,
        },
    }
    properties = {
        "FunctionName": "f",
        "Name": "live",
        "FunctionVersion": "1",
        "ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": 2},
    }
    assert standing("Alias", properties, answers)[1] == ()
    del answers["GetProvisionedConcurrencyConfig"]
    assert standing("Alias", properties, answers)[1] == ("ProvisionedConcurrencyConfig",)


def test_a_url_an_invoke_config_and_a_layer_are_read() -> None:
    """With what the API chose for them."""
    url = {"FunctionUrl": "http://u/", "AuthType": "NONE", "InvokeMode": "BUFFERED"}
    properties: dict[str, Any] = {"TargetFunctionArn": "f", "AuthType": "NONE"}
    found, differing = standing("Url", properties, {"GetFunctionUrlConfig": url})
    assert found is not None
    assert (found.values, differing) == ({"FunctionUrl": "http://u/"}, ())
    config = {"MaximumRetryAttempts": 0, "DestinationConfig": {"OnSuccess": {}, "OnFailure": {}}}
    properties = {"FunctionName": "f", "MaximumRetryAttempts": 0, "DestinationConfig": {"OnFailure": {}}}
    assert standing("EventInvokeConfig", properties, {"GetFunctionEventInvokeConfig": config})[1] == ()


def test_a_layer_is_its_newest_version(tmp_path: Path) -> None:
    """Known by the hash of its content."""
    (tmp_path / "layer").mkdir()
    for name in "hcebdfga":
        (tmp_path / "layer" / name).write_text(name)
    assert zipfile.ZipFile(io.BytesIO(zip_of(tmp_path / "layer"))).namelist() == [*"abcdefgh"]
    kind = kinds_of(STACK, tmp_path, {})["AWS::Lambda::LayerVersion"]
    wanted = kind.wanted("L", {"Content": "layer"})
    arn = "arn:aws:lambda:eu-west-1:123456789012:layer:L:7"
    answers: dict[str, Any] = {
        "ListLayerVersions": {"LayerVersions": [{"Version": 7}, {"Version": 6}]},
        "GetLayerVersion": lambda VersionNumber, **_: {  # noqa: N803  (the API's name)
            "LayerVersionArn": arn,
            "Content": {"CodeSha256": wanted.members["CodeSha256"] if VersionNumber == 7 else "older"},
        },
    }
    found = kind.standing(ask(answers), wanted)
    assert found is not None
    assert (found.values, kind.differing(wanted, found, False)) == ({"LayerVersionArn": arn}, ())


def test_what_is_of_a_version_that_will_be_another_is_new() -> None:
    """What stands for the old one stays with the old one."""
    kinds = kinds_of(STACK, Path("/nowhere"), {})
    resources = [
        Resource(logical_id="V", type="AWS::Lambda::Version", properties={"FunctionName": "f"}, needs=frozenset()),
        Resource(
            logical_id="P",
            type="AWS::Lambda::Permission",
            properties={"FunctionName": ARN + ":${V.Version}", "Action": "a", "Principal": "*"},
            needs=frozenset({"V"}),
        ),
    ]
    wanted, _ = wanted_of(resources, kinds)
    permission = Standing(members={"Action": "a", "Principal": "*"})
    published = Standing(members={"IsPublished": True}, values={"Version": "4"})
    behind = Standing(members={"IsPublished": False}, values={"Version": "4"})
    for stands, change in ((published, "unchanged"), (behind, "create")):
        steps = {one.logical_id: one for one in plan(wanted, {"V": stands, "P": permission}, kinds)}
        assert steps["P"].change.value == change
