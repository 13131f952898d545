"""
The operations on durable executions. There are none: `DurableConfig` is refused by name when a function asks for it.

So a function's list of them is empty, and whatever else names one names none. `CheckpointDurableExecution` and
`GetDurableExecutionState`, which only a running execution calls, are refused by name.
AWS: https://docs.aws.amazon.com/lambda/latest/dg/durable-functions.html
"""

from __future__ import annotations

from typing import NoReturn

from orchestrator.domain.errors import ResourceNotFound
from orchestrator.lambda_api.callers import Caller
from orchestrator.lambda_api.operations import Handler, Reply, find_qualified
from orchestrator.lambda_api.parse import Parameters
from orchestrator.store.functions import FunctionStore

_OF_AN_EXECUTION = (
    "GetDurableExecution",
    "GetDurableExecutionHistory",
    "StopDurableExecution",
    "PauseDurableExecution",
    "ResumeDurableExecution",
    "DeleteDurableExecution",
)
_OF_A_CALLBACK = (
    "SendDurableExecutionCallbackSuccess",
    "SendDurableExecutionCallbackFailure",
    "SendDurableExecutionCallbackHeartbeat",
)
FIND_NOTHING = frozenset((*_OF_AN_EXECUTION, *_OF_A_CALLBACK))
"""Operations that answer, truly, that there is no such thing, and nothing else: they do not count as built."""


class DurableExecutionOperations:
    """List: empty; all others: not found."""

    def __init__(self, functions: FunctionStore) -> None:
        self._functions = functions

    def handlers(self) -> dict[str, Handler]:
        """By operation name."""
        return {
            "ListDurableExecutionsByFunction": self.list_by_function,
            **dict.fromkeys(_OF_AN_EXECUTION, self.no_execution),
            **dict.fromkeys(_OF_A_CALLBACK, self.no_callback),
        }

    async def list_by_function(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_ListDurableExecutionsByFunction.html"""
        find_qualified(self._functions, caller, parameters)
        return Reply(200, {"DurableExecutions": []})

    async def no_execution(self, _caller: Caller, parameters: Parameters) -> NoReturn:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_GetDurableExecution.html"""
        raise ResourceNotFound(f"Durable execution not found: {parameters['DurableExecutionArn']}")

    async def no_callback(self, _caller: Caller, parameters: Parameters) -> NoReturn:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_SendDurableExecutionCallbackSuccess.html"""
        raise ResourceNotFound(f"Durable execution callback not found: {parameters['CallbackId']}")
