"""Events that wait in memory for an environment: they age there as in the store, and throttles reach them."""

from __future__ import annotations

from orchestrator.driver.protocol import StartFailed
from tests.support.builders import KEY
from tests.support.engine import Engine, EngineMaker, answer_of


async def _its_events_wait_in_memory(engine: Engine, count: int) -> list[str]:
    """No environment can be started for them."""
    engine.driver.sandbox_failures.extend([StartFailed("Sandbox.Failure", "no sandbox")] * 50)
    sent = [await engine.send() for _ in range(count)]
    await engine.scale()
    assert engine.leases.held(KEY) == count
    return sent


async def test_an_event_that_waits_in_memory_is_set_aside_when_it_is_too_old(make_engine: EngineMaker) -> None:
    """It had a lease, which is given back: callers were refused for it."""
    engine = make_engine()
    await engine.deploy(reserved=8)
    sent = await _its_events_wait_in_memory(engine, 8)
    engine.clock.advance(7 * 3600)
    await engine.events.look_at_waiting()
    assert engine.leases.held(KEY) == 0
    await engine.settle()
    await engine.events.tick()
    await engine.until_written()
    assert {await engine.state_of(one) for one in sent} == {"failed"}


async def test_a_reservation_of_zero_reaches_the_events_that_wait_in_memory(make_engine: EngineMaker) -> None:
    """As on AWS: no environment is started for them any more."""
    engine = make_engine()
    await engine.deploy()
    sent = await _its_events_wait_in_memory(engine, 3)
    await engine.store.functions.set_reserved_concurrency(KEY, 0)
    await engine.events.look_at_waiting()
    assert len(engine.dispatcher.waiting) == 0
    await engine.settle()
    await engine.events.tick()
    await engine.until_written()
    for one in sent:
        found = await engine.store.invocations.get(one)
        assert found is not None
        assert found.error_type == "ReservedConcurrencyIsZero"


async def test_events_that_may_wait_on_are_left_waiting_and_so_are_callers(engine: Engine) -> None:
    """A call has its own patience, however few calls its function may have from now on."""
    call = engine.call()
    sent = await engine.send()
    await engine.settle()
    engine.clock.advance(5 * 3600)
    await engine.events.look_at_waiting()
    assert len(engine.dispatcher.waiting) == 2
    await engine.store.functions.set_reserved_concurrency(KEY, 0)
    await engine.events.look_at_waiting()
    assert len(engine.dispatcher.waiting) == 1
    runtime = await engine.environment()
    runtime.answer(runtime.ask() or await runtime.event())
    await answer_of(call)
    await engine.events.tick()
    await engine.until_state(sent, "failed")
