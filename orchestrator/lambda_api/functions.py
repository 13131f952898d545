"""
The operations on functions: create, get, list, update, delete.

AWS: https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html
"""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.clock import Clock
from orchestrator.domain.errors import InvalidParameterValue
from orchestrator.domain.function_tags import check_tags
from orchestrator.domain.functions import Function, FunctionVersion
from orchestrator.domain.names import LATEST, FunctionKey, check_new_name
from orchestrator.fleet.deployments import Deployments
from orchestrator.lambda_api.callers import Caller
from orchestrator.lambda_api.configuration import (
    configured,
    new_version,
    recoded,
    refuse_what_is_not_built,
    rendered,
    rendered_function,
    rendered_in_list,
)
from orchestrator.lambda_api.operations import Handler, Reply, find_qualified, function_key, reference
from orchestrator.lambda_api.options import warn_of_what_is_only_kept
from orchestrator.lambda_api.pages import number_in, page, place_of
from orchestrator.lambda_api.parse import Parameters
from orchestrator.lambda_api.repeating import repeating
from orchestrator.store.functions import FunctionStore


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
            "UpdateFunctionCode": repeating(self.update_code),
            "UpdateFunctionConfiguration": repeating(self.update_configuration),
            "DeleteFunction": self.delete,
        }

    async def create(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html"""
        key = function_key(caller, parameters)
        check_new_name(key, parameters["FunctionName"])
        tags = parameters.get("Tags", {})
        check_tags(tags)
        version = new_version(key, parameters, self._clock.now())
        function = Function(key=key, latest=version, tags=tags)
        created = await self._deployments.create(function, publish=parameters.get("Publish", False))
        warn_of_what_is_only_kept(created, parameters)
        # Of a version that is published at once AWS answers the number, and the function's own ARN.
        return Reply(201, rendered(created) | {"FunctionArn": key.arn})

    async def get(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html"""
        function, version, arn = self._asked_for(caller, parameters)
        is_qualified = reference(caller, parameters).qualifier is not None
        output = rendered_function(function, version, is_qualified=is_qualified)
        output["Configuration"]["FunctionArn"] = arn
        return Reply(200, output)

    async def get_configuration(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionConfiguration.html"""
        _, version, arn = self._asked_for(caller, parameters)
        return Reply(200, rendered(version) | {"FunctionArn": arn})

    async def list_functions(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctions.html"""
        shows_all = parameters.get("FunctionVersion") == "ALL"
        after = place_of(parameters)
        listed = self._every_version(caller, after) if shows_all else self._every_function(caller, after)
        versions, more = page(listed, parameters, lambda one: (one.key.name, one.version))
        return Reply(200, {"Functions": [rendered_in_list(one, is_qualified=shows_all) for one in versions], **more})

    async def update_code(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html"""
        refuse_what_is_not_built(parameters)
        key = function_key(caller, parameters)
        if parameters.get("DryRun"):
            tried = await self._deployments.tried_out(
                key, lambda version: recoded(version, parameters), parameters.get("RevisionId")
            )
            return Reply(200, rendered(tried))
        changed = await self._deployments.update(
            key,
            lambda version: recoded(version, parameters),
            parameters.get("RevisionId"),
            publish=parameters.get("Publish", False),
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
        asked = reference(caller, parameters)
        if asked.qualifier is None:
            await self._deployments.delete(asked.key)
        elif asked.qualifier == LATEST:
            raise InvalidParameterValue("$LATEST version cannot be deleted without deleting the function.")
        elif not asked.qualifier.isdigit():
            raise InvalidParameterValue("Deletion of aliases is not currently supported.")
        else:
            await self._deployments.delete_version(asked.key, asked.qualifier)
        return Reply(204, None)

    def _asked_for(self, caller: Caller, parameters: Parameters) -> tuple[Function, FunctionVersion, str]:
        """The function, the version that the qualifier leads to (an alias: its main one), and the ARN as asked for."""
        function, qualifier = find_qualified(self._functions, caller, parameters)
        alias = function.aliases.get(qualifier)
        version = function.version(alias.version if alias is not None else qualifier)
        assert version is not None, "an alias never leads to a version that is gone"
        return function, version, reference(caller, parameters).invoked_arn

    def _every_function(self, caller: Caller, after: tuple[str, ...]) -> Iterator[FunctionVersion]:
        for function in self._functions.after(caller.account, caller.region, after[0] if after else ""):
            yield function.latest

    def _every_version(self, caller: Caller, after: tuple[str, ...]) -> Iterator[FunctionVersion]:
        name, version = (*after, "", "")[:2]
        begun = self._functions.get(FunctionKey(caller.account, caller.region, name))
        if begun is not None:
            yield from begun.versions_after(number_in(version))
        for function in self._functions.after(caller.account, caller.region, name):
            yield from function.every_version()
