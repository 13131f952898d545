"""PublishVersion, Publish of other operations, ListVersionsByFunction, and deleting one version."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.domain.functions import Image
from tests.support.waiting import until
from tests.unit.lambda_api.served_api import ScriptedEngine, ServedApi

Active = Callable[..., dict[str, Any]]
Refused = Callable[..., tuple[str, str]]
_NO_WAIT = {"Delay": 0.01, "MaxAttempts": 500}


def an_other_image(digit: str) -> Image:
    """An image whose id is this digit again and again."""
    return Image(image_id="sha256:" + digit * 64, architecture="x86_64", size_bytes=1)


def versions_of(client: Any, name: str = "hello") -> list[str]:
    """The numbers that are listed."""
    return [one["Version"] for one in client.list_versions_by_function(FunctionName=name)["Versions"]]


def test_a_version_is_what_latest_was_under_a_number(active: Active, client: Any, account: str) -> None:
    """201, Active at once, with its own ARN and RevisionId; `$LATEST` gets a new RevisionId too."""
    before = active(Description="of latest", Environment={"Variables": {"AB": "1"}}, Timeout=7)
    answer = client.publish_version(FunctionName="hello")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert answer["FunctionArn"] == f"arn:aws:lambda:us-east-1:{account}:function:hello:1"
    assert (answer["Version"], answer["State"], answer["LastUpdateStatus"]) == ("1", "Active", "Successful")
    own = {"FunctionArn", "Version", "RevisionId", "ResponseMetadata"}
    assert {name: value for name, value in answer.items() if name not in own} == {
        name: value for name, value in before.items() if name not in own
    }
    latest = client.get_function_configuration(FunctionName="hello")
    assert len({before["RevisionId"], answer["RevisionId"], latest["RevisionId"]}) == 3


def test_a_version_stays_as_it_was_published(active: Active, settled: Active, client: Any) -> None:
    """Whatever becomes of `$LATEST`."""
    active(Description="first")
    published = client.publish_version(FunctionName="hello", Description="one")
    client.update_function_configuration(FunctionName="hello", MemorySize=512, Description="second")
    settled()
    after = client.get_function_configuration(FunctionName="hello", Qualifier="1")
    published.pop("ResponseMetadata")
    after.pop("ResponseMetadata")
    assert after == published
    assert (after["Description"], after["MemorySize"]) == ("one", 128)


def test_nothing_new_is_no_new_version(active: Active, client: Any) -> None:
    """Not by another description of the version, nor by tags and policies."""
    arn = active(Description="of latest")["FunctionArn"]
    first = client.publish_version(FunctionName="hello", Description="of the version")
    assert client.publish_version(FunctionName="hello", Description="again")["RevisionId"] == first["RevisionId"]
    client.tag_resource(Resource=arn, Tags={"team": "a"})
    client.add_permission(
        FunctionName="hello", StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com"
    )
    again = client.publish_version(FunctionName="hello")
    assert (again["Version"], again["Description"]) == ("1", "of the version")
    assert again["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert versions_of(client) == ["$LATEST", "1"]


def test_an_update_is_something_new_whatever_it_changes(active: Active, settled: Active, client: Any) -> None:
    """AWS compares nothing: of the same configuration and of the same image there is another version."""
    active(Description="of latest")
    client.publish_version(FunctionName="hello")
    client.update_function_configuration(FunctionName="hello", Description="of latest")
    assert client.publish_version(FunctionName="hello")["Version"] == "2"
    client.update_function_code(FunctionName="hello", ImageUri="hello:latest")
    settled()
    assert client.publish_version(FunctionName="hello")["Version"] == "3"
    assert client.publish_version(FunctionName="hello")["Version"] == "3"
    assert versions_of(client) == ["$LATEST", "1", "2", "3"]


def test_new_code_or_configuration_is_a_new_version(
    active: Active, settled: Active, client: Any, engine: ScriptedEngine
) -> None:
    """Each as `$LATEST` was."""
    active()
    client.publish_version(FunctionName="hello")
    engine.images["hello:new"] = an_other_image("2")
    client.update_function_code(FunctionName="hello", ImageUri="hello:new")
    settled()
    assert client.publish_version(FunctionName="hello")["Version"] == "2"
    client.update_function_configuration(FunctionName="hello", Environment={"Variables": {"AB": "c"}})
    assert client.publish_version(FunctionName="hello")["Version"] == "3"


def test_a_number_is_never_given_twice(active: Active, client: Any) -> None:
    """Also when the last version was deleted: then there is nothing that `$LATEST` could be the same as."""
    active()
    client.publish_version(FunctionName="hello")
    client.delete_function(FunctionName="hello", Qualifier="1")
    assert client.publish_version(FunctionName="hello")["Version"] == "2"
    assert versions_of(client) == ["$LATEST", "2"]


def test_what_the_caller_saw_must_still_be_so(active: Active, client: Any, refused: Refused) -> None:
    """RevisionId and CodeSha256, in AWS's words."""
    configuration = active()
    assert refused(client.publish_version, FunctionName="hello", RevisionId="wrong") == (
        "PreconditionFailedException",
        (
            "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to "
            "retrieve the latest Revision Id"
        ),
    )
    assert refused(client.publish_version, FunctionName="hello", CodeSha256="wrong") == (
        "InvalidParameterValueException",
        (
            f"CodeSHA256 (wrong) is different from current CodeSHA256 in $LATEST ({'a' * 64}). "
            "Please try again with the CodeSHA256 in $LATEST."
        ),
    )
    seen = {"RevisionId": configuration["RevisionId"], "CodeSha256": configuration["CodeSha256"]}
    assert client.publish_version(FunctionName="hello", **seen)["Version"] == "1"


@pytest.mark.parametrize("operation", ["publish_version", "update_function_code"])
def test_where_to_publish_is_refused_by_name(active: Active, client: Any, refused: Refused, operation: str) -> None:
    """`$LATEST.PUBLISHED` is a version of functions on capacity providers only. Nothing is changed or published."""
    before = active()
    image = {"ImageUri": "hello:other", "Publish": True} if operation == "update_function_code" else {}
    code, message = refused(getattr(client, operation), FunctionName="hello", PublishTo="LATEST_PUBLISHED", **image)
    assert (code, message.partition(" ")[0]) == ("NotImplementedException", "PublishTo")
    code, message = refused(getattr(client, operation), FunctionName="hello", PublishTo="LATEST", **image)
    assert (code, "Member must satisfy enum value set: [LATEST_PUBLISHED]" in message) == ("ValidationException", True)
    assert versions_of(client) == ["$LATEST"]
    assert client.get_function_configuration(FunctionName="hello")["RevisionId"] == before["RevisionId"]


def test_what_is_not_there_or_not_ready_is_not_published(
    create: Active, client: Any, refused: Refused, engine: ScriptedEngine, settled: Active, account: str
) -> None:
    """404; 409 while it is created, when that has failed, and while it is updated; 400 for what is no description."""
    arn = f"arn:aws:lambda:us-east-1:{account}:function:hello"
    for operation in (client.publish_version, client.list_versions_by_function):
        assert refused(operation, FunctionName="hello") == (
            "ResourceNotFoundException",
            f"Function not found: {arn}",
        )
    found = engine.hold("hello:held")
    create(Code={"ImageUri": "hello:held"})
    not_now = "The operation cannot be performed at this time. "
    conflict = ("ResourceConflictException", f"{not_now}The function is currently in the following state: Pending")
    assert refused(client.publish_version, FunctionName="hello") == conflict
    engine.has_not("hello:held")
    found.set()
    settled()
    assert refused(client.publish_version, FunctionName="hello")[1].endswith("state: Failed")
    found = engine.hold("hello:update")
    client.update_function_code(FunctionName="hello", ImageUri="hello:update")
    assert refused(client.publish_version, FunctionName="hello") == (
        "ResourceConflictException",
        f"{not_now}An update is in progress for resource: {arn}",
    )
    found.set()
    settled()
    assert refused(client.publish_version, FunctionName="hello", Description="x" * 257)[0] == "ValidationException"


def test_a_function_created_with_publish_has_version_1_at_once(
    create: Active, client: Any, engine: ScriptedEngine, account: str
) -> None:
    """Pending as the function is, then active; AWS answers the function's ARN with the version's number."""
    found = engine.hold("hello:published")
    answer = create(Code={"ImageUri": "hello:published"}, Publish=True)
    arn = f"arn:aws:lambda:us-east-1:{account}:function:hello"
    assert (answer["FunctionArn"], answer["Version"], answer["State"]) == (arn, "1", "Pending")
    version = client.get_function_configuration(FunctionName="hello", Qualifier="1")
    assert (version["FunctionArn"], version["State"], version["StateReasonCode"]) == (f"{arn}:1", "Pending", "Creating")
    assert "LastUpdateStatus" not in version
    found.set()
    client.get_waiter("published_version_active").wait(FunctionName="hello", Qualifier="1", WaiterConfig=_NO_WAIT)
    version = client.get_function_configuration(FunctionName="hello", Qualifier="1")
    assert (version["CodeSha256"], version["LastUpdateStatus"]) == ("a" * 64, "Successful")
    client.get_waiter("function_active_v2").wait(FunctionName="hello", WaiterConfig=_NO_WAIT)
    assert client.publish_version(FunctionName="hello")["Version"] == "1"


def test_a_function_without_its_image_has_a_version_1_that_failed(
    create: Active, settled: Active, client: Any, engine: ScriptedEngine
) -> None:
    """Both say why, where the engine took longer than the call waited."""
    looked_for = engine.hold("hello:none")
    engine.has_not("hello:none")
    create(Code={"ImageUri": "hello:none"}, Publish=True)
    looked_for.set()
    assert settled()["State"] == "Failed"
    version = client.get_function_configuration(FunctionName="hello", Qualifier="1")
    assert (version["State"], version["StateReasonCode"]) == ("Failed", "InvalidImage")


def test_new_code_can_be_published_with_its_update(
    active: Active, client: Any, engine: ScriptedEngine, account: str
) -> None:
    """The answer is the version, Pending, with the new code; `$LATEST` is being updated meanwhile."""
    active()
    engine.images["hello:new"] = an_other_image("2")
    answer = client.update_function_code(FunctionName="hello", ImageUri="hello:new", Publish=True)
    assert answer["FunctionArn"] == f"arn:aws:lambda:us-east-1:{account}:function:hello:1"
    assert (answer["Version"], answer["State"], answer["CodeSha256"]) == ("1", "Pending", "2" * 64)
    assert "LastUpdateStatus" not in answer
    client.get_waiter("published_version_active").wait(FunctionName="hello", Qualifier="1", WaiterConfig=_NO_WAIT)
    client.get_waiter("function_updated_v2").wait(FunctionName="hello", WaiterConfig=_NO_WAIT)
    assert client.get_function(FunctionName="hello", Qualifier="1")["Code"]["ImageUri"] == "hello:new"
    assert client.get_function_configuration(FunctionName="hello")["CodeSha256"] == "2" * 64


def test_the_same_code_published_again_is_another_version(active: Active, settled: Active, client: Any) -> None:
    """As `aws lambda update-function-code --publish` in a pipeline that changed nothing."""
    active()
    published = client.publish_version(FunctionName="hello")
    again = client.update_function_code(FunctionName="hello", ImageUri="hello:latest", Publish=True)
    assert (again["Version"], again["CodeSha256"]) == ("2", published["CodeSha256"])
    settled()
    assert client.publish_version(FunctionName="hello")["Version"] == "2"
    assert versions_of(client) == ["$LATEST", "1", "2"]


def test_what_is_published_of_an_image_that_is_not_known_yet_settles_with_its_function(
    active: Active, settled: Active, client: Any, engine: ScriptedEngine
) -> None:
    """Pending with no hash; where there is no such image the version has failed, and the function is as it was."""
    active()
    engine.images["hello:pulled-version"] = an_other_image("2")
    for tag, state, sha in (("hello:pulled-version", "Active", "2" * 64), ("hello:lost-version", "Failed", "")):
        looked_for = engine.hold(tag)
        if state == "Failed":
            engine.has_not(tag)
        version = client.update_function_code(FunctionName="hello", ImageUri=tag, Publish=True)
        assert (version["State"], version["CodeSha256"]) == ("Pending", "")
        looked_for.set()
        assert settled()["CodeSha256"] == "2" * 64
        found = client.get_function_configuration(FunctionName="hello", Qualifier=version["Version"])
        assert (found["State"], found["CodeSha256"]) == (state, sha)


def test_settling_changes_the_revision(create: Active, settled: Active, client: Any) -> None:
    """As on AWS: from Pending to Active, and from InProgress to Successful."""
    created = create()["RevisionId"]
    active = settled()["RevisionId"]
    updated = client.update_function_code(FunctionName="hello", ImageUri="hello:latest")["RevisionId"]
    assert len({created, active, updated, settled()["RevisionId"]}) == 4


def test_versions_are_listed_with_latest_first_and_without_states(active: Active, client: Any, account: str) -> None:
    """With qualified ARNs, in the order of numbers."""
    active()
    for number in range(11):
        client.update_function_configuration(FunctionName="hello", Description=str(number))
        client.publish_version(FunctionName="hello")
    listed = client.list_versions_by_function(FunctionName="hello")
    arn = f"arn:aws:lambda:us-east-1:{account}:function:hello"
    assert [one["FunctionArn"] for one in listed["Versions"]] == [
        f"{arn}:$LATEST",
        *(f"{arn}:{number}" for number in range(1, 12)),
    ]
    assert not {"State", "LastUpdateStatus"} & set(listed["Versions"][1])
    assert "NextMarker" not in listed
    pages = list(client.get_paginator("list_versions_by_function").paginate(FunctionName="hello", MaxItems=5))
    assert [[one["Version"] for one in page["Versions"]] for page in pages] == [
        ["$LATEST", "1", "2", "3", "4"],
        ["5", "6", "7", "8", "9"],
        ["10", "11"],
    ]


def test_a_page_of_versions_is_a_place(active: Active, client: Any, refused: Refused) -> None:
    """A version that is deleted meanwhile moves no page; a marker of one's own making is refused."""
    active()
    for number in range(3):
        client.update_function_configuration(FunctionName="hello", Description=str(number))
        client.publish_version(FunctionName="hello")
    marker = client.list_versions_by_function(FunctionName="hello", MaxItems=2)["NextMarker"]
    client.delete_function(FunctionName="hello:1")
    rest = client.list_versions_by_function(FunctionName="hello", Marker=marker)
    assert [one["Version"] for one in rest["Versions"]] == ["2", "3"]
    code, message = refused(client.list_versions_by_function, FunctionName="hello", Marker="/w==")
    assert (code, message) == (
        "InvalidParameterValueException",
        "Marker is not one that this operation gave; begin without one",
    )


def test_one_version_is_deleted_and_the_others_stay(
    active: Active, client: Any, refused: Refused, api: ServedApi, account: str
) -> None:
    """Its environments are retired; that there is none is no error; that there is no function is."""
    retired = (account, "us-east-1", "hello")
    active()
    client.publish_version(FunctionName="hello")
    until(lambda: retired in api.retired, "the creation is over, which can be read as settled before")
    api.retired.clear()
    client.delete_function(FunctionName="hello", Qualifier="1")
    assert [key for key in api.retired if key.account == account] == [retired]
    assert versions_of(client) == ["$LATEST"]
    client.delete_function(FunctionName="hello", Qualifier="99")
    arn = f"arn:aws:lambda:us-east-1:{account}:function:missing"
    assert refused(client.delete_function, FunctionName="missing", Qualifier="1") == (
        "ResourceNotFoundException",
        f"Function not found: {arn}",
    )


@pytest.mark.parametrize("weights", [{}, {"2": 0.1}])
def test_a_version_that_aliases_lead_to_is_not_deleted(
    active: Active, client: Any, refused: Refused, weights: dict[str, float]
) -> None:
    """By either of their weights; AWS names the aliases."""
    active()
    client.publish_version(FunctionName="hello")
    client.update_function_configuration(FunctionName="hello", Description="new")
    client.publish_version(FunctionName="hello")
    main = "1" if weights else "2"
    for name in ("live", "blue"):
        client.create_alias(
            FunctionName="hello",
            Name=name,
            FunctionVersion=main,
            RoutingConfig={"AdditionalVersionWeights": weights},
        )
    assert refused(client.delete_function, FunctionName="hello", Qualifier="2") == (
        "ResourceConflictException",
        "Unable to delete version because the following aliases reference it: [blue, live]",
    )
    assert versions_of(client) == ["$LATEST", "1", "2"]
