"""
The exit codes, and the one place that turns what went wrong into one line on stderr: subject, fact, remedy.

Every command of the client runs inside `told`. Nothing else here or above prints an error or picks an exit code.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from enum import IntEnum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import typer

if TYPE_CHECKING:
    from botocore.exceptions import ClientError


class ExitCode(IntEnum):
    """What the shell learns; scripts may rely on each. Ctrl-C is 130, which Typer sees to."""

    OK = 0
    OUR_FAILURE = 1
    USAGE = 2
    FUNCTION_ERROR = 3
    TIMEOUT = 4
    THROTTLED = 5
    ENGINE_OUT_OF_REACH = 6


_OF_AWS_CODE = {
    "ValidationException": ExitCode.USAGE,
    "InvalidParameterValueException": ExitCode.USAGE,
    "InvalidRequestContentException": ExitCode.USAGE,
    "TooManyRequestsException": ExitCode.THROTTLED,
}

_REMEDY_OF_AWS_CODE = {
    "ResourceNotFoundException": "`paddock ls` shows what is deployed",
    "ResourceConflictException": "`paddock describe NAME` shows its state; try again when it is settled",
    "TooManyRequestsException": "try again later, or raise its reserved concurrency",
    "ServiceException": "`paddock doctor` looks for the cause",
}

_ENGINE_OUT_OF_REACH = "Docker engine does not answer"
"""How the control plane's ServiceException begins when that is why; AWS has no code of its own for it."""

_MEASURED = "String measured: "
"""What stands before secrets in the refusal of too many environment variables."""


class Failure(Exception):
    """
    A command could not do what it was asked.

    Args:
        message: One line for stderr: subject, fact, remedy.
        exit_code: What the shell learns.
    """

    def __init__(self, message: str, exit_code: ExitCode = ExitCode.OUR_FAILURE) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def unusable(message: str) -> Failure:
    """A failure of the caller: the command line itself cannot be used as it is."""
    return Failure(message, ExitCode.USAGE)


def nothing_answers(endpoint: str) -> Failure:
    """The failure of every command while no control plane listens."""
    return Failure(f"nothing answers at {endpoint}; start it with `make up` or `paddock up`")


@contextlib.contextmanager
def told() -> Iterator[None]:
    """
    Run one command; whatever ends it badly becomes one line on stderr and an exit code.

    PADDOCK_TRACEBACK=1 shows where an error came from instead.
    """
    try:
        yield
        sys.stdout.flush()
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except BrokenPipeError:
        _let_stdout_go()
        raise typer.Exit(ExitCode.OK) from None
    except Exception as error:
        # The edge: a user never gets a traceback unasked.
        if os.environ.get("PADDOCK_TRACEBACK"):
            raise
        failure = as_failure(error)
        print(f"paddock: {_one_line(str(failure))}", file=sys.stderr)
        raise typer.Exit(failure.exit_code) from None


def as_failure(error: Exception) -> Failure:
    """What a command's exception means to its user."""
    if isinstance(error, Failure):
        return error
    # Imported here: only a process that failed pays, and it has loaded botocore already in most cases.
    from botocore import exceptions as aws
    from botocore import parsers

    match error:
        case aws.ClientError():
            return _refused(error)
        case aws.ReadTimeoutError():
            return Failure("no answer came within --timeout; the function may still run", ExitCode.TIMEOUT)
        case aws.ConnectionClosedError():
            return Failure(
                "the control plane closed the connection before it answered; `paddock doctor` looks for the cause"
            )
        case aws.EndpointConnectionError() | aws.ConnectTimeoutError():
            return nothing_answers(_origin(str(error.kwargs.get("endpoint_url", ""))))
        case aws.ParamValidationError():
            return unusable(str(error))
        case parsers.ResponseParserError():
            return Failure("the endpoint's answer is not the Lambda API's; is --endpoint-url that of Paddock?")
        case aws.BotoCoreError():
            return Failure(f"{error}; see the AWS_* variables and ~/.aws/config")
        case _:
            return Failure(f"{type(error).__name__}: {error}; PADDOCK_TRACEBACK=1 shows where it came from")


def _refused(error: ClientError) -> Failure:
    code = error.response["Error"].get("Code", "")
    message = error.response["Error"].get("Message") or f"HTTP {error.response['ResponseMetadata']['HTTPStatusCode']}"
    before, measured, variables = message.partition(_MEASURED)
    if measured:
        # The values of all environment variables: on AWS they stand there, too.
        message = f"{before}{measured}{len(variables.encode())} bytes"
    remedy = _REMEDY_OF_AWS_CODE.get(code)
    exit_code = _OF_AWS_CODE.get(code, ExitCode.OUR_FAILURE)
    if code == "ServiceException" and _ENGINE_OUT_OF_REACH in message:
        remedy, exit_code = None, ExitCode.ENGINE_OUT_OF_REACH
    return Failure(f"{error.operation_name}: {message} ({code})" + (f"; {remedy}" if remedy else ""), exit_code)


def _origin(url: str) -> str:
    """A URL without what was asked there."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _let_stdout_go() -> None:
    """Python flushes stdout once more as it ends; into /dev/null that cannot fail."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
