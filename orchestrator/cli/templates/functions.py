"""
AWS::Lambda::Function: its code, its configuration, and what other operations keep of it.

What the template does not mention of the configuration has AWS's default. Tags, reserved concurrency and the like are
only touched where it mentions them.
AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-function.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from orchestrator.cli.templates.forms import map_at
from orchestrator.cli.templates.references import Stack
from orchestrator.cli.templates.shapes import shaped
from orchestrator.cli.templates.wanted import Ask, Call, NotForPaddock, Standing, Wanted, members_that_differ

TYPE = "AWS::Lambda::Function"

_DEFAULTS: dict[str, Any] = {
    "Description": "",
    "Timeout": 3,
    "MemorySize": 128,
    "Environment": {"Variables": {}},
    "ImageConfig": {},
    "EphemeralStorage": {"Size": 512},
    "DeadLetterConfig": {"TargetArn": ""},
    "KMSKeyArn": "",
    "LoggingConfig": {"LogFormat": "Text"},
    "TracingConfig": {"Mode": "PassThrough"},
    "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []},
}
_CODE = ("ImageUri", "Architectures")
_IMAGE_ID = "ImageId"
"""Not the API's: what the tag stands for here, to see that it moved."""
_OWN_OPERATION = ("Tags", "ReservedConcurrentExecutions", "RecursiveLoop", "RuntimeManagementConfig")
_NOT_CONFIGURATION = {"FunctionName", "Code", "PackageType", "Publish", "PublishTo", "Tags"}


class FunctionKind:
    """
    Functions of container images.

    Args:
        image_ids: What tags stand for on this machine, where that can be said.
    """

    type = TYPE

    def __init__(self, stack: Stack, image_ids: Mapping[str, str | None]) -> None:
        self._stack = stack
        self._image_ids = image_ids

    def wanted(self, logical_id: str, properties: Mapping[str, Any]) -> Wanted:
        """As `Kind`."""
        code = map_at("Code", properties.get("Code") or {})
        if properties.get("PackageType") != "Image" or "ImageUri" not in code:
            raise NotForPaddock("zip packages are not built in Paddock; make it an image (PackageType: Image)")
        name = str(properties.get("FunctionName") or f"{self._stack.name}-{logical_id}")
        given = shaped("CreateFunction", properties)
        configuration = {key: value for key, value in given.items() if key not in _NOT_CONFIGURATION}
        if "VpcConfig" in configuration:
            # For Lambda what is left out of it stays; a template says all of it.
            configuration["VpcConfig"] = _DEFAULTS["VpcConfig"] | configuration["VpcConfig"]
        members = {"ImageUri": str(code["ImageUri"]), **_DEFAULTS, **configuration}
        if image_id := self._image_ids.get(members["ImageUri"]):
            members[_IMAGE_ID] = image_id
        members.setdefault("Role", f"arn:{self._stack.partition}:iam::{self._stack.account}:role/any")
        if "Tags" in given:
            members["Tags"] = given["Tags"]
        for operation, member in (
            ("PutFunctionConcurrency", "ReservedConcurrentExecutions"),
            ("PutFunctionRecursionConfig", "RecursiveLoop"),
        ):
            members |= {key: value for key, value in shaped(operation, properties).items() if key == member}
        if properties.get("RuntimeManagementConfig"):
            member = "RuntimeManagementConfig"
            members[member] = shaped("PutRuntimeManagementConfig", properties[member], member)
        return Wanted(logical_id=logical_id, type=TYPE, name=name, target={"FunctionName": name}, members=members)

    def standing(self, ask: Ask, wanted: Wanted) -> Standing | None:
        """As `Kind`."""
        found = ask("GetFunction", **wanted.target)
        if found is None:
            return None
        configuration = dict(found["Configuration"])
        code = found.get("Code", {})
        members = {
            **_DEFAULTS,
            **configuration,
            "ImageUri": code.get("ImageUri"),
            _IMAGE_ID: str(code.get("ResolvedImageUri", "")).partition("@")[2],
            "ImageConfig": configuration.get("ImageConfigResponse", {}).get("ImageConfig", {}),
            "Tags": found.get("Tags", {}),
            "ReservedConcurrentExecutions": found.get("Concurrency", {}).get("ReservedConcurrentExecutions"),
        }
        if "Failed" in (configuration.get("State"), configuration.get("LastUpdateStatus")):
            # Whatever it says it has: what runs is something else, or nothing.
            members["ImageUri"] = None
        for operation, member in (
            ("GetFunctionRecursionConfig", "RecursiveLoop"),
            ("GetRuntimeManagementConfig", "RuntimeManagementConfig"),
        ):
            if member in wanted.members:
                answer = ask(operation, **wanted.target) or {}
                members[member] = answer.get(member) if member == "RecursiveLoop" else answer
        return Standing(members=members, values={"Arn": configuration["FunctionArn"]})

    def differing(self, wanted: Wanted, standing: Standing, follows: bool) -> tuple[str, ...]:
        """As `Kind`."""
        return members_that_differ(wanted, standing)

    def renewed_by(self, differing: tuple[str, ...]) -> bool:
        """As `Kind`."""
        return False

    def calls(self, wanted: Wanted, standing: Standing | None, differing: tuple[str, ...]) -> list[Call]:
        """As `Kind`."""
        name = wanted.name
        made = self._create(wanted) if standing is None else self._update(wanted, differing)
        members = [one for one in _OWN_OPERATION if one in wanted.members and (standing is None or one in differing)]
        for member in members:
            value = wanted.members[member]
            match member:
                case "Tags" if standing is not None:
                    arn = self._stack.function_arn(name)
                    made.append(Call(operation="TagResource", parameters={"Resource": arn, "Tags": value}))
                case "ReservedConcurrentExecutions":
                    made.append(_on(name, "PutFunctionConcurrency", {member: value}))
                case "RecursiveLoop":
                    made.append(_on(name, "PutFunctionRecursionConfig", {member: value}))
                case "RuntimeManagementConfig":
                    made.append(_on(name, "PutRuntimeManagementConfig", value))
        return made

    def _create(self, wanted: Wanted) -> list[Call]:
        members = {key: value for key, value in _configuration_of(wanted).items() if value != _DEFAULTS.get(key)}
        if tags := wanted.members.get("Tags"):
            members["Tags"] = tags
        if "Architectures" in wanted.members:
            members["Architectures"] = wanted.members["Architectures"]
        code = {"PackageType": "Image", "Code": {"ImageUri": wanted.members["ImageUri"]}}
        return [_on(wanted.name, "CreateFunction", {**code, **members}, settles=True)]

    def _update(self, wanted: Wanted, differing: tuple[str, ...]) -> list[Call]:
        made = []
        if {*_CODE, _IMAGE_ID} & set(differing):
            code = {key: wanted.members[key] for key in _CODE if key in wanted.members}
            made.append(_on(wanted.name, "UpdateFunctionCode", code, settles=True))
        changes = {key: value for key, value in _configuration_of(wanted).items() if key in differing}
        if changes:
            made.append(_on(wanted.name, "UpdateFunctionConfiguration", changes, settles=True))
        return made


def changes_what_runs(differing: Iterable[str]) -> bool:
    """Would a version published after this change be a new one?"""
    return bool(set(differing) - set(_OWN_OPERATION))


def _configuration_of(wanted: Wanted) -> dict[str, Any]:
    apart = {*_CODE, _IMAGE_ID, *_OWN_OPERATION}
    return {key: value for key, value in wanted.members.items() if key not in apart}


def _on(name: str, operation: str, parameters: Mapping[str, Any], settles: bool = False) -> Call:
    return Call(operation=operation, parameters={"FunctionName": name, **parameters}, settles=name if settles else None)
