"""Tags that mean something to Paddock: what AWS's API has no member for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.domain.functions import Function
from tests.support.builders import a_version


@pytest.mark.parametrize(
    ("tags", "wanted"),
    [
        ({}, False),
        ({"paddock:writable-root": "true"}, True),
        ({"paddock:writable-root": "false"}, False),
        ({"writable-root": "true"}, False),
    ],
    ids=str,
)
def test_a_functions_tags_say_whether_its_root_is_writable(tags: dict[str, str], wanted: bool) -> None:
    """They count for every version, whoever put it together, and a running environment is outdated by them."""
    plain = a_version()
    function = Function(key=plain.key, latest=plain, tags=tags)
    assert function.latest.has_writable_root is wanted
    assert (function.latest.launch_fingerprint != plain.launch_fingerprint) is wanted
    assert replace(function, tags={}).latest == plain
    assert replace(function, latest=plain).latest.has_writable_root is wanted
