"""
Limits of what may be configured, in AWS's words.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from orchestrator.domain.errors import CodeStorageExceeded, InvalidParameterValue

MINIMUM_UNRESERVED = 100
MAX_ENVIRONMENT_BYTES = 4096
MAX_TIMEOUT_S = 900
MAX_MEMORY_MIB = 10_240
MAX_CODE_BYTES = 80_530_636_800
"""Of all functions and layers of an account in a region."""
MAX_ZIPPED_BYTES = 52_428_800
MAX_UNZIPPED_BYTES = 262_144_000

_RESERVED_VARIABLES = frozenset(
    {
        "_HANDLER",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SECRET_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_SECURITY_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
    }
)


def check_reservation(wanted: int, set_aside_for_others: int, account_limit: int) -> None:
    """
    May a function reserve this much?

    Args:
        wanted: Concurrent executions.
        set_aside_for_others: The sum of the other functions' reservations, and of what is provisioned beyond them.

    Raises:
        InvalidParameterValue: If fewer than 100 would be left unreserved.
    AWS: https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
    """
    if account_limit - set_aside_for_others - wanted < MINIMUM_UNRESERVED:
        raise InvalidParameterValue(
            "Specified ReservedConcurrentExecutions for function decreases account's "
            f"UnreservedConcurrentExecution below its minimum value of [{MINIMUM_UNRESERVED}]."
        )


def check_environment(variables: Mapping[str, str]) -> None:
    """
    May a function have these variables?

    Raises:
        InvalidParameterValue: If one is reserved, or all together are over 4 KB, as JSON. As on AWS that text has the
            values, which are secrets: it is for the caller alone.
    """
    reserved = sorted(name for name in variables if name in _RESERVED_VARIABLES or name.startswith("_"))
    if reserved:
        raise InvalidParameterValue(
            "Lambda was unable to configure your environment variables because the environment variables you have "
            "provided contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(reserved)}"
        )
    measured = json.dumps(dict(variables), separators=(",", ":"), ensure_ascii=False)
    if len(measured.encode()) > MAX_ENVIRONMENT_BYTES:
        raise InvalidParameterValue(
            "Lambda was unable to configure your environment variables because the environment variables you have "
            f"provided exceeded the 4KB limit. String measured: {measured}"
        )


def check_limits(memory_mib: int, timeout_s: int) -> None:
    """
    May a function have this memory and timeout? The model allows more, for other kinds of functions.

    Raises:
        InvalidParameterValue: If not.
    """
    if memory_mib > MAX_MEMORY_MIB:
        raise InvalidParameterValue(
            f"'MemorySize' value failed to satisfy constraint: Member must have value less than or equal to "
            f"{MAX_MEMORY_MIB}"
        )
    if timeout_s > MAX_TIMEOUT_S:
        raise InvalidParameterValue(
            "'Timeout' value failed to satisfy constraint: Member must have value less than or equal to "
            f"{MAX_TIMEOUT_S}"
        )


def check_code_storage(kept_bytes: int, new_bytes: int) -> None:
    """
    May an account keep this much more code in a region?

    Raises:
        CodeStorageExceeded: If it would be more than 75 GB.
    """
    if kept_bytes + new_bytes > MAX_CODE_BYTES:
        raise CodeStorageExceeded("Code storage limit exceeded.")
