"""What may be answered to what was sent. Pure: a request and its answers in, what is wrong out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import unquote_to_bytes

from botocore.eventstream import EventStreamBuffer, ParserError

from tests.support.generator.generated import Generated
from tests.support.generator.wire import Answer

_ERROR_TYPE = "x-amzn-errortype"
_STATUSES = {
    200, 201, 202, 204,
    400, 403, 404, 409, 412, 413, 415, 429,
    500, 501,
}  # fmt: skip
_OF_HTTP = {400, 408, 429, 431}
"""What is answered to what is no request, before anyone knows whom it was for."""
_OF_CONSOLE = {404, 405, 422}
_HAS_UNTYPED_ERRORS = b"code-signing-configs"
"""What is not found there, AWS says without a `Type`."""
_NOT_OF_LAMBDA = (b"paddock", b"healthz", b"readyz")
_DOWNLOADS = b"/_paddock/layers/"
_NOT_UNDERSTOOD = ("SerializationException", "UnknownOperationException")


def wrong_with(request: Generated, answers: Sequence[Answer], *, in_fault: bool) -> str | None:
    """
    What is wrong with these answers to a request; None if nothing is.

    Args:
        in_fault: Was a fault injected shortly before, or while it was answered?
    """
    if request.is_one and len(answers) != 1:
        return f"{len(answers)} answers to one request"
    if not request.least <= len(answers) <= request.most:
        return f"{len(answers)} answers, where {request.least} to {request.most} may come"
    for answer in answers:
        wrong = _wrong_with_one(request, answer, in_fault=in_fault)
        if wrong is not None:
            return f"{answer.status} {answer.headers} {answer.body[:500]!r}: {wrong}"
    return None


def _wrong_with_one(request: Generated, answer: Answer, *, in_fault: bool) -> str | None:
    error_type = answer.headers.get(_ERROR_TYPE)
    is_success = 200 <= answer.status < 300
    if answer.status == 500 and not (in_fault and error_type == "ServiceException"):
        return "a failure of ours"
    if answer.status == 501 and error_type != "NotImplementedException":
        return "not built, but not named so"
    if answer.status not in _STATUSES | _OF_HTTP | _OF_CONSOLE:
        return "a status that neither AWS nor the console has"
    if request.is_served and not is_success and not (in_fault and answer.status == 500):
        return "a valid request is refused"
    if request.is_refused and is_success:
        return "it is served, and must be refused"
    if request.is_understood and error_type in _NOT_UNDERSTOOD:
        return "it is as the model says, and is not understood"
    if request.method != "HEAD" and answer.is_whole:
        return _wrong_form(request, answer, error_type, is_success=is_success)
    return None


def _wrong_form(request: Generated, answer: Answer, error_type: str | None, *, is_success: bool) -> str | None:
    is_json = answer.headers.get("content-type", "").startswith("application/json")
    if is_json:
        try:
            # A function may answer with a number of thousands of digits, which Python does not take for one.
            content = json.loads(answer.body, parse_int=str)
        except ValueError:
            return "it says it is JSON"
    if answer.headers.get("content-type") == "application/vnd.amazon.eventstream":
        return None if is_success and _is_complete(answer.body) else "it says it is a stream of events"
    if is_success:
        return None if is_json or not answer.body or b"/_paddock" in unquote_to_bytes(request.sent) else "no JSON"
    if error_type is not None:
        faults = ("User", "Service", None) if _HAS_UNTYPED_ERRORS in request.sent else ("User", "Service")
        if not is_json or content.get("Type") not in faults:
            return "an error not as AWS has them"
        if not (isinstance(content.get("message"), str) or isinstance(content.get("Message"), str)):
            return "an error without a message"
        return None if answer.headers.get("x-amzn-requestid") else "an error without a request id"
    if is_json and isinstance(content, dict) and "detail" in content:
        # A path is the same with each of its letters in per cent.
        sent = unquote_to_bytes(request.sent)
        return None if any(path in sent for path in _NOT_OF_LAMBDA) else "an error of the console's form"
    if is_json and answer.status == 404 and _DOWNLOADS in unquote_to_bytes(request.sent):
        return None if isinstance(content.get("message"), str) else "an error without a message"
    if answer.status in _OF_HTTP and answer.headers.get("connection") == "close":
        return None
    return "an error in no form"


def _is_complete(stream: bytes) -> bool:
    """Is it nothing but events, and is the last one that which says so?"""
    buffer = EventStreamBuffer()
    buffer.add_data(stream)
    try:
        kinds = [found.headers[":event-type"] for found in buffer]
    except ParserError:
        return False
    return kinds[-1:] == ["InvokeComplete"] and set(kinds[:-1]) <= {"PayloadChunk"}
