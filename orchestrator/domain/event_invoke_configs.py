"""
How asynchronous events of a function, version or alias are tried, and where their records go. Values only.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-configuring.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from orchestrator.domain.errors import InvalidParameterValue
from orchestrator.domain.names import FunctionKey, name_in_arn
from orchestrator.domain.retries import RetryPolicy

_ON_SUCCESS = frozenset({"sqs", "sns", "lambda", "events"})
_ON_FAILURE = _ON_SUCCESS | {"s3"}
"""Services that take records. AWS: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventInvokeConfig:
    """
    What is set; None is what was not said, and is as without any.

    Args:
        maximum_retry_attempts: 0 to 2.
        maximum_event_age: 60 s to 6 h.
        on_success, on_failure: ARNs of destinations.
    AWS: https://docs.aws.amazon.com/lambda/latest/api/API_FunctionEventInvokeConfig.html
    """

    maximum_retry_attempts: int | None = None
    maximum_event_age: timedelta | None = None
    on_success: str | None = None
    on_failure: str | None = None
    last_modified: datetime

    def policy(self, default: RetryPolicy) -> RetryPolicy:
        """
        How often and how long events are tried.

        Args:
            default: Of events without a config.
        """
        return default.limited(self.maximum_retry_attempts, self.maximum_event_age)


def check_destinations(
    key: FunctionKey, on_success: str | None, on_failure: str | None, is_there: Callable[[str], bool]
) -> None:
    """
    May records of a function's events go there?

    Args:
        is_there: Is there a function of this name, in the same account and region?

    Raises:
        InvalidParameterValue: If not: another service, the function itself, a function that is not there.
    """
    for arn, services in ((on_failure, _ON_FAILURE), (on_success, _ON_SUCCESS)):
        if arn is None:
            continue
        if _service_of(arn) not in services:
            success = "null" if on_success is None else f"OnSuccess(destination={on_success})"
            failure = "null" if on_failure is None else f"OnFailure(destination={on_failure})"
            raise InvalidParameterValue(
                f"The provided destination config DestinationConfig(onSuccess={success}, onFailure={failure}) "
                "is invalid."
            )
        if arn.endswith(".fifo"):
            raise InvalidParameterValue(f"The destination ARN {arn} is invalid.")
        if _service_of(arn) == "lambda":
            _check_function(key, arn, is_there)


def _check_function(key: FunctionKey, arn: str, is_there: Callable[[str], bool]) -> None:
    name = name_in_arn(arn, key.account, key.region)
    if name is None or not is_there(name):
        raise InvalidParameterValue(f"The destination ARN {arn} is invalid.")
    if name == key.name:
        raise InvalidParameterValue("You can't specify the function as a destination for itself.")


def _service_of(arn: str) -> str:
    parts = arn.split(":", 5)
    return parts[2] if len(parts) == 6 else ""
