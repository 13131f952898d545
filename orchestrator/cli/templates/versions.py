"""
AWS::Lambda::Version and AWS::Lambda::Alias.

A version is published where $LATEST is no longer what was published last; its logical id is not looked at. Of several
versions of one function the last of the template is that one, and each before it the one that was published before.
AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-version.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from orchestrator.cli.templates.forms import map_at, text_at
from orchestrator.cli.templates.names import place_of_function
from orchestrator.cli.templates.references import Stack, deferred
from orchestrator.cli.templates.shapes import shaped
from orchestrator.cli.templates.wanted import (
    Ask,
    Call,
    NotForPaddock,
    Standing,
    Wanted,
    members_that_differ,
    without_empty,
)

_PROVISIONED = "ProvisionedConcurrencyConfig"
_WEIGHTS = "AdditionalVersionWeights"
_LATEST = "$LATEST"
_IS_PUBLISHED = "IsPublished"
"""Not the API's: is there a version with what $LATEST is?"""
_NUMBER = "Version"
"""Not the API's: which of the published versions it is."""
_IS_UNDER_WAY = "IsProvisioning"
"""Not the API's: is what was asked for still being started?"""

_VERSIONED = (
    *("CodeSha256", "Role", "Timeout", "MemorySize", "Environment", "ImageConfigResponse", "Architectures"),
    *("EphemeralStorage", "VpcConfig", "DeadLetterConfig", "TracingConfig", "FileSystemConfigs", "LoggingConfig"),
    *("Runtime", "Handler", "Layers", "KMSKeyArn", "TenancyConfig", "DurableConfig", "CapacityProviderConfig"),
)
"""What a version holds of its own; its Description may be another one."""


class VersionKind:
    """Published versions."""

    type = "AWS::Lambda::Version"

    def __init__(self) -> None:
        self._of_function: dict[str, list[str]] = {}

    def wanted(self, logical_id: str, properties: Mapping[str, Any]) -> Wanted:
        """As `Kind`."""
        name, _ = place_of_function(properties["FunctionName"])
        members = {_IS_PUBLISHED: True, **_description(properties), **_provisioned(properties)}
        number = deferred(logical_id, "Version")
        target = {"FunctionName": name}
        self._of_function.setdefault(name, []).append(logical_id)
        return Wanted(logical_id=logical_id, type=self.type, name=f"{name}:{number}", target=target, members=members)

    def standing(self, ask: Ask, wanted: Wanted) -> Standing | None:
        """As `Kind`."""
        listed = _versions(ask, wanted.target["FunctionName"])
        latest = next((one for one in listed if one["Version"] == _LATEST), None)
        published = sorted((one for one in listed if one["Version"].isdigit()), key=lambda one: -int(one["Version"]))
        if latest is None or not published:
            return None
        is_published = all(latest.get(name) == published[0].get(name) for name in _VERSIONED)
        newer = self._newer_in_template(wanted)
        # One of the newer ones may still have to be published.
        back = newer if is_published else max(0, newer - 1)
        found = published[min(back, len(published) - 1)]
        members = {
            _IS_PUBLISHED: is_published or newer > 0,
            # A version's own is for ever, and $LATEST's where none was given.
            "Description": wanted.members.get("Description"),
            **_provisioned_standing(ask, wanted, found["Version"]),
        }
        return Standing(members=members, values={"Version": found["Version"], "Arn": found["FunctionArn"]})

    def differing(self, wanted: Wanted, standing: Standing, follows: bool) -> tuple[str, ...]:
        """As `Kind`."""
        found = _differing(wanted, standing)
        if not follows and _IS_PUBLISHED not in found:
            return found
        what = _NUMBER if self._newer_in_template(wanted) else _IS_PUBLISHED
        return (what, *(name for name in (_PROVISIONED,) if name in wanted.members))

    def renewed_by(self, differing: tuple[str, ...]) -> bool:
        """As `Kind`."""
        return bool({_IS_PUBLISHED, _NUMBER} & set(differing))

    def calls(self, wanted: Wanted, standing: Standing | None, differing: tuple[str, ...]) -> list[Call]:
        """As `Kind`."""
        name = wanted.target["FunctionName"]
        made = []
        if standing is None or _IS_PUBLISHED in differing:
            given = {key: value for key, value in wanted.members.items() if key == "Description"}
            made.append(Call(operation="PublishVersion", parameters={**wanted.target, **given}, settles=name))
        target = {**wanted.target, "Qualifier": deferred(wanted.logical_id, "Version")}
        # Of a version that is another one now, nothing is under way.
        return made + _provisioning(wanted, None if self.renewed_by(differing) else standing, differing, target)

    def _newer_in_template(self, wanted: Wanted) -> int:
        """How many of the function's versions stand after it in the template."""
        of_function = self._of_function[wanted.target["FunctionName"]]
        return len(of_function) - of_function.index(wanted.logical_id) - 1


class AliasKind:
    """Aliases."""

    type = "AWS::Lambda::Alias"

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def wanted(self, logical_id: str, properties: Mapping[str, Any]) -> Wanted:
        """As `Kind`."""
        name, _ = place_of_function(properties["FunctionName"])
        given = dict(properties)
        routing = map_at("RoutingConfig", given.pop("RoutingConfig", None) or {})
        given["RoutingConfig"] = {_WEIGHTS: _weights(routing.get(_WEIGHTS) or [])}
        asked = shaped("CreateAlias", given)
        if not asked.get("FunctionVersion"):
            raise NotForPaddock("it has no FunctionVersion, which it needs")
        members = {
            "FunctionVersion": asked["FunctionVersion"],
            "Description": asked.get("Description", ""),
            "RoutingConfig": asked["RoutingConfig"],
            **_provisioned(properties),
        }
        alias = str(properties["Name"])
        return Wanted(
            logical_id=logical_id,
            type=self.type,
            name=f"{name}:{alias}",
            target={"FunctionName": name, "Name": alias},
            members=members,
        )

    def standing(self, ask: Ask, wanted: Wanted) -> Standing | None:
        """As `Kind`."""
        found = ask("GetAlias", **wanted.target)
        if found is None:
            return None
        provisioned = _provisioned_standing(ask, wanted, wanted.target["Name"])
        return Standing(
            members={"Description": "", **found, **provisioned},
            values={"Arn": found["AliasArn"]},
            notes=_weighs_itself(wanted),
        )

    def differing(self, wanted: Wanted, standing: Standing, follows: bool) -> tuple[str, ...]:
        """As `Kind`."""
        return _differing(_without_own_weight(wanted), standing)

    def renewed_by(self, differing: tuple[str, ...]) -> bool:
        """As `Kind`."""
        return False

    def calls(self, wanted: Wanted, standing: Standing | None, differing: tuple[str, ...]) -> list[Call]:
        """As `Kind`."""
        members = {key: value for key, value in _without_own_weight(wanted).members.items() if key != _PROVISIONED}
        made = []
        if standing is None:
            made.append(Call(operation="CreateAlias", parameters={**wanted.target, **without_empty(members)}))
        elif set(differing) - {_PROVISIONED}:
            changes = {key: value for key, value in members.items() if key in differing}
            made.append(Call(operation="UpdateAlias", parameters={**wanted.target, **changes}))
        target = {"FunctionName": wanted.target["FunctionName"], "Qualifier": wanted.target["Name"]}
        return made + _provisioning(wanted, standing, differing, target)


def _versions(ask: Ask, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    marker: dict[str, str] = {}
    while True:
        page = ask("ListVersionsByFunction", FunctionName=name, **marker) or {}
        found += page.get("Versions", [])
        if not page.get("NextMarker"):
            return found
        marker = {"Marker": page["NextMarker"]}


def _weights(listed: Any) -> Any:
    """CloudFormation lists them; the API has a map."""
    if not isinstance(listed, list):
        return listed
    place = f"RoutingConfig.{_WEIGHTS}"
    found = [map_at(f"{place}[{index}]", one) for index, one in enumerate(listed)]
    return {text_at(f"{place}: FunctionVersion", one["FunctionVersion"]): one["FunctionWeight"] for one in found}


def _weighs_itself(wanted: Wanted) -> tuple[str, ...]:
    """That the second version of an alias is its first, if it is."""
    version = wanted.members["FunctionVersion"]
    if version not in wanted.members["RoutingConfig"][_WEIGHTS]:
        return ()
    return (f"RoutingConfig: version {version} would be its second beside itself; no other one is published",)


def _without_own_weight(wanted: Wanted) -> Wanted:
    """An alias that the API takes: it refuses one of which both versions are the same."""
    if not _weighs_itself(wanted):
        return wanted
    return replace(wanted, members={**wanted.members, "RoutingConfig": {_WEIGHTS: {}}})


def _description(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in shaped("PublishVersion", properties).items() if key == "Description" and value}


def _provisioned(properties: Mapping[str, Any]) -> dict[str, Any]:
    asked = shaped("PutProvisionedConcurrencyConfig", properties.get(_PROVISIONED) or {}, _PROVISIONED)
    return {_PROVISIONED: asked["ProvisionedConcurrentExecutions"]} if asked else {}


def _provisioned_standing(ask: Ask, wanted: Wanted, qualifier: str) -> dict[str, Any]:
    """How many were asked for, and whether they are still being started. Of those that failed there is nothing."""
    if _PROVISIONED not in wanted.members:
        return {}
    target = {"FunctionName": wanted.target["FunctionName"], "Qualifier": qualifier}
    answer = ask("GetProvisionedConcurrencyConfig", **target) or {}
    if answer.get("Status") == "FAILED":
        return {_PROVISIONED: None}
    count = answer.get("RequestedProvisionedConcurrentExecutions")
    return {_PROVISIONED: count, _IS_UNDER_WAY: answer.get("Status") == "IN_PROGRESS"}


def _differing(wanted: Wanted, standing: Standing) -> tuple[str, ...]:
    found = members_that_differ(wanted, standing)
    is_under_way = standing.members.get(_IS_UNDER_WAY) and _PROVISIONED not in found
    return (*found, _PROVISIONED) if is_under_way else found


def _provisioning(
    wanted: Wanted, standing: Standing | None, differing: tuple[str, ...], target: Mapping[str, Any]
) -> list[Call]:
    count = wanted.members.get(_PROVISIONED)
    if count is None or (standing is not None and _PROVISIONED not in differing):
        return []
    of_standing = standing.members if standing is not None else {}
    if of_standing.get(_IS_UNDER_WAY) and of_standing.get(_PROVISIONED) == count:
        # Put again, it would begin anew.
        return [Call(operation="GetProvisionedConcurrencyConfig", parameters=target, only_waits=True)]
    parameters = {**target, "ProvisionedConcurrentExecutions": count}
    return [Call(operation="PutProvisionedConcurrencyConfig", parameters=parameters)]
