"""`paddock invoke`: one invocation. Its body goes to stdout as it was received, everything else to stderr."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.cli import rendering
from orchestrator.cli.endpoint import endpoint_of, lambda_client
from orchestrator.cli.failures import ExitCode, unusable
from orchestrator.cli.options import AsJson, EndpointUrl, FunctionName

if TYPE_CHECKING:
    from mypy_boto3_lambda.type_defs import InvocationResponseTypeDef

_TIMED_OUT_TYPE = "Sandbox.Timedout"
_TIMED_OUT_TEXT = "Task timed out"


def invoke(
    context: typer.Context,
    name: FunctionName,
    payload: Annotated[
        str, typer.Argument(metavar="[PAYLOAD|-|@FILE]", help="JSON; `-` reads stdin, `@FILE` a file.")
    ] = "{}",
    asynchronous: Annotated[bool, typer.Option("--async", help="Hand over an event; do not wait for its end.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check that the call would be accepted.")] = False,
    qualifier: Annotated[str | None, typer.Option(metavar="Q", help="A version or an alias.")] = None,
    tenant_id: Annotated[
        str | None, typer.Option(metavar="ID", help="For whom, if the function isolates its tenants.")
    ] = None,
    client_context: Annotated[str | None, typer.Option(metavar="JSON", help="`context.client_context`.")] = None,
    timeout: Annotated[
        float | None, typer.Option(min=0.001, metavar="S", help="Stop waiting after so many seconds (exit code 4).")
    ] = None,
    no_log: Annotated[bool, typer.Option("--no-log", help="Do not print the log's end on stderr.")] = False,
    as_json: AsJson = False,
    endpoint_url: EndpointUrl = None,
) -> None:
    """
    Run a function: body on stdout, log on stderr.

    Exit codes: 3 the function failed, 4 it timed out, 5 throttled.
    """
    if asynchronous and dry_run:
        raise unusable("--async and --dry-run exclude each other; give one of them")
    is_waited_for = not (asynchronous or dry_run)
    request: dict[str, Any] = {
        "FunctionName": name,
        "Payload": _read(payload),
        "InvocationType": "Event" if asynchronous else "DryRun" if dry_run else "RequestResponse",
    }
    if is_waited_for and not no_log:
        request["LogType"] = "Tail"
    if qualifier is not None:
        request["Qualifier"] = qualifier
    if tenant_id is not None:
        request["TenantId"] = tenant_id
    if client_context is not None:
        request["ClientContext"] = _encoded_context(client_context)

    answer = lambda_client(endpoint_of(context), read_timeout_s=timeout).invoke(**request)
    body = answer["Payload"].read()
    if as_json:
        rendering.print_document(_document(answer, body))
    elif is_waited_for:
        _show(_log(answer), body)
    else:
        rendering.tell(_without_waiting(name, answer))
    if "FunctionError" in answer:
        raise typer.Exit(ExitCode.TIMEOUT if _has_timed_out(body) else ExitCode.FUNCTION_ERROR)


def _read(payload: str) -> bytes:
    if payload == "-":
        return sys.stdin.buffer.read()
    if not payload.startswith("@"):
        return payload.encode()
    path = Path(payload[1:])
    try:
        return path.read_bytes()
    except OSError as error:
        raise unusable(f"payload file {str(path)!r}: {error.strerror}; give a file that can be read") from error


def _encoded_context(text: str) -> str:
    try:
        json.loads(text)
    except ValueError as error:
        raise unusable(f"--client-context is no JSON ({error}); write it as '{{\"custom\": {{}}}}'") from error
    return base64.b64encode(text.encode()).decode()


def _show(log: str | None, body: bytes) -> None:
    if log is not None:
        sys.stderr.write(log if log.endswith("\n") else log + "\n")
        sys.stderr.flush()
    sys.stdout.buffer.write(body)
    sys.stdout.buffer.flush()
    if sys.stdout.isatty():
        # So that the shell's prompt starts a line of its own; stdout itself gets the body alone.
        sys.stderr.write("\n")


def _log(answer: InvocationResponseTypeDef) -> str | None:
    encoded = answer.get("LogResult")
    return base64.b64decode(encoded).decode(errors="replace") if encoded else None


def _without_waiting(name: str, answer: InvocationResponseTypeDef) -> str:
    if answer["StatusCode"] == 204:
        return f"{name} would accept this call"
    request_id = _request_id(answer)
    return f"accepted as {request_id}; `paddock describe --request {request_id}` tells what became of it"


def _document(answer: InvocationResponseTypeDef, body: bytes) -> dict[str, object]:
    return {
        "request_id": _request_id(answer),
        "status_code": answer["StatusCode"],
        "executed_version": answer.get("ExecutedVersion"),
        "function_error": answer.get("FunctionError"),
        "payload": _value(body),
        "log": _log(answer),
    }


def _value(body: bytes) -> object:
    """A body as a JSON value; as text if it is not JSON, which a function may answer."""
    if not body:
        return None
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")


def _has_timed_out(body: bytes) -> bool:
    error = _value(body)
    if not isinstance(error, dict):
        return False
    return error.get("errorType") == _TIMED_OUT_TYPE or _TIMED_OUT_TEXT in str(error.get("errorMessage"))


def _request_id(answer: InvocationResponseTypeDef) -> str | None:
    return answer["ResponseMetadata"].get("RequestId")
