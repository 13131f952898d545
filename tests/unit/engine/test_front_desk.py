"""Admission: who may run, who is told to come later, and what is recorded."""

from __future__ import annotations

import asyncio

import pytest

from orchestrator.domain.errors import ResourceConflict, ResourceNotFound, ServiceFailure, TooManyRequests
from orchestrator.domain.functions import FunctionState
from orchestrator.domain.invocations import InvocationType
from orchestrator.domain.names import FunctionKey, FunctionReference
from orchestrator.invocations.requests import InvokeRequest
from tests.support.builders import KEY
from tests.support.engine import Engine, EngineMaker, answer_of


def a_request(kind: InvocationType = InvocationType.REQUEST_RESPONSE, **changes: object) -> InvokeRequest:
    """A call of `hello`."""
    values = {"reference": FunctionReference(KEY), "invocation_type": kind, "payload": b"{}"}
    return InvokeRequest(**(values | changes))  # type: ignore[arg-type]


async def test_a_dry_run_checks_and_starts_nothing(engine: Engine) -> None:
    """204."""
    answer = await engine.front_desk.invoke(a_request(InvocationType.DRY_RUN))
    await engine.scale()
    assert (answer.status_code, engine.live()) == (204, [])


@pytest.mark.parametrize("kind", list(InvocationType))
async def test_a_function_that_is_not_there_is_not_found_in_any_way_of_calling(
    engine: Engine, kind: InvocationType
) -> None:
    """With the ARN that AWS names."""
    missing = FunctionReference(FunctionKey(KEY.account, KEY.region, "missing"))
    with pytest.raises(ResourceNotFound, match=r"function:missing:\$LATEST$"):
        await engine.front_desk.invoke(a_request(kind, reference=missing))


@pytest.mark.parametrize("state", [FunctionState.PENDING, FunctionState.FAILED])
async def test_a_function_that_is_not_active_is_a_conflict_that_names_its_state(
    make_engine: EngineMaker, state: FunctionState
) -> None:
    """As on AWS."""
    engine = make_engine()
    await engine.deploy(state=state, image=None)
    with pytest.raises(ResourceConflict, match=f"following state: {state}"):
        await engine.front_desk.invoke(a_request())


async def test_over_its_reservation_a_call_is_throttled_with_the_reason(make_engine: EngineMaker) -> None:
    """And nothing of it is left in hand."""
    engine = make_engine()
    await engine.deploy(reserved=1)
    runtime = await engine.warm()
    running = engine.call()
    event = await runtime.event()
    with pytest.raises(TooManyRequests) as caught:
        await answer_of(engine.call())
    assert caught.value.reason == "ReservedFunctionConcurrentInvocationLimitExceeded"
    runtime.answer(event)
    await answer_of(running)


async def test_a_call_right_after_an_answer_waits_for_the_environments_next_poll(make_engine: EngineMaker) -> None:
    """With a reservation of one, one call after another is never throttled (D16)."""
    engine = make_engine()
    await engine.deploy(reserved=1)
    runtime = await engine.warm()
    first = engine.call()
    runtime.answer(await runtime.event())
    await answer_of(first)
    second = engine.call()
    await engine.settle()
    assert not second.done()
    event = runtime.ask() or await runtime.event()
    runtime.answer(event)
    await answer_of(second)


async def test_a_caller_that_leaves_while_it_waits_gives_its_lease_back_and_runs_nothing(engine: Engine) -> None:
    """Its row says so."""
    call = engine.call()
    await engine.settle()
    assert engine.leases.held(KEY) == 1
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert engine.leases.held(KEY) == 0
    await engine.scale()
    assert engine.live() == []


async def test_closed_it_refuses_with_the_reason(engine: Engine) -> None:
    """Shutting down, or a store that failed."""
    engine.front_desk.close("the store failed: disk full")
    with pytest.raises(ServiceFailure, match="disk full"):
        await engine.front_desk.invoke(a_request())


async def test_a_synchronous_call_is_recorded_with_its_end(engine: Engine) -> None:
    """Succeeded, under its request id."""
    runtime = await engine.warm()
    call = engine.call()
    runtime.answer(await runtime.event())
    answer = await answer_of(call)
    await engine.until_state(answer.request_id, "succeeded")
