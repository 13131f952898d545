"""
The operations on recursion configs.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
"""

from __future__ import annotations

import structlog

from orchestrator.domain.names import FunctionKey
from orchestrator.domain.recursion import TERMINATE, RecursionConfig
from orchestrator.lambda_api.callers import Caller
from orchestrator.lambda_api.operations import Handler, Reply, find_function
from orchestrator.lambda_api.parse import Parameters
from orchestrator.store.documents import Documents, Kind, Place
from orchestrator.store.functions import FunctionStore

RECURSION_CONFIGS = Kind("recursion-config", RecursionConfig)
_OF_THE_WHOLE_FUNCTION = ""

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class RecursionOperations:
    """Put and get. What is put is kept and shown: no loop is stopped yet."""

    def __init__(self, *, functions: FunctionStore, documents: Documents) -> None:
        self._functions = functions
        self._documents = documents
        documents.know(RECURSION_CONFIGS)

    def handlers(self) -> dict[str, Handler]:
        """By operation name."""
        return {"PutFunctionRecursionConfig": self.put, "GetFunctionRecursionConfig": self.get}

    async def put(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionRecursionConfig.html"""
        key = find_function(self._functions, caller, parameters).key
        config = RecursionConfig(recursive_loop=parameters["RecursiveLoop"])
        before, along = self._documents.get(RECURSION_CONFIGS, _place(key)), self._functions.standing(key)
        await self._documents.put(RECURSION_CONFIGS, _place(key), config, before=before, along=along)
        if config.recursive_loop == TERMINATE:
            log.warning(
                "recursion.not_stopped", function=key.arn, remedy="it is kept and shown; no loop is stopped yet"
            )
        return _told(config)

    async def get(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionRecursionConfig.html"""
        key = find_function(self._functions, caller, parameters).key
        return _told(self._documents.get(RECURSION_CONFIGS, _place(key)) or RecursionConfig())


def _place(key: FunctionKey) -> Place:
    return Place.on(key, _OF_THE_WHOLE_FUNCTION)


def _told(config: RecursionConfig) -> Reply:
    return Reply(200, {"RecursiveLoop": config.recursive_loop})
