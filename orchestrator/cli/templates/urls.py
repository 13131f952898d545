"""
AWS::Lambda::Url and AWS::Lambda::Permission: who reaches a function from outside.

AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-permission.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from orchestrator.cli.templates.names import place_of_function, qualified
from orchestrator.cli.templates.references import Stack
from orchestrator.cli.templates.shapes import shaped
from orchestrator.cli.templates.wanted import Ask, Call, Standing, Wanted, members_that_differ

_ROOT = re.compile(r"arn:[\w-]+:iam::(\d{12}):root")

_NOTHING_ANSWERS = "its URL is kept and shown, and nothing answers there yet"

_OF_CONDITION = {
    "aws:sourcearn": "SourceArn",
    "aws:sourceaccount": "SourceAccount",
    "lambda:eventsourcetoken": "EventSourceToken",
    "aws:principalorgid": "PrincipalOrgID",
    "lambda:functionurlauthtype": "FunctionUrlAuthType",
    "lambda:invokedviafunctionurl": "InvokedViaFunctionUrl",
}
"""Which member of AddPermission a condition of its statement came from."""


class UrlKind:
    """Function URLs."""

    type = "AWS::Lambda::Url"

    def wanted(self, logical_id: str, properties: Mapping[str, Any]) -> Wanted:
        """As `Kind`."""
        name, qualifier = place_of_function(properties["TargetFunctionArn"])
        target = qualified(name, properties.get("Qualifier") or qualifier)
        given = shaped("CreateFunctionUrlConfig", properties)
        members = {"Cors": {}, "InvokeMode": "BUFFERED", **{k: v for k, v in given.items() if k not in target}}
        return Wanted(logical_id=logical_id, type=self.type, name=_name_of(target), target=target, members=members)

    def standing(self, ask: Ask, wanted: Wanted) -> Standing | None:
        """As `Kind`."""
        found = ask("GetFunctionUrlConfig", **wanted.target)
        if found is None:
            return None
        members = {"Cors": {}, "InvokeMode": "BUFFERED", **found}
        return Standing(members=members, values={"FunctionUrl": found["FunctionUrl"]}, notes=(_NOTHING_ANSWERS,))

    def differing(self, wanted: Wanted, standing: Standing, follows: bool) -> tuple[str, ...]:
        """As `Kind`."""
        return members_that_differ(wanted, standing)

    def renewed_by(self, differing: tuple[str, ...]) -> bool:
        """As `Kind`."""
        return False

    def calls(self, wanted: Wanted, standing: Standing | None, differing: tuple[str, ...]) -> list[Call]:
        """As `Kind`."""
        if standing is None:
            members = {key: value for key, value in wanted.members.items() if value != {}}
            return [Call(operation="CreateFunctionUrlConfig", parameters={**wanted.target, **members})]
        changes = {key: wanted.members[key] for key in differing}
        return [Call(operation="UpdateFunctionUrlConfig", parameters={**wanted.target, **changes})]


class PermissionKind:
    """Statements of a function's policy; the id of one is `<stack>-<LogicalId>`."""

    type = "AWS::Lambda::Permission"

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def wanted(self, logical_id: str, properties: Mapping[str, Any]) -> Wanted:
        """As `Kind`."""
        name, qualifier = place_of_function(properties["FunctionName"])
        target = {**qualified(name, qualifier), "StatementId": f"{self._stack.name}-{logical_id}"}
        given = shaped("AddPermission", properties)
        members = {key: value for key, value in given.items() if key not in target}
        if "Principal" in members:
            members["Principal"] = _account_of(str(members["Principal"]))
        return Wanted(logical_id=logical_id, type=self.type, name=_name_of(target), target=target, members=members)

    def standing(self, ask: Ask, wanted: Wanted) -> Standing | None:
        """As `Kind`."""
        target = {key: value for key, value in wanted.target.items() if key != "StatementId"}
        found = ask("GetPolicy", **target)
        statements = json.loads(found["Policy"])["Statement"] if found else []
        for statement in statements:
            if statement.get("Sid") == wanted.target["StatementId"]:
                return Standing(members=members_of(statement), values={"Id": statement["Sid"]})
        return None

    def differing(self, wanted: Wanted, standing: Standing, follows: bool) -> tuple[str, ...]:
        """As `Kind`. Also what the statement has and the template has not: it may let in too many, or too few."""
        surplus = tuple(name for name in standing.members if name not in wanted.members)
        return members_that_differ(wanted, standing) + surplus

    def renewed_by(self, differing: tuple[str, ...]) -> bool:
        """As `Kind`."""
        return False

    def calls(self, wanted: Wanted, standing: Standing | None, differing: tuple[str, ...]) -> list[Call]:
        """As `Kind`. A statement cannot be changed, only replaced."""
        made = [] if standing is None else [Call(operation="RemovePermission", parameters=wanted.target)]
        return [*made, Call(operation="AddPermission", parameters={**wanted.target, **wanted.members})]


def members_of(statement: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of AddPermission that gave a statement; of one that it cannot have given, what differs."""
    if statement.get("Effect", "Allow") != "Allow" or not {"Action", "Principal"} <= statement.keys():
        return {"Statement": dict(statement)}
    found = {"Action": statement["Action"], "Principal": _principal_of(statement["Principal"])}
    for conditions in statement.get("Condition", {}).values():
        for key, value in conditions.items():
            if member := _OF_CONDITION.get(key.lower()):
                found[member] = str(value).lower() == "true" if member == "InvokedViaFunctionUrl" else value
    return found


def _principal_of(principal: Any) -> str:
    if isinstance(principal, str) or len(principal) != 1:
        return str(principal)
    (value,) = principal.values()
    return _account_of(str(value))


def _account_of(principal: str) -> str:
    """An account's number where its root is meant, which is the same."""
    root = _ROOT.fullmatch(principal)
    return root[1] if root else principal


def _name_of(target: Mapping[str, Any]) -> str:
    return ":".join(str(target[key]) for key in ("FunctionName", "Qualifier") if key in target)
