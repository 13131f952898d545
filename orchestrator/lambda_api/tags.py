"""
The operations on tags of functions.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from orchestrator.domain.errors import InvalidParameterValue, ResourceNotFound
from orchestrator.domain.function_tags import check_tags
from orchestrator.domain.functions import Function
from orchestrator.domain.names import FunctionKey, parse_reference
from orchestrator.lambda_api.callers import Caller
from orchestrator.lambda_api.operations import Handler, Reply
from orchestrator.lambda_api.parse import Parameters
from orchestrator.store.functions import FunctionStore


class TagOperations:
    """
    List, add and remove tags.

    Args:
        retire: Called when environments of a function may have become outdated: some tags say how they are started.
    """

    def __init__(self, functions: FunctionStore, retire: Callable[[FunctionKey], None]) -> None:
        self._functions = functions
        self._retire = retire

    def handlers(self) -> dict[str, Handler]:
        """By operation name."""
        return {"ListTags": self.list_tags, "TagResource": self.tag, "UntagResource": self.untag}

    async def list_tags(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_ListTags.html"""
        return Reply(200, {"Tags": dict(self._function(caller, parameters).tags)})

    async def tag(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_TagResource.html"""
        function = self._function(caller, parameters)
        tags = {**function.tags, **parameters["Tags"]}
        check_tags(tags)
        await self._set(function, tags)
        return Reply(204, None)

    async def untag(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_UntagResource.html"""
        function = self._function(caller, parameters)
        removed = frozenset(parameters["TagKeys"])
        await self._set(function, {name: value for name, value in function.tags.items() if name not in removed})
        return Reply(204, None)

    async def _set(self, function: Function, tags: Mapping[str, str]) -> None:
        await self._functions.set_tags(function.key, tags)
        self._retire(function.key)

    def _function(self, caller: Caller, parameters: Parameters) -> Function:
        arn: str = parameters["Resource"]
        if ":function:" not in arn:
            raise ResourceNotFound(f"Resource not found: {arn}")
        asked = parse_reference(arn, None, caller.account, caller.region)
        if asked.qualifier is not None:
            raise InvalidParameterValue(
                "Tags on function aliases and versions are not supported. Please specify a function ARN."
            )
        key = asked.key
        function = self._functions.get(key)
        if function is None:
            raise ResourceNotFound(f"Function not found: {key.arn}")
        return function
