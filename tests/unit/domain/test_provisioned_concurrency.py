"""Which versions get what is provisioned, how far it is, and its limits in AWS's words."""

from __future__ import annotations

import itertools

import pytest

from orchestrator.domain.errors import InvalidParameterValue, ResourceConflict
from orchestrator.domain.functions import Function
from orchestrator.domain.names import LATEST
from orchestrator.domain.provisioned_concurrency import (
    Provisioned,
    ProvisionedStatus,
    check_may_be_provisioned,
    check_may_lead_there,
    check_provisioned,
    check_reserves_enough,
    standing_of,
    wanted_of,
)
from tests.support.builders import KEY, a_version, an_alias


def a_function(**aliases: str) -> Function:
    """With versions 1 to 3, and aliases that lead to one each."""
    versions = {number: a_version(version=number) for number in ("1", "2", "3")}
    named = {name: an_alias(name=name, version=version) for name, version in aliases.items()}
    return Function(key=KEY, latest=a_version(), versions=versions, aliases=named)


@pytest.mark.parametrize(
    ("requested", "shares", "wanted"),
    [
        (5, {"1": 1.0}, {"1": 5}),
        (10, {"2": 0.3, "1": 0.7}, {"2": 3, "1": 7}),
        (1, {"2": 0.1, "1": 0.9}, {"2": 0, "1": 1}),
        (3, {"2": 0.5, "1": 0.5}, {"2": 2, "1": 1}),
        (4, {"2": 1.0, "1": 0.0}, {"2": 4, "1": 0}),
    ],
)
def test_an_alias_that_shares_its_invocations_shares_what_is_provisioned(
    requested: int, shares: dict[str, float], wanted: dict[str, int]
) -> None:
    """In whole environments."""
    assert wanted_of(requested, shares) == wanted


@pytest.mark.parametrize("requested", range(1, 30))
@pytest.mark.parametrize("hundredths", range(0, 101, 7))
def test_never_more_or_fewer_in_all_than_were_requested(requested: int, hundredths: int) -> None:
    """Whatever the weights."""
    alias = an_alias(version="1", weights={"2": hundredths / 100})
    assert sum(wanted_of(requested, alias.shares()).values()) == requested


@pytest.mark.parametrize(("allocated", "available"), [(a, b) for a in range(5) for b in range(a + 1)])
@pytest.mark.parametrize("trouble", [None, "FUNCTION_ERROR_INIT_FAILURE"])
def test_ready_is_what_is_all_there_and_failed_what_has_a_reason(
    allocated: int, available: int, trouble: str | None
) -> None:
    """What is there counts more than what went wrong on the way; no more is told than was requested."""
    found = standing_of({"1": 3}, {"1": Provisioned(allocated=allocated, available=available, trouble=trouble)})
    assert (found.requested, found.allocated, found.available) == (3, min(3, allocated), min(3, available))
    if available >= 3:
        assert (found.status, found.reason) == (ProvisionedStatus.READY, None)
    elif trouble is not None:
        assert (found.status, found.reason) == (ProvisionedStatus.FAILED, trouble)
    else:
        assert (found.status, found.reason) == (ProvisionedStatus.IN_PROGRESS, None)


def test_of_two_versions_both_must_be_there() -> None:
    """Too many of one do not make up for another; a version that is to have none cannot fail it."""
    wanted = {"1": 2, "2": 1}
    full, over, nothing = Provisioned(allocated=2, available=2), Provisioned(allocated=9, available=9), Provisioned()
    assert standing_of(wanted, {"1": full, "2": over}).status is ProvisionedStatus.READY
    assert standing_of(wanted, {"1": over, "2": nothing}).status is ProvisionedStatus.IN_PROGRESS
    failed = Provisioned(trouble="why")
    assert standing_of(wanted, {"1": full, "2": failed}).reason == "why"
    assert standing_of({"1": 2, "2": 0}, {"1": nothing, "2": failed}).status is ProvisionedStatus.IN_PROGRESS


def test_each_version_is_provisioned_once() -> None:
    """By itself, or by one alias that leads to it."""
    function = a_function(live="1", other="1", next="2", dev=LATEST)
    for qualifier, configured in [
        ("live", []),
        ("live", ["live"]),
        ("live", ["2", "3"]),
        ("1", ["next"]),
        ("1", ["1"]),
    ]:
        check_may_be_provisioned(function, qualifier, configured)
    already = "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version"
    for qualifier, configured in [("live", ["1"]), ("live", ["3", "other"])]:
        with pytest.raises(ResourceConflict) as refused:
            check_may_be_provisioned(function, qualifier, configured)
        assert refused.value.message == already
    with pytest.raises(ResourceConflict) as refused:
        check_may_be_provisioned(function, "1", ["live"])
    assert refused.value.message == "Version is pointed by a Provisioned Concurrency alias"


def test_what_is_unpublished_or_leads_to_two_is_not_provisioned() -> None:
    """`$LATEST` changes; which of two would get it is not said."""
    function = a_function(dev=LATEST)
    for qualifier in (LATEST, "dev"):
        with pytest.raises(InvalidParameterValue, match="cannot be applied to unpublished function versions"):
            check_may_be_provisioned(function, qualifier, [])
    weighted = an_alias(name="live", version="1", weights={"2": 0.1})
    function = Function(key=KEY, latest=a_version(), versions=function.versions, aliases={"live": weighted})
    with pytest.raises(InvalidParameterValue) as refused:
        check_may_be_provisioned(function, "live", [])
    assert refused.value.message == "Alias with weights can not be used with Provisioned Concurrency"


def test_a_provisioned_alias_may_not_be_moved_onto_what_is_provisioned_already() -> None:
    """Nor to `$LATEST`; where it shares its invocations, neither version may be another's."""
    function = a_function(live="1", other="2")
    check_may_lead_there(function, an_alias(name="live", version="3"), ["live", "other", "1"])
    check_may_lead_there(function, an_alias(name="live", version="1", weights={"3": 0.5}), ["live", "other"])
    for version, weights in [("2", {}), ("3", {"2": 0.1})]:
        with pytest.raises(ResourceConflict):
            check_may_lead_there(function, an_alias(name="live", version=version, weights=weights), ["live", "other"])
    with pytest.raises(InvalidParameterValue):
        check_may_lead_there(function, an_alias(name="live", version=LATEST), ["live"])


@pytest.mark.parametrize(
    ("reserved", "of_function", "wanted"), list(itertools.product([0, 1, 5], [0, 1, 5], [1, 4, 5]))
)
def test_within_a_reservation_only_the_reservation_counts(reserved: int, of_function: int, wanted: int) -> None:
    """However little the account has left."""
    limits = {"reserved": reserved, "of_function": of_function, "set_aside": 1000, "account_limit": 1000}
    if of_function + wanted <= reserved:
        check_provisioned(wanted, **limits)
        return
    with pytest.raises(InvalidParameterValue) as refused:
        check_provisioned(wanted, **limits)
    assert refused.value.message == (
        "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function"
    )


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (700, None),
        (701, "decreases account's UnreservedConcurrentExecution below its minimum value of [100]."),
        (800, "decreases account's UnreservedConcurrentExecution below its minimum value of [100]."),
        (801, "is greater than account's unreserved concurrency [800]."),
    ],
)
def test_without_a_reservation_a_hundred_stay_unreserved(wanted: int, message: str | None) -> None:
    """As with reserved concurrency."""
    limits = {"reserved": None, "of_function": 0, "set_aside": 200, "account_limit": 1000}
    if message is None:
        check_provisioned(wanted, **limits)  # type: ignore[arg-type]
        return
    with pytest.raises(InvalidParameterValue) as refused:
        check_provisioned(wanted, **limits)  # type: ignore[arg-type]
    assert refused.value.message == f"Specified ConcurrentExecutions for function {message}"


def test_no_less_is_reserved_than_is_provisioned() -> None:
    """AWS's text, spaces and all."""
    check_reserves_enough(3, 3)
    with pytest.raises(InvalidParameterValue) as refused:
        check_reserves_enough(2, 3)
    assert refused.value.message == (
        " ReservedConcurrentExecutions  2 should not be lower than function's total provisioned concurrency [3]."
    )
