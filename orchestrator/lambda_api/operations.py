"""What the handlers of operations have in common: their shape, and how they read a function's name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from orchestrator.domain.errors import ResourceNotFound
from orchestrator.domain.functions import Function
from orchestrator.domain.names import LATEST, FunctionKey, parse_reference
from orchestrator.lambda_api.callers import Caller
from orchestrator.lambda_api.parse import Parameters
from orchestrator.store.functions import FunctionStore

_NAME_LIMIT = 140


@dataclass(frozen=True, slots=True)
class Reply:
    """
    An operation's answer.

    Args:
        output: As the operation's output shape says; None is no body.
    """

    status: int
    output: dict[str, Any] | None


Handler = Callable[[Caller, Parameters], Awaitable[Reply]]
"""Takes who calls and the checked parameters."""


def function_key(caller: Caller, parameters: Parameters) -> FunctionKey:
    """
    The function that an operation on the whole function is about.

    Raises:
        ValidationFailed: If the name is none.
        ResourceNotFound: If it names a version or alias: there are none yet.
    """
    asked = parse_reference(
        parameters["FunctionName"],
        parameters.get("Qualifier"),
        caller.account,
        caller.region,
        name_limit=_NAME_LIMIT,
    )
    if asked.qualifier not in (None, LATEST):
        raise ResourceNotFound(f"Function not found: {asked.invoked_arn}")
    return asked.key


def find_function(functions: FunctionStore, caller: Caller, parameters: Parameters) -> Function:
    """
    The function itself.

    Raises:
        ValidationFailed: If the name is none.
        ResourceNotFound: If there is no such function.
    """
    key = function_key(caller, parameters)
    function = functions.get(key)
    if function is None:
        raise ResourceNotFound(f"Function not found: {key.arn}")
    return function
