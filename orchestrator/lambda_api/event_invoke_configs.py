"""
The operations on event invoke configs: how asynchronous events of a function, version or alias are tried.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-configuring.html
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog

from orchestrator.clock import Clock
from orchestrator.domain.errors import InvalidParameterValue, ResourceNotFound
from orchestrator.domain.event_invoke_configs import EventInvokeConfig, check_destinations
from orchestrator.domain.names import LATEST, FunctionKey
from orchestrator.lambda_api.callers import Caller
from orchestrator.lambda_api.operations import Handler, Reply, is_standing, reference
from orchestrator.lambda_api.pages import page, place_of
from orchestrator.lambda_api.parse import Parameters
from orchestrator.store.documents import Documents, Place
from orchestrator.store.event_invoke_configs import EVENT_INVOKE_CONFIGS
from orchestrator.store.functions import FunctionStore

_SETTINGS = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class EventInvokeConfigOperations:
    """Put, update, get, list, delete."""

    def __init__(self, *, functions: FunctionStore, documents: Documents, clock: Clock) -> None:
        self._functions = functions
        self._documents = documents
        self._clock = clock

    def handlers(self) -> dict[str, Handler]:
        """By operation name."""
        return {
            "PutFunctionEventInvokeConfig": self.put,
            "UpdateFunctionEventInvokeConfig": self.update,
            "GetFunctionEventInvokeConfig": self.get,
            "ListFunctionEventInvokeConfigs": self.list_configs,
            "DeleteFunctionEventInvokeConfig": self.delete,
        }

    async def put(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html"""
        key, qualifier = self._target(caller, parameters)
        before = self._documents.get(EVENT_INVOKE_CONFIGS, Place.on(key, qualifier))
        wanted = EventInvokeConfig(last_modified=self._clock.now())
        return await self._save(key, qualifier, before, _changed(wanted, parameters))

    async def update(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionEventInvokeConfig.html"""
        key, qualifier = self._target(caller, parameters)
        before = self._found(key, qualifier)
        wanted = replace(before, last_modified=self._clock.now())
        return await self._save(key, qualifier, before, _changed(wanted, parameters))

    async def get(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionEventInvokeConfig.html"""
        asked = reference(caller, parameters)
        qualifier = asked.qualifier or LATEST
        return Reply(200, _rendered(asked.key, qualifier, self._found(asked.key, qualifier)))

    async def list_configs(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctionEventInvokeConfigs.html"""
        key = reference(caller, parameters).key
        if self._functions.get(key) is None:
            raise ResourceNotFound("The function doesn't exist.")
        after = (*place_of(parameters), "")[0]
        listed = (
            (place.name, config)
            for place, config in self._documents.under(EVENT_INVOKE_CONFIGS, key.account, key.region, key.name)
            if place.name > after
        )
        configs, more = page(listed, parameters, lambda one: (one[0],))
        return Reply(200, {"FunctionEventInvokeConfigs": [_rendered(key, *one) for one in configs], **more})

    async def delete(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_DeleteFunctionEventInvokeConfig.html"""
        asked = reference(caller, parameters)
        qualifier = asked.qualifier or LATEST
        if not await self._documents.remove(EVENT_INVOKE_CONFIGS, Place.on(asked.key, qualifier)):
            raise _has_none(asked.key, qualifier)
        return Reply(204, None)

    def _target(self, caller: Caller, parameters: Parameters) -> tuple[FunctionKey, str]:
        """In the order in which AWS finds fault."""
        if not any(name in parameters for name in _SETTINGS):
            raise InvalidParameterValue("You must specify at least one of error handling or destination setting.")
        asked = reference(caller, parameters)
        qualifier = asked.qualifier or LATEST
        if not is_standing(self._functions.get(asked.key), qualifier):
            raise ResourceNotFound("The function doesn't exist.")
        return asked.key, qualifier

    def _found(self, key: FunctionKey, qualifier: str) -> EventInvokeConfig:
        config = self._documents.get(EVENT_INVOKE_CONFIGS, Place.on(key, qualifier))
        if config is None:
            raise _has_none(key, qualifier)
        return config

    async def _save(
        self, key: FunctionKey, qualifier: str, before: EventInvokeConfig | None, config: EventInvokeConfig
    ) -> Reply:
        check_destinations(key, config.on_success, config.on_failure, lambda name: self._is_there(key, name))
        along = self._functions.standing(key, qualifier)
        await self._documents.put(EVENT_INVOKE_CONFIGS, Place.on(key, qualifier), config, before=before, along=along)
        if config.on_success or config.on_failure:
            log.warning(
                "destination.not_delivered",
                function=key.qualified_arn(qualifier),
                remedy="nothing is sent there yet; what became of an event is in the history",
            )
        return Reply(200, _rendered(key, qualifier, config))

    def _is_there(self, key: FunctionKey, name: str) -> bool:
        return self._functions.get(key._replace(name=name)) is not None


def _changed(config: EventInvokeConfig, parameters: Parameters) -> EventInvokeConfig:
    changes: dict[str, Any] = {}
    if "MaximumRetryAttempts" in parameters:
        changes["maximum_retry_attempts"] = parameters["MaximumRetryAttempts"]
    if "MaximumEventAgeInSeconds" in parameters:
        changes["maximum_event_age"] = timedelta(seconds=parameters["MaximumEventAgeInSeconds"])
    if "DestinationConfig" in parameters:
        destinations = parameters["DestinationConfig"]
        changes["on_success"] = destinations.get("OnSuccess", {}).get("Destination") or None
        changes["on_failure"] = destinations.get("OnFailure", {}).get("Destination") or None
    return replace(config, **changes)


def _rendered(key: FunctionKey, qualifier: str, config: EventInvokeConfig) -> dict[str, Any]:
    age = config.maximum_event_age
    return {
        "LastModified": config.last_modified.timestamp(),
        "FunctionArn": key.qualified_arn(qualifier),
        "MaximumRetryAttempts": config.maximum_retry_attempts,
        "MaximumEventAgeInSeconds": None if age is None else int(age.total_seconds()),
        "DestinationConfig": {
            "OnSuccess": {"Destination": config.on_success},
            "OnFailure": {"Destination": config.on_failure},
        },
    }


def _has_none(key: FunctionKey, qualifier: str) -> ResourceNotFound:
    return ResourceNotFound(f"The function {key.qualified_arn(qualifier)} doesn't have an EventInvokeConfig")
