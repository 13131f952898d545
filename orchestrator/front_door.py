"""
The front port's application: who may come in, and where each request goes.

In this order: no functions (they have a door of their own), no foreign web pages, and where it must be, only what is
signed. What is neither health nor console goes straight to the Lambda API, without a framework between. The archives of
layers are had without a signature, by paths that nobody can guess.
"""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.access.browsers import BrowserRules
from orchestrator.access.exposure import Decision
from orchestrator.access.function_peers import FunctionPeers
from orchestrator.lambda_api.answers import App, Receive, Scope, Send, send_error, send_json
from orchestrator.lambda_api.layer_downloads import PREFIX as LAYER_ARCHIVES
from orchestrator.lambda_api.model import ServiceModel

_CONSOLE_PREFIX = "/_paddock/"
_ALIVE, _READY = "/healthz", "/readyz"
_HEALTH = (_ALIVE, _READY)
_FORBIDDEN = b'{"message":"functions reach Paddock at $AWS_LAMBDA_RUNTIME_API, not here"}'


class FrontDoor:
    """
    The ASGI application of the front port.

    Args:
        lambda_api: Serves every path that nobody else has.
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
        console: App,
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
        self._console = console
        self._is_ready = is_ready
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
        if scope["path"].startswith(_CONSOLE_PREFIX):
            await self._console(scope, receive, send)
        elif scope["path"] in _HEALTH:
            await self._tell_health(scope, send)
        else:
            await self._lambda_api(scope, receive, send)

    async def _tell_health(self, scope: Scope, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            await send_json(send, 405, b'{"detail":"Method Not Allowed"}', (b"allow", b"GET, HEAD"))
        elif scope["path"] == _ALIVE:
            await send_json(send, 200, b'{"status":"alive"}')
        elif self._is_ready():
            await send_json(send, 200, b'{"status":"ready"}')
        else:
            await send_json(send, 503, b'{"status":"starting"}')


async def _refuse_function(send: Send) -> None:
    await send_json(send, 403, _FORBIDDEN)
