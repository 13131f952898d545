"""
The operations on capacity providers.

A provider is a record: Paddock starts no instances, the host is the capacity. It says it is `Active`, which Terraform
and CloudFormation wait for, and a warning in the log says that nothing uses it: a function with a
`CapacityProviderConfig` is refused by name, so no function version is ever listed under one.
AWS: https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-capacity-providers.html
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import structlog

from orchestrator.clock import Clock
from orchestrator.domain.capacity_providers import CapacityProvider, arn_of, changed
from orchestrator.domain.errors import InvalidParameterValue, ResourceConflict, ResourceNotFound
from orchestrator.domain.function_tags import check_count
from orchestrator.lambda_api.callers import Caller
from orchestrator.lambda_api.operations import Handler, Reply
from orchestrator.lambda_api.pages import page_by_name
from orchestrator.lambda_api.parse import Parameters
from orchestrator.lambda_api.times import aws_time
from orchestrator.store.documents import Documents, Kind, Place

CAPACITY_PROVIDERS = Kind("capacity-provider", CapacityProvider)

_ACTIVE = "Active"

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class CapacityProviderOperations:
    """Create, get, list, update, delete; list the function versions on one."""

    def __init__(self, *, documents: Documents, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock
        documents.know(CAPACITY_PROVIDERS)

    def handlers(self) -> dict[str, Handler]:
        """By operation name."""
        return {
            "CreateCapacityProvider": self.create,
            "GetCapacityProvider": self.get,
            "ListCapacityProviders": self.list_providers,
            "UpdateCapacityProvider": self.update,
            "DeleteCapacityProvider": self.delete,
            "ListFunctionVersionsByCapacityProvider": self.list_function_versions,
        }

    async def create(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_CreateCapacityProvider.html"""
        settings = changed({}, parameters)
        tags = parameters.get("Tags", {})
        check_count(tags)
        arn = arn_of(caller.account, caller.region, parameters["CapacityProviderName"])
        if not _is_callers(caller, arn):
            raise InvalidParameterValue(f"{arn} is not of this account and region.")
        place = _place(caller, arn)
        if self._documents.get(CAPACITY_PROVIDERS, place) is not None:
            raise ResourceConflict(f"Capacity provider already exists: {arn}")
        provider = CapacityProvider(arn=arn, settings=settings, last_modified=self._clock.now(), tags=tags)
        await self._documents.put(CAPACITY_PROVIDERS, place, provider, before=None)
        log.warning(
            "capacity-provider.not-used",
            arn=arn,
            fact="Paddock keeps capacity providers but starts no instances; the host is the capacity",
            remedy="leave CapacityProviderConfig out of functions",
        )
        return Reply(202, {"CapacityProvider": _rendered(provider, "Pending")})

    async def get(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_GetCapacityProvider.html"""
        return Reply(200, {"CapacityProvider": _rendered(self._provider(caller, parameters))})

    async def list_providers(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_ListCapacityProviders.html"""
        found = self._documents.under(CAPACITY_PROVIDERS, caller.account, caller.region)
        in_state = ((place.name, provider) for place, provider in found if parameters.get("State", _ACTIVE) == _ACTIVE)
        shown, more = page_by_name(in_state, parameters)
        return Reply(200, {"CapacityProviders": [_rendered(one) for one in shown], **more})

    async def update(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_UpdateCapacityProvider.html"""
        before = self._provider(caller, parameters)
        after = replace(before, settings=changed(before.settings, parameters), last_modified=self._clock.now())
        await self._documents.put(CAPACITY_PROVIDERS, _place(caller, before.arn), after, before=before)
        return Reply(202, {"CapacityProvider": _rendered(after)})

    async def delete(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_DeleteCapacityProvider.html"""
        provider = self._provider(caller, parameters)
        await self._documents.remove(CAPACITY_PROVIDERS, _place(caller, provider.arn))
        return Reply(202, {"CapacityProvider": _rendered(provider, "Deleting")})

    async def list_function_versions(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctionVersionsByCapacityProvider.html"""
        provider = self._provider(caller, parameters)
        return Reply(200, {"CapacityProviderArn": provider.arn, "FunctionVersions": []})

    def _provider(self, caller: Caller, parameters: Parameters) -> CapacityProvider:
        arn = arn_of(caller.account, caller.region, parameters["CapacityProviderName"])
        provider = self._documents.get(CAPACITY_PROVIDERS, _place(caller, arn)) if _is_callers(caller, arn) else None
        if provider is None:
            raise ResourceNotFound(f"Capacity provider not found: {arn}")
        return provider


def _is_callers(caller: Caller, arn: str) -> bool:
    return arn.split(":")[3:5] == [caller.region, caller.account]


def _place(caller: Caller, arn: str) -> Place:
    return Place.beside(caller.account, caller.region, arn.rpartition(":")[2])


def _rendered(provider: CapacityProvider, state: str = _ACTIVE) -> dict[str, Any]:
    """As `CapacityProvider`."""
    return {
        **provider.settings,
        "CapacityProviderArn": provider.arn,
        "State": state,
        "LastModified": aws_time(provider.last_modified),
    }
