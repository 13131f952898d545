"""
The operations on tags: of functions, event source mappings, code signing configs and capacity providers.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from orchestrator.domain.errors import InvalidParameterValue, ResourceNotFound
from orchestrator.domain.function_tags import check_count, check_tags
from orchestrator.domain.functions import Function
from orchestrator.domain.names import FunctionKey, parse_reference
from orchestrator.domain.publishing import check_is_not_updated
from orchestrator.lambda_api.callers import Caller
from orchestrator.lambda_api.capacity_providers import CAPACITY_PROVIDERS
from orchestrator.lambda_api.code_signing import CODE_SIGNING_CONFIGS
from orchestrator.lambda_api.event_source_mappings import MAPPINGS
from orchestrator.lambda_api.operations import Handler, Reply, no_such_resource
from orchestrator.lambda_api.ownership import own
from orchestrator.lambda_api.parse import Parameters
from orchestrator.lambda_api.repeating import repeating
from orchestrator.store.documents import Documents, Kind, Place
from orchestrator.store.functions import FunctionStore

_Tags = Mapping[str, str]

_KINDS: Mapping[str, Kind[Any]] = {kind.name: kind for kind in (MAPPINGS, CODE_SIGNING_CONFIGS, CAPACITY_PROVIDERS)}
"""By the type in their ARNs, which is their kind's name; each value has `tags`."""


class TagOperations:
    """
    List, add and remove tags.

    Args:
        retire: Called when environments of a function may have become outdated: some tags say how they are started.
        new_id: Gives a fresh RevisionId.
    """

    def __init__(
        self,
        functions: FunctionStore,
        documents: Documents,
        retire: Callable[[FunctionKey], None],
        new_id: Callable[[], str],
    ) -> None:
        self._functions = functions
        self._documents = documents
        self._retire = retire
        self._new_id = new_id

    def handlers(self) -> dict[str, Handler]:
        """By operation name."""
        return {
            "ListTags": self.list_tags,
            "TagResource": repeating(self.tag),
            "UntagResource": repeating(self.untag),
        }

    async def list_tags(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_ListTags.html"""
        return Reply(200, {"Tags": dict(self._tagged(caller, parameters["Resource"]).tags)})

    async def tag(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_TagResource.html"""
        tagged, added = self._tagged(caller, parameters["Resource"]), parameters["Tags"]
        if not added:
            raise InvalidParameterValue("An error occurred and the request cannot be processed.")
        if isinstance(tagged, Function):
            check_is_not_updated(tagged.latest)

        def with_these(tags: _Tags) -> _Tags:
            merged = {**tags, **added}
            (check_tags if isinstance(tagged, Function) else check_count)(merged)
            return merged

        return await self._change(caller, parameters["Resource"], tagged, with_these)

    async def untag(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_UntagResource.html"""
        tagged, removed = self._tagged(caller, parameters["Resource"]), frozenset(parameters["TagKeys"])

        def without_these(tags: _Tags) -> _Tags:
            return {name: value for name, value in tags.items() if name not in removed}

        return await self._change(caller, parameters["Resource"], tagged, without_these)

    async def _change(self, caller: Caller, arn: str, tagged: Any, change: Callable[[_Tags], _Tags]) -> Reply:
        if isinstance(tagged, Function):
            await self._functions.change_tags(tagged.key, change, revision_id=self._new_id())
            self._retire(tagged.key)
        else:
            kind, place = _document(caller, arn)
            await self._documents.put(kind, place, replace(tagged, tags=change(tagged.tags)), before=tagged)
        return Reply(204, None)

    def _tagged(self, caller: Caller, arn: str) -> Any:
        """What has this ARN: a function, or another thing with tags."""
        if arn.split(":")[5] == "function":
            return self._function(caller, arn)
        kind, place = _document(caller, arn)
        found = self._documents.get(kind, place)
        if found is None:
            raise no_such_resource()
        return found

    def _function(self, caller: Caller, arn: str) -> Function:
        reference = own(caller, parse_reference(arn, None, caller.account, caller.region))
        if reference.qualifier is not None:
            raise InvalidParameterValue(
                "Tags on function aliases and versions are not supported. Please specify a function ARN."
            )
        function = self._functions.get(reference.key)
        if function is None:
            raise ResourceNotFound(f"Function not found: {reference.key.arn}")
        return function


def _document(caller: Caller, arn: str) -> tuple[Kind[Any], Place]:
    _, _, _, region, account, resource, name = arn.split(":")
    if resource not in _KINDS or (account, region) != (caller.account, caller.region):
        raise no_such_resource()
    return _KINDS[resource], Place.beside(account, region, name)
