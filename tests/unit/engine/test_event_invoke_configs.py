"""What an event invoke config changes of asynchronous retries."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orchestrator.domain.event_invoke_configs import EventInvokeConfig
from orchestrator.domain.history import LifecycleEvent
from orchestrator.domain.invocations import FunctionError
from orchestrator.domain.names import LATEST
from orchestrator.store.documents import Place
from orchestrator.store.event_invoke_configs import EVENT_INVOKE_CONFIGS
from tests.support.builders import KEY
from tests.support.engine import RETRY_DELAYS_S, Engine

ERROR = FunctionError(payload=b"{}", error_type="Runtime.Unknown")


async def configure(engine: Engine, qualifier: str, retries: int | None = None, age_s: int | None = None) -> None:
    """Set it on the function `hello`, or on what of it the qualifier is."""
    place, documents = Place.on(KEY, qualifier), engine.store.documents
    age = None if age_s is None else timedelta(seconds=age_s)
    config = EventInvokeConfig(maximum_retry_attempts=retries, maximum_event_age=age, last_modified=engine.clock.now())
    await documents.put(EVENT_INVOKE_CONFIGS, place, config, before=documents.get(EVENT_INVOKE_CONFIGS, place))


async def fail_once(engine: Engine, qualifier: str | None) -> str:
    """Send an event whose first attempt fails; what becomes of it."""
    request_id = await engine.send(qualifier=qualifier)
    runtime = await engine.environment()
    runtime.answer(runtime.ask() or await runtime.event(), ERROR)
    await engine.until_written()
    return await engine.state_of(request_id)


def conditions(engine: Engine) -> list[object]:
    """Why events were set aside."""
    return [entry.detail["condition"] for entry in engine.seen(LifecycleEvent.INVOCATION_SET_ASIDE)]


@pytest.mark.parametrize("retries", [0, 1, 2])
async def test_an_event_is_retried_as_often_as_its_config_says(engine: Engine, retries: int) -> None:
    """Not as often as it is without one, and after the same delays."""
    await configure(engine, LATEST, retries=retries)
    request_id = await engine.send()
    runtime = await engine.environment()
    event = runtime.ask() or await runtime.event()
    for delay_s in RETRY_DELAYS_S[:retries]:
        runtime.answer(event, ERROR)
        await engine.until_state(request_id, "retrying")
        runtime.ask()
        engine.clock.advance(delay_s)
        await engine.events.tick()
        event = await runtime.event()
    runtime.answer(event, ERROR)
    await engine.until_state(request_id, "failed")
    assert conditions(engine) == ["RetriesExhausted"]
    found = await engine.store.invocations.get(request_id)
    assert found is not None
    assert found.attempts == retries + 1


async def test_no_retry_is_made_that_would_come_after_the_events_age(engine: Engine) -> None:
    """Sixty seconds are over when the first retry would be."""
    await configure(engine, LATEST, age_s=60)
    request_id = await engine.send()
    runtime = await engine.environment()
    event = runtime.ask() or await runtime.event()
    engine.clock.advance(1)
    runtime.answer(event, ERROR)
    await engine.until_state(request_id, "failed")
    assert conditions(engine) == ["EventAgeExceeded"]


async def test_an_event_that_waits_longer_than_its_age_is_set_aside(engine: Engine) -> None:
    """What is set while it waits counts, as what it leads to does."""
    engine.events._is_closed = True  # nothing takes it yet
    request_id = await engine.send()
    engine.events._is_closed = False
    await configure(engine, LATEST, age_s=60)
    engine.clock.advance(61)
    await engine.events.tick()
    await engine.until_state(request_id, "failed")
    assert conditions(engine) == ["EventAgeExceeded"]


@pytest.mark.parametrize(
    ("configured", "sent_to", "state"),
    [
        ("live", "live", "failed"),
        ("live", None, "retrying"),
        ("live", "1", "retrying"),
        ("1", "1", "failed"),
        ("1", "live", "retrying"),
        (LATEST, None, "failed"),
        (LATEST, LATEST, "failed"),
        (LATEST, "live", "retrying"),
    ],
)
async def test_the_qualifier_that_an_event_was_sent_to_decides(
    engine: Engine, configured: str, sent_to: str | None, state: str
) -> None:
    """Not the version that it leads to; unqualified is `$LATEST`."""
    await engine.publish("1")
    await engine.alias("live", "1")
    await configure(engine, configured, retries=0)
    assert await fail_once(engine, sent_to) == state


async def test_without_a_config_any_more_the_defaults_hold_again(engine: Engine) -> None:
    """As soon as it is removed."""
    await configure(engine, LATEST, retries=0)
    await engine.store.documents.remove(EVENT_INVOKE_CONFIGS, Place.on(KEY, LATEST))
    assert await fail_once(engine, None) == "retrying"
