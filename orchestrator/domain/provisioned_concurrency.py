"""
Provisioned concurrency: what was asked for, which versions get it, how far it is, and its limits. Values only.

How many environments to start or let go of is decided in `domain/provisioning.py`.
AWS: https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from orchestrator.domain.aliases import Alias
from orchestrator.domain.errors import InvalidParameterValue, ResourceConflict
from orchestrator.domain.functions import Function, check_serves_all_alike
from orchestrator.domain.names import LATEST
from orchestrator.domain.quotas import MINIMUM_UNRESERVED

UNPUBLISHED = "Provisioned Concurrency Configs cannot be applied to unpublished function versions."


class ProvisionedStatus(StrEnum):
    """AWS: https://docs.aws.amazon.com/lambda/latest/api/API_GetProvisionedConcurrencyConfig.html"""

    IN_PROGRESS = "IN_PROGRESS"
    READY = "READY"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionedConfig:
    """
    What was asked for, for a version or an alias; kept as a document.

    Args:
        requested: Environments to have ready.
    """

    requested: int
    last_modified: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Provisioned:
    """
    How far a version is.

    Args:
        allocated: Environments that live for it, those that are starting included.
        available: Those of them that are past their init, whether they work or wait.
        trouble: Why the last start failed, if none has come up since.
    """

    allocated: int = 0
    available: int = 0
    trouble: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far a configuration is."""

    requested: int
    allocated: int
    available: int
    status: ProvisionedStatus
    reason: str | None


def wanted_of(requested: int, shares: Mapping[str, float]) -> Mapping[str, int]:
    """
    How many environments of each version: as an alias shares its invocations, and never more in all than requested.

    Args:
        shares: Of each version, 0 to 1, 1 in all.
    """
    exact = {version: requested * share for version, share in shares.items()}
    wanted = {version: int(count) for version, count in exact.items()}
    by_remainder = sorted(exact, key=lambda version: wanted[version] - exact[version])
    for version in by_remainder[: requested - sum(wanted.values())]:
        wanted[version] += 1
    return wanted


def standing_of(wanted: Mapping[str, int], found: Mapping[str, Provisioned]) -> Standing:
    """
    How far a configuration is that wants so many of each version.

    Args:
        found: How far each of these versions is.
    """
    requested = sum(wanted.values())
    allocated = sum(min(count, found[version].allocated) for version, count in wanted.items())
    available = sum(min(count, found[version].available) for version, count in wanted.items())
    trouble = next((one.trouble for version, one in found.items() if wanted[version] and one.trouble), None)
    if available >= requested:
        status, reason = ProvisionedStatus.READY, None
    elif trouble is not None:
        status, reason = ProvisionedStatus.FAILED, trouble
    else:
        status, reason = ProvisionedStatus.IN_PROGRESS, None
    return Standing(requested=requested, allocated=allocated, available=available, status=status, reason=reason)


def check_may_be_provisioned(function: Function, qualifier: str, configured: Iterable[str]) -> None:
    """
    May this version or alias, which exists, have environments provisioned for it?

    Args:
        configured: The function's qualifiers that have.

    Raises:
        InvalidParameterValue: If it is, or leads to, `$LATEST`, or the alias leads to two versions, or the function
            isolates its tenants.
        ResourceConflict: If another has environments provisioned for the same version.
    """
    check_serves_all_alike(function, "Provisioned Concurrency Configs")
    alias = function.aliases.get(qualifier)
    if alias is not None and alias.weights:
        raise InvalidParameterValue("Alias with weights can not be used with Provisioned Concurrency")
    if qualifier == LATEST or (alias is not None and alias.version == LATEST):
        raise InvalidParameterValue(UNPUBLISHED)
    others = [other for other in configured if other != qualifier]
    if any(function.shares(qualifier).keys() & function.shares(other).keys() for other in others):
        raise _taken_by_version() if alias is not None else _taken_by_alias()


def check_may_lead_there(function: Function, alias: Alias, configured: Iterable[str]) -> None:
    """
    May an alias for which environments are provisioned lead where it will lead from now on?

    Args:
        alias: As it will be.
        configured: The function's qualifiers for which environments are provisioned.

    Raises:
        InvalidParameterValue: If it would lead to `$LATEST`.
        ResourceConflict: If another has environments provisioned for the same version.
    """
    if alias.version == LATEST:
        raise InvalidParameterValue(UNPUBLISHED)
    others = [other for other in configured if other != alias.name]
    if any(alias.versions & function.shares(other).keys() for other in others):
        raise _taken_by_version()


def check_provisioned(
    wanted: int, *, reserved: int | None, of_function: int, set_aside: int, account_limit: int
) -> None:
    """
    May so much be provisioned?

    Args:
        wanted: Environments.
        reserved: The function's reserved concurrency, or None.
        of_function: What else is provisioned for the function.
        set_aside: Of the account: the other functions' reservations, and all else that is provisioned beyond those.

    Raises:
        InvalidParameterValue: If that is more than its function has reserved, or leaves fewer than 100 unreserved.
    AWS: https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
    """
    if reserved is not None:
        if of_function + wanted > reserved:
            raise InvalidParameterValue(
                "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for "
                "function"
            )
        return
    unreserved = account_limit - set_aside
    if wanted > unreserved:
        raise InvalidParameterValue(
            "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency "
            f"[{unreserved}]."
        )
    if unreserved - wanted < MINIMUM_UNRESERVED:
        raise InvalidParameterValue(
            "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its "
            f"minimum value of [{MINIMUM_UNRESERVED}]."
        )


def check_reserves_enough(reserved: int, provisioned: int) -> None:
    """
    May a function reserve only so much?

    Args:
        provisioned: All that is provisioned for it.

    Raises:
        InvalidParameterValue: If more is provisioned.
    """
    if provisioned > reserved:
        raise InvalidParameterValue(
            f" ReservedConcurrentExecutions  {reserved} should not be lower than function's total provisioned "
            f"concurrency [{provisioned}]."
        )


def _taken_by_version() -> ResourceConflict:
    return ResourceConflict(
        "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version"
    )


def _taken_by_alias() -> ResourceConflict:
    return ResourceConflict("Version is pointed by a Provisioned Concurrency alias")
