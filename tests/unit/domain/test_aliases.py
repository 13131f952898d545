"""Where an alias leads."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

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
