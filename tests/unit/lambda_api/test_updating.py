"""UpdateFunctionCode, UpdateFunctionConfiguration and DeleteFunction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.domain.functions import Image
from tests.support.waiting import until
from tests.unit.lambda_api.served_api import ScriptedEngine, ServedApi

Active = Callable[..., dict[str, Any]]
Refused = Callable[..., tuple[str, str]]


def an_other_image(digit: str) -> Image:
    """An image whose id is this digit again and again."""
    return Image(image_id="sha256:" + digit * 64, architecture="x86_64", size_bytes=1)


def test_an_update_of_the_code_finds_where_the_tag_has_moved(
    active: Active, settled: Active, client: Any, engine: ScriptedEngine, api: ServedApi, account: str
) -> None:
    """Same tag, other image; the environments of the old one are retired."""
    retired = (account, "us-east-1", "hello")
    engine.images["hello:moving"] = an_other_image("1")
    active(Code={"ImageUri": "hello:moving"})
    engine.images["hello:moving"] = an_other_image("2")
    until(lambda: retired in api.retired, "the creation is over, which can be read as settled before")
    api.retired.clear()
    answer = client.update_function_code(FunctionName="hello", ImageUri="hello:moving")
    assert (answer["LastUpdateStatus"], answer["LastUpdateStatusReasonCode"]) == ("InProgress", "Creating")
    assert answer["CodeSha256"] == settled()["CodeSha256"] == "2" * 64
    until(lambda: retired in api.retired, "environments are retired")
    assert [key for key in api.retired if key.account == account] == [retired]


def test_a_tag_that_moves_changes_nothing_until_it_is_deployed(
    active: Active, client: Any, engine: ScriptedEngine
) -> None:
    """A version pins its image."""
    engine.images["hello:pinned"] = an_other_image("1")
    active(Code={"ImageUri": "hello:pinned"})
    engine.images["hello:pinned"] = an_other_image("2")
    client.update_function_configuration(FunctionName="hello", Description="new")
    assert client.get_function_configuration(FunctionName="hello")["CodeSha256"] == "1" * 64


@pytest.mark.parametrize("members", [{}, {"Publish": True}, {"DryRun": True}], ids=str)
def test_an_image_that_is_not_there_is_refused(
    active: Active, client: Any, refused: Refused, engine: ScriptedEngine, members: dict[str, bool]
) -> None:
    """In AWS's words, with the driver's remedy; nothing changes."""
    before = active()
    engine.has_not("hello:typo")
    assert refused(client.update_function_code, FunctionName="hello", ImageUri="hello:typo", **members) == (
        "InvalidParameterValueException",
        (
            "Source image hello:typo does not exist. Provide a valid source image. "
            "(image hello:typo is not on this host; build it: docker build -t hello:typo .)"
        ),
    )
    assert client.get_function_configuration(FunctionName="hello")["RevisionId"] == before["RevisionId"]
    assert [one["Version"] for one in client.list_versions_by_function(FunctionName="hello")["Versions"]] == ["$LATEST"]


def test_the_old_image_serves_while_and_if_the_new_one_fails(
    active: Active, settled: Active, client: Any, engine: ScriptedEngine
) -> None:
    """Active with LastUpdateStatus Failed, where the engine takes longer than the call waits."""
    active()
    looked_for = engine.hold("hello:slow-typo")
    engine.has_not("hello:slow-typo")
    answer = client.update_function_code(FunctionName="hello", ImageUri="hello:slow-typo")
    assert (answer["LastUpdateStatus"], answer["CodeSha256"]) == ("InProgress", "a" * 64)
    looked_for.set()
    configuration = settled()
    assert (configuration["State"], configuration["LastUpdateStatus"]) == ("Active", "Failed")
    assert configuration["LastUpdateStatusReasonCode"] == "InvalidImage"
    assert "hello:slow-typo is not on this host" in configuration["LastUpdateStatusReason"]
    assert configuration["CodeSha256"] == "a" * 64


def test_an_update_whose_image_is_not_found_leaves_the_function_the_code_that_it_runs(
    active: Active, settled: Active, client: Any, engine: ScriptedEngine
) -> None:
    """Tag and architecture: a later update of the configuration succeeds, and a version is published, as of that."""
    active()
    looked_for = engine.hold("hello:lost")
    engine.has_not("hello:lost")
    client.update_function_code(FunctionName="hello", ImageUri="hello:lost", Architectures=["arm64"])
    meanwhile = client.get_function(FunctionName="hello")["Code"]
    assert (meanwhile["ImageUri"], "ResolvedImageUri" in meanwhile) == ("hello:lost", False)
    looked_for.set()
    assert settled()["LastUpdateStatus"] == "Failed"
    client.update_function_configuration(FunctionName="hello", Description="new")
    client.publish_version(FunctionName="hello")
    for qualifier in ("$LATEST", "1"):
        found = client.get_function(FunctionName="hello", Qualifier=qualifier)
        assert found["Code"]["ImageUri"] == "hello:latest"
        assert found["Code"]["ResolvedImageUri"] == f"hello@sha256:{'a' * 64}"
        assert found["Configuration"]["Architectures"] == ["x86_64"]


def test_a_failed_function_becomes_active_with_an_image_that_exists(
    create: Active, settled: Active, client: Any, engine: ScriptedEngine
) -> None:
    """The remedy works."""
    looked_for = engine.hold("hello:late")
    engine.has_not("hello:late")
    create(Code={"ImageUri": "hello:late"})
    looked_for.set()
    assert settled()["State"] == "Failed"
    client.update_function_code(FunctionName="hello", ImageUri="hello:latest")
    configuration = settled()
    assert (configuration["State"], configuration["LastUpdateStatus"]) == ("Active", "Successful")
    assert "StateReason" not in configuration


def test_a_dry_run_changes_nothing(active: Active, client: Any, engine: ScriptedEngine) -> None:
    """It answers what would be."""
    before = active()
    engine.images["hello:other"] = an_other_image("1")
    answer = client.update_function_code(FunctionName="hello", ImageUri="hello:other", DryRun=True)
    assert (answer["FunctionName"], answer["CodeSha256"]) == ("hello", "1" * 64)
    assert client.get_function(FunctionName="hello")["Code"]["ImageUri"] == "hello:latest"
    assert client.get_function_configuration(FunctionName="hello")["RevisionId"] == before["RevisionId"]


def test_a_dry_run_checks_the_revision(active: Active, client: Any, refused: Refused) -> None:
    """What would be refused is refused."""
    active()
    code, _ = refused(
        client.update_function_code, FunctionName="hello", ImageUri="hello:other", DryRun=True, RevisionId="old"
    )
    assert code == "PreconditionFailedException"


@pytest.mark.parametrize("operation", ["update_function_code", "update_function_configuration"])
def test_a_revision_that_is_not_the_current_one_is_refused(
    active: Active, client: Any, refused: Refused, operation: str
) -> None:
    """Two deployments at once: the second hears of it. Every change has a revision of its own."""
    old = active()["RevisionId"]
    changed = client.update_function_configuration(FunctionName="hello", Description="x", RevisionId=old)
    assert changed["RevisionId"] != old
    change = {"ImageUri": "hello:other"} if operation == "update_function_code" else {"Description": "y"}
    code, message = refused(getattr(client, operation), FunctionName="hello", RevisionId=old, **change)
    assert code == "PreconditionFailedException"
    assert message.startswith("The Revision Id provided does not match the latest Revision Id.")


@pytest.mark.parametrize("operation", ["update_function_code", "update_function_configuration"])
def test_an_update_during_another_is_a_conflict(
    create: Active, settled: Active, client: Any, refused: Refused, engine: ScriptedEngine, operation: str
) -> None:
    """ResourceConflictException, which deployment tools retry."""
    found = engine.hold(f"hello:{operation}")
    create(Code={"ImageUri": f"hello:{operation}"})
    change = {"ImageUri": "hello:other"} if operation == "update_function_code" else {"Description": "y"}
    code, message = refused(getattr(client, operation), FunctionName="hello", **change)
    assert (code, message) == (
        "ResourceConflictException",
        "The operation cannot be performed at this time. The function is currently in the following state: Pending",
    )
    found.set()
    arn = settled()["FunctionArn"]
    slow = engine.hold(f"hello:slow-{operation}")
    client.update_function_code(FunctionName="hello", ImageUri=f"hello:slow-{operation}")
    assert refused(getattr(client, operation), FunctionName="hello", **change) == (
        "ResourceConflictException",
        f"The operation cannot be performed at this time. An update is in progress for resource: {arn}",
    )
    slow.set()
    settled()
    getattr(client, operation)(FunctionName="hello", **change)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"Description": "new"}, {"Description": "new"}),
        ({"Timeout": 900}, {"Timeout": 900}),
        ({"MemorySize": 10_240}, {"MemorySize": 10_240}),
        ({"Role": "arn:aws:iam::123456789012:role/x/y"}, {"Role": "arn:aws:iam::123456789012:role/x/y"}),
        ({"EphemeralStorage": {"Size": 1024}}, {"EphemeralStorage": {"Size": 1024}}),
        ({"Environment": {"Variables": {"NEW": ""}}}, {"Environment": {"Variables": {"NEW": ""}}}),
        (
            {"ImageConfig": {"Command": ["app.other"]}},
            {"ImageConfigResponse": {"ImageConfig": {"Command": ["app.other"]}}},
        ),
    ],
)
def test_one_member_changes_and_the_others_stay(
    active: Active, client: Any, given: dict[str, Any], shown: dict[str, Any]
) -> None:
    """Whatever was not given is as it was; no image is looked up."""
    before = active(Environment={"Variables": {"OLD": "x"}}, Description="old", ImageConfig={"Command": ["app.old"]})
    answer = client.update_function_configuration(FunctionName="hello", **given)
    assert answer["LastUpdateStatus"] == "Successful"
    after = client.get_function_configuration(FunctionName="hello")
    own = {"RevisionId", "ResponseMetadata"}
    expected = {name: value for name, value in (before | shown).items() if name not in own}
    assert {name: value for name, value in after.items() if name not in own} == expected


def test_empty_values_take_things_away(active: Active, client: Any) -> None:
    """The environment, overrides, the description."""
    active(
        Environment={"Variables": {"OLD": "x"}},
        Description="old",
        ImageConfig={"Command": ["a"], "EntryPoint": ["/b"], "WorkingDirectory": "/c"},
    )
    answer = client.update_function_configuration(
        FunctionName="hello",
        Environment={"Variables": {}},
        Description="",
        ImageConfig={"Command": [], "EntryPoint": [], "WorkingDirectory": ""},
    )
    assert not {"ImageConfigResponse", "Environment"} & set(answer)
    assert answer["Description"] == ""


@pytest.mark.parametrize(
    ("member", "code"),
    [
        ({"Timeout": 901}, "InvalidParameterValueException"),
        ({"Timeout": 0}, "ValidationException"),
        ({"MemorySize": 127}, "ValidationException"),
        ({"MemorySize": 10_241}, "InvalidParameterValueException"),
        ({"EphemeralStorage": {"Size": 511}}, "ValidationException"),
        ({"EphemeralStorage": {"Size": 10_241}}, "InvalidParameterValueException"),
        ({"Environment": {"Variables": {"AB": "x" * 4095}}}, "InvalidParameterValueException"),
        ({"Environment": {"Variables": {"AWS_SESSION_TOKEN": "x"}}}, "InvalidParameterValueException"),
        ({"Handler": "a.b"}, "InvalidParameterValueException"),
        ({"Layers": ["arn:aws:lambda:us-east-1:123456789012:layer:x:1"]}, "InvalidParameterValueException"),
        ({"Role": "me"}, "ValidationException"),
        ({"Description": "x" * 257}, "ValidationException"),
        ({"VpcConfig": {"SubnetIds": ["subnet-1"]}}, "InvalidParameterValueException"),
        ({"VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}}, "InvalidParameterValueException"),
        ({"SnapStart": {"ApplyOn": "PublishedVersions"}}, "NotImplementedException"),
        ({"DurableConfig": {"ExecutionTimeout": 60}}, "NotImplementedException"),
    ],
    ids=str,
)
def test_a_refused_change_changes_nothing(
    active: Active, client: Any, refused: Refused, member: dict[str, Any], code: str
) -> None:
    """Not even the revision."""
    before = active()
    assert refused(client.update_function_configuration, FunctionName="hello", **member)[0] == code
    assert client.get_function_configuration(FunctionName="hello")["RevisionId"] == before["RevisionId"]


def test_an_update_of_the_code_needs_an_image(active: Active, client: Any, refused: Refused) -> None:
    """No zip files."""
    active()
    assert refused(client.update_function_code, FunctionName="hello", ZipFile=b"PK") == (
        "InvalidParameterValueException",
        "Please provide ImageUri when updating a function with packageType Image.",
    )


@pytest.mark.parametrize("operation", ["update_function_code", "update_function_configuration"])
def test_what_does_not_exist_cannot_be_updated(client: Any, refused: Refused, operation: str) -> None:
    """404."""
    change = {"ImageUri": "hello:latest"} if operation == "update_function_code" else {}
    assert refused(getattr(client, operation), FunctionName="none", **change)[0] == "ResourceNotFoundException"


def test_a_deleted_function_is_gone(active: Active, client: Any, refused: Refused, account: str) -> None:
    """204; everything after that is 404, also a second delete."""
    active()
    assert client.delete_function(FunctionName="hello")["ResponseMetadata"]["HTTPStatusCode"] in (200, 204)
    for call in (client.get_function, client.get_function_configuration, client.delete_function):
        code, message = refused(call, FunctionName="hello")
        assert code == "ResourceNotFoundException"
        assert message == f"Function not found: arn:aws:lambda:us-east-1:{account}:function:hello"
    assert client.list_functions()["Functions"] == []


def test_a_function_may_be_deleted_while_its_image_is_looked_for(
    create: Active, active: Active, client: Any, refused: Refused, engine: ScriptedEngine
) -> None:
    """It does not come back when the image is found."""
    found = engine.hold("hello:slowly")
    create(Code={"ImageUri": "hello:slowly"})
    client.delete_function(FunctionName="hello")
    found.set()
    active("one-that-is-looked-for-later")
    assert refused(client.get_function, FunctionName="hello")[0] == "ResourceNotFoundException"


def test_latest_alone_cannot_be_deleted(active: Active, client: Any, refused: Refused) -> None:
    """Beside the name or in it: the function stays."""
    active()
    for named in ({"FunctionName": "hello", "Qualifier": "$LATEST"}, {"FunctionName": "hello:$LATEST"}):
        assert refused(client.delete_function, **named) == (
            "InvalidParameterValueException",
            "$LATEST version cannot be deleted without deleting the function.",
        )
    client.get_function(FunctionName="hello")
