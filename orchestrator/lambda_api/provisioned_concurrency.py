"""
The operations on provisioned concurrency.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
"""

from __future__ import annotations

from typing import Any

from orchestrator.clock import Clock
from orchestrator.domain.errors import InvalidParameterValue, ProvisionedConfigNotFound, ResourceNotFound
from orchestrator.domain.functions import Function
from orchestrator.domain.names import LATEST, VersionKey
from orchestrator.domain.provisioned_concurrency import (
    UNPUBLISHED,
    ProvisionedConfig,
    ProvisionedStatus,
    check_may_be_provisioned,
    check_provisioned,
    standing_of,
    wanted_of,
)
from orchestrator.fleet.provisioning import Provisioning
from orchestrator.lambda_api.callers import Caller
from orchestrator.lambda_api.operations import Handler, Reply, find_function, reference
from orchestrator.lambda_api.pages import page, place_of
from orchestrator.lambda_api.parse import Parameters
from orchestrator.store.functions import FunctionStore
from orchestrator.store.provisioned import ProvisionedConfigs

_NO_VERSION = "The function resource provided must be an alias or a published version."


class ProvisionedConcurrencyOperations:
    """
    Put, get, list and delete.

    Args:
        provisioning: Knows how far each version is.
        account_limit: Concurrency of an account in a region.
    """

    def __init__(
        self,
        *,
        functions: FunctionStore,
        configs: ProvisionedConfigs,
        provisioning: Provisioning,
        clock: Clock,
        account_limit: int,
    ) -> None:
        self._functions = functions
        self._configs = configs
        self._provisioning = provisioning
        self._clock = clock
        self._account_limit = account_limit

    def handlers(self) -> dict[str, Handler]:
        """By operation name."""
        return {
            "PutProvisionedConcurrencyConfig": self.put,
            "GetProvisionedConcurrencyConfig": self.get,
            "ListProvisionedConcurrencyConfigs": self.list_configs,
            "DeleteProvisionedConcurrencyConfig": self.delete,
        }

    async def put(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_PutProvisionedConcurrencyConfig.html"""
        async with self._configs.turn:
            function, qualifier = self._asked_for(caller, parameters, UNPUBLISHED)
            wanted: int = parameters["ProvisionedConcurrentExecutions"]
            before = self._configs.get(function.key, qualifier)
            replaced = before.requested if before is not None else 0
            check_provisioned(
                wanted,
                reserved=function.reserved_concurrency,
                of_function=self._configs.requested(function.key) - replaced,
                set_aside=self._configs.set_aside(function.key.account, function.key.region) - replaced,
                account_limit=self._account_limit,
            )
            check_may_be_provisioned(function, qualifier, [name for name, _ in self._configs.of(function.key)])
            config = ProvisionedConfig(requested=wanted, last_modified=self._clock.now())
            await self._configs.put(function.key, qualifier, config)
        self._provisioning.begin_anew(function.key)
        # As on AWS it begins anew, also where there are enough already.
        begun = {"Status": ProvisionedStatus.IN_PROGRESS.value, "StatusReason": None}
        return Reply(202, self._rendered(function, qualifier, config) | begun)

    async def get(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_GetProvisionedConcurrencyConfig.html"""
        function, qualifier = self._asked_for(caller, parameters, _NO_VERSION)
        config = self._configs.get(function.key, qualifier)
        if config is None:
            raise ProvisionedConfigNotFound("No Provisioned Concurrency Config found for this function")
        return Reply(200, self._rendered(function, qualifier, config))

    async def list_configs(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_ListProvisionedConcurrencyConfigs.html"""
        function = find_function(self._functions, caller, parameters)
        after = (*place_of(parameters), "")[0]
        listed, more = page(self._configs.of(function.key, after), parameters, lambda one: (one[0],))
        found = [
            {
                "FunctionArn": function.key.qualified_arn(qualifier),
                **self._rendered(function, qualifier, config),
            }
            for qualifier, config in listed
        ]
        return Reply(200, {"ProvisionedConcurrencyConfigs": found, **more})

    async def delete(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_DeleteProvisionedConcurrencyConfig.html"""
        function, qualifier = self._asked_for(caller, parameters, _NO_VERSION)
        await self._configs.remove(function.key, qualifier)
        return Reply(204, None)

    def _asked_for(self, caller: Caller, parameters: Parameters, unpublished: str) -> tuple[Function, str]:
        """
        The function, and the version or alias of it.

        Args:
            unpublished: What is said of `$LATEST`.
        """
        asked = reference(caller, parameters)
        qualifier = asked.qualifier or LATEST
        if qualifier == LATEST:
            raise InvalidParameterValue(unpublished)
        function = self._functions.get(asked.key)
        if qualifier.isdigit():
            if function is None or function.version(qualifier) is None:
                raise ResourceNotFound(f"Function not found: {asked.invoked_arn}")
        elif function is None or qualifier not in function.aliases:
            raise ResourceNotFound(f"Cannot find alias arn: {asked.invoked_arn}")
        return function, qualifier

    def _rendered(self, function: Function, qualifier: str, config: ProvisionedConfig) -> dict[str, Any]:
        wanted = wanted_of(config.requested, function.shares(qualifier))
        found = {version: self._provisioning.found(VersionKey(function.key, version)) for version in wanted}
        standing = standing_of(wanted, found)
        return {
            "RequestedProvisionedConcurrentExecutions": standing.requested,
            "AvailableProvisionedConcurrentExecutions": standing.available,
            "AllocatedProvisionedConcurrentExecutions": standing.allocated,
            "Status": standing.status.value,
            "StatusReason": standing.reason,
            "LastModified": config.last_modified.strftime("%Y-%m-%dT%H:%M:%S+0000"),
        }
