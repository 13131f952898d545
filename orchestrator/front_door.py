"""
The front port's application: who may come in, and where each request goes.

In this order: no functions (they have a door of their own), no foreign web pages, and where it must be, only what is
signed. Lambda's paths go straight to the Lambda API, without a framework between; health and console are FastAPI. The
archives of layers are had without a signature, by paths that nobody can guess.
"""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, FastAPI, Response

from orchestrator.access.browsers import BrowserRules
from orchestrator.access.exposure import Decision
from orchestrator.access.function_peers import FunctionPeers
from orchestrator.lambda_api.answers import App, Receive, Scope, Send, send_error, send_raw
from orchestrator.lambda_api.layer_downloads import PREFIX as LAYER_ARCHIVES
from orchestrator.lambda_api.model import ServiceModel

_LAMBDA_PREFIX = "/20"
"""Every path of the Lambda API begins with a version's date."""
_HEALTH = ("/healthz", "/readyz")
_FORBIDDEN = b'{"message":"functions reach Paddock at $AWS_LAMBDA_RUNTIME_API, not here"}'


class FrontDoor:
    """
    The ASGI application of the front port.

    Args:
        lambda_api: Serves what begins with a date, and every path nobody else has.
        console: Serves `/_paddock/...`.
        downloads: Serves the archives of layers, whose paths are the permission.
        is_ready: Has everything started, and nothing failed?
        functions: These peers are refused.
        browsers: What web pages may do.
        signing: Must requests be signed?
        signed_only: Wraps an application so that it gets signed requests alone.
        model: For errors in AWS's form.
        new_request_id: For answers to what was not let in.
    """

    def __init__(
        self,
        *,
        lambda_api: App,
        console: APIRouter,
        downloads: App,
        is_ready: Callable[[], bool],
        functions: FunctionPeers,
        browsers: BrowserRules,
        signing: Decision,
        signed_only: Callable[[App], App],
        model: ServiceModel,
        new_request_id: Callable[[], str],
    ) -> None:
        self._lambda_api = lambda_api
        self._downloads = downloads
        self._functions = functions
        self._others = _application(lambda_api, console, is_ready)
        self._browsers = browsers
        self._signing = signing
        self._signed = signed_only(self._route)
        self._model = model
        self._new_request_id = new_request_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        client = scope["client"]
        if client is not None and self._functions.include(client[0]):
            await _refuse_function(send)
            return
        refusal = self._browsers.refusal(scope["method"], scope["headers"])
        if refusal is not None:
            await send_error(send, self._model, refusal, self._new_request_id())
        elif scope["path"].startswith(LAYER_ARCHIVES):
            await self._downloads(scope, receive, send)
        elif self._signing.lets_everyone_in or scope["path"] in _HEALTH:
            await self._route(scope, receive, send)
        elif await self._signing.needs_signature():
            await self._signed(scope, receive, send)
        elif client is not None and self._functions.included(client[0]):
            # It waited until that was known: a function of an earlier life that sent it has gone, its request has not.
            await _refuse_function(send)
        else:
            await self._route(scope, receive, send)

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith(_LAMBDA_PREFIX):
            await self._lambda_api(scope, receive, send)
        else:
            await self._others(scope, receive, send)


async def _refuse_function(send: Send) -> None:
    await send_raw(send, 403, [(b"content-type", b"application/json")], _FORBIDDEN)


def _application(lambda_api: App, console: APIRouter, is_ready: Callable[[], bool]) -> FastAPI:
    app = FastAPI(
        title="Paddock", docs_url=None, redoc_url=None, openapi_url="/_paddock/openapi.json", redirect_slashes=False
    )

    @app.get("/healthz", include_in_schema=False)
    async def alive() -> dict[str, str]:
        """Is this process alive?"""
        return {"status": "alive"}

    @app.get("/readyz", include_in_schema=False)
    async def ready(response: Response) -> dict[str, str]:
        """Does it take invocations?"""
        if not is_ready():
            response.status_code = 503
            return {"status": "starting"}
        return {"status": "ready"}

    app.include_router(console)
    # Not mounted: the paths of a mount are of one line, and a line's end can be in a path.
    app.router.default = lambda_api
    return app
