"""
Whose a function is: an ARN may name any account's, and another account's is refused.

As on AWS where no resource policy lets the caller in; Paddock keeps those and does not heed them yet.
AWS: https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
"""

from __future__ import annotations

from functools import lru_cache

import structlog

from orchestrator.domain.access import denied
from orchestrator.domain.names import FunctionReference
from orchestrator.lambda_api.callers import Caller

log: structlog.stdlib.BoundLogger = structlog.get_logger()


def own(caller: Caller, named: FunctionReference) -> FunctionReference:
    """
    What was named, which is of the caller's account, whether it exists or not.

    Raises:
        AccessDenied: If it is of another's.
    """
    if named.key.account == caller.account:
        return named
    _warn(caller.account, named.key.account)
    raise denied(caller.account, caller.action, named.invoked_arn)


@lru_cache(maxsize=256)
def _warn(callers: str, others: str) -> None:
    """Say what helps, for which AWS's text has no room: once of two accounts, however often it is tried."""
    log.warning(
        "account.refused",
        fact=f"a caller of account {callers} named a function of account {others} by its ARN",
        remedy=f"name functions alone or by ARNs of {callers}, or call as {others}, with {others} as the key id, "
        f"or with a key of `paddock keys create --account {others}` where requests must be signed",
    )
