"""
Publishing: when a function gets a new version, what that is, and what makes AWS refuse. Pure.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html
"""

from __future__ import annotations

from dataclasses import replace

from orchestrator.domain.errors import InvalidParameterValue, PreconditionFailed, ResourceConflict
from orchestrator.domain.functions import Function, FunctionState, FunctionVersion, LastUpdateStatus

CREATING = "Creating"
BEING_CREATED = "The function is being created."


def check_revision(given: str | None, current: str) -> None:
    """
    Is it still what the caller saw?

    Args:
        given: The caller's `RevisionId`; None asks for no check.

    Raises:
        PreconditionFailed: If not.
    """
    if given is not None and given != current:
        raise PreconditionFailed(
            "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to "
            "retrieve the latest Revision Id"
        )


def check_code(given: str | None, latest: FunctionVersion) -> None:
    """
    Is `$LATEST` the code that the caller means?

    Args:
        given: The caller's `CodeSha256`; None asks for no check.

    Raises:
        InvalidParameterValue: If not.
    """
    if given is not None and given != latest.code_sha256:
        raise InvalidParameterValue(
            f"CodeSHA256 ({given}) is different from current CodeSHA256 in $LATEST ({latest.code_sha256}). "
            "Please try again with the CodeSHA256 in $LATEST."
        )


def check_may_change(latest: FunctionVersion) -> None:
    """
    May it be changed now?

    Raises:
        ResourceConflict: While it is being created or updated.
    """
    if latest.state is FunctionState.PENDING:
        raise _in_this_state(latest)
    check_is_not_updated(latest)


def check_is_not_updated(latest: FunctionVersion) -> None:
    """
    Is no update of it in progress?

    Raises:
        ResourceConflict: While one is.
    AWS: https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html#functions-states-updating
    """
    if latest.last_update_status is LastUpdateStatus.IN_PROGRESS:
        raise ResourceConflict(
            f"The operation cannot be performed at this time. An update is in progress for resource: {latest.arn}"
        )


def check_may_be_published(latest: FunctionVersion) -> None:
    """
    May a version be made of it now?

    Raises:
        ResourceConflict: While it is being created or updated, or if it has no image.
    """
    check_may_change(latest)
    if latest.state is FunctionState.FAILED:
        raise _in_this_state(latest)


def next_number(function: Function) -> str:
    """The number of the next version."""
    return str(function.last_published + 1)


def last_version(function: Function) -> FunctionVersion | None:
    """The version that was published last; None if there is none, or it was deleted."""
    return function.versions.get(str(function.last_published))


def is_as_published(latest: FunctionVersion, version: FunctionVersion) -> bool:
    """
    Is `$LATEST` what this version was published from? Then no new one is.

    It is not once an update was asked for, whatever it changed: https://github.com/getmoto/moto/pull/8379 has AWS's
    record. Tags and policies are no updates.
    """
    # Code and configuration are compared for the versions that were published before updates were counted.
    # Taken over from `$LATEST` is what is no configuration, so that whatever else there is counts, now and later.
    as_latest_was = replace(
        version,
        version=latest.version,
        image_uri=latest.image_uri,
        code_before=latest.code_before,
        description=version.description if version.source_description is None else version.source_description,
        source_description=latest.source_description,
        revision_id=latest.revision_id,
        last_modified=latest.last_modified,
        state=latest.state,
        state_reason=latest.state_reason,
        state_reason_code=latest.state_reason_code,
        last_update_status=latest.last_update_status,
        last_update_status_reason=latest.last_update_status_reason,
        last_update_status_reason_code=latest.last_update_status_reason_code,
    )
    return as_latest_was == latest


def published(
    latest: FunctionVersion, number: str, description: str | None, *, revision_id: str, is_pending: bool
) -> FunctionVersion:
    """
    A version of what `$LATEST` is.

    Args:
        description: Its own; None takes that of `$LATEST`.
        is_pending: Is `$LATEST` still being created or updated?
    """
    return replace(
        latest,
        version=number,
        image=None if latest.awaits_image else latest.image,
        code_before=None,
        description=latest.description if description is None else description,
        source_description=None if description is None else latest.description,
        revision_id=revision_id,
        state=FunctionState.PENDING if is_pending else latest.state,
        state_reason=BEING_CREATED if is_pending else latest.state_reason,
        state_reason_code=CREATING if is_pending else latest.state_reason_code,
        last_update_status=LastUpdateStatus.SUCCESSFUL,
        last_update_status_reason=None,
        last_update_status_reason_code=None,
    )


def unsettled(function: Function) -> list[FunctionVersion]:
    """
    What waits for its image to be looked up: published ones first.

    Whoever waits for the function to be active may then call those as well.
    """
    waiting = [one for one in function.every_version()[1:] if one.state is FunctionState.PENDING]
    latest = function.latest
    if latest.state is FunctionState.PENDING or latest.last_update_status is LastUpdateStatus.IN_PROGRESS:
        waiting.append(latest)
    return waiting


def _in_this_state(latest: FunctionVersion) -> ResourceConflict:
    return ResourceConflict(
        "The operation cannot be performed at this time. "
        f"The function is currently in the following state: {latest.state}"
    )
