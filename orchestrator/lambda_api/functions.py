"""
The operations on functions: create, get, list, update, delete.

AWS: https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace
from typing import Any

from orchestrator.clock import Clock
from orchestrator.domain.errors import InvalidParameterValue, PreconditionFailed
from orchestrator.domain.function_tags import check_tags
from orchestrator.domain.functions import Function
from orchestrator.domain.names import LATEST, FunctionKey
from orchestrator.fleet.deployments import Deployments
from orchestrator.lambda_api.callers import Caller
from orchestrator.lambda_api.configuration import (
    configured,
    new_version,
    recoded,
    refuse_what_is_not_built,
    rendered,
    rendered_function,
)
from orchestrator.lambda_api.operations import Handler, Reply, find_function, function_key
from orchestrator.lambda_api.options import warn_of_what_is_only_kept
from orchestrator.lambda_api.parse import Parameters
from orchestrator.store.functions import FunctionStore

_LARGEST_PAGE = 50


class FunctionOperations:
    """Create, get, list, update, delete."""

    def __init__(self, *, functions: FunctionStore, deployments: Deployments, clock: Clock) -> None:
        self._functions = functions
        self._deployments = deployments
        self._clock = clock

    def handlers(self) -> dict[str, Handler]:
        """By operation name."""
        return {
            "CreateFunction": self.create,
            "GetFunction": self.get,
            "GetFunctionConfiguration": self.get_configuration,
            "ListFunctions": self.list_functions,
            "UpdateFunctionCode": self.update_code,
            "UpdateFunctionConfiguration": self.update_configuration,
            "DeleteFunction": self.delete,
        }

    async def create(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html"""
        key = function_key(caller, parameters)
        tags = parameters.get("Tags", {})
        check_tags(tags)
        version = new_version(key, parameters, self._clock.now())
        created = await self._deployments.create(Function(key=key, latest=version, tags=tags))
        warn_of_what_is_only_kept(created, parameters)
        return Reply(201, rendered(created))

    async def get(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html"""
        return Reply(200, rendered_function(find_function(self._functions, caller, parameters)))

    async def get_configuration(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionConfiguration.html"""
        return Reply(200, rendered(find_function(self._functions, caller, parameters).latest))

    async def list_functions(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctions.html"""
        size = min(parameters.get("MaxItems", _LARGEST_PAGE), _LARGEST_PAGE)
        after = _name_of(parameters["Marker"]) if parameters.get("Marker") else None
        found = self._functions.list(caller.account, caller.region, after, size + 1)
        page = found[:size]
        output: dict[str, Any] = {"Functions": [rendered(one.latest, with_state=False) for one in page]}
        if len(found) > size:
            output["NextMarker"] = _marker_of(page[-1].key)
        return Reply(200, output)

    async def update_code(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html"""
        refuse_what_is_not_built(parameters)
        key = function_key(caller, parameters)
        if parameters.get("DryRun"):
            current = self._deployments.latest(key)
            if parameters.get("RevisionId") not in (None, current.revision_id):
                raise PreconditionFailed("The Revision Id provided does not match the latest Revision Id.")
            return Reply(200, rendered(replace(recoded(current, parameters), image=current.image)))
        changed = await self._deployments.update(
            key, lambda version: recoded(version, parameters), parameters.get("RevisionId")
        )
        return Reply(200, rendered(changed))

    async def update_configuration(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionConfiguration.html"""
        refuse_what_is_not_built(parameters)
        changed = await self._deployments.update(
            function_key(caller, parameters),
            lambda version: configured(version, parameters),
            parameters.get("RevisionId"),
        )
        warn_of_what_is_only_kept(changed, parameters)
        return Reply(200, rendered(changed))

    async def delete(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_DeleteFunction.html"""
        key = function_key(caller, parameters)
        if parameters.get("Qualifier") == LATEST:
            raise InvalidParameterValue("$LATEST version cannot be deleted without deleting the function.")
        await self._deployments.delete(key)
        return Reply(204, None)


def _marker_of(key: FunctionKey) -> str:
    return base64.urlsafe_b64encode(key.name.encode()).decode()


def _name_of(marker: str) -> str:
    try:
        return base64.urlsafe_b64decode(marker).decode()
    except (binascii.Error, ValueError) as error:
        raise InvalidParameterValue("Marker is not one that ListFunctions gave; begin without one") from error
