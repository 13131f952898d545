"""
The operations on function URLs.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog

from orchestrator.clock import Clock
from orchestrator.domain.errors import ResourceConflict, ResourceNotFound
from orchestrator.domain.function_urls import BUFFERED, Cors, FunctionUrl
from orchestrator.domain.functions import Function, check_serves_all_alike
from orchestrator.domain.names import LATEST, FunctionKey
from orchestrator.lambda_api.callers import Caller
from orchestrator.lambda_api.operations import Handler, Reply, is_standing, reference
from orchestrator.lambda_api.pages import page, place_of
from orchestrator.lambda_api.parse import Parameters
from orchestrator.store.documents import Documents, Kind, Place
from orchestrator.store.functions import FunctionStore

FUNCTION_URLS = Kind("function-url", FunctionUrl, outlives_alias=True)
_LISTS = ("allow_headers", "allow_methods", "allow_origins", "expose_headers")

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class FunctionUrlOperations:
    """
    Create, get, update, delete, list.

    Args:
        new_id: Gives a fresh UUID.
        authority: Host and port under which function URLs are.
    """

    def __init__(
        self,
        *,
        functions: FunctionStore,
        documents: Documents,
        clock: Clock,
        new_id: Callable[[], str],
        authority: str,
    ) -> None:
        self._functions = functions
        self._documents = documents
        self._clock = clock
        self._new_id = new_id
        self._authority = authority
        documents.know(FUNCTION_URLS)

    def handlers(self) -> dict[str, Handler]:
        """By operation name."""
        return {
            "CreateFunctionUrlConfig": self.create,
            "GetFunctionUrlConfig": self.get,
            "UpdateFunctionUrlConfig": self.update,
            "DeleteFunctionUrlConfig": self.delete,
            "ListFunctionUrlConfigs": self.list_urls,
        }

    async def create(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunctionUrlConfig.html"""
        key, qualifier, function = self._standing(caller, parameters)
        check_serves_all_alike(function, "Function URLs")
        arn = _arn(key, qualifier)
        if self._documents.get(FUNCTION_URLS, Place.on(key, qualifier)) is not None:
            raise ResourceConflict(
                f"Failed to create function url config for [functionArn = {arn}]. "
                "Error message:  FunctionUrlConfig exists for this Lambda function"
            )
        now = self._clock.now()
        url = FunctionUrl(
            url_id=self._new_id().replace("-", ""),
            auth_type=parameters["AuthType"],
            cors=_cors(parameters.get("Cors", {})),
            invoke_mode=parameters.get("InvokeMode"),
            created=now,
            last_modified=now,
        )
        await self._save(key, qualifier, None, url)
        log.warning("function_url.not_served", function=arn, remedy="the URL is kept and shown; nothing answers there")
        output = self._rendered(key, qualifier, url)
        del output["LastModifiedTime"]
        return Reply(201, output)

    async def get(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionUrlConfig.html"""
        key, qualifier = _named(caller, parameters)
        url = self._found(key, qualifier)
        return Reply(200, self._rendered(key, qualifier, replace(url, invoke_mode=url.invoke_mode or BUFFERED)))

    async def update(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionUrlConfig.html"""
        key, qualifier, _ = self._standing(caller, parameters)
        before = self._found(key, qualifier)
        changed = replace(
            before,
            auth_type=parameters.get("AuthType", before.auth_type),
            cors=_cors(parameters["Cors"]) if "Cors" in parameters else before.cors,
            invoke_mode=parameters.get("InvokeMode", before.invoke_mode),
            last_modified=self._clock.now(),
        )
        await self._save(key, qualifier, before, changed)
        return Reply(200, self._rendered(key, qualifier, changed))

    async def delete(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_DeleteFunctionUrlConfig.html"""
        if not await self._documents.remove(FUNCTION_URLS, Place.on(*_named(caller, parameters))):
            raise _there_is_none()
        return Reply(204, None)

    async def list_urls(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctionUrlConfigs.html"""
        key = reference(caller, parameters).key
        if self._functions.get(key) is None:
            raise ResourceNotFound("Function does not exist")
        after = (*place_of(parameters), "")[0]
        listed = (
            (place.name, replace(url, invoke_mode=url.invoke_mode or BUFFERED))
            for place, url in self._documents.under(FUNCTION_URLS, key.account, key.region, key.name)
            if place.name > after
        )
        urls, more = page(listed, parameters, lambda one: (one[0],))
        return Reply(200, {"FunctionUrlConfigs": [self._rendered(key, *one) for one in urls], **more})

    def _standing(self, caller: Caller, parameters: Parameters) -> tuple[FunctionKey, str, Function]:
        key, qualifier = _named(caller, parameters)
        function = self._functions.get(key)
        if function is None or not is_standing(function, qualifier):
            raise ResourceNotFound("Function does not exist")
        return key, qualifier, function

    def _found(self, key: FunctionKey, qualifier: str) -> FunctionUrl:
        url = self._documents.get(FUNCTION_URLS, Place.on(key, qualifier))
        if url is None:
            raise _there_is_none()
        return url

    async def _save(self, key: FunctionKey, qualifier: str, before: FunctionUrl | None, url: FunctionUrl) -> None:
        along = self._functions.standing(key, qualifier)
        await self._documents.put(FUNCTION_URLS, Place.on(key, qualifier), url, before=before, along=along)

    def _rendered(self, key: FunctionKey, qualifier: str, url: FunctionUrl) -> dict[str, Any]:
        return {
            "FunctionUrl": url.address(key.region, self._authority),
            "FunctionArn": _arn(key, qualifier),
            "AuthType": url.auth_type,
            "Cors": None if url.cors is None else _rendered_cors(url.cors),
            "CreationTime": _aws_time(url.created),
            "LastModifiedTime": _aws_time(url.last_modified),
            "InvokeMode": url.invoke_mode,
        }


def _named(caller: Caller, parameters: Parameters) -> tuple[FunctionKey, str]:
    asked = reference(caller, parameters)
    return asked.key, asked.qualifier or LATEST


def _arn(key: FunctionKey, qualifier: str) -> str:
    return key.arn if qualifier == LATEST else key.qualified_arn(qualifier)


def _cors(given: dict[str, Any]) -> Cors | None:
    if not given:
        return None
    lists = {name: tuple(given[wire]) for name in _LISTS if (wire := _wire(name)) in given}
    return Cors(allow_credentials=given.get("AllowCredentials"), max_age_s=given.get("MaxAge"), **lists)


def _rendered_cors(cors: Cors) -> dict[str, Any]:
    lists = {_wire(name): getattr(cors, name) for name in _LISTS}
    return {"AllowCredentials": cors.allow_credentials, "MaxAge": cors.max_age_s, **lists}


def _wire(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def _aws_time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _there_is_none() -> ResourceNotFound:
    return ResourceNotFound("The resource you requested does not exist.")
