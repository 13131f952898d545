"""
The operations on reserved concurrency, and the account's settings.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
"""

from __future__ import annotations

from typing import Any

from orchestrator.domain.errors import InvalidParameterValue
from orchestrator.domain.quotas import MAX_CODE_BYTES, MAX_UNZIPPED_BYTES, MAX_ZIPPED_BYTES, check_reservation
from orchestrator.lambda_api.callers import Caller
from orchestrator.lambda_api.operations import Handler, Reply, find_function, reference
from orchestrator.lambda_api.parse import Parameters
from orchestrator.store.documents import Documents
from orchestrator.store.functions import FunctionStore
from orchestrator.store.layer_archives import layers_bytes


class ConcurrencyOperations:
    """Put, get and delete a reservation; GetAccountSettings."""

    def __init__(self, *, functions: FunctionStore, documents: Documents, account_limit: int) -> None:
        self._functions = functions
        self._documents = documents
        self._account_limit = account_limit

    def handlers(self) -> dict[str, Handler]:
        """By operation name."""
        return {
            "PutFunctionConcurrency": self.put,
            "GetFunctionConcurrency": self.get,
            "DeleteFunctionConcurrency": self.delete,
            "GetAccountSettings": self.account_settings,
        }

    async def put(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionConcurrency.html"""
        if reference(caller, parameters).qualifier is not None:
            raise InvalidParameterValue(
                "This operation is permitted on Lambda functions only. Aliases and versions do not support this "
                "operation. Please specify either a function name or an unqualified function ARN."
            )
        function = find_function(self._functions, caller, parameters)
        wanted: int = parameters["ReservedConcurrentExecutions"]
        reserved_by_others = self._functions.reserved_in_all(caller.account, caller.region) - (
            function.reserved_concurrency or 0
        )
        check_reservation(wanted, reserved_by_others, self._account_limit)
        await self._functions.set_reserved_concurrency(function.key, wanted)
        return Reply(200, {"ReservedConcurrentExecutions": wanted})

    async def get(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionConcurrency.html"""
        function = find_function(self._functions, caller, parameters)
        return Reply(200, {"ReservedConcurrentExecutions": function.reserved_concurrency})

    async def delete(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_DeleteFunctionConcurrency.html"""
        await self._functions.set_reserved_concurrency(find_function(self._functions, caller, parameters).key, None)
        return Reply(204, None)

    async def account_settings(self, caller: Caller, _parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_GetAccountSettings.html"""
        reserved = self._functions.reserved_in_all(caller.account, caller.region)
        limit: dict[str, Any] = {
            "TotalCodeSize": MAX_CODE_BYTES,
            "CodeSizeUnzipped": MAX_UNZIPPED_BYTES,
            "CodeSizeZipped": MAX_ZIPPED_BYTES,
            "ConcurrentExecutions": self._account_limit,
            "UnreservedConcurrentExecutions": self._account_limit - reserved,
        }
        usage = {
            "TotalCodeSize": layers_bytes(self._documents, caller.account, caller.region),
            "FunctionCount": self._functions.count(caller.account, caller.region),
        }
        return Reply(200, {"AccountLimit": limit, "AccountUsage": usage})
