"""
The operations on runtime management configs.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-update.html
"""

from __future__ import annotations

from orchestrator.domain.errors import InvalidParameterValue
from orchestrator.domain.names import FunctionKey
from orchestrator.domain.runtime_management import RuntimeManagementConfig, runtime_management_of
from orchestrator.lambda_api.callers import Caller
from orchestrator.lambda_api.operations import Handler, Reply, find_qualified
from orchestrator.lambda_api.parse import Parameters
from orchestrator.store.documents import Documents, Kind, Place
from orchestrator.store.functions import FunctionStore

RUNTIME_MANAGEMENT_CONFIGS = Kind("runtime-management-config", RuntimeManagementConfig)


class RuntimeManagementOperations:
    """Put and get, for `$LATEST` or a published version."""

    def __init__(self, *, functions: FunctionStore, documents: Documents) -> None:
        self._functions = functions
        self._documents = documents
        documents.know(RUNTIME_MANAGEMENT_CONFIGS)

    def handlers(self) -> dict[str, Handler]:
        """By operation name."""
        return {"PutRuntimeManagementConfig": self.put, "GetRuntimeManagementConfig": self.get}

    async def put(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_PutRuntimeManagementConfig.html"""
        key, version = self._version(caller, parameters)
        config = runtime_management_of(parameters["UpdateRuntimeOn"], parameters.get("RuntimeVersionArn"))
        place, along = Place.on(key, version), self._functions.standing(key, version)
        before = self._documents.get(RUNTIME_MANAGEMENT_CONFIGS, place)
        await self._documents.put(RUNTIME_MANAGEMENT_CONFIGS, place, config, before=before, along=along)
        return _told(key, version, config)

    async def get(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_GetRuntimeManagementConfig.html"""
        key, version = self._version(caller, parameters)
        config = self._documents.get(RUNTIME_MANAGEMENT_CONFIGS, Place.on(key, version))
        return _told(key, version, config or RuntimeManagementConfig())

    def _version(self, caller: Caller, parameters: Parameters) -> tuple[FunctionKey, str]:
        function, version = find_qualified(self._functions, caller, parameters)
        if version in function.aliases:
            raise InvalidParameterValue(
                f"A runtime management config is of a version; {function.key.qualified_arn(version)} is an alias."
            )
        return function.key, version


def _told(key: FunctionKey, version: str, config: RuntimeManagementConfig) -> Reply:
    return Reply(200, {"UpdateRuntimeOn": config.update_runtime_on, "FunctionArn": key.qualified_arn(version)})
