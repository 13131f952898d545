"""
The operations on layers and their versions.

Layers are kept and can be had again; no function has one yet, for functions that are zip packages are not built.
AWS: https://docs.aws.amazon.com/lambda/latest/dg/chapter-layers.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

from orchestrator.clock import Clock
from orchestrator.domain.access import denied
from orchestrator.domain.errors import InvalidParameterValue, NotBuiltYet
from orchestrator.domain.layers import Layer, LayerKey, LayerVersion, check_archive, layer_in
from orchestrator.domain.quotas import check_code_storage
from orchestrator.lambda_api.callers import Caller
from orchestrator.lambda_api.layer_downloads import path_of
from orchestrator.lambda_api.operations import Handler, Reply, no_such_resource
from orchestrator.lambda_api.pages import page_by_name
from orchestrator.lambda_api.parse import Parameters
from orchestrator.lambda_api.times import aws_time
from orchestrator.store.documents import Documents, Place
from orchestrator.store.layer_archives import LAYER_VERSIONS, LAYERS, LayerArchives, layers_bytes, version_place

_NO_NUMBER = 2**62
"""No layer has so many versions."""
_OF_S3 = ("S3Bucket", "S3Key", "S3ObjectVersion", "S3ObjectStorageMode")


class LayerOperations:
    """Publish, get, list, delete."""

    def __init__(
        self, *, documents: Documents, archives: LayerArchives, clock: Clock, new_id: Callable[[], str]
    ) -> None:
        self._documents = documents
        self._archives = archives
        self._clock = clock
        self._new_id = new_id
        self._changing = asyncio.Lock()
        """One at a time: an archive is written before a record names it, and removed after none does."""
        documents.know(LAYERS)
        documents.know(LAYER_VERSIONS)

    def handlers(self) -> dict[str, Handler]:
        """By operation name."""
        return {
            "PublishLayerVersion": self.publish,
            "GetLayerVersion": self.get,
            "GetLayerVersionByArn": self.get_by_arn,
            "ListLayers": self.list_layers,
            "ListLayerVersions": self.list_versions,
            "DeleteLayerVersion": self.delete,
        }

    async def publish(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_PublishLayerVersion.html"""
        key = own_layer(caller, parameters, "PublishLayerVersion")
        content = _archive_in(parameters["Content"])
        await asyncio.to_thread(check_archive, content)
        async with self._changing:
            check_code_storage(layers_bytes(self._documents, key.account, key.region), len(content))
            sha256 = await self._archives.keep(content)
            layer = self._documents.get(LAYERS, _place(key))
            number = (layer.last_published if layer is not None else 0) + 1
            await self._documents.put(LAYERS, _place(key), Layer(last_published=number), before=layer)
            version = LayerVersion(
                key=key,
                number=number,
                description=parameters.get("Description", ""),
                license_info=parameters.get("LicenseInfo"),
                compatible_runtimes=_texts(parameters.get("CompatibleRuntimes")),
                compatible_architectures=_texts(parameters.get("CompatibleArchitectures")),
                sha256=sha256,
                size_bytes=len(content),
                token=self._new_id().replace("-", ""),
                created_at=self._clock.now(),
            )
            await self._documents.put(LAYER_VERSIONS, version_place(key, number), version, before=None)
        return Reply(201, _rendered_with_content(caller, version))

    async def get(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_GetLayerVersion.html"""
        key, _ = layer_in(parameters["LayerName"], caller.account, caller.region)
        return self._got(caller, key, positive(parameters["VersionNumber"]))

    async def get_by_arn(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_GetLayerVersionByArn.html"""
        key, number = layer_in(parameters["Arn"], caller.account, caller.region)
        return self._got(caller, key, number or 0)

    async def list_layers(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_ListLayers.html"""
        # In the order of their numbers: the last that is asked for stays.
        newest = {version.key.name: version for version in self._versions(caller.account, caller.region, parameters)}
        shown, more = page_by_name(sorted(newest.items()), parameters)
        layers = [
            {"LayerName": one.key.name, "LayerArn": one.key.arn, "LatestMatchingVersion": _rendered(one)}
            for one in shown
        ]
        return Reply(200, {"Layers": layers, **more})

    async def list_versions(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_ListLayerVersions.html"""
        key = own_layer(caller, parameters, "ListLayerVersions")
        versions = [one for one in self._versions(key.account, key.region, parameters) if one.key == key]
        # The newest first; a marker needs names that grow.
        named = ((f"{_NO_NUMBER - one.number:019}", one) for one in reversed(versions))
        shown, more = page_by_name(named, parameters)
        return Reply(200, {"LayerVersions": [_rendered(one) for one in shown], **more})

    async def delete(self, caller: Caller, parameters: Parameters) -> Reply:
        """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_DeleteLayerVersion.html"""
        key, number = own_layer(caller, parameters, "DeleteLayerVersion"), positive(parameters["VersionNumber"])
        async with self._changing:
            version = self._documents.get(LAYER_VERSIONS, version_place(key, number))
            # AWS is content when there is none.
            if version is not None:
                await self._documents.remove(LAYER_VERSIONS, version_place(key, number))
                if not self._is_named(version.sha256):
                    await self._archives.remove(version.sha256)
        return Reply(204, None)

    def _got(self, caller: Caller, key: LayerKey, number: int) -> Reply:
        version = self._documents.get(LAYER_VERSIONS, version_place(key, number))
        if version is not None and key.region == caller.region and version.may_be_read_by(caller.account):
            return Reply(200, _rendered_with_content(caller, version))
        if key.account != caller.account:
            raise denied(caller.account, "GetLayerVersion", key.version_arn(number))
        raise no_such_resource()

    def _versions(self, account: str, region: str, parameters: Parameters) -> Iterator[LayerVersion]:
        runtime, architecture = parameters.get("CompatibleRuntime"), parameters.get("CompatibleArchitecture")
        found = self._documents.under(LAYER_VERSIONS, account, region)
        return (version for _, version in found if version.fits(runtime, architecture))

    def _is_named(self, sha256: str) -> bool:
        return any(version.sha256 == sha256 for version in self._documents.all(LAYER_VERSIONS))


def own_layer(caller: Caller, parameters: Parameters, action: str) -> LayerKey:
    """
    The layer that is to be changed or listed.

    Args:
        action: What is to be done with it, by the operation's name.

    Raises:
        AccessDenied: If it is another account's.
        ResourceNotFound: If it is in another region.
    """
    key, _ = layer_in(parameters["LayerName"], caller.account, caller.region)
    if key.account != caller.account:
        raise denied(caller.account, action, key.arn)
    if key.region != caller.region:
        raise no_such_resource()
    return key


def positive(number: int) -> int:
    """
    A version's number.

    Raises:
        InvalidParameterValue: If it can be none.
    """
    if number < 1:
        raise InvalidParameterValue("Layer Version Cannot be less than 1")
    return number


def _place(key: LayerKey) -> Place:
    return Place.beside(key.account, key.region, key.name)


def _archive_in(content: dict[str, Any]) -> bytes:
    for name in _OF_S3:
        if name in content:
            raise NotBuiltYet(
                f"{name} is not built yet in Paddock, which has no S3; give the layer's zip as Content.ZipFile"
            )
    archive: bytes | None = content.get("ZipFile")
    if archive is None:
        raise InvalidParameterValue("Please provide a ZipFile in Content.")
    return archive


def _texts(given: list[str] | None) -> tuple[str, ...] | None:
    return None if given is None else tuple(given)


def _rendered(version: LayerVersion) -> dict[str, Any]:
    """As `LayerVersionsListItem`."""
    return {
        "LayerVersionArn": version.arn,
        "Version": version.number,
        "Description": version.description,
        "CreatedDate": aws_time(version.created_at),
        "CompatibleRuntimes": version.compatible_runtimes,
        "CompatibleArchitectures": version.compatible_architectures,
        "LicenseInfo": version.license_info,
    }


def _rendered_with_content(caller: Caller, version: LayerVersion) -> dict[str, Any]:
    """As `GetLayerVersionResponse`."""
    return _rendered(version) | {
        "LayerArn": version.key.arn,
        "Content": {
            "Location": f"{caller.origin}{path_of(version)}" if caller.origin else None,
            "CodeSha256": version.code_sha256,
            "CodeSize": version.size_bytes,
        },
    }
