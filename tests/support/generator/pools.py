"""Pools of values, drawn from by the generator: texts of each pattern in the model, odd texts, odd JSON documents."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import cache
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

_OF_PATTERN = 24
_OF_ODD = 200
_UNICODE_CLASSES = {"L": r"\w", "N": r"\w", "Z": " "}

ODD_TEXTS: tuple[str, ...] = (
    "",
    " ",
    "\x00",
    "a\x00b",
    "\r\nX-Injected: yes\r\n\r\n",
    "\n",
    "\t\x0b\x0c\x1b[31m",
    "../../../../etc/passwd",
    "..\\..\\windows\\system32",
    "%00",
    "%2e%2e%2f",
    "%s%s%s%n",
    "{0.__class__}",
    "${jndi:ldap://127.0.0.1/a}",
    "'; DROP TABLE functions; --",
    "<script>alert(1)</script>",
    "null",
    "NaN",
    "-1",
    "1e999",
    "\ud800",
    "a\udfffb",
    "\ufeff",
    "\u202e\u2066",
    "é" * 64,
    "\u0661\u0662\u0663",
    "\U0001d4d7\U0001d4ee",
    "\U0001f469\u200d\U0001f467" * 20,
    "z" + "\u0301" * 400,
    "$LATEST",
    "arn:aws:lambda:us-east-1:000000000000:function:",
    "arn:aws:iam::000000000000:role/any",
    "arn:" * 500,
    "a" * 65,
    "a" * 257,
    "-" * 4_097,
    "a" * 20_000,
)
"""By hand: what has broken servers before. Two have half a surrogate pair, which JSON can say and UTF-8 cannot."""

ODD_NUMBERS: tuple[int | float, ...] = (
    -1,
    0,
    1,
    2**31,
    2**53 + 1,
    2**63 - 1,
    2**63,
    -(2**63) - 1,
    2**64,
    10**40,
    1.5,
    -0.0,
    1e308,
)


def _collected(strategy: st.SearchStrategy[Any], count: int) -> list[Any]:
    """Examples of a strategy: the same at every run."""
    found: list[Any] = []

    @settings(
        derandomize=True,
        database=None,
        max_examples=count,
        phases=[Phase.generate],
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def keep(value: Any) -> None:
        found.append(value)

    keep()
    return found


@cache
def texts_of(pattern: str, shortest: int, longest: int | None) -> tuple[str, ...]:
    """
    Texts that a pattern of the model allows, of lengths that the model allows.

    Args:
        pattern: In Java's dialect, as the model has it.
    """
    spelled = re.sub(r"\\p\{([LNZ])\}", lambda found: _UNICODE_CLASSES[found[1]], pattern)
    compiled = re.compile(spelled, re.ASCII)
    most = math.inf if longest is None else longest
    strategy = st.from_regex(compiled, fullmatch=True).filter(lambda text: shortest <= len(text) <= most)
    texts = sorted(set(_collected(strategy, _OF_PATTERN)))
    return tuple(text for text in texts if compiled.fullmatch(text) is not None) or ("a" * max(1, shortest),)


@cache
def odd_texts() -> tuple[str, ...]:
    """Texts nobody expects."""
    return (*ODD_TEXTS, *_collected(st.text(max_size=40), _OF_ODD))


@cache
def documents() -> tuple[Any, ...]:
    """JSON documents of every kind: what a function may be called with."""
    leaves = st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=12)
    )
    deeper: Callable[[st.SearchStrategy[Any]], st.SearchStrategy[Any]] = lambda inner: (  # noqa: E731
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    )
    return tuple(_collected(st.recursive(leaves, deeper, max_leaves=12), _OF_ODD))
