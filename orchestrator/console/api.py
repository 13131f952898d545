"""
The console's API, for `paddock ps`, `describe`, `logs` and `doctor`: what AWS's API has no place for.

Read-only. Functions are named as on the command line; one of the default account and region wins.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, HTTPException, Query
from fastapi.responses import StreamingResponse
from starlette.types import ASGIApp

from orchestrator.console.sources import ConsoleSources
from orchestrator.console.views import diagnosis_view, entry_view, environment_view, invocation_view, line_views
from orchestrator.domain.functions import Function
from orchestrator.domain.names import DEFAULT_ACCOUNT, FunctionKey
from orchestrator.store.store import Store

_MEDIA_TYPE = "application/x-ndjson"
_HISTORY_SHOWN = 20
_HISTORY_SEARCHED = 400
_MOST_ENTRIES = 10_000
_MOST_LINES = 100_000
_KEEP_ALIVE_S = 5.0


def console_application(sources: ConsoleSources, otherwise: ASGIApp) -> FastAPI:
    """
    The console with the description of its API.

    Args:
        otherwise: Serves the paths that it does not have.
    """
    app = FastAPI(
        title="Paddock", docs_url=None, redoc_url=None, openapi_url="/_paddock/openapi.json", redirect_slashes=False
    )
    app.include_router(console_router(sources))
    # Not mounted: the paths of a mount are of one line, and a line's end can be in a path.
    app.router.default = otherwise
    return app


def console_router(sources: ConsoleSources) -> APIRouter:
    """The routes under `/_paddock`."""
    router = APIRouter(prefix="/_paddock", tags=["console"])

    @router.get("/environments")
    async def environments(function: str | None = None) -> dict[str, Any]:
        """Every live environment, or those of one function."""
        shown = [
            environment_view(live)
            for live in sources.fleet.live()
            if function in (None, live.environment.version.function.name)
        ]
        return {"environments": shown}

    @router.get("/functions/{name}")
    async def function(name: str) -> dict[str, Any]:
        """A function's environments, its queue and its last endings."""
        found = _find(sources, name)
        entries = await sources.store.history.lifecycle(found.key, limit=_HISTORY_SEARCHED)
        unfinished = await sources.store.invocations.count_unfinished(found.key)
        held = sources.leases.held(found.key)
        return {
            "function_name": name,
            "function_arn": found.key.arn,
            "version": found.latest.version,
            "versions": [one.version for one in found.every_version()],
            "aliases": {name: dict(alias.shares()) for name, alias in sorted(found.aliases.items())},
            "queued_events": max(0, unfinished - held),
            "in_flight": held,
            "environments": [
                environment_view(live)
                for live in sources.fleet.live()
                if live.environment.version.function == found.key
            ],
            "diagnosis": diagnosis_view(entries),
            "history": [entry_view(entry) for entry in reversed(entries[:_HISTORY_SHOWN])],
        }

    @router.get("/functions/{name}/history")
    async def history(name: str, limit: Annotated[int, Query(ge=0, le=_MOST_ENTRIES)] = 100) -> dict[str, Any]:
        """What happened to a function, oldest first."""
        entries = await sources.store.history.lifecycle(_find(sources, name).key, limit=limit)
        return {"history": [entry_view(entry) for entry in reversed(entries)]}

    @router.get("/functions/{name}/output")
    async def output(
        name: str, limit: Annotated[int, Query(ge=0)] = 1000, follow: bool = False, request_id: str | None = None
    ) -> StreamingResponse:
        """A function's log, a JSON document a line; with `follow` it goes on."""
        key = _find(sources, name).key
        lines = min(limit, _MOST_LINES)
        content = _followed(sources.store, key, lines) if follow else _past(sources.store, key, lines, request_id)
        return StreamingResponse(content, media_type=_MEDIA_TYPE)

    @router.get("/invocations/{request_id}")
    async def invocation(request_id: str) -> dict[str, Any]:
        """What became of an invocation."""
        found = await sources.store.invocations.get(request_id)
        if found is None:
            raise HTTPException(404, f"Invocation not found: {request_id}; it may be older than what is kept")
        entries = await sources.store.history.lifecycle(request_id=request_id)
        return invocation_view(found, entries)

    @router.get("/doctor")
    async def doctor() -> dict[str, Any]:
        """Every check with its fact and remedy."""
        return {"checks": [asdict(check) for check in await sources.doctor.examine()]}

    return router


def _find(sources: ConsoleSources, name: str) -> Function:
    found = sources.store.functions.get(FunctionKey(DEFAULT_ACCOUNT, sources.region, name))
    if found is None:
        found = next((one for one in sources.store.functions.all() if one.key.name == name), None)
    if found is None:
        raise HTTPException(404, f"Function not found: {name}; `paddock ls` has those there are")
    return found


async def _past(store: Store, key: FunctionKey, limit: int, request_id: str | None) -> AsyncIterator[bytes]:
    for _, batch in await store.history.output(key, limit_lines=limit, request_id=request_id):
        for view in line_views(batch):
            yield _line(view)


async def _followed(store: Store, key: FunctionKey, limit: int) -> AsyncIterator[bytes]:
    with store.history.follow(key) as follower:
        last = 0
        for row_id, batch in await store.history.output(key, limit_lines=limit) if limit else ():
            last = row_id
            for view in line_views(batch):
                yield _line(view)
        # An empty line sends the headers at once; later ones find out whether the client is still there.
        yield b"\n"
        while True:
            try:
                row_id, batch = await asyncio.wait_for(anext(follower), _KEEP_ALIVE_S)
            except TimeoutError:
                yield b"\n"
                continue
            except StopAsyncIteration:
                return
            if row_id > last:
                for view in line_views(batch):
                    yield _line(view)


def _line(view: dict[str, Any]) -> bytes:
    return json.dumps(view).encode() + b"\n"
