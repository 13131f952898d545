"""
The operations on aliases.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/configuration-aliases.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from orchestrator.domain.aliases import Alias, check_weights
from orchestrator.domain.errors import ResourceNotFound
from orchestrator.domain.functions import Function
from orchestrator.domain.provisioned_concurrency import check_may_lead_there
from orchestrator.domain.publishing import check_revision
from orchestrator.lambda_api.callers import Caller
from orchestrator.lambda_api.operations import Handler, Reply, find_function, function_key
from orchestrator.lambda_api.pages import page_by_name
from orchestrator.lambda_api.parse import Parameters
from orchestrator.lambda_api.repeating import repeating
from orchestrator.store.functions import FunctionStore
from orchestrator.store.provisioned import ProvisionedConfigs


class AliasOperations:
    """
    Create, get, list, update, delete.

    Args:
        provisioned: An alias for which environments are provisioned may not lead everywhere.
        new_revision: Gives a fresh RevisionId.
    """

    def __init__(
        self, *, functions: FunctionStore, provisioned: ProvisionedConfigs, new_revision: Callable[[], str]
    ) -> None:
        self._functions = functions
        self._provisioned = provisioned
        self._new_revision = new_revision

    def handlers(self) -> dict[str, Handler]:
        """By operation name."""
        return {
            "CreateAlias": self.create,
            "GetAlias": self.get,
            "ListAliases": self.list_aliases,
            "UpdateAlias": repeating(self.update),
            "DeleteAlias": self.delete,
        }

    async def create(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_CreateAlias.html"""
        key = function_key(caller, parameters)
        alias = Alias(
            key=key,
            name=parameters["Name"],
            version=parameters["FunctionVersion"],
            description=parameters.get("Description", ""),
            weights=_weights(parameters),
            revision_id=self._new_revision(),
        )
        self._check(self._functions.get(key), alias)
        await self._functions.create_alias(alias)
        return Reply(201, _rendered(alias))

    async def get(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_GetAlias.html"""
        function = find_function(self._functions, caller, parameters)
        alias = function.aliases.get(parameters["Name"])
        if alias is None:
            raise ResourceNotFound(f"Cannot find alias arn: {function.key.qualified_arn(parameters['Name'])}")
        return Reply(200, _rendered(alias))

    async def list_aliases(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_ListAliases.html"""
        function = find_function(self._functions, caller, parameters)
        leading_to = parameters.get("FunctionVersion")
        listed = (
            (name, alias)
            for name, alias in sorted(function.aliases.items())
            if leading_to is None or leading_to in alias.versions
        )
        aliases, more = page_by_name(listed, parameters)
        return Reply(200, {"Aliases": [_rendered(alias) for alias in aliases], **more})

    async def update(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_UpdateAlias.html"""
        async with self._provisioned.turn:
            return await self._update(caller, parameters)

    async def delete(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_DeleteAlias.html"""
        function = find_function(self._functions, caller, parameters)
        await self._functions.delete_alias(function.key, parameters["Name"])
        return Reply(204, None)

    async def _update(self, caller: Caller, parameters: Parameters) -> Reply:
        function = find_function(self._functions, caller, parameters)
        current = function.aliases.get(parameters["Name"])
        if current is None:
            raise ResourceNotFound(f"Alias not found: {function.key.qualified_arn(parameters['Name'])}")
        check_revision(parameters.get("RevisionId"), current.revision_id)
        changed = replace(
            current,
            version=parameters.get("FunctionVersion", current.version),
            description=parameters.get("Description", current.description),
            weights=_weights(parameters) if "RoutingConfig" in parameters else current.weights,
            revision_id=self._new_revision(),
        )
        self._check(function, changed)
        if self._provisioned.get(function.key, current.name) is not None:
            check_may_lead_there(function, changed, [name for name, _ in self._provisioned.of(function.key)])
        await self._functions.replace_alias(changed, expected_revision=current.revision_id)
        return Reply(200, _rendered(changed))

    @staticmethod
    def _check(function: Function | None, alias: Alias) -> None:
        """In the order in which AWS finds fault; the store checks once more that the versions are there."""
        if function is None or function.version(alias.version) is None:
            raise ResourceNotFound(f"Function not found: {alias.key.qualified_arn(alias.version)}")
        check_weights(alias.version, alias.weights)
        for version in alias.weights:
            if function.version(version) is None:
                raise ResourceNotFound(f"Function not found: {alias.key.qualified_arn(version)}")


def _weights(parameters: Parameters) -> Mapping[str, float]:
    weights: Mapping[str, float] = parameters.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    return weights


def _rendered(alias: Alias) -> dict[str, Any]:
    output: dict[str, Any] = {
        "AliasArn": alias.arn,
        "Name": alias.name,
        "FunctionVersion": alias.version,
        "Description": alias.description,
        "RevisionId": alias.revision_id,
    }
    if alias.weights:
        output["RoutingConfig"] = {"AdditionalVersionWeights": dict(alias.weights)}
    return output
