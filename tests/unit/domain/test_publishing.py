"""When a function gets a new version, and what that is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from orchestrator.domain.errors import ResourceConflict
from orchestrator.domain.functions import FunctionState, FunctionVersion, ImageConfig, LastUpdateStatus
from orchestrator.domain.publishing import (
    check_may_be_published,
    check_may_change,
    is_as_published,
    last_version,
    next_number,
    published,
    unsettled,
)
from orchestrator.domain.version_options import LoggingConfig, VersionOptions
from tests.support.builders import NOW, a_function, a_version, an_image


def a_published(latest: FunctionVersion, description: str | None = None) -> FunctionVersion:
    """Version 1."""
    return published(latest, "1", description, revision_id="of-version", is_pending=False)


@pytest.mark.parametrize("description", [None, "", "its own", "of latest"])
def test_what_was_published_is_not_published_again(description: str | None) -> None:
    """Whatever its description is."""
    latest = a_version(description="of latest")
    assert is_as_published(latest, a_published(latest, description))


@pytest.mark.parametrize(
    "change",
    [
        {"image": an_image("sha256:b")},
        {"description": "new"},
        {"memory_mib": 256},
        {"timeout": timedelta(seconds=9)},
        {"environment": {"A": "b"}},
        {"image_config": ImageConfig(command=("a",))},
        {"role": "arn:aws:iam::000000000000:role/other"},
        {"ephemeral_storage_mib": 1024},
        {"architecture": "arm64"},
        {"options": VersionOptions(logging=LoggingConfig(log_format="JSON"))},
        {"updates": 1},
    ],
    ids=lambda change: next(iter(change)),
)
@pytest.mark.parametrize("description", [None, "its own"])
def test_any_change_is_published(change: dict[str, Any], description: str | None) -> None:
    """Code, any member of the configuration, or an update that changed none of them."""
    latest = a_version()
    assert not is_as_published(replace(latest, **change), a_published(latest, description))


@pytest.mark.parametrize(
    "change",
    [
        {"revision_id": "new"},
        {"last_modified": NOW + timedelta(days=1)},
        {"image_uri": "hello:other-tag-of-the-same-image"},
        {"last_update_status": LastUpdateStatus.FAILED, "last_update_status_reason": "why"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_is_no_configuration_is_no_change(change: dict[str, Any]) -> None:
    """The end of an update, for one."""
    latest = a_version()
    assert is_as_published(replace(latest, **change), a_published(latest))


def test_a_version_has_what_latest_has_but_its_own_number_revision_and_description() -> None:
    """It was modified when `$LATEST` was."""
    latest = a_version(description="of latest", last_update_status=LastUpdateStatus.FAILED)
    version = a_published(latest, "its own")
    assert (version.version, version.revision_id, version.description) == ("1", "of-version", "its own")
    assert (version.state, version.last_update_status) == (FunctionState.ACTIVE, LastUpdateStatus.SUCCESSFUL)
    assert (version.image, version.last_modified) == (latest.image, latest.last_modified)


def test_numbers_go_on_after_the_last_that_was_given() -> None:
    """Also when that version is gone; then there is no last one to be the same as."""
    function = replace(a_function(), versions={"2": a_version(version="2")}, last_published=2)
    assert (next_number(function), last_version(function)) == ("3", function.versions["2"])
    function = replace(function, last_published=7)
    assert (next_number(function), last_version(function)) == ("8", None)


def test_what_is_being_created_or_updated_is_not_changed_and_what_failed_may_be() -> None:
    """But nothing is published of it."""
    pending = a_version(state=FunctionState.PENDING)
    updating = a_version(last_update_status=LastUpdateStatus.IN_PROGRESS)
    failed = a_version(state=FunctionState.FAILED)
    for version in (pending, updating):
        with pytest.raises(ResourceConflict):
            check_may_change(version)
    check_may_change(failed)
    for version in (pending, updating, failed):
        with pytest.raises(ResourceConflict):
            check_may_be_published(version)


def test_published_versions_settle_before_latest() -> None:
    """Whoever waits for the function to be active may call them then."""
    pending = a_version(state=FunctionState.PENDING)
    one, two = (published(pending, number, None, revision_id="r", is_pending=True) for number in ("1", "2"))
    active = replace(one, version="3", state=FunctionState.ACTIVE)
    function = replace(a_function(), latest=pending, versions={"2": two, "1": one, "3": active})
    assert unsettled(function) == [one, two, pending]
    assert unsettled(replace(function, latest=a_version())) == [one, two]
