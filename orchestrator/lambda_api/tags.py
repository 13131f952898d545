"""
The operations on tags of functions.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html
"""

from __future__ import annotations

from orchestrator.domain.errors import ResourceNotFound
from orchestrator.domain.functions import Function
from orchestrator.domain.names import parse_reference
from orchestrator.domain.quotas import check_tags
from orchestrator.lambda_api.callers import Caller
from orchestrator.lambda_api.operations import Handler, Reply
from orchestrator.lambda_api.parse import Parameters
from orchestrator.store.functions import FunctionStore


class TagOperations:
    """List, add and remove tags."""

    def __init__(self, functions: FunctionStore) -> None:
        self._functions = functions

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
        await self._functions.set_tags(function.key, tags)
        return Reply(204, None)

    async def untag(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_UntagResource.html"""
        function = self._function(caller, parameters)
        removed = frozenset(parameters["TagKeys"])
        await self._functions.set_tags(
            function.key, {name: value for name, value in function.tags.items() if name not in removed}
        )
        return Reply(204, None)

    def _function(self, caller: Caller, parameters: Parameters) -> Function:
        arn: str = parameters["Resource"]
        if ":function:" not in arn:
            raise ResourceNotFound(f"Resource not found: {arn}")
        key = parse_reference(arn, None, caller.account, caller.region).key
        function = self._functions.get(key)
        if function is None:
            raise ResourceNotFound(f"Function not found: {key.arn}")
        return function
