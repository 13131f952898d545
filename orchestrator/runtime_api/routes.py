"""
The Runtime API's routes: next, response, error, init/error, ping. Plain ASGI.

Every request is identified by its Host header and its peer address (D1); anything else gets 403. The invoke
operations of the Lambda API are reachable here too, for calls from inside functions (D13).
AWS: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from orchestrator.domain import endings
from orchestrator.domain.environments import EnvironmentState
from orchestrator.domain.errors import IllegalMove
from orchestrator.domain.invocations import MAX_RESPONSE_BYTES, Answer, FunctionError
from orchestrator.fleet.fleet import Fleet
from orchestrator.fleet.live import Event, LiveEnvironment
from orchestrator.invocations.dispatcher import Dispatcher
from orchestrator.invocations.events import UnknownRequest
from orchestrator.runtime_api import answers
from orchestrator.runtime_api.answers import Receive, Reply, Scope, Send
from orchestrator.runtime_api.posts import (
    ERROR_TYPE,
    INVOCATION_ID,
    RESPONSE_MODE,
    ClientLeft,
    TooLarge,
    error_type_of,
    header,
    read_body,
    response_of,
)
from orchestrator.runtime_api.refusals import Refusals
from orchestrator.runtime_api.turns import Turns
from orchestrator.when_left import WHEN_LEFT, WhenLeft

App = Callable[[Scope, Receive, Send], Awaitable[None]]

_PREFIX = "/2018-06-01"
_NEXT = f"{_PREFIX}/runtime/invocation/next"
_INVOCATION = f"{_PREFIX}/runtime/invocation/"
_INIT_ERROR = f"{_PREFIX}/runtime/init/error"
_PING = f"{_PREFIX}/ping"
_LAMBDA_API = "/20"
_OF_THE_SANDBOX = (_PREFIX, "/2020-01-01/", "/2020-08-15/logs", "/2022-07-01/telemetry")
"""The Runtime, Extensions, Logs and Telemetry APIs; every other date is the Lambda API's."""
_REASONS: dict[Reply, str] = {
    answers.NOT_FOUND: "it asked for what the Runtime API does not have",
    answers.METHOD_NOT_ALLOWED: "it asked by another method",
    answers.INVALID_REQUEST_ID: "it answered a request that it does not work on",
    answers.INVALID_STATE: "it answered twice, or failed in an init that was over",
    answers.INVALID_MODE: "it answered in a mode that there is not",
}


class RuntimeApi:
    """
    The ASGI application of :9001.

    Args:
        lambda_api: Serves the invoke operations for functions; gets the caller's request id in its scope as
            `paddock.caller`, and the account that the function is of as `paddock.account`.
        refusals: Is told whenever an environment is refused something.
        turns: Who asks in vain too often waits.
    """

    def __init__(
        self, *, fleet: Fleet, dispatcher: Dispatcher, lambda_api: App, refusals: Refusals, turns: Turns
    ) -> None:
        self._fleet = fleet
        self._dispatcher = dispatcher
        self._lambda_api = lambda_api
        self._refusals = refusals
        self._turns = turns

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        live = self._caller(scope)
        if live is None:
            await self._refuse_unknown(scope, send)
            return
        path: str = scope["path"]
        is_post = scope["method"] == "POST"
        if path == _NEXT:
            await (self._refuse(live, answers.METHOD_NOT_ALLOWED, send) if is_post else self._next(live, scope, send))
        elif path.startswith(_INVOCATION):
            request_id, _, call = path[len(_INVOCATION) :].partition("/")
            if call not in ("response", "error"):
                await self._refuse(live, answers.NOT_FOUND, send)
            elif not is_post:
                await self._refuse(live, answers.METHOD_NOT_ALLOWED, send)
            else:
                await self._post(live, request_id, call == "error", scope, receive, send)
        elif path == _INIT_ERROR and is_post:
            await self._init_error(live, scope, receive, send)
        elif path == _PING:
            await self._turn_of(live)
            await answers.PONG.send(send)
        elif path.startswith(_LAMBDA_API) and not path.startswith(_OF_THE_SANDBOX):
            assignment = live.assignment
            scope["paddock.account"] = live.version.key.account
            scope["paddock.caller"] = assignment.event.request_id if assignment is not None else live.environment_id
            await self._lambda_api(scope, receive, send)
        else:
            await self._refuse(live, answers.NOT_FOUND, send)

    async def _refuse(self, live: LiveEnvironment, reply: Reply, send: Send) -> None:
        self._refusals.note(live, _REASONS[reply])
        await self._turn_of(live)
        await reply.send(send)

    async def _turn_of(self, live: LiveEnvironment) -> None:
        if live.sandbox is not None:
            await self._turns.wait(live.sandbox.address)

    async def _refuse_unknown(self, scope: Scope, send: Send) -> None:
        if scope["client"] is not None:
            address = scope["client"][0]
            live = self._fleet.at_address(address)
            # Who only asks for work when its time is over has not heard yet that there will be none.
            if live is not None and not live.environment.is_ending:
                self._refusals.note(live, "it asked by another name than its own")
            elif live is not None and scope["method"] == "POST":
                self._refusals.note(live, "it answered when its time was over")
            await self._turns.wait(address)
        await answers.UNKNOWN_CALLER.send(send)

    def _caller(self, scope: Scope) -> LiveEnvironment | None:
        host, client = header(scope, b"host"), scope["client"]
        if host is None or client is None:
            return None
        return self._fleet.find(host.partition(":")[0].lower(), client[0])

    async def _next(self, live: LiveEnvironment, scope: Scope, send: Send) -> None:
        if live.environment.is_ending:
            await answers.ENVIRONMENT_ENDED.send(send)
            return
        if live.state is EnvironmentState.BUSY:
            # It will get what it has already.
            await self._turn_of(live)
        poll = self._dispatcher.asked_for_work(live)
        event = poll.result() if poll.done() else await self._park(live, poll, scope)
        if event is None:
            await answers.ENVIRONMENT_ENDED.send(send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": event.headers})
        await send({"type": "http.response.body", "body": event.body})

    async def _park(self, live: LiveEnvironment, poll: asyncio.Future[Event | None], scope: Scope) -> Event | None:
        """Wait without a timeout; a client that goes away meanwhile is given nothing."""
        when_left: WhenLeft = scope[WHEN_LEFT]
        when_left(lambda: self._dispatcher.poll_left(live, poll))
        try:
            return await poll
        finally:
            when_left(None)

    async def _post(
        self, live: LiveEnvironment, request_id: str, is_error: bool, scope: Scope, receive: Receive, send: Send
    ) -> None:
        # Checked before and after the body: it may take long to come, and the run may end meanwhile.
        if (refusal := self._refusal(live, request_id, scope)) is not None:
            await self._refuse(live, refusal, send)
            return
        mode = header(scope, RESPONSE_MODE)
        if not is_error and mode is not None and mode.lower() != "streaming":
            await self._refuse(live, answers.INVALID_MODE, send)
            return
        reply = answers.ACCEPTED
        answer: Answer | FunctionError
        try:
            body = await read_body(receive, MAX_RESPONSE_BYTES)
            answer = (
                FunctionError(payload=body, error_type=error_type_of(header(scope, ERROR_TYPE)))
                if is_error
                else response_of(scope, body)
            )
        except TooLarge:
            answer = endings.response_too_large(MAX_RESPONSE_BYTES)
            reply = answers.TOO_LARGE
        except ClientLeft:
            self._refusals.note(live, "it left before its answer had come whole")
            return
        if (refusal := self._refusal(live, request_id, scope)) is not None:
            await self._refuse(live, refusal, send)
            return
        self._dispatcher.answered(live, request_id, answer)
        await reply.send(send)

    def _refusal(self, live: LiveEnvironment, request_id: str, scope: Scope) -> Reply | None:
        try:
            self._dispatcher.check_request(live, request_id, header(scope, INVOCATION_ID))
        except UnknownRequest:
            return answers.INVALID_REQUEST_ID
        return None if live.state is EnvironmentState.BUSY else answers.INVALID_STATE

    async def _init_error(self, live: LiveEnvironment, scope: Scope, receive: Receive, send: Send) -> None:
        if live.state is not EnvironmentState.INITIALIZING:
            await self._refuse(live, answers.INVALID_STATE, send)
            return
        try:
            body = await read_body(receive, MAX_RESPONSE_BYTES)
        except (TooLarge, ClientLeft):
            body = b"{}"
        error = FunctionError(payload=body, error_type=error_type_of(header(scope, ERROR_TYPE)))
        await answers.ACCEPTED.send(send)
        try:
            self._dispatcher.init_failed(live, error)
        except IllegalMove:
            return
