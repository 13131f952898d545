"""Documents that are generated are what their sources say."""

from __future__ import annotations

from scripts import settings_page, state_machines


def test_the_state_machines_page_is_what_the_tables_say() -> None:
    """`make docs` was run after the tables changed."""
    assert state_machines.TARGET.read_text() == state_machines.page(), "run `make docs` and commit"


def test_the_settings_page_is_what_the_settings_say() -> None:
    """`make docs` was run after a setting changed."""
    assert settings_page.TARGET.read_text() == settings_page.page(), "run `make docs` and commit"
