"""
The operations on who else may read a layer's version: GetLayerVersion heeds it, for callers of other accounts.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/permissions-layer-cross-account.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from orchestrator.domain.errors import (
    PolicyLengthExceeded,
    PreconditionFailed,
    ResourceConflict,
    ResourceNotFound,
)
from orchestrator.domain.layers import LayerVersion, Statement
from orchestrator.lambda_api.callers import Caller
from orchestrator.lambda_api.layers import own_layer, positive
from orchestrator.lambda_api.operations import Handler, Reply
from orchestrator.lambda_api.parse import Parameters
from orchestrator.store.documents import Documents
from orchestrator.store.layer_archives import LAYER_VERSIONS, version_place

_MAX_POLICY_BYTES = 20_480
"""AWS: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""


class LayerPermissionOperations:
    """Add and remove a permission, get all; `LayerOperations` has made the kind known."""

    def __init__(self, *, documents: Documents, new_id: Callable[[], str]) -> None:
        self._documents = documents
        self._new_id = new_id
        self._changing = asyncio.Lock()

    def handlers(self) -> dict[str, Handler]:
        """By operation name."""
        return {
            "AddLayerVersionPermission": self.add,
            "RemoveLayerVersionPermission": self.remove,
            "GetLayerVersionPolicy": self.get,
        }

    async def add(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_AddLayerVersionPermission.html"""
        sid = parameters["StatementId"]
        statement = Statement(
            sid=sid, principal=parameters["Principal"], organization_id=parameters.get("OrganizationId")
        )
        async with self._changing:
            version = self._version(caller, parameters, "AddLayerVersionPermission")
            _check_revision(version, parameters)
            if any(one.sid == sid for one in version.statements):
                raise ResourceConflict(
                    f"The statement id ({sid}) provided already exists. Please provide a new statement id, or remove "
                    "the existing statement."
                )
            changed = await self._save(version, (*version.statements, statement))
        output = {"Statement": changed.statement_json(statement), "RevisionId": changed.policy_revision_id}
        return Reply(201, output)

    async def remove(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_RemoveLayerVersionPermission.html"""
        sid = parameters["StatementId"]
        async with self._changing:
            version = self._version(caller, parameters, "RemoveLayerVersionPermission")
            _check_revision(version, parameters)
            left = tuple(one for one in version.statements if one.sid != sid)
            if len(left) == len(version.statements):
                raise ResourceNotFound(f"Statement {sid} is not found in resource policy.")
            await self._save(version, left)
        return Reply(204, None)

    async def get(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_GetLayerVersionPolicy.html"""
        version = self._version(caller, parameters, "GetLayerVersionPolicy")
        if not version.statements:
            raise ResourceNotFound("No policy is associated with the given resource.")
        return Reply(200, {"Policy": version.policy_json, "RevisionId": version.policy_revision_id})

    async def _save(self, version: LayerVersion, statements: tuple[Statement, ...]) -> LayerVersion:
        changed = replace(version, statements=statements, policy_revision_id=self._new_id())
        size = len(changed.policy_json)
        if size > _MAX_POLICY_BYTES:
            raise PolicyLengthExceeded(
                f"The final policy size ({size}) is bigger than the limit ({_MAX_POLICY_BYTES})."
            )
        await self._documents.put(LAYER_VERSIONS, version_place(version.key, version.number), changed, before=version)
        return changed

    def _version(self, caller: Caller, parameters: Parameters, action: str) -> LayerVersion:
        key, number = own_layer(caller, parameters, action), positive(parameters["VersionNumber"])
        version = self._documents.get(LAYER_VERSIONS, version_place(key, number))
        if version is None:
            raise ResourceNotFound(f"Layer version {key.version_arn(number)} does not exist.")
        return version


def _check_revision(version: LayerVersion, parameters: Parameters) -> None:
    if parameters.get("RevisionId") not in (None, version.policy_revision_id):
        raise PreconditionFailed(
            "The Revision Id provided does not match the latest Revision Id. Call the GetLayerPolicy API to retrieve "
            "the latest Revision Id"
        )
