"""What stands beside a function: aliases, permissions, limits of events, what is provisioned."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from tests.support.terraform.resource import (
    CONFLICT,
    INVALID,
    NOT_FOUND,
    Attributes,
    Resource,
    found_or_none,
    only_given,
)
from tests.support.waiting import until

_NOT_PROVISIONED = "ProvisionedConcurrencyConfigNotFoundException"


class Alias(Resource):
    """aws_lambda_alias (`alias.go`)."""

    defaults = {
        "function_name": None,
        "name": None,
        "function_version": None,
        "description": "",
        "routing_config": None,
    }

    def create(self, planned: Attributes) -> None:
        """CreateAlias."""
        self._asked = {"FunctionName": planned["function_name"], "Name": planned["name"]}
        self.client.create_alias(**self._request(planned))

    def read(self) -> dict[str, Any] | None:
        """GetAlias."""
        found = self._get()
        if found is None:
            return None
        routing = found.get("RoutingConfig")
        return {
            "function_name": self._asked["FunctionName"],
            "name": found["Name"],
            "function_version": found["FunctionVersion"],
            "description": found["Description"],
            "routing_config": routing and {"additional_version_weights": routing["AdditionalVersionWeights"]},
            "arn": found["AliasArn"],
        }

    def update(self, planned: Attributes, changes: Collection[str]) -> None:
        """UpdateAlias, all of it; without weights, until there are none."""
        request = self._request(planned)
        self.client.update_alias(**request)
        if not request["RoutingConfig"]:
            self.wait(self._weighed, pending={"pending"}, target={"stable"})

    def destroy(self) -> None:
        """DeleteAlias."""
        found_or_none(lambda: self.client.delete_alias(**self._asked))

    def _request(self, planned: Attributes) -> dict[str, Any]:
        weights = (planned["routing_config"] or {}).get("additional_version_weights")
        return {
            **self._asked,
            "Description": planned["description"],
            "FunctionVersion": planned["function_version"],
            "RoutingConfig": only_given(AdditionalVersionWeights=weights),
        }

    def _get(self) -> Any:
        return found_or_none(lambda: self.client.get_alias(**self._asked))

    def _weighed(self) -> str:
        return "pending" if (self._get() or {}).get("RoutingConfig") else "stable"


class Permission(Resource):
    """aws_lambda_permission (`permission.go`); what changes in it makes it anew."""

    defaults = {
        "function_name": None,
        "statement_id": None,
        "action": None,
        "principal": None,
        "qualifier": "",
        "source_arn": None,
        "source_account": None,
        "event_source_token": None,
        "principal_org_id": None,
        "function_url_auth_type": None,
        "invoked_via_function_url": None,
    }

    def create(self, planned: Attributes) -> None:
        """AddPermission, again after a conflict or where the function is not there yet; until the policy has it."""
        self._id, self._asked = planned["statement_id"], qualified(planned)
        request = {
            "Action": planned["action"],
            "Principal": planned["principal"],
            "StatementId": self._id,
            **only_given(
                EventSourceToken=planned["event_source_token"],
                FunctionUrlAuthType=planned["function_url_auth_type"],
                InvokedViaFunctionUrl=planned["invoked_via_function_url"],
                PrincipalOrgID=planned["principal_org_id"],
                SourceAccount=planned["source_account"],
                SourceArn=planned["source_arn"],
            ),
        }
        self.repeated(lambda: self.client.add_permission(**self._asked, **request), (CONFLICT, ""), (NOT_FOUND, ""))
        until(self._statement, "the policy has the new statement")

    def read(self) -> dict[str, Any] | None:
        """GetPolicy, and the statement of this id in it."""
        statement = self._statement()
        if statement is None:
            return None
        name, _, qualifier = statement["Resource"].partition(":function:")[2].partition(":")
        principal = statement["Principal"]
        conditions = statement.get("Condition", {})
        equals = conditions.get("StringEquals", {})
        return {
            "function_name": name,
            "statement_id": statement["Sid"],
            "action": statement["Action"],
            "principal": principal if isinstance(principal, str) else principal.get("AWS", principal.get("Service")),
            "qualifier": qualifier,
            "source_arn": conditions.get("ArnLike", {}).get("AWS:SourceArn"),
            "source_account": equals.get("AWS:SourceAccount"),
            "event_source_token": equals.get("lambda:EventSourceToken"),
            "principal_org_id": equals.get("aws:PrincipalOrgID"),
            "function_url_auth_type": equals.get("lambda:FunctionUrlAuthType"),
            "invoked_via_function_url": conditions.get("Bool", {}).get("lambda:InvokedViaFunctionUrl") == "true",
        }

    def destroy(self) -> None:
        """RemovePermission; until the policy has it no more."""
        found_or_none(lambda: self.client.remove_permission(**self._asked, StatementId=self._id))
        until(lambda: self._statement() is None, "the policy has lost the statement")

    def _statement(self) -> Any:
        found = found_or_none(lambda: self.client.get_policy(**self._asked))
        statements = [] if found is None else json.loads(found["Policy"])["Statement"]
        return next((one for one in statements if one["Sid"] == self._id), None)


class EventInvokeConfig(Resource):
    """aws_lambda_function_event_invoke_config (`function_event_invoke_config.go`)."""

    defaults = {
        "function_name": None,
        "qualifier": "",
        "destination_config": None,
        "maximum_event_age_in_seconds": None,
        "maximum_retry_attempts": 2,
    }

    def create(self, planned: Attributes) -> None:
        """PutFunctionEventInvokeConfig, again while a destination is not known yet."""
        self._asked = qualified(planned)
        destinations = planned["destination_config"]
        request = {
            "MaximumRetryAttempts": planned["maximum_retry_attempts"],
            **only_given(
                DestinationConfig=destinations
                and only_given(
                    OnFailure=_destination(destinations.get("on_failure")),
                    OnSuccess=_destination(destinations.get("on_success")),
                ),
                MaximumEventAgeInSeconds=planned["maximum_event_age_in_seconds"],
            ),
        }
        self.repeated(
            lambda: self.client.put_function_event_invoke_config(**self._asked, **request),
            (INVALID, "destination ARN"),
            (INVALID, "does not have permissions"),
        )

    def read(self) -> dict[str, Any] | None:
        """GetFunctionEventInvokeConfig."""
        found = found_or_none(lambda: self.client.get_function_event_invoke_config(**self._asked))
        if found is None:
            return None
        destinations = found.get("DestinationConfig", {})
        named = {
            "on_failure": _destination_read(destinations.get("OnFailure", {})),
            "on_success": _destination_read(destinations.get("OnSuccess", {})),
        }
        return {
            "function_name": self._asked["FunctionName"],
            "qualifier": self._asked.get("Qualifier", ""),
            "destination_config": named if any(named.values()) else None,
            "maximum_event_age_in_seconds": found.get("MaximumEventAgeInSeconds"),
            "maximum_retry_attempts": found.get("MaximumRetryAttempts"),
        }

    def update(self, planned: Attributes, changes: Collection[str]) -> None:
        """The same call."""
        self.create(planned)

    def destroy(self) -> None:
        """DeleteFunctionEventInvokeConfig."""
        found_or_none(lambda: self.client.delete_function_event_invoke_config(**self._asked))


class ProvisionedConcurrency(Resource):
    """aws_lambda_provisioned_concurrency_config (`provisioned_concurrency_config.go`)."""

    defaults = {"function_name": None, "qualifier": None, "provisioned_concurrent_executions": None}

    def create(self, planned: Attributes) -> None:
        """PutProvisionedConcurrencyConfig; until it is ready."""
        self._asked = qualified(planned)
        self.client.put_provisioned_concurrency_config(
            **self._asked, ProvisionedConcurrentExecutions=planned["provisioned_concurrent_executions"]
        )
        self.wait(self._status, pending={"IN_PROGRESS"}, target={"READY"})

    def read(self) -> dict[str, Any] | None:
        """GetProvisionedConcurrencyConfig: what is allocated."""
        found = self._get()
        if found is None:
            return None
        return {
            "function_name": self._asked["FunctionName"],
            "qualifier": self._asked["Qualifier"],
            "provisioned_concurrent_executions": found["AllocatedProvisionedConcurrentExecutions"],
        }

    def update(self, planned: Attributes, changes: Collection[str]) -> None:
        """The same call."""
        self.create(planned)

    def destroy(self) -> None:
        """DeleteProvisionedConcurrencyConfig."""
        found_or_none(lambda: self.client.delete_provisioned_concurrency_config(**self._asked), _NOT_PROVISIONED)

    def _get(self) -> Any:
        return found_or_none(lambda: self.client.get_provisioned_concurrency_config(**self._asked), _NOT_PROVISIONED)

    def _status(self) -> str | None:
        found = self._get()
        return None if found is None else str(found["Status"])


def qualified(planned: Attributes) -> dict[str, Any]:
    """How a function, or one of its versions or aliases, is asked for."""
    return {"FunctionName": planned["function_name"], **only_given(Qualifier=planned["qualifier"])}


def _destination(block: Attributes | None) -> dict[str, Any] | None:
    return block and {"Destination": block["destination"]}


def _destination_read(member: Attributes) -> dict[str, Any] | None:
    return {"destination": member["Destination"]} if "Destination" in member else None
