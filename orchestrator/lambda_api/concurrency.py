"""
The operations on reserved concurrency, and the account's settings.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
"""

from __future__ import annotations

from typing import Any

from orchestrator.domain.errors import InvalidParameterValue, ResourceNotFound
from orchestrator.domain.names import LATEST
from orchestrator.domain.provisioned_concurrency import check_reserves_enough
from orchestrator.domain.quotas import MAX_CODE_BYTES, MAX_UNZIPPED_BYTES, MAX_ZIPPED_BYTES, check_reservation
from orchestrator.lambda_api.callers import Caller
from orchestrator.lambda_api.operations import Handler, Reply, find_function, reference
from orchestrator.lambda_api.parse import Parameters
from orchestrator.store.documents import Documents
from orchestrator.store.functions import FunctionStore
from orchestrator.store.layer_archives import layers_bytes
from orchestrator.store.provisioned import ProvisionedConfigs


class ConcurrencyOperations:
    """Put, get and delete a reservation; GetAccountSettings."""

    def __init__(
        self, *, functions: FunctionStore, documents: Documents, provisioned: ProvisionedConfigs, account_limit: int
    ) -> None:
        self._functions = functions
        self._documents = documents
        self._provisioned = provisioned
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
        asked = reference(caller, parameters)
        if asked.qualifier is not None:
            raise InvalidParameterValue(
                "This operation is permitted on Lambda functions only. Aliases and versions do not support this "
                "operation. Please specify either a function name or an unqualified function ARN."
            )
        if self._functions.get(asked.key) is None:
            raise ResourceNotFound(f"Function not found: {asked.key.qualified_arn(LATEST)}")
        wanted: int = parameters["ReservedConcurrentExecutions"]
        async with self._provisioned.turn:
            set_aside = self._provisioned.set_aside(asked.key.account, asked.key.region)
            check_reservation(wanted, set_aside - self._provisioned.set_aside_for(asked.key), self._account_limit)
            check_reserves_enough(wanted, self._provisioned.requested(asked.key))
            await self._functions.set_reserved_concurrency(asked.key, wanted)
        return Reply(200, {"ReservedConcurrentExecutions": wanted})

    async def get(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionConcurrency.html"""
        function = find_function(self._functions, caller, parameters)
        return Reply(200, {"ReservedConcurrentExecutions": function.reserved_concurrency})

    async def delete(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_DeleteFunctionConcurrency.html"""
        async with self._provisioned.turn:
            await self._functions.set_reserved_concurrency(find_function(self._functions, caller, parameters).key, None)
        return Reply(204, None)

    async def account_settings(self, caller: Caller, _parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_GetAccountSettings.html"""
        set_aside = self._provisioned.set_aside(caller.account, caller.region)
        limit: dict[str, Any] = {
            "TotalCodeSize": MAX_CODE_BYTES,
            "CodeSizeUnzipped": MAX_UNZIPPED_BYTES,
            "CodeSizeZipped": MAX_ZIPPED_BYTES,
            "ConcurrentExecutions": self._account_limit,
            "UnreservedConcurrentExecutions": self._account_limit - set_aside,
        }
        usage = {
            "TotalCodeSize": layers_bytes(self._documents, caller.account, caller.region),
            "FunctionCount": self._functions.count(caller.account, caller.region),
        }
        return Reply(200, {"AccountLimit": limit, "AccountUsage": usage})
