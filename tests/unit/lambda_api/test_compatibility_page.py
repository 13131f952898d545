"""docs/compatibility.md names every operation, as the code serves it."""

from __future__ import annotations

from scripts import compatibility_page


def test_the_compatibility_page_is_what_the_model_and_the_code_say() -> None:
    """The page was written again after an operation was built."""
    written = compatibility_page.TARGET.read_text()
    assert compatibility_page.BEGIN in written
    assert compatibility_page.END in written
    assert written == compatibility_page.page(), "run `python -m scripts.compatibility_page` and commit"
