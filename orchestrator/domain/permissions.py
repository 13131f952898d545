"""
Resource policies: who else may call a function, statement by statement. Values, and how AWS writes them.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from orchestrator.domain.errors import (
    InvalidParameterValue,
    PolicyLengthExceeded,
    ResourceConflict,
    ResourceNotFound,
)

_URL_ACTION = "lambda:InvokeFunctionUrl"
_LONGEST_POLICY = 20_480
_ACCOUNT = re.compile(r"\d{12}", re.ASCII)
_SERVICE = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.amazon(aws)?\.com(\.cn)?", re.ASCII)
_IAM = re.compile(r"arn:aws[a-z-]*:(iam|sts)::\d{12}:.+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """
    One statement, in the members of AddPermission. None is what was not said.

    Args:
        statement_id: The only one of its name in its policy.
        principal: A service, an account, an ARN of IAM, or `*`.
    AWS: https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html
    """

    statement_id: str
    action: str
    principal: str
    source_arn: str | None = None
    source_account: str | None = None
    event_source_token: str | None = None
    principal_org_id: str | None = None
    function_url_auth_type: str | None = None
    invoked_via_function_url: bool | None = None

    def statement(self, resource: str) -> dict[str, object]:
        """
        As it stands in the policy.

        Args:
            resource: The ARN that the policy is of.

        Raises:
            InvalidParameterValue: If the principal is none.
        """
        statement: dict[str, object] = {
            "Sid": self.statement_id,
            "Effect": "Allow",
            "Principal": principal_of(self.principal),
            "Action": self.action,
            "Resource": resource,
        }
        if conditions := self._conditions():
            statement["Condition"] = conditions
        return statement

    def _conditions(self) -> dict[str, dict[str, str]]:
        via_url = None if self.invoked_via_function_url is None else str(self.invoked_via_function_url).lower()
        conditions: dict[str, dict[str, str]] = {}
        for operator, name, value in (
            ("StringEquals", "lambda:FunctionUrlAuthType", self.function_url_auth_type),
            ("StringEquals", "aws:PrincipalOrgID", self.principal_org_id),
            ("StringEquals", "AWS:SourceAccount", self.source_account),
            ("StringEquals", "lambda:EventSourceToken", self.event_source_token),
            ("ArnLike", "AWS:SourceArn", self.source_arn),
            ("Bool", "lambda:InvokedViaFunctionUrl", via_url),
        ):
            if value is not None:
                conditions.setdefault(operator, {})[name] = value
        return conditions


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourcePolicy:
    """
    All statements of a function, version or alias, in the order in which they came.

    Args:
        permissions: What AddPermission added.
        document: What PutResourcePolicy wrote before, as JSON; None if nothing.
    """

    permissions: tuple[Permission, ...] = ()
    document: str | None = None

    @classmethod
    def put(cls, document: Mapping[str, object], resource: str) -> ResourcePolicy:
        """
        A whole policy, which takes the place of another.

        Args:
            document: As `read_policy` gave it.

        Raises:
            PolicyLengthExceeded: If it is over 20 KB.
        """
        policy = cls(document=to_json(document))
        policy._check_length(resource)
        return policy

    @property
    def is_empty(self) -> bool:
        """Has it no statement? Then there is no policy."""
        return not self.permissions and not self._written()["Statement"]

    def with_one_more(self, permission: Permission, resource: str) -> ResourcePolicy:
        """
        The policy with another statement.

        Raises:
            ResourceConflict: If it has one of this id.
            InvalidParameterValue: If there cannot be such a statement.
            PolicyLengthExceeded: If it would be over 20 KB.
        """
        if permission.statement_id in self._statement_ids():
            raise ResourceConflict(
                f"The statement id ({permission.statement_id}) provided already exists. "
                "Please provide a new statement id, or remove the existing statement."
            )
        if permission.function_url_auth_type is not None and permission.action != _URL_ACTION:
            raise InvalidParameterValue(f"FunctionUrlAuthType is only supported for {_URL_ACTION} action")
        changed = replace(self, permissions=(*self.permissions, permission))
        changed._check_length(resource)
        return changed

    def without(self, statement_id: str) -> ResourcePolicy:
        """
        The policy without one of its statements.

        Raises:
            ResourceNotFound: If it has none of this id.
        """
        if self.is_empty:
            raise ResourceNotFound("No policy is associated with the given resource.")
        if statement_id not in self._statement_ids():
            raise ResourceNotFound(f"Statement {statement_id} is not found in resource policy.")
        kept = replace(self, permissions=tuple(one for one in self.permissions if one.statement_id != statement_id))
        if self.document is not None:
            written = self._written()
            statements = [one for one in written["Statement"] if one.get("Sid") != statement_id]
            kept = replace(kept, document=to_json({**written, "Statement": statements}))
        return ResourcePolicy() if kept.is_empty else kept

    def to_text(self, resource: str) -> str:
        """
        As JSON.

        Args:
            resource: The ARN that it is of.
        """
        written = self._written()
        statements = [*written["Statement"], *(one.statement(resource) for one in self.permissions)]
        return to_json({**written, "Statement": statements})

    def _written(self) -> dict[str, Any]:
        if self.document is None:
            return {"Version": "2012-10-17", "Id": "default", "Statement": []}
        written: dict[str, Any] = json.loads(self.document)
        return written

    def _statement_ids(self) -> set[str]:
        written = {one["Sid"] for one in self._written()["Statement"] if "Sid" in one}
        return written | {one.statement_id for one in self.permissions}

    def _check_length(self, resource: str) -> None:
        size = len(self.to_text(resource).encode())
        if size > _LONGEST_POLICY:
            raise PolicyLengthExceeded(f"The final policy size ({size}) is bigger than the limit ({_LONGEST_POLICY}).")


def to_json(value: object) -> str:
    """As AWS writes policies: without blanks."""
    return json.dumps(value, separators=(",", ":"))


def principal_of(given: str) -> str | dict[str, str]:
    """
    A principal as it stands in a statement.

    Args:
        given: A service, an account, an ARN of IAM, or `*`.

    Raises:
        InvalidParameterValue: If it is none of them.
    """
    if given == "*":
        return given
    if _ACCOUNT.fullmatch(given):
        return {"AWS": f"arn:aws:iam::{given}:root"}
    if _SERVICE.fullmatch(given):
        return {"Service": given}
    if _IAM.fullmatch(given):
        return {"AWS": given}
    raise no_principal()


def no_principal() -> InvalidParameterValue:
    """How AWS refuses what is no principal."""
    return InvalidParameterValue("The provided principal was invalid. Please check the principal and try again.")
