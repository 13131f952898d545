"""docs/compatibility.md names every operation, as the code serves it, and the test that stands for it."""

from __future__ import annotations

import re

from scripts import compatibility_page
from tests.unit.lambda_api.operations.record import ShownBy, Works
from tests.unit.lambda_api.operations.recorded import RECORDS
from tests.unit.lambda_api.test_operations import functions_in

_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)")


def test_the_compatibility_page_is_what_the_model_and_the_code_say() -> None:
    """The page was written again after an operation was built."""
    written = compatibility_page.TARGET.read_text()
    assert compatibility_page.BEGIN in written
    assert compatibility_page.END in written
    assert written == compatibility_page.page(), "run `python -m scripts.compatibility_page` and commit"


def test_each_test_that_the_page_names_is_there() -> None:
    """Under that name, in that file."""
    named = _TEST.findall(compatibility_page.page())
    assert len(named) >= len(("built", "not built", "no execution", "no callback"))
    for path, name in named:
        assert name in functions_in(path), f"there is no {path}::{name}"


def test_at_least_seventy_five_operations_work_as_recorded() -> None:
    """Each with every member of AWS's answer, or with a test that takes more than the API alone."""
    working = [one.operation for one in RECORDS if isinstance(one.works, Works | ShownBy)]
    assert len(set(working)) >= 75
