"""TagResource, UntagResource, ListTags."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.unit.lambda_api.served_api import ScriptedEngine, ServedApi

Active = Callable[..., dict[str, Any]]
Refused = Callable[..., tuple[str, str]]


@pytest.fixture
def arn(active: Active) -> str:
    """Of a function with one tag."""
    found: str = active(Tags={"team": "a"})["FunctionArn"]
    return found


def test_tags_are_added_replaced_and_removed(client: Any, arn: str) -> None:
    """By the function's ARN; keys and values may be of any language."""
    client.tag_resource(Resource=arn, Tags={"team": "b", "Größe:x/y=+-@ _.": "größer 大", "empty": ""})
    assert client.list_tags(Resource=arn)["Tags"] == {"team": "b", "Größe:x/y=+-@ _.": "größer 大", "empty": ""}
    client.untag_resource(Resource=arn, TagKeys=["team", "Größe:x/y=+-@ _.", "never was"])
    assert client.list_tags(Resource=arn)["Tags"] == {"empty": ""}


def test_each_change_of_tags_gives_latest_another_revision(client: Any, arn: str) -> None:
    """And the versions none: as AWS was recorded."""
    published = client.publish_version(FunctionName="hello")["RevisionId"]
    seen = [client.get_function_configuration(FunctionName="hello")["RevisionId"]]
    for change in (
        partial(client.tag_resource, Tags={"x": "y"}),
        partial(client.tag_resource, Tags={"x": "y"}),
        partial(client.untag_resource, TagKeys=["x"]),
    ):
        change(Resource=arn)
        seen.append(client.get_function_configuration(FunctionName="hello")["RevisionId"])
    assert len(set(seen)) == 4
    assert client.get_function_configuration(FunctionName="hello", Qualifier="1")["RevisionId"] == published


def test_tags_of_a_function_that_is_being_created_keep_it_from_nothing(
    create: Callable[..., Any], client: Any, engine: ScriptedEngine, settled: Callable[..., Any]
) -> None:
    """It gets another revision by itself."""
    held = engine.hold("slow:tagged")
    created = create(Code={"ImageUri": "slow:tagged"})
    client.tag_resource(Resource=created["FunctionArn"], Tags={"x": "y"})
    assert client.get_function_configuration(FunctionName="hello")["RevisionId"] == created["RevisionId"]
    held.set()
    assert settled()["State"] == "Active"


def test_fifty_tags_are_the_most(client: Any, arn: str, refused: Refused) -> None:
    """Counted with those that are there; a refused call adds none."""
    client.tag_resource(Resource=arn, Tags={f"t{number}": "" for number in range(49)})
    code, message = refused(client.tag_resource, Resource=arn, Tags={"one": "", "too many": ""})
    assert (code, message) == (
        "InvalidParameterValueException",
        "Number of tags exceeds resource tag limit.",
    )
    client.tag_resource(Resource=arn, Tags={"team": "replaced"})
    assert len(client.list_tags(Resource=arn)["Tags"]) == 50


def test_while_a_function_is_updated_it_gets_no_tags(
    client: Any, arn: str, engine: ScriptedEngine, settled: Callable[..., Any], refused: Refused
) -> None:
    """AWS names this one among what fails then, and not the others; afterwards it works."""
    held = engine.hold("slow:tags")
    client.update_function_code(FunctionName="hello", ImageUri="slow:tags")
    assert refused(client.tag_resource, Resource=arn, Tags={"stage": "x"}) == (
        "ResourceConflictException",
        f"The operation cannot be performed at this time. An update is in progress for resource: {arn}",
    )
    client.untag_resource(Resource=arn, TagKeys=["team"])
    assert client.list_tags(Resource=arn)["Tags"] == {}
    held.set()
    settled()
    client.tag_resource(Resource=arn, Tags={"stage": "x"})
    assert client.list_tags(Resource=arn)["Tags"] == {"stage": "x"}


@pytest.mark.parametrize("tags", [{"": "x"}, {"k" * 129: ""}, {"k": "v" * 257}, {"k;": ""}, {"k": "a\tb"}], ids=str)
def test_tags_of_the_wrong_form_are_refused(client: Any, arn: str, refused: Refused, tags: dict[str, str]) -> None:
    """The model's lengths and letters."""
    assert refused(client.tag_resource, Resource=arn, Tags=tags)[0] == "ValidationException"
    assert client.list_tags(Resource=arn)["Tags"] == {"team": "a"}


def test_the_tag_for_a_writable_root_makes_environments_outdated(api: ServedApi, client: Any, arn: str) -> None:
    """Set or taken away; whichever environments are no longer as it says are replaced."""
    client.tag_resource(Resource=arn, Tags={"paddock:writable-root": "true"})
    assert [key.arn for key in api.retired][-1] == arn
    client.untag_resource(Resource=arn, TagKeys=["paddock:writable-root"])
    assert [key.arn for key in api.retired].count(arn) >= 2
    assert client.list_tags(Resource=arn)["Tags"] == {"team": "a"}


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({"paddock:writable-root": "yes"}, "Tag paddock:writable-root is 'yes'; it can be true or false"),
        (
            {"paddock:writeable-root": "true"},
            "Tag paddock:writeable-root means nothing to Paddock, and ignoring it would mislead",
        ),
    ],
)
def test_tags_of_paddocks_own_that_it_does_not_know_are_refused(
    client: Any, arn: str, create: Callable[..., Any], refused: Refused, tags: dict[str, str], message: str
) -> None:
    """A slip of the pen would otherwise be kept, and do nothing."""
    for call in (partial(client.tag_resource, Resource=arn), partial(create, name="another")):
        code, told = refused(call, Tags=tags)
        assert code == "InvalidParameterValueException"
        assert told.startswith(message)


@pytest.mark.parametrize(
    ("resource", "code"),
    [
        ("arn:aws:lambda:us-east-1:{account}:function:missing", "ResourceNotFoundException"),
        ("arn:aws:lambda:us-east-1:{account}:code-signing-config:csc-" + "a" * 17, "ResourceNotFoundException"),
        ("arn:aws:lambda:us-east-1:123456789012:code-signing-config:csc-" + "a" * 17, "ResourceNotFoundException"),
        ("arn:aws:lambda:eu-west-1:123456789012:function:hello", "ResourceNotFoundException"),
        ("arn:aws:lambda:us-east-1:123456789012:network-connector:none", "ResourceNotFoundException"),
        ("hello", "ValidationException"),
    ],
)
def test_what_does_not_exist_has_no_tags(client: Any, account: str, refused: Refused, resource: str, code: str) -> None:
    """For all three operations."""
    resource = resource.replace("{account}", account)
    assert refused(client.list_tags, Resource=resource)[0] == code
    assert refused(client.tag_resource, Resource=resource, Tags={"a": "b"})[0] == code
    assert refused(client.untag_resource, Resource=resource, TagKeys=["a"])[0] == code


def test_only_a_function_as_such_has_tags(client: Any, arn: str, refused: Refused) -> None:
    """Not its versions and aliases, as recorded; and a call that adds none is refused."""
    refusal = (
        "InvalidParameterValueException",
        "Tags on function aliases and versions are not supported. Please specify a function ARN.",
    )
    assert refused(client.tag_resource, Resource=f"{arn}:$LATEST", Tags={"a": "b"}) == refusal
    assert refused(client.list_tags, Resource=f"{arn}:live") == refusal
    assert refused(client.tag_resource, Resource=arn, Tags={}) == (
        "InvalidParameterValueException",
        "An error occurred and the request cannot be processed.",
    )


def _a_mapping(client: Any) -> str:
    queue = "arn:aws:sqs:us-east-1:123456789012:q"
    made = client.create_event_source_mapping(FunctionName="hello", EventSourceArn=queue, Tags={"team": "a"})
    arn: str = made["EventSourceMappingArn"]
    return arn


def _a_code_signing_config(client: Any) -> str:
    publishers = {"SigningProfileVersionArns": ["arn:aws:signer:us-east-1:123456789012:/signing-profiles/p"]}
    made = client.create_code_signing_config(AllowedPublishers=publishers, Tags={"team": "a"})
    arn: str = made["CodeSigningConfig"]["CodeSigningConfigArn"]
    return arn


def _a_capacity_provider(client: Any) -> str:
    made = client.create_capacity_provider(
        CapacityProviderName="mine",
        VpcConfig={"SubnetIds": ["subnet-1"], "SecurityGroupIds": []},
        PermissionsConfig={"CapacityProviderOperatorRoleArn": "arn:aws:iam::123456789012:role/operator"},
        Tags={"team": "a"},
    )
    arn: str = made["CapacityProvider"]["CapacityProviderArn"]
    return arn


@pytest.mark.parametrize(
    "make", [_a_mapping, _a_code_signing_config, _a_capacity_provider], ids=["mapping", "signing", "capacity"]
)
def test_other_things_with_an_arn_have_tags_too(
    client: Any, create: Callable[..., Any], refused: Refused, make: Callable[[Any], str]
) -> None:
    """From their creation; up to fifty, and not under the ARN of another account."""
    create()
    arn = make(client)
    client.tag_resource(Resource=arn, Tags={"stage": "x", "paddock:any": "of the owner"})
    client.untag_resource(Resource=arn, TagKeys=["team"])
    assert client.list_tags(Resource=arn)["Tags"] == {"stage": "x", "paddock:any": "of the owner"}
    assert refused(client.tag_resource, Resource=arn, Tags={f"t{number}": "" for number in range(49)}) == (
        "InvalidParameterValueException",
        "Number of tags exceeds resource tag limit.",
    )
    region, account = arn.split(":")[3:5]
    for other in (arn.replace(account, "999999999999"), arn.replace(region, "eu-west-1")):
        assert refused(client.list_tags, Resource=other)[0] == "ResourceNotFoundException"
