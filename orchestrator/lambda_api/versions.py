"""
The operations on published versions; one is deleted with DeleteFunction.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html
"""

from __future__ import annotations

from orchestrator.fleet.deployments import Deployments
from orchestrator.lambda_api.callers import Caller
from orchestrator.lambda_api.configuration import refuse_what_is_not_built, rendered, rendered_in_list
from orchestrator.lambda_api.operations import Handler, Reply, find_function, function_key
from orchestrator.lambda_api.pages import number_in, page, place_of
from orchestrator.lambda_api.parse import Parameters
from orchestrator.lambda_api.repeating import repeating
from orchestrator.store.functions import FunctionStore


class VersionOperations:
    """Publish and list."""

    def __init__(self, *, functions: FunctionStore, deployments: Deployments) -> None:
        self._functions = functions
        self._deployments = deployments

    def handlers(self) -> dict[str, Handler]:
        """By operation name."""
        return {"PublishVersion": repeating(self.publish), "ListVersionsByFunction": self.list_versions}

    async def publish(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html"""
        refuse_what_is_not_built(parameters)
        version = await self._deployments.publish(
            function_key(caller, parameters),
            description=parameters.get("Description"),
            code_sha256=parameters.get("CodeSha256"),
            revision_id=parameters.get("RevisionId"),
        )
        return Reply(201, rendered(version))

    async def list_versions(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_ListVersionsByFunction.html"""
        function = find_function(self._functions, caller, parameters)
        after = place_of(parameters)
        listed = function.versions_after(number_in(after[0])) if after else function.every_version()
        versions, more = page(listed, parameters, lambda one: (one.version,))
        return Reply(200, {"Versions": [rendered_in_list(one, is_qualified=True) for one in versions], **more})
