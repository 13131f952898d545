"""Versions and aliases of a template: which is published, what an alias shows, and what is provisioned for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.answering_endpoint import FUNCTIONS, Answer, AnsweringEndpoint, document, refusal
from tests.unit.cli.conftest import Paddock

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:f"
F = f"{FUNCTIONS}/f"
VERSIONS = f"{F}/versions"
ALIAS = f"{F}/aliases/live"
PROVISIONED = "/2019-09-30/functions/f/provisioned-concurrency"
MISSING = refusal("ResourceNotFoundException", f"Function not found: {ARN}", 404)
VERSION_AND_ALIAS = """
Resources:
  V:
    Type: AWS::Lambda::Version
    Properties: {FunctionName: f, ProvisionedConcurrencyConfig: {ProvisionedConcurrentExecutions: 2}}
  A:
    Type: AWS::Lambda::Alias
    Properties: {FunctionName: f, Name: live, FunctionVersion: !GetAtt V.Version}
"""


def version(number: str, **members: Any) -> dict[str, Any]:
    """One of ListVersionsByFunction."""
    return {"Version": number, "FunctionArn": f"{ARN}:{number}", "CodeSha256": "a", **members}


def provisioned(status: str, count: int = 2) -> dict[str, Any]:
    """As GetProvisionedConcurrencyConfig says it."""
    return {"Status": status, "RequestedProvisionedConcurrentExecutions": count, "StatusReason": "why"}


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A version with provisioned concurrency, and an alias of it."""
    path = tmp_path / "template.yaml"
    path.write_text(VERSION_AND_ALIAS)
    return path


@pytest.fixture
def answering(endpoint: AnsweringEndpoint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AnsweringEndpoint:
    """Version 4 stands as $LATEST is, and the alias shows version 3."""
    monkeypatch.setenv("PATH", str(tmp_path))
    endpoint.on("GET", f"{FUNCTIONS}/paddock-asks-where-it-is/configuration", MISSING)
    endpoint.on("GET", f"{F}/configuration", document({"FunctionArn": ARN, "State": "Active"}))
    endpoint.on("GET", VERSIONS, document({"Versions": [version("$LATEST"), version("3"), version("4")]}))
    endpoint.on("GET", ALIAS, document({"AliasArn": f"{ARN}:live", "FunctionVersion": "3"}))
    endpoint.on("PUT", ALIAS, document({"AliasArn": f"{ARN}:live", "FunctionVersion": "4"}))
    endpoint.on("PUT", PROVISIONED, document({"Status": "IN_PROGRESS"}, 202))
    return endpoint


@pytest.mark.parametrize("then", ["READY", "FAILED"])
def test_provisioned_concurrency_that_failed_is_asked_for_again(
    answering: AnsweringEndpoint, paddock: Paddock, template: Path, then: str
) -> None:
    """The alias is led to that version only once it is ready."""
    answering.on("GET", PROVISIONED, document(provisioned("FAILED")), document(provisioned(then)))
    result = paddock("deploy", str(template), "--stack-name", "s")
    (put,) = answering.asked_for("PUT", PROVISIONED)
    assert (put.query, put.document) == ("Qualifier=4", {"ProvisionedConcurrentExecutions": 2})
    assert "update V Version f:4 ProvisionedConcurrencyConfig" in " ".join(result.stdout.split())
    assert result.exit_code == (0 if then == "READY" else 1), result.output
    assert [one.document for one in answering.asked_for("PUT", ALIAS)] == (
        [{"FunctionVersion": "4"}] if then == "READY" else []
    )


@pytest.mark.parametrize("then", ["READY", "FAILED"])
def test_provisioned_concurrency_under_way_is_waited_for(
    answering: AnsweringEndpoint, paddock: Paddock, template: Path, then: str
) -> None:
    """Asked for again it would begin anew."""
    answering.on("GET", PROVISIONED, *[document(provisioned(one)) for one in ("IN_PROGRESS", "IN_PROGRESS", then)])
    result = paddock("deploy", str(template), "--stack-name", "s", "--json")
    assert answering.asked_for("PUT", PROVISIONED) == []
    assert len(answering.asked_for("GET", PROVISIONED)) >= 3
    changes = {one["logical_id"]: one["change"] for one in json.loads(result.stdout)["resources"]}
    if then == "READY":
        assert changes == {"V": "unchanged", "A": "update"}
    else:
        assert changes == {"V": "failed", "A": "left out"}
        assert result.exit_code == 1


def test_a_version_that_is_published_gets_what_its_predecessor_had_provisioned(
    answering: AnsweringEndpoint, paddock: Paddock, template: Path
) -> None:
    """What is ready for the old one is not there for the new one."""
    before = {"Versions": [version("$LATEST", CodeSha256="b"), version("4")]}
    after = {"Versions": [version("$LATEST", CodeSha256="b"), version("4"), version("5", CodeSha256="b")]}
    answering.on("GET", VERSIONS, document(before), document(after))
    answering.on("POST", VERSIONS, document({"Version": "5"}, 201))
    answering.on("GET", PROVISIONED, document(provisioned("READY")))
    result = paddock("deploy", str(template), "--stack-name", "s")
    assert result.exit_code == 0, result.output
    (put,) = answering.asked_for("PUT", PROVISIONED)
    assert put.query == "Qualifier=5"
    assert [one.document for one in answering.asked_for("PUT", ALIAS)] == [{"FunctionVersion": "5"}]


FUNCTION_VERSION_ALIAS = """
Resources:
  F:
    Type: AWS::Lambda::Function
    Properties: {FunctionName: f, PackageType: Image, Code: {ImageUri: "f:1"}, Role: r, Tags: [{Key: a, Value: b}],
      FileSystemConfigs: [{Arn: a, LocalMountPath: /mnt/a}]}
  V:
    Type: AWS::Lambda::Version
    Properties: {FunctionName: !Ref F}
  P:
    Type: AWS::Lambda::Permission
    Properties: {FunctionName: !Ref V, Action: "lambda:InvokeFunction", Principal: "*"}
  A:
    Type: AWS::Lambda::Alias
    Properties: {FunctionName: !Ref F, Name: live, FunctionVersion: !GetAtt V.Version}
"""


@pytest.mark.parametrize("tags", [{"a": "b"}, {}], ids=["nothing else", "and tags"])
def test_what_would_follow_a_change_that_is_left_out_is_unchanged(
    answering: AnsweringEndpoint, paddock: Paddock, template: Path, tags: dict[str, str]
) -> None:
    """So each deployment says that nothing changed, as the second one should."""
    template.write_text(FUNCTION_VERSION_ALIAS)
    configuration = {"FunctionName": "f", "FunctionArn": ARN, "State": "Active", "Role": "r"}
    function = {"Configuration": configuration, "Code": {"ImageUri": "f:1"}, "Tags": tags}
    answering.on("GET", F, document(function))
    answering.on(
        "PUT", f"{F}/configuration", refusal("NotImplementedException", "FileSystemConfigs is not built yet", 501)
    )
    answering.on("POST", f"/2017-03-31/tags/{ARN}", Answer(204))
    statement = {"Sid": "s-P", "Effect": "Allow", "Principal": "*", "Action": "lambda:InvokeFunction"}
    answering.on("GET", f"{F}/policy", document({"Policy": json.dumps({"Statement": [statement]})}))
    answering.on("GET", ALIAS, document({"AliasArn": f"{ARN}:live", "FunctionVersion": "4"}))
    result = paddock("deploy", str(template), "--stack-name", "s", "--json")
    assert result.exit_code == 0, result.output
    outcomes = {one["logical_id"]: one for one in json.loads(result.stdout)["resources"]}
    of_function = "unchanged" if tags else "update"
    changes = {name: one["change"] for name, one in outcomes.items()}
    assert changes == {"F": of_function, "V": "unchanged", "P": "unchanged", "A": "unchanged"}
    assert (outcomes["V"]["name"], outcomes["V"]["members"]) == ("f:4", [])
    assert outcomes["F"]["notes"] == ["FileSystemConfigs: not built in this Paddock"]


TWO_VERSIONS = """
Resources:
  F:
    Type: AWS::Lambda::Function
    Properties: {FunctionName: f, PackageType: Image, Code: {ImageUri: "f:1"}, Role: r, MemorySize: 256}
  Old: {Type: AWS::Lambda::Version, Properties: {FunctionName: !Ref F}}
  New: {Type: AWS::Lambda::Version, Properties: {FunctionName: !Ref F}}
  A:
    Type: AWS::Lambda::Alias
    Properties:
      FunctionName: !Ref F
      Name: live
      FunctionVersion: !GetAtt New.Version
      RoutingConfig: {AdditionalVersionWeights: [{FunctionVersion: !GetAtt Old.Version, FunctionWeight: 0.1}]}
"""


def weighted(version: str, **weights: float) -> dict[str, Any]:
    """As GetAlias says it; the weights by `vN`."""
    routing = {"AdditionalVersionWeights": {name[1:]: weight for name, weight in weights.items()}}
    return {"AliasArn": f"{ARN}:live", "FunctionVersion": version, "RoutingConfig": routing}


def names_of(output: str) -> dict[str, str]:
    """By logical id."""
    return {one["logical_id"]: one["name"] for one in json.loads(output)["resources"]}


@pytest.mark.parametrize("changes_now", [True, False], ids=["the function changes", "it changed before"])
def test_of_two_versions_of_a_function_the_first_is_the_one_that_was_published_before(
    answering: AnsweringEndpoint, paddock: Paddock, template: Path, changes_now: bool
) -> None:
    """So an alias can be shared by both: $LATEST is published as 5, and 4 stands for the first."""
    template.write_text(TWO_VERSIONS)
    configuration = {"FunctionName": "f", "FunctionArn": ARN, "State": "Active", "Role": "r"}
    before = {**configuration, "MemorySize": 128 if changes_now else 256}
    answering.on("GET", F, document({"Configuration": before, "Code": {"ImageUri": "f:1"}}))
    answering.on("PUT", f"{F}/configuration", document(configuration))
    old = [version("3", MemorySize=64), version("4", MemorySize=128)]
    is_behind = document({"Versions": [version("$LATEST", MemorySize=256), *old]})
    as_published = document({"Versions": [version("$LATEST", MemorySize=128), *old]})
    is_published = document({"Versions": [version("$LATEST", MemorySize=256), *old, version("5", MemorySize=256)]})
    # The plan looks twice, for either version; then the first one is looked at anew if its function changed meanwhile.
    looks = [as_published, as_published, is_behind] if changes_now else [is_behind, is_behind]
    answering.on("GET", VERSIONS, *looks, is_published)
    answering.on("POST", VERSIONS, document({"Version": "5"}, 201))
    answering.on("GET", ALIAS, document(weighted("4", v3=0.1)))
    result = paddock("deploy", str(template), "--stack-name", "s", "--json")
    assert result.exit_code == 0, result.output
    assert len(answering.asked_for("POST", VERSIONS)) == 1
    (put,) = answering.asked_for("PUT", ALIAS)
    routing = {"AdditionalVersionWeights": {"4": 0.1}}
    assert put.document == {"FunctionVersion": "5", "RoutingConfig": routing}
    names = names_of(result.stdout)
    assert (names["Old"], names["New"]) == ("f:4", "f:5")


def test_two_versions_that_stand_as_they_should_are_unchanged(
    answering: AnsweringEndpoint, paddock: Paddock, template: Path
) -> None:
    """And so is their alias."""
    template.write_text(TWO_VERSIONS)
    configuration = {"FunctionName": "f", "FunctionArn": ARN, "State": "Active", "Role": "r", "MemorySize": 256}
    answering.on("GET", F, document({"Configuration": configuration, "Code": {"ImageUri": "f:1"}}))
    answering.on("GET", ALIAS, document(weighted("4", v3=0.1)))
    result = paddock("deploy", str(template), "--stack-name", "s", "--json")
    assert result.exit_code == 0, result.output
    assert {one["change"] for one in json.loads(result.stdout)["resources"]} == {"unchanged"}
    assert names_of(result.stdout) == {"F": "f", "Old": "f:3", "New": "f:4", "A": "f:live"}


def test_the_weight_of_a_version_that_is_not_there_yet_is_left_out_with_the_reason(
    answering: AnsweringEndpoint, paddock: Paddock, template: Path
) -> None:
    """At the first deployment both versions are the first; the alias stands all the same, and again unchanged."""
    template.write_text(TWO_VERSIONS)
    configuration = {"FunctionName": "f", "FunctionArn": ARN, "State": "Active", "Role": "r", "MemorySize": 256}
    function = document({"Configuration": configuration, "Code": {"ImageUri": "f:1"}})
    answering.on("GET", F, MISSING, function)
    answering.on("POST", FUNCTIONS, document(configuration, 201))
    one = document({"Versions": [version("$LATEST"), version("1")]})
    answering.on("GET", VERSIONS, MISSING, MISSING, one)
    answering.on("POST", VERSIONS, document({"Version": "1"}, 201))
    answering.on("GET", ALIAS, MISSING, document({"AliasArn": f"{ARN}:live", "FunctionVersion": "1"}))
    answering.on("POST", f"{F}/aliases", document({}, 201))
    note = "RoutingConfig: version 1 would be its second beside itself; no other one is published"
    for change in ("create", "unchanged"):
        result = paddock("deploy", str(template), "--stack-name", "s", "--json")
        assert result.exit_code == 0, result.output
        *_, alias = json.loads(result.stdout)["resources"]
        assert (alias["change"], alias["notes"]) == (change, [note])
    (created,) = answering.asked_for("POST", f"{F}/aliases")
    assert created.document == {"Name": "live", "FunctionVersion": "1"}
