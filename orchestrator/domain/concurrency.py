"""
Whether one more invocation may run: reserved, provisioned and account concurrency.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
"""

from __future__ import annotations

from typing import NamedTuple

from orchestrator.domain.errors import ThrottleReason


class ConcurrencySnapshot(NamedTuple):
    """
    What runs now, counted from the leases that are held. A tuple, for each invocation makes one.

    Args:
        of_function: Leases of this function.
        unreserved: Leases of all functions without a reservation, beyond what is provisioned for each.
        reserved: This function's reservation, or None.
        reserved_in_all: The sum of every function's reservation, and of what is provisioned for those without.
        account_limit: AWS's concurrent executions of the account.
        provisioned: What is provisioned for this function.
    """

    of_function: int
    unreserved: int
    reserved: int | None
    reserved_in_all: int
    account_limit: int
    provisioned: int = 0


def throttle(snapshot: ConcurrencySnapshot) -> ThrottleReason | None:
    """The reason to refuse one more, or None if it may run."""
    if snapshot.reserved is not None:
        return ThrottleReason.RESERVED if snapshot.of_function >= snapshot.reserved else None
    if snapshot.of_function < snapshot.provisioned:
        return None
    if snapshot.unreserved >= snapshot.account_limit - snapshot.reserved_in_all:
        return ThrottleReason.CONCURRENT
    return None
