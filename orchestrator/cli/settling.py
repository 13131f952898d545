"""A deployment is finished when AWS's states say so: waiting for that, and what it means if they say something else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from orchestrator.cli.failures import ExitCode, Failure

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_lambda.type_defs import FunctionConfigurationResponseTypeDef

_FIRST_POLL_S = 0.01
_POLL_S = 0.1
# A large image may have to be pulled first.
SETTLE_LIMIT_S = 900.0


def settled(client: LambdaClient, name: str) -> FunctionConfigurationResponseTypeDef:
    """
    A function's configuration once nothing is under way any more, well or badly.

    Raises: Failure: if that takes longer than SETTLE_LIMIT_S.
    """
    for _ in polls():
        found = client.get_function_configuration(FunctionName=name)
        if found.get("State") != "Pending" and found.get("LastUpdateStatus") != "InProgress":
            return found
    raise Failure(f"{name} is not ready after {SETTLE_LIMIT_S:.0f} s; `paddock describe {name}` shows its state")


def polls() -> Iterator[None]:
    """Turns to ask again, close together at first, until SETTLE_LIMIT_S have passed."""
    deadline_s = time.monotonic() + SETTLE_LIMIT_S
    pause_s = _FIRST_POLL_S
    while time.monotonic() < deadline_s:
        yield
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, _POLL_S)


def require_success(name: str, found: FunctionConfigurationResponseTypeDef) -> None:
    """
    Nothing, if the function is as it was asked to be.

    Raises: Failure: with the reason that the API gives.
    """
    if found.get("LastUpdateStatus") == "Failed":
        reason = found.get("LastUpdateStatusReason") or found.get("LastUpdateStatusReasonCode")
        raise Failure(f"{name}: the update failed: {reason}; what ran before still runs", ExitCode.OUR_FAILURE)
    if found.get("State") == "Failed":
        reason = found.get("StateReason") or found.get("StateReasonCode")
        raise Failure(f"{name} is Failed: {reason}; mend it and deploy again", ExitCode.OUR_FAILURE)
