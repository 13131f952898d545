"""Where an alias leads."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from orchestrator.domain.aliases import draw_from
from tests.support.builders import a_function, a_version, an_alias


@pytest.mark.parametrize(("weight", "first", "last"), [(0.0, 0, 0), (0.25, 250, 250), (1.0, 1000, 1000)])
def test_draws_are_shared_by_the_weights(weight: float, first: int, last: int) -> None:
    """To the last of them."""
    alias = an_alias(name="live", version="1", weights={"2": weight})
    routed = Counter(alias.routed(draw / 1000) for draw in range(1000))
    assert first <= routed["2"] <= last
    assert routed["1"] == 1000 - routed["2"]


def test_a_qualifier_leads_to_latest_a_version_or_what_an_alias_says() -> None:
    """Or to nothing."""
    one, two = a_version(version="1"), a_version(version="2")
    function = replace(
        a_function(),
        versions={"1": one, "2": two},
        aliases={
            "live": an_alias(name="live", version="1", weights={"2": 0.5}),
            "dev": an_alias(name="dev", version="$LATEST"),
        },
    )
    assert function.led_to(None, 0.0) == function.led_to("$LATEST", 0.0) == function.led_to("dev", 0.0)
    assert function.led_to("2", 0.0) == two
    assert [function.led_to("live", draw) for draw in (0.0, 0.49, 0.5, 0.99)] == [two, two, one, one]
    assert function.led_to("3", 0.0) is None
    assert function.led_to("nothing", 0.0) is None


@pytest.mark.parametrize("weight", [0.05, 0.2, 0.5, 0.9])
def test_ten_thousand_calls_are_within_two_points_of_the_weights(weight: float) -> None:
    """With draws made of random bytes, as those of a call are."""
    random = Random(1)
    alias = an_alias(name="live", version="1", weights={"2": weight})
    routed = Counter(alias.routed(draw_from(random.randbytes(7))) for _ in range(10_000))
    assert abs(routed["2"] / 10_000 - weight) < 0.02
    assert routed.total() == 10_000


def test_a_draw_is_never_one() -> None:
    """A weight of 1 gets everything, a weight of 0 nothing."""
    draws = [draw_from(bytes(7)), draw_from(b"\xff" * 7)]
    assert draws[0] == 0
    assert 0.999 < draws[1] < 1
    assert {an_alias(version="1", weights={"2": 1.0}).routed(draw) for draw in draws} == {"2"}
    assert {an_alias(version="1", weights={"2": 0.0}).routed(draw) for draw in draws} == {"1"}


def test_shares_are_what_each_version_gets() -> None:
    """All of it, where there is no alias."""
    alias = an_alias(name="live", version="1", weights={"2": 0.25})
    function = replace(a_function(), aliases={"live": alias})
    assert function.shares("live") == {"1": 0.75, "2": 0.25}
    assert (function.shares("2"), function.shares(None)) == ({"2": 1.0}, {"$LATEST": 1.0})
