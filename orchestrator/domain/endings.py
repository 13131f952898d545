"""
How an invocation or an init ended when the function did not say: AWS's error, and a diagnosis of our own.

The caller's payload has AWS's `errorType` and `errorMessage` untouched; the diagnosis, a sentence that says what
to look at, is a further member of it and goes to the log and `paddock describe` as well.
AWS: https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html
"""

from __future__ import annotations

import json
import signal
from dataclasses import dataclass
from datetime import timedelta

from orchestrator.domain.invocations import FunctionError, Interrupted
from orchestrator.domain.start_failures import StartFailure, exec_failure

EXIT_ERROR = "Runtime.ExitError"
OUT_OF_MEMORY = "Runtime.OutOfMemory"
TIMED_OUT = "Sandbox.Timedout"
RESPONSE_TOO_LARGE = "Function.ResponseSizeTooLarge"

_SIGNAL_BASE = 128
_SIGNAL_WORDS = {
    signal.SIGKILL: "killed",
    signal.SIGSEGV: "segmentation fault",
    signal.SIGABRT: "aborted",
    signal.SIGTERM: "terminated",
    signal.SIGILL: "illegal instruction",
    signal.SIGBUS: "bus error",
    signal.SIGFPE: "floating point exception",
}
_RUNTIME_CLIENT_REMEDY = (
    "its entry point must start a runtime client that asks GET /2018-06-01/runtime/invocation/next "
    "at $AWS_LAMBDA_RUNTIME_API, as AWS's base images and awslambdaric do"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HowItEnded:
    """
    What is known of a container that ended while somebody waited for it.

    Args:
        exit_code: As Docker reports it: 128 + n after signal n; None if unknown.
        asked_for_work: Did its runtime ever call `/next`?
        memory_mib: The function's limit.
        never_executed: If the kernel did not execute its program, what was written of that.
        ended_for: If the driver ended it, for what.
    """

    exit_code: int | None
    out_of_memory: bool
    sandbox_failed: bool
    engine_lost: bool
    asked_for_work: bool
    memory_mib: int
    never_executed: str | None = None
    ended_for: str | None = None

    @property
    def start_failure(self) -> StartFailure | None:
        """Why its program did not run, if it never did."""
        return exec_failure(self.never_executed) if self.never_executed and not self.asked_for_work else None


def error_of(error_type: str, message: str, request_id: str, diagnosis: str | None = None) -> FunctionError:
    """
    An error in the shape AWS gives to callers.

    Args:
        message: What stands behind `RequestId: … Error: `.
    """
    body: dict[str, str] = {
        "errorType": error_type,
        "errorMessage": f"RequestId: {request_id} Error: {message}",
    }
    if diagnosis:
        body["diagnosis"] = diagnosis
    return FunctionError(payload=json.dumps(body).encode(), error_type=error_type, diagnosis=diagnosis)


def ended(how: HowItEnded, request_id: str) -> FunctionError | Interrupted:
    """What an invocation gets whose container ended under it, in init or in its run."""
    if how.engine_lost:
        return Interrupted(reason="Docker engine stopped while the function ran")
    if how.sandbox_failed:
        return Interrupted(reason="the network sandbox of the environment died while the function ran")
    if how.out_of_memory:
        diagnosis = (
            f"the function used more than its {how.memory_mib} MB of memory and the kernel killed it; "
            "raise its memory size or use less"
        )
        return error_of(OUT_OF_MEMORY, "Runtime exited with error: signal: killed", request_id, diagnosis)
    return error_of(EXIT_ERROR, _exit_words(how.exit_code), request_id, _exit_diagnosis(how))


def timed_out(timeout: timedelta, request_id: str, diagnosis: str) -> FunctionError:
    """
    What an invocation gets that was not answered in time.

    Args:
        timeout: The function's.
        diagnosis: One of `never_asked`, `never_answered`.
    """
    message = f"Task timed out after {timeout.total_seconds():.2f} seconds"
    return error_of(TIMED_OUT, message, request_id, diagnosis)


def never_asked(waited: timedelta) -> str:
    """The program runs but has no runtime client, or does not get to it."""
    return f"the program ran for {waited.total_seconds():.1f} s and never asked for work; {_RUNTIME_CLIENT_REMEDY}"


def never_answered(timeout: timedelta, answered_before: int) -> str:
    """The runtime took the event and posted neither a response nor an error."""
    history = (
        f"this environment answered {answered_before} before"
        if answered_before
        else "this environment has never answered one"
    )
    return (
        f"the program took the event and did not answer it within {timeout.total_seconds():g} s ({history}); "
        "raise the function's timeout, or look for what it waits for"
    )


def response_too_large(limit_bytes: int) -> FunctionError:
    """What an invocation gets whose response is over the limit."""
    body = {
        "errorType": RESPONSE_TOO_LARGE,
        "errorMessage": f"Response payload size exceeded maximum allowed payload size ({limit_bytes} bytes).",
    }
    return FunctionError(payload=json.dumps(body).encode(), error_type=RESPONSE_TOO_LARGE)


def never_ran(failure: StartFailure, request_id: str) -> FunctionError:
    """What an invocation gets whose program could not be run: entry point, working directory, architecture."""
    return error_of(failure.error_type, failure.message, request_id, failure.diagnosis)


def _exit_words(exit_code: int | None) -> str:
    if exit_code is None or exit_code == 0:
        return "Runtime exited without providing a reason"
    number = exit_code - _SIGNAL_BASE
    if number in _SIGNAL_WORDS:
        return f"Runtime exited with error: signal: {_SIGNAL_WORDS[signal.Signals(number)]}"
    return f"Runtime exited with error: exit status {exit_code}"


def _exit_diagnosis(how: HowItEnded) -> str:
    if how.ended_for is not None:
        return how.ended_for
    if not how.asked_for_work:
        code = "an unknown status" if how.exit_code is None else f"status {how.exit_code}"
        return f"the program exited with {code} before it ever asked for work; {_RUNTIME_CLIENT_REMEDY}"
    if how.exit_code == _SIGNAL_BASE + signal.SIGKILL:
        return "the program was killed from outside (docker kill, or the host ran out of memory)"
    return "the program ended while it worked on the event; look at its last lines of output"
