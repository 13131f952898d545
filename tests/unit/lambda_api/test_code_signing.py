"""Code signing configs are kept; a function that is an image cannot have one, as AWS says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.unit.lambda_api.served_api import ServedApi

Create = Callable[..., dict[str, Any]]
Refused = Callable[..., tuple[str, str]]

PROFILE = "arn:aws:signer:us-east-1:123456789012:/signing-profiles/test"
ANOTHER = "arn:aws:signer:us-east-1:123456789012:/signing-profiles/another/1234567890"
PUBLISHERS = {"SigningProfileVersionArns": [PROFILE]}


@pytest.fixture
def made(client: Any) -> Create:
    """Create a config; the config itself."""

    def made(**members: Any) -> dict[str, Any]:
        answer = client.create_code_signing_config(**({"AllowedPublishers": PUBLISHERS} | members))
        config: dict[str, Any] = answer["CodeSigningConfig"]
        return config

    return made


@pytest.fixture
def missing(account: str) -> str:
    """The ARN of a config that does not exist."""
    return f"arn:aws:lambda:us-east-1:{account}:code-signing-config:csc-0123456789abcdef0"


def test_a_config_is_created_changed_and_read_as_recorded(api: ServedApi, client: Any, account: str) -> None:
    """What an update does not name stays; one that names nothing changes nothing."""
    answer = client.create_code_signing_config(
        AllowedPublishers=PUBLISHERS,
        CodeSigningPolicies={"UntrustedArtifactOnDeployment": "Enforce"},
        Description="Testing CodeSigning Config",
    )
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    config = answer["CodeSigningConfig"]
    config_id, arn = config["CodeSigningConfigId"], config["CodeSigningConfigArn"]
    assert config == {
        "CodeSigningConfigId": config_id,
        "CodeSigningConfigArn": f"arn:aws:lambda:us-east-1:{account}:code-signing-config:{config_id}",
        "AllowedPublishers": PUBLISHERS,
        "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": "Enforce"},
        "Description": "Testing CodeSigning Config",
        "LastModified": config["LastModified"],
    }
    assert config_id.startswith("csc-")
    assert len(config_id) == 21
    assert set(config_id[4:]) <= set("0123456789abcdef")
    assert client.get_code_signing_config(CodeSigningConfigArn=arn)["CodeSigningConfig"] == config
    api.clock.advance(timedelta(hours=1))  # type: ignore[attr-defined]
    assert client.update_code_signing_config(CodeSigningConfigArn=arn)["CodeSigningConfig"] == config
    warned = client.update_code_signing_config(
        CodeSigningConfigArn=arn, CodeSigningPolicies={"UntrustedArtifactOnDeployment": "Warn"}
    )["CodeSigningConfig"]
    now = api.clock.now().strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    assert warned == config | {
        "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": "Warn"},
        "LastModified": now,
    }


def test_without_a_policy_a_config_only_warns(client: Any, made: Create) -> None:
    """As documented; publishers can be replaced."""
    config = made()
    assert config["CodeSigningPolicies"] == {"UntrustedArtifactOnDeployment": "Warn"}
    arn = config["CodeSigningConfigArn"]
    other = {"SigningProfileVersionArns": [ANOTHER]}
    client.update_code_signing_config(CodeSigningConfigArn=arn, AllowedPublishers=other)
    assert client.get_code_signing_config(CodeSigningConfigArn=arn)["CodeSigningConfig"]["AllowedPublishers"] == other


def test_configs_are_listed_in_pages_and_deleted(client: Any, made: Create, refused: Refused) -> None:
    """No function uses one, so each may be deleted; once."""
    arns = sorted(made()["CodeSigningConfigArn"] for _ in range(3))
    pages = client.get_paginator("list_code_signing_configs").paginate(PaginationConfig={"PageSize": 2})
    listed = [[one["CodeSigningConfigArn"] for one in page["CodeSigningConfigs"]] for page in pages]
    assert listed == [arns[:2], arns[2:]]
    assert client.list_functions_by_code_signing_config(CodeSigningConfigArn=arns[0])["FunctionArns"] == []
    deleted = client.delete_code_signing_config(CodeSigningConfigArn=arns[0])
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refused(client.delete_code_signing_config, CodeSigningConfigArn=arns[0])[0] == "ResourceNotFoundException"
    assert len(client.list_code_signing_configs()["CodeSigningConfigs"]) == 2


@pytest.mark.parametrize(
    "operation",
    [
        "get_code_signing_config",
        "update_code_signing_config",
        "delete_code_signing_config",
        "list_functions_by_code_signing_config",
    ],
)
def test_a_config_that_does_not_exist_is_not_found_as_recorded(
    client: Any, missing: str, refused: Refused, operation: str
) -> None:
    """Nor is one of another account."""
    for arn in (missing, missing.replace("us-east-1", "eu-west-1")):
        assert refused(getattr(client, operation), CodeSigningConfigArn=arn) == (
            "ResourceNotFoundException",
            f"The Lambda code signing configuration {arn} can not be found.",
        )


def test_the_refusal_has_no_type_as_recorded(api: ServedApi, missing: str) -> None:
    """Unlike others of AWS."""
    path = f"/2020-04-22/code-signing-configs/{missing.replace(':', '%3A')}"
    content = api.send("GET", path).content
    assert content == {"Message": f"The Lambda code signing configuration {missing} can not be found."}


@pytest.mark.parametrize(
    "members",
    [
        {"AllowedPublishers": {"SigningProfileVersionArns": []}},
        {"AllowedPublishers": {"SigningProfileVersionArns": [PROFILE] * 21}},
        {"AllowedPublishers": {"SigningProfileVersionArns": ["test"]}},
        {"AllowedPublishers": {}},
        {"CodeSigningPolicies": {"UntrustedArtifactOnDeployment": "Ignore"}},
        {"Description": "x" * 257},
    ],
    ids=["none", "many", "no arn", "empty", "policy", "description"],
)
def test_configs_that_the_model_forbids_are_refused(made: Create, refused: Refused, members: dict[str, Any]) -> None:
    """And so are ARNs that are none."""
    assert refused(made, **members)[0] == "ValidationException"


def test_a_function_that_is_an_image_has_no_code_signing_in_aws_own_words(
    client: Any, create: Create, made: Create, missing: str, refused: Refused
) -> None:
    """AWS looks for the config first, then for the function, then at the function."""
    create()
    arn = made()["CodeSigningConfigArn"]
    image = (
        "InvalidParameterValueException",
        "Code signing is not supported for functions created with container images.",
    )
    assert refused(create, name="signed", CodeSigningConfigArn=arn) == image
    assert refused(client.put_function_code_signing_config, FunctionName="hello", CodeSigningConfigArn=arn) == image
    assert refused(client.get_function_code_signing_config, FunctionName="hello") == image
    assert refused(client.delete_function_code_signing_config, FunctionName="hello") == image
    for name in ("hello", "nobody"):
        assert refused(client.put_function_code_signing_config, FunctionName=name, CodeSigningConfigArn=missing) == (
            "CodeSigningConfigNotFoundException",
            (
                "The code signing configuration cannot be found. Check that the provided configuration is not deleted: "
                f"{missing}."
            ),
        )
    for call in (
        lambda: client.put_function_code_signing_config(FunctionName="nobody", CodeSigningConfigArn=arn),
        lambda: client.get_function_code_signing_config(FunctionName="nobody"),
        lambda: client.delete_function_code_signing_config(FunctionName="nobody"),
    ):
        code, message = refused(call)
        assert code == "ResourceNotFoundException"
        assert message.startswith("Function not found: arn:aws:lambda:us-east-1:")
