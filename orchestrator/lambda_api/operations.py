"""What the handlers of operations have in common: their shape, and how they read a function's name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from orchestrator.domain.errors import ResourceNotFound
from orchestrator.domain.functions import Function
from orchestrator.domain.names import LATEST, FunctionKey, FunctionReference, parse_reference
from orchestrator.lambda_api.callers import Caller
from orchestrator.lambda_api.ownership import own
from orchestrator.lambda_api.parse import Parameters
from orchestrator.store.functions import FunctionStore


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


def reference(caller: Caller, parameters: Parameters) -> FunctionReference:
    """
    What `FunctionName` and `Qualifier` name.

    Raises:
        ValidationFailed: If the name is none.
        AccessDenied: If it is of another account.
        ResourceNotFound: If it is of another region.
        InvalidParameterValue: If both have a qualifier and differ.
    """
    named = parse_reference(parameters["FunctionName"], parameters.get("Qualifier"), caller.account, caller.region)
    return own(caller, named)


def function_key(caller: Caller, parameters: Parameters) -> FunctionKey:
    """
    The function that an operation on the whole function is about.

    Raises:
        ValidationFailed: If the name is none.
        ResourceNotFound: If it names a version or alias.
    """
    asked = reference(caller, parameters)
    if asked.qualifier not in (None, LATEST):
        raise ResourceNotFound(f"Function not found: {asked.invoked_arn}")
    return asked.key


def no_such_resource() -> ResourceNotFound:
    """How AWS refuses what names none of the things that have no name of their own in its refusals."""
    return ResourceNotFound("The resource you requested does not exist.")


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


def find_qualified(functions: FunctionStore, caller: Caller, parameters: Parameters) -> tuple[Function, str]:
    """
    The function, and which of its versions or aliases is meant: `$LATEST` if none was named.

    Raises:
        ValidationFailed: If the name is none.
        ResourceNotFound: If there is no such function, version or alias.
        InvalidParameterValue: If name and `Qualifier` have different qualifiers.
    """
    asked = reference(caller, parameters)
    qualifier = asked.qualifier or LATEST
    function = functions.get(asked.key)
    if function is None or not is_standing(function, qualifier):
        raise ResourceNotFound(f"Function not found: {asked.invoked_arn}")
    return function, qualifier


def is_standing(function: Function | None, qualifier: str) -> bool:
    """Is there such a version or alias of it?"""
    return function is not None and (qualifier in function.aliases or function.version(qualifier) is not None)
