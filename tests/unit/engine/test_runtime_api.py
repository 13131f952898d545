"""The Runtime API as a runtime client meets it: HTTP in, HTTP out, known by host name and address."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from orchestrator.domain.environments import EnvironmentState
from orchestrator.domain.history import LifecycleEvent
from orchestrator.fleet.live import LiveEnvironment
from orchestrator.runtime_api.refusals import Refusals
from orchestrator.runtime_api.routes import RuntimeApi
from orchestrator.runtime_api.turns import Turns
from orchestrator.when_left import WHEN_LEFT
from tests.support.builders import KEY
from tests.support.engine import Engine, answer_of, error_of

NEXT = "/2018-06-01/runtime/invocation/next"
_PATIENCE_S = 5


async def lambda_api(scope: Any, receive: Any, send: Any) -> None:
    """Stands in for the Lambda API: says who called."""
    told = {"caller": scope["paddock.caller"], "account": scope["paddock.account"], "path": scope["path"]}
    body = json.dumps(told).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


class Client:
    """A runtime client in one sandbox."""

    def __init__(self, engine: Engine, live: LiveEnvironment, address: str | None = None) -> None:
        assert live.sandbox is not None
        refusals = Refusals(engine.journal, engine.clock, engine.fleet.at_address)
        api = RuntimeApi(
            fleet=engine.fleet,
            dispatcher=engine.dispatcher,
            lambda_api=lambda_api,
            refusals=refusals,
            turns=Turns(engine.clock),
        )
        self._api = api
        self._when_left: Callable[[], None] | None = None
        transport = httpx.ASGITransport(app=self._serve, client=(address or live.sandbox.address, 4711))
        self.http = httpx.AsyncClient(transport=transport, base_url=f"http://{live.sandbox.hostname}:9001")

    def poll(self) -> asyncio.Task[httpx.Response]:
        """`GET /next`, under way."""
        return asyncio.create_task(self.http.get(NEXT))

    def leave(self) -> None:
        """End the connection of the poll that waits."""
        assert self._when_left is not None, "nobody asked to be told"
        self._when_left()

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        def tell(call: Callable[[], None] | None) -> None:
            self._when_left = call

        scope[WHEN_LEFT] = tell
        await self._api(scope, receive, send)

    async def post(self, path: str, content: bytes = b"{}", **headers: str) -> httpx.Response:
        """POST below the API's version."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.post(f"/2018-06-01/{path}", content=content, headers=named)


@pytest.fixture
async def open_client(engine: Engine) -> AsyncIterator[Callable[..., Awaitable[Client]]]:
    """Starts an environment for whoever waits; its runtime client."""
    clients: list[Client] = []

    async def start(address: str | None = None) -> Client:
        runtime = await engine.environment()
        clients.append(Client(engine, runtime.live, address))
        return clients[-1]

    yield start
    for client in clients:
        await client.http.aclose()


Start = Callable[..., Awaitable[Client]]


async def response_of(poll: asyncio.Task[httpx.Response]) -> httpx.Response:
    """What a poll gets."""
    return await asyncio.wait_for(poll, _PATIENCE_S)


async def test_next_has_every_header_and_the_payload_untouched(engine: Engine, open_client: Start) -> None:
    """As clients read them."""
    call = engine.call({"n": [1, 2]})
    client = await open_client()
    event = await response_of(client.poll())
    assert (event.status_code, event.content) == (200, b'{"n": [1, 2]}')
    headers = event.headers
    assert headers["content-type"] == "application/json"
    assert headers["lambda-runtime-invoked-function-arn"] == "arn:aws:lambda:us-east-1:000000000000:function:hello"
    assert int(headers["lambda-runtime-deadline-ms"]) == engine.clock.epoch_ms() + 3000
    assert headers["lambda-runtime-trace-id"].startswith("Root=1-")
    assert len(headers["lambda-runtime-invocation-id"]) == 32
    assert "lambda-runtime-client-context" not in headers
    request_id = headers["lambda-runtime-aws-request-id"]
    accepted = await client.post(f"runtime/invocation/{request_id}/response", b"42")
    assert (accepted.status_code, accepted.json()) == (202, {"status": "OK"})
    assert (await answer_of(call)).payload == b"42"


async def test_a_parked_poll_waits_without_end_and_gets_the_next_event(engine: Engine, open_client: Start) -> None:
    """An hour later."""
    call = engine.call()
    client = await open_client()
    event = await response_of(client.poll())
    await client.post(f"runtime/invocation/{event.headers['lambda-runtime-aws-request-id']}/response")
    await answer_of(call)
    poll = client.poll()
    await engine.settle()
    engine.clock.advance(3600)
    assert not poll.done()
    later = engine.call({"later": True})
    event = await response_of(poll)
    assert event.json() == {"later": True}
    await client.post(f"runtime/invocation/{event.headers['lambda-runtime-aws-request-id']}/response")
    await answer_of(later)


async def test_a_wrong_id_is_400_and_a_second_answer_403(engine: Engine, open_client: Start) -> None:
    """The state machine's refusals, in AWS's words."""
    call = engine.call()
    client = await open_client()
    event = await response_of(client.poll())
    request_id = event.headers["lambda-runtime-aws-request-id"]
    wrong = await client.post("runtime/invocation/another/response")
    assert (wrong.status_code, wrong.json()["errorType"]) == (400, "InvalidRequestID")
    stale = await client.post(f"runtime/invocation/{request_id}/response", lambda_runtime_invocation_id="0" * 32)
    assert (stale.status_code, stale.json()["errorType"]) == (400, "InvalidRequestID")
    nonce = event.headers["lambda-runtime-invocation-id"]
    good = await client.post(f"runtime/invocation/{request_id}/response", lambda_runtime_invocation_id=nonce)
    assert good.status_code == 202
    again = await client.post(f"runtime/invocation/{request_id}/response")
    assert (again.status_code, again.json()["errorType"]) == (403, "InvalidStateTransition")
    await answer_of(call)


async def test_a_reported_error_is_passed_on_with_its_type(engine: Engine, open_client: Start) -> None:
    """Payload untouched; the type goes to the log."""
    call = engine.call()
    client = await open_client()
    event = await response_of(client.poll())
    request_id = event.headers["lambda-runtime-aws-request-id"]
    body = b'{"errorMessage": "no", "errorType": "ValueError"}'
    posted = await client.post(
        f"runtime/invocation/{request_id}/error", body, lambda_runtime_function_error_type="Runtime.UserError"
    )
    assert posted.status_code == 202
    assert await error_of(call) == json.loads(body)
    engine.dispatcher.asked_for_work(engine.live()[0])
    ended = engine.seen(LifecycleEvent.INVOCATION_ENDED)
    assert ended[0].detail["error_type"] == "Runtime.UserError"


async def test_a_response_over_the_limit_is_413_and_the_caller_gets_aws_error(
    engine: Engine, open_client: Start
) -> None:
    """6 MiB and 100 bytes; the caller gets AWS's error."""
    call = engine.call()
    client = await open_client()
    event = await response_of(client.poll())
    request_id = event.headers["lambda-runtime-aws-request-id"]
    posted = await client.post(f"runtime/invocation/{request_id}/response", b"x" * 6_291_557)
    assert (posted.status_code, posted.json()["errorType"]) == (413, "RequestEntityTooLarge")
    assert (await error_of(call))["errorType"] == "Function.ResponseSizeTooLarge"


async def test_an_unknown_response_mode_is_400(engine: Engine, open_client: Start) -> None:
    """And the invocation goes on."""
    call = engine.call()
    client = await open_client()
    event = await response_of(client.poll())
    path = f"runtime/invocation/{event.headers['lambda-runtime-aws-request-id']}/response"
    posted = await client.post(path, lambda_runtime_function_response_mode="sideways")
    assert (posted.status_code, posted.json()["errorType"]) == (400, "InvalidFunctionResponseMode")
    assert (await client.post(path)).status_code == 202
    await answer_of(call)


async def test_init_error_is_accepted_while_initialising_only(engine: Engine, open_client: Start) -> None:
    """403 afterwards."""
    call = engine.call()
    client = await open_client()
    assert (await client.post("runtime/init/error")).status_code == 202
    await engine.settle()
    assert engine.live() == []
    second = await open_client()
    event = await response_of(second.poll())
    refused = await second.post("runtime/init/error")
    assert (refused.status_code, refused.json()["errorType"]) == (403, "InvalidStateTransition")
    await second.post(f"runtime/invocation/{event.headers['lambda-runtime-aws-request-id']}/response")
    await answer_of(call)


@pytest.mark.parametrize("path", [NEXT, "/2018-06-01/ping", "/2015-03-31/functions/hello/invocations"])
async def test_the_right_host_name_from_another_address_is_403(engine: Engine, open_client: Start, path: str) -> None:
    """Whatever it asks for (D1)."""
    call = engine.call()
    stranger = await open_client("10.0.8.99")
    assert (await stranger.http.get(path)).status_code == 403
    call.cancel()


async def test_an_unknown_host_name_is_403(engine: Engine, open_client: Start) -> None:
    """From the right address."""
    call = engine.call()
    client = await open_client()
    assert (await client.http.get(NEXT, headers={"host": "rt-unknown:9001"})).status_code == 403
    call.cancel()


async def test_ping_unknown_paths_and_wrong_methods(engine: Engine, open_client: Start) -> None:
    """200, 404, 405."""
    call = engine.call()
    client = await open_client()
    assert (await client.http.get("/2018-06-01/ping")).status_code == 200
    assert (await client.http.get("/2018-06-01/nothing")).status_code == 404
    assert (await client.post("runtime/invocation/next")).status_code == 405
    assert (await client.http.get("/2020-01-01/extension/event/next")).status_code == 404
    assert engine.live()[0].state is EnvironmentState.INITIALIZING
    call.cancel()


async def test_the_lambda_api_is_reached_and_told_which_invocation_calls(engine: Engine, open_client: Start) -> None:
    """For calls from inside functions (D13), which speak for the function's account."""
    call = engine.call()
    client = await open_client()
    event = await response_of(client.poll())
    request_id = event.headers["lambda-runtime-aws-request-id"]
    path = "/2015-03-31/functions/other/invocations"
    seen = await client.http.post(path, content=b"{}")
    assert seen.json() == {"caller": request_id, "account": KEY.account, "path": path}
    await client.post(f"runtime/invocation/{request_id}/response")
    await answer_of(call)


async def test_what_an_environment_is_refused_is_named_once_and_then_counted(
    engine: Engine, open_client: Start
) -> None:
    """A thousand wrong answers are two lines, not a thousand, and say how many they were."""
    engine.call()
    client = await open_client()
    await response_of(client.poll())
    for _ in range(50):
        await client.post("runtime/invocation/another/response")
    (first,) = engine.seen(LifecycleEvent.REFUSED)
    assert first.detail == {"reason": "it answered a request that it does not work on", "times": 1}
    assert first.request_id is not None
    engine.clock.advance(11)
    await client.post("runtime/invocation/another/response")
    assert [one.detail["times"] for one in engine.seen(LifecycleEvent.REFUSED)] == [1, 50]


async def test_who_asks_by_anothers_name_is_known_by_the_address_it_has(engine: Engine, open_client: Start) -> None:
    """The name is nobody's; the journal says whose the address is."""
    engine.call()
    client = await open_client()
    await response_of(client.poll())
    refused = await client.http.get(NEXT, headers={"Host": "rt-" + "a" * 32 + ":9001"})
    assert refused.status_code == 403
    (told,) = engine.seen(LifecycleEvent.REFUSED)
    assert told.environment_id == engine.live()[0].environment_id
    assert told.detail["reason"] == "it asked by another name than its own"


async def test_an_answer_after_its_time_is_named_and_reaches_nobody(engine: Engine, open_client: Start) -> None:
    """Its environment is ending by then, and its name is nobody's."""
    call = engine.call()
    client = await open_client()
    event = await response_of(client.poll())
    engine.driver.hold_stopping()
    await engine.pass_time(3.1)
    assert (await error_of(call))["errorType"] == "Sandbox.Timedout"
    late = await client.post(f"runtime/invocation/{event.headers['lambda-runtime-aws-request-id']}/response")
    assert late.status_code == 403
    (told,) = engine.seen(LifecycleEvent.REFUSED)
    assert told.detail["reason"] == "it answered when its time was over"


async def test_a_poll_whose_client_has_left_is_given_nothing(engine: Engine, open_client: Start) -> None:
    """The call waits for the next poll instead of being lost with the connection."""
    first = engine.call({})
    client = await open_client()
    request_id = (await response_of(client.poll())).headers["lambda-runtime-aws-request-id"]
    await client.post(f"runtime/invocation/{request_id}/response")
    await first
    poll = client.poll()
    await engine.settle()
    client.leave()
    assert (await response_of(poll)).status_code == 403
    second = engine.call({"n": 2})
    event = await response_of(client.poll())
    assert event.content == b'{"n": 2}'
    await client.post(f"runtime/invocation/{event.headers['lambda-runtime-aws-request-id']}/response")
    await second
