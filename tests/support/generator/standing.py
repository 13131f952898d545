"""What is there before requests are generated, of every kind: so that many of them name something that exists."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.support.waiting import until

FUNCTIONS: tuple[str, ...] = ("gnat", "hornet", "ichneumon", "june-bug")
LAYERS: tuple[str, ...] = ("extras", "tools")
CAPACITY_PROVIDERS: tuple[str, ...] = ("lake", "pond")
ALIASES: tuple[str, ...] = ("live", "next", "prod")
STATEMENTS: tuple[str, ...] = ("s1", "s2", "s3")
ROLE = "arn:aws:iam::000000000000:role/any"

VERSIONS = 3
"""Of each function and layer; no valid request deletes one of these."""
_KEPT, _BRIEF = 12, 60
_PATIENCE_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """
    What is there, with the ids that the server gave it.

    Args:
        functions: With versions, aliases and settings; no valid request deletes one.
        of_shape: Values by the name of their shape in the model.
        brief: The same, of what valid requests may delete: it does not come again.
        downloads: Paths of layers' archives.
    """

    functions: Sequence[str] = ()
    of_shape: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    brief: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    downloads: Sequence[str] = ()


NOTHING = Standing()


def standing_in(client: Any, image: str, subnet: str | None = None) -> Standing:
    """
    Make it, as any user would.

    Args:
        client: boto3.
        image: That is there.
        subnet: That is there, if there is one.
    """
    for name in FUNCTIONS:
        _create_function(client, name, image)
    client.put_provisioned_concurrency_config(
        FunctionName=FUNCTIONS[0], Qualifier="1", ProvisionedConcurrentExecutions=1
    )
    archives = [_layer(client, name) for name in LAYERS for _ in range(VERSIONS)]
    providers = [_capacity_provider(client, name) for name in CAPACITY_PROVIDERS]
    mappings = [_mapping(client, number) for number in range(_KEPT + _BRIEF)]
    configs = [_code_signing_config(client) for _ in range(_KEPT + _BRIEF)]
    functions = [f"arn:aws:lambda:us-east-1:000000000000:function:{name}" for name in FUNCTIONS]
    mapping_arns = [f"arn:aws:lambda:us-east-1:000000000000:event-source-mapping:{one}" for one in mappings[:_KEPT]]
    vpc = {"SubnetIds": [subnet], "SecurityGroupIds": ["sg-1"]}
    return Standing(
        functions=FUNCTIONS,
        of_shape={
            "UUIDString": mappings[:_KEPT],
            "CodeSigningConfigArn": configs[:_KEPT],
            "TaggableResource": [*functions * 4, *mapping_arns, *configs[:_KEPT], *providers * 4],
            **({"VpcConfig": [vpc]} if subnet is not None else {}),
        },
        brief={"UUIDString": mappings[_KEPT:], "CodeSigningConfigArn": configs[_KEPT:]},
        downloads=archives,
    )


def archive() -> bytes:
    """Of a layer."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        packed.writestr(zipfile.ZipInfo("python/tools.py"), "TOOLS = 1\n")
    return content.getvalue()


def _create_function(client: Any, name: str, image: str) -> None:
    client.create_function(
        FunctionName=name, Role=ROLE, PackageType="Image", Code={"ImageUri": image}, MemorySize=128, Timeout=2
    )
    until(lambda: _is_settled(client, name), f"{name} is active", _PATIENCE_S)
    for number in range(1, VERSIONS + 1):
        client.update_function_configuration(FunctionName=name, Environment={"Variables": {"ROUND": str(number)}})
        until(lambda: _is_settled(client, name), f"{name} is updated", _PATIENCE_S)
        assert client.publish_version(FunctionName=name)["Version"] == str(number)
    client.create_alias(
        FunctionName=name,
        Name="live",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.3}},
    )
    client.create_alias(FunctionName=name, Name="next", FunctionVersion="2")
    client.put_function_event_invoke_config(FunctionName=name, Qualifier="live", MaximumRetryAttempts=1)
    client.create_function_url_config(FunctionName=name, AuthType="NONE")
    client.add_permission(FunctionName=name, StatementId="s1", Action="lambda:InvokeFunction", Principal="*")


def _is_settled(client: Any, name: str) -> bool:
    found = client.get_function_configuration(FunctionName=name)
    # Of a function that is still being created there is no update.
    states = (found["State"], found.get("LastUpdateStatus"))
    assert "Failed" not in states, found
    return states == ("Active", "Successful")


def _layer(client: Any, name: str) -> str:
    answer = client.publish_layer_version(LayerName=name, Content={"ZipFile": archive()})
    client.add_layer_version_permission(
        LayerName=name,
        VersionNumber=answer["Version"],
        StatementId="s1",
        Action="lambda:GetLayerVersion",
        Principal="*",
    )
    return urlsplit(answer["Content"]["Location"]).path


def _capacity_provider(client: Any, name: str) -> str:
    answer = client.create_capacity_provider(
        CapacityProviderName=name,
        VpcConfig={"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
        PermissionsConfig={"CapacityProviderOperatorRoleArn": ROLE},
    )
    arn: str = answer["CapacityProvider"]["CapacityProviderArn"]
    return arn


def _mapping(client: Any, number: int) -> str:
    answer = client.create_event_source_mapping(
        FunctionName=FUNCTIONS[number % len(FUNCTIONS)],
        EventSourceArn=f"arn:aws:sqs:us-east-1:000000000000:standing-{number}",
    )
    uuid: str = answer["UUID"]
    return uuid


def _code_signing_config(client: Any) -> str:
    profile = "arn:aws:signer:us-east-1:000000000000:/signing-profiles/any/abcdefghij"
    answer = client.create_code_signing_config(AllowedPublishers={"SigningProfileVersionArns": [profile]})
    arn: str = answer["CodeSigningConfig"]["CodeSigningConfigArn"]
    return arn
