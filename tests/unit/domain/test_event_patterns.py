"""Which texts are patterns for records of an event source."""

from __future__ import annotations

import pytest

from orchestrator.domain.event_patterns import is_pattern


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ('{"body": {"a": [1, null, true, "x"]}}', True),
        ('{"a": [{"numeric": [">", 1]}], "b": [{"exists": false}]}', True),
        ('{"$or": [{"a": [1]}, {"b": [{"suffix": ".png"}]}]}', True),
        ('{"a": []}', False),
        ('{"a": "x"}', False),
        ('{"a": 1}', False),
        ('{"a": [["x"]]}', False),
        ('{"a": [{"like": "x"}]}', False),
        ('{"a": [{"prefix": "x", "suffix": "y"}]}', False),
        ('{"$or": {"a": [1]}}', False),
        ("{}", False),
        ("[]", False),
        ("", False),
        ("[" * 100_000, False),
    ],
)
def test_a_pattern_is_an_object_whose_leaves_are_lists_of_values_and_operators(text: str, fits: bool) -> None:
    """Nothing else is one, however deep it goes."""
    assert is_pattern(text) is fits
