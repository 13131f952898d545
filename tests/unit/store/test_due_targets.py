"""Where events that are due were sent to: looked through in turn, a bounded number at a time."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from sqlalchemy import Connection, event

from orchestrator.domain.invocations import InvocationState
from orchestrator.domain.names import FunctionKey
from orchestrator.store.invocation_queries import DueTargets, Target
from orchestrator.store.store import Store
from tests.support.builders import KEY, NOW, an_event

LATER = NOW + timedelta(minutes=1)


async def _look(
    store: Store, behind: Target | None = None, at_most: int = 10, also: tuple[Target, ...] = ()
) -> DueTargets:
    return await store.invocations.due_targets(KEY, LATER, behind=behind, at_most=at_most, also=also, count_at_most=3)


async def _accept(store: Store, *targets: Target, due_at: datetime = NOW, function: FunctionKey = KEY) -> None:
    for target in targets:
        one = an_event(
            store.invocations.next_key(),
            function=function,
            qualifier=target.qualifier,
            tenant_id=target.tenant_id,
            due_at=due_at,
        )
        await store.invocations.accept(one, b"{}", promised=False)


async def test_targets_with_something_due_are_found_and_counted(store: Store) -> None:
    """By qualifier and tenant, none of either included; each is counted up to a bound."""
    nobody, live, blue, live_blue = Target(), Target("live"), Target(None, "blue"), Target("live", "blue")
    await _accept(store, nobody, *[live] * 5, blue, blue, live_blue)
    await _accept(store, Target("later"), due_at=LATER + timedelta(seconds=1))
    await _accept(store, Target("other"), function=KEY._replace(name="other"))
    looked = await _look(store)
    assert looked.in_turn == [nobody, blue, live, live_blue]
    assert looked.due == {nobody: 1, blue: 2, live: 3, live_blue: 1}
    assert looked.first_accepted == dict.fromkeys(looked.in_turn, NOW)
    assert looked.last is None


async def test_a_look_goes_on_behind_a_target_and_comes_round_to_it(store: Store) -> None:
    """Whether or not anything waits for that one still."""
    tenants = [Target(None, name) for name in ("a", "b", "d", "e")]
    await _accept(store, *tenants)
    a, b, d, e = tenants
    assert (await _look(store, behind=b)).in_turn == [d, e, a, b]
    assert (await _look(store, behind=Target(None, "c"))).in_turn == [d, e, a, b]
    assert (await _look(store, behind=e)).in_turn == tenants
    assert (await _look(store, behind=Target("z"))).in_turn == tenants


async def test_a_look_ends_after_so_many_and_says_where(store: Store) -> None:
    """Before its end, and behind it."""
    tenants = [Target(None, name) for name in "abcd"]
    await _accept(store, *tenants)
    a, b, c, d = tenants
    first = await _look(store, at_most=2)
    assert (first.in_turn, first.last) == ([a, b], b)
    assert ((await _look(store, behind=b, at_most=3)).in_turn, (await _look(store, behind=b, at_most=3)).last) == (
        [c, d, a],
        a,
    )
    assert (await _look(store, behind=b, at_most=5)).last is None


async def test_targets_with_nothing_due_yet_are_passed_but_not_without_end(store: Store) -> None:
    """Thousands may wait for a retry. The next look goes on behind them."""
    later = [Target(None, f"{number:04}") for number in range(1500)]
    await asyncio.gather(*(_accept(store, one, due_at=LATER + timedelta(hours=1)) for one in later))
    await _accept(store, Target(None, "z"))
    first = await _look(store)
    assert (first.in_turn, first.last) == ([], later[999])
    second = await _look(store, behind=first.last)
    assert second.in_turn == [Target(None, "z")]


async def test_targets_that_are_asked_about_are_counted_though_the_look_does_not_come_to_them(store: Store) -> None:
    """And those for which nothing waits are none."""
    a, b, c = (Target(None, name) for name in "abc")
    await _accept(store, a, b, b)
    assert (await _look(store, at_most=1, also=(b, c))).due == {a: 1, b: 2, c: 0}


async def test_what_begins_or_ends_is_found_no_more(store: Store) -> None:
    """Its target neither, unless more was sent there."""
    target = Target("live", "blue")
    one, other = (an_event(key, qualifier="live", tenant_id="blue") for key in (1, 2))
    for each in (one, other):
        await store.invocations.accept(each, b"{}", promised=True)
    store.invocations.attempt_begun(one.dispatched())
    await store.invocations.ended(one.dispatched().succeeded(NOW), before=InvocationState.RUNNING, promised=True)
    assert (await _look(store)).due == {target: 1}
    await store.invocations.ended(other.failed("E", None, NOW), before=InvocationState.QUEUED, promised=True)
    assert (await _look(store)).in_turn == []


async def test_what_is_due_is_sought_in_an_index_never_read_through(store: Store) -> None:
    """However much waits for others: the first of each function, the targets of one, and what was sent to a target."""
    asked: list[tuple[str, tuple[object, ...]]] = []
    engine = store._main._read_engine

    @event.listens_for(engine, "before_cursor_execute")
    def note(_connection: Connection, _cursor: object, statement: str, values: tuple[object, ...], *_: object) -> None:
        asked.append((statement, values))

    await _accept(store, Target("live", "blue"))
    await store.invocations.functions_with_due(LATER)
    await _look(store, behind=Target("live"))
    await store.invocations.due(KEY, LATER, 8, target=Target("live", "blue"))
    await store.invocations.first_due(KEY, LATER, 100, (), target=Target("live", "blue"))
    event.remove(engine, "before_cursor_execute", note)
    queries = [(statement, values) for statement, values in asked if "invocations" in statement]

    def plans(connection: Connection) -> list[str]:
        found = (connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values) for statement, values in queries)
        return [str(row[3]) for rows in found for row in rows]

    steps = [step for step in await store._main.read(plans) if "invocations" in step or " first" in step]
    by_target = "USING INDEX invocations_waiting_by_target (account=? AND region=? AND name=? AND <expr>"
    assert len(steps) >= 7
    assert [step for step in steps if "SCAN" in step] == ["SCAN invocations USING INDEX invocations_waiting"]
    assert sum(by_target in step for step in steps) >= 5
