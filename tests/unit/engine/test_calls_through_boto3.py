"""
The operations that invoke, through boto3, on a real front desk and dispatcher: only runtimes and Docker are stand-ins.

How requests are read and answers written is in `tests/unit/lambda_api/test_invoke.py` and `test_invoke_siblings.py`.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.eventstream import EventStream
from botocore.exceptions import ClientError
from botocore.response import StreamingBody

from orchestrator.domain.functions import FunctionState
from orchestrator.domain.invocations import Answer
from orchestrator.lambda_api.bodies import BodyRoom
from orchestrator.lambda_api.invoke import InvokeApp
from orchestrator.lambda_api.model import ServiceModel
from orchestrator.listeners import Listener
from tests.support.builders import KEY
from tests.support.engine import Engine
from tests.support.ports import free_port

_OPERATIONS = pytest.mark.parametrize(
    ("operation", "members"),
    [("invoke", {}), ("invoke_async", {"InvokeArgs": b"{}"}), ("invoke_with_response_stream", {})],
    ids=["Invoke", "InvokeAsync", "InvokeWithResponseStream"],
)


@pytest.fixture
async def client(engine: Engine) -> AsyncIterator[Any]:
    """Of the engine's front desk. It tries once."""
    app = InvokeApp(
        invoker=engine.front_desk,
        model=ServiceModel(),
        region=KEY.region,
        new_request_id=lambda: str(uuid.uuid4()),
        bodies=BodyRoom(64 * 1_048_576),
    )
    port = free_port()
    listener = Listener(app, name="the invoke operations", host="127.0.0.1", port=port, keep_alive_s=5)
    await listener.start()
    boto = boto3.Session().client(
        "lambda",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name=KEY.region,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"max_attempts": 0}, read_timeout=10),
    )
    yield boto
    boto.close()
    await listener.stop()


def call(operation: Callable[..., dict[str, Any]], **members: Any) -> asyncio.Task[dict[str, Any]]:
    """Under way, in a thread: who answers is in this one."""

    def read(value: Any) -> Any:
        match value:
            case StreamingBody():
                return value.read()
            case EventStream():
                return list(value)
        return value

    def answer() -> dict[str, Any]:
        output = operation(**{"FunctionName": "hello"} | members)
        return {name: read(value) for name, value in output.items() if name != "ResponseMetadata"}

    return asyncio.create_task(asyncio.to_thread(answer))


async def refusal(operation: Callable[..., dict[str, Any]], **members: Any) -> tuple[int, str, str]:
    """Status, code and text."""
    with pytest.raises(ClientError) as caught:
        await call(operation, **members)
    response = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"], response["Error"]["Message"]


async def test_a_call_is_answered_with_what_the_function_wrote(engine: Engine, client: Any) -> None:
    """200, its version, and no more."""
    runtime = await engine.warm()
    calling = call(client.invoke, Payload=b'{"n": 1}')
    event = await runtime.event()
    assert event.body == b'{"n": 1}'
    runtime.answer(event, Answer(payload=b"2"))
    assert await calling == {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": b"2"}


async def test_a_streamed_call_is_answered_with_what_the_function_wrote(engine: Engine, client: Any) -> None:
    """In events: a chunk, and that it was the last."""
    runtime = await engine.warm()
    calling = call(client.invoke_with_response_stream, Payload=b'{"n": 1}')
    event = await runtime.event()
    assert event.body == b'{"n": 1}'
    runtime.answer(event, Answer(payload=b"2"))
    assert await calling == {
        "StatusCode": 200,
        "ExecutedVersion": "$LATEST",
        "ResponseStreamContentType": "application/vnd.amazon.eventstream",
        "EventStream": [{"PayloadChunk": {"Payload": b"2"}}, {"InvokeComplete": {}}],
    }


async def test_an_old_asynchronous_call_is_accepted_and_runs(engine: Engine, client: Any) -> None:
    """202; then the function has its event."""
    runtime = await engine.warm()
    assert await call(client.invoke_async, InvokeArgs=b'{"n": 1}') == {"Status": 202}
    event = await runtime.event()
    assert event.body == b'{"n": 1}'
    runtime.answer(event)
    await engine.until_state(event.request_id, "succeeded")


@_OPERATIONS
async def test_a_function_that_is_not_there_is_not_found_by_any_of_them(
    client: Any, operation: str, members: dict[str, Any]
) -> None:
    """With the ARN that AWS names."""
    assert await refusal(getattr(client, operation), FunctionName="missing", **members) == (
        404,
        "ResourceNotFoundException",
        f"Function not found: arn:aws:lambda:{KEY.region}:{KEY.account}:function:missing:$LATEST",
    )


@_OPERATIONS
async def test_a_function_that_is_not_active_is_a_conflict_for_each_of_them(
    engine: Engine, client: Any, operation: str, members: dict[str, Any]
) -> None:
    """AWS's text has the state."""
    await engine.configure(state=FunctionState.PENDING)
    assert await refusal(getattr(client, operation), **members) == (
        409,
        "ResourceConflictException",
        ("The operation cannot be performed at this time. The function is currently in the following state: Pending"),
    )
