"""
Where the archives of layers can be had: the `Location` of a version.

As on AWS the path itself is the permission: it ends with what only this version's answers tell, and a request for it is
not signed. Unlike AWS's it does not expire; it ends with the version.
"""

from __future__ import annotations

import asyncio
from typing import BinaryIO

from orchestrator.domain.layers import LayerVersion
from orchestrator.lambda_api.answers import Receive, Scope, Send, send_json
from orchestrator.store.documents import Documents, Place
from orchestrator.store.layer_archives import LAYER_VERSIONS, LayerArchives, version_place

PREFIX = "/_paddock/layers/"

_PIECE_BYTES = 1_048_576
_NOT_FOUND = b'{"message":"there is no layer here: ask GetLayerVersion for its Location"}'


class LayerDownloads:
    """The ASGI application for paths that begin with `PREFIX`."""

    def __init__(self, documents: Documents, archives: LayerArchives) -> None:
        self._documents = documents
        self._archives = archives

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Serve one request."""
        version = self._version(scope["path"].removeprefix(PREFIX)) if scope["method"] == "GET" else None
        if version is None:
            await send_json(send, 404, _NOT_FOUND)
            return
        try:
            stream = await asyncio.to_thread(open, self._archives.path(version.sha256), "rb")
        except FileNotFoundError:
            await send_json(send, 404, _NOT_FOUND)
            return
        with stream:
            await _send_archive(send, version, stream)

    def _version(self, path: str) -> LayerVersion | None:
        parts = path.split("/")
        if len(parts) != 5:
            return None
        account, region, name, number, token = parts
        place = Place.beside(account, region, f"{name}:{number}")
        version = self._documents.get(LAYER_VERSIONS, place)
        return version if version is not None and version.has_token(token.removesuffix(".zip")) else None


def path_of(version: LayerVersion) -> str:
    """Where its archive can be had."""
    place = version_place(version.key, version.number)
    return f"{PREFIX}{place.account}/{place.region}/{place.name.replace(':', '/')}/{version.token}.zip"


async def _send_archive(send: Send, version: LayerVersion, stream: BinaryIO) -> None:
    headers = [
        (b"content-type", b"application/zip"),
        (b"content-length", str(version.size_bytes).encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    left = version.size_bytes
    while piece := await asyncio.to_thread(stream.read, _PIECE_BYTES):
        left -= len(piece)
        # The last one ends the answer, as its client sees: what that sends next must not meet one that goes on.
        await send({"type": "http.response.body", "body": piece, "more_body": left > 0})
