"""Every pair of states of both machines: what the table allows works, everything else is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import product

import pytest

from orchestrator.domain.environments import (
    ENVIRONMENT_MOVES,
    RUNTIME,
    Environment,
    EnvironmentState,
    StopReason,
)
from orchestrator.domain.errors import IllegalMove
from orchestrator.domain.invocations import INVOCATION_MOVES, Invocation, InvocationState
from tests.support.builders import NOW, an_environment, an_event

SHORTLY = timedelta(milliseconds=84)
E = EnvironmentState
ENVIRONMENT_VERBS: dict[EnvironmentState, list[Callable[[Environment], Environment]]] = {
    E.CREATING: [],
    E.INITIALIZING: [lambda e: e.started(NOW)],
    E.IDLE: [lambda e: e.asked_for_work(NOW, SHORTLY), lambda e: e.was_thawed(NOW)],
    E.FROZEN: [lambda e: e.was_frozen(NOW)],
    E.BUSY: [lambda e: e.was_given("r2", NOW)],
    E.ANSWERED: [lambda e: e.answered("r1", NOW)],
    E.STOPPING: [lambda e: e.must_stop(StopReason.IDLE, NOW)],
    E.GONE: [lambda e: e.is_gone(NOW)],
}


def in_state(state: EnvironmentState) -> Environment:
    """An environment that stands in this state."""
    running = frozenset({"r1"}) if state is E.BUSY else frozenset[str]()
    waiting = frozenset({RUNTIME}) if state in (E.IDLE, E.FROZEN) else frozenset[str]()
    capacity = 2 if state is E.BUSY else 1
    return an_environment()._replace(state=state, running=running, waiting=waiting, capacity=capacity)


@pytest.mark.parametrize(("before", "after"), list(product(E, E)))
def test_an_environment_moves_only_as_its_table_says(before: EnvironmentState, after: EnvironmentState) -> None:
    """Every verb that leads to `after` works from `before` exactly if the table has the pair."""
    for verb in ENVIRONMENT_VERBS[after]:
        environment = in_state(before)
        if after is E.ANSWERED and before is not E.BUSY:
            environment = environment._replace(running=frozenset({"r1"}))
        if ENVIRONMENT_MOVES.allows(before, after):
            assert verb(environment).state is after
        else:
            with pytest.raises(IllegalMove, match=f"cannot go from {before} to {after}"):
                verb(environment)


I = InvocationState  # noqa: E741
INVOCATION_VERBS: dict[InvocationState, list[Callable[[Invocation], Invocation]]] = {
    I.QUEUED: [lambda i: i.requeued(NOW)],
    I.RUNNING: [lambda i: i.dispatched()],
    I.SUCCEEDED: [lambda i: i.succeeded(NOW)],
    I.FAILED: [lambda i: i.failed("T", None, NOW)],
    I.UNKNOWN: [lambda i: i.cut_off(NOW)],
    I.RETRYING: [lambda i: i.retry_at(NOW, "T", None)],
    I.DEAD_LETTERED: [lambda i: i.dead_lettered("T", None, NOW)],
}


@pytest.mark.parametrize(("before", "after"), list(product(I, I)))
def test_an_invocation_moves_only_as_its_table_says(before: InvocationState, after: InvocationState) -> None:
    """Every verb that leads to `after` works from `before` exactly if the table has the pair."""
    for verb in INVOCATION_VERBS[after]:
        invocation = an_event()._replace(state=before, attempts=1)
        if INVOCATION_MOVES.allows(before, after):
            assert verb(invocation).state is after
        else:
            with pytest.raises(IllegalMove):
                verb(invocation)


def test_every_state_is_in_its_table_and_final_states_are_final() -> None:
    """A state nobody wrote a row for would be found at the first move only; this finds it now."""
    assert {pair[0] for pair in ENVIRONMENT_MOVES.pairs()} | {E.GONE} == set(E)
    assert ENVIRONMENT_MOVES.is_final(E.GONE)
    for state in (I.SUCCEEDED, I.FAILED, I.UNKNOWN, I.DEAD_LETTERED):
        assert INVOCATION_MOVES.is_final(state)


def test_an_environment_is_idle_only_when_every_party_has_asked() -> None:
    """With an extension aboard, the runtime's own `/next` is not enough."""
    environment = an_environment()._replace(state=E.INITIALIZING, parties=frozenset({RUNTIME, "extension"}))
    waiting = environment.asked_for_work(NOW, SHORTLY)
    assert waiting.state is E.INITIALIZING
    idle = waiting.asked_for_work(NOW, SHORTLY, "extension")
    assert (idle.state, idle.init_ms) == (E.IDLE, 84)


def test_an_environment_takes_no_more_than_its_capacity() -> None:
    """With a capacity of one, a second invocation is refused."""
    busy = in_state(E.IDLE).was_given("r1", NOW)
    with pytest.raises(IllegalMove):
        busy.was_given("r2", NOW)


def test_an_answer_for_another_request_is_refused() -> None:
    """Only what runs can be answered."""
    busy = in_state(E.IDLE).was_given("r1", NOW)
    with pytest.raises(IllegalMove):
        busy.answered("r2", NOW)
