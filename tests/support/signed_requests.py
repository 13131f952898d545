"""Requests that are signed as AWS's own clients do it, and all the ways to tamper with them: AWS's answer to each."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from orchestrator.domain.environment_variables import PLACEHOLDER_ACCESS_KEY_ID, PLACEHOLDER_SECRET

PATH = "/2015-03-31/functions/hello/invocations"
_TIMESTAMP = "%Y%m%dT%H%M%SZ"
_PATIENCE_S = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class RawAnswer:
    """An HTTP answer, nothing interpreted. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def content(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def send(
    port: int, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> RawAnswer:
    """One request by hand, on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_S)
    try:
        connection.request(method, path, body=body, headers=dict(headers or {}))
        answer = connection.getresponse()
        lower = {name.lower(): value for name, value in answer.getheaders()}
        return RawAnswer(status=answer.status, headers=lower, body=answer.read())
    finally:
        connection.close()


@dataclass
class Signed:
    """A request that is signed rightly, and may be changed after that."""

    port: int
    key_id: str
    secret: str
    method: str = "POST"
    path: str = PATH
    query: str = ""
    body: bytes = b'{"n": 1}'
    headers: dict[str, str] = field(default_factory=lambda: {"X-Amz-Invocation-Type": "DryRun"})
    answer: Any = None

    def sign(
        self,
        *,
        key_id: str | None = None,
        secret: str | None = None,
        region: str = "us-east-1",
        service: str = "lambda",
        at: datetime | None = None,
    ) -> None:
        """Add the Authorization header, as botocore does."""
        request = self._request()
        signer = SigV4Auth(Credentials(key_id or self.key_id, secret or self.secret), service, region)
        request.context["timestamp"] = (at or datetime.now(UTC)).strftime(_TIMESTAMP)
        signer._modify_request_before_signing(request)
        to_sign = signer.string_to_sign(request, signer.canonical_request(request))
        signer._inject_signature_to_request(request, signer.signature(to_sign, request))
        self.headers = dict(request.headers.items())

    def presign(self, *, expires: int = 60, at: datetime | None = None) -> None:
        """Make it a GET with its signature in the query."""
        self.method, self.path, self.body, self.headers = "GET", "/2016-08-19/account-settings/", b"", {}
        request = self._request()
        signer = SigV4QueryAuth(Credentials(self.key_id, self.secret), "lambda", "us-east-1", expires=expires)
        request.context["timestamp"] = (at or datetime.now(UTC)).strftime(_TIMESTAMP)
        signer._modify_request_before_signing(request)
        to_sign = signer.string_to_sign(request, signer.canonical_request(request))
        signer._inject_signature_to_request(request, signer.signature(to_sign, request))
        self.query = urlsplit(request.url).query

    def send(self) -> RawAnswer:
        """Send it as it is now."""
        target = self.path + (f"?{self.query}" if self.query else "")
        self.answer = send(self.port, self.method, target, self.body or None, self.headers)
        answer: RawAnswer = self.answer
        return answer

    def replace(self, before: str, after: str) -> None:
        """Change something in the Authorization header."""
        assert before in self.headers["Authorization"]
        self.headers["Authorization"] = self.headers["Authorization"].replace(before, after, 1)

    def _request(self) -> AWSRequest:
        url = f"http://127.0.0.1:{self.port}{self.path}" + (f"?{self.query}" if self.query else "")
        return AWSRequest(self.method, url, headers=self.headers, data=self.body)


def refused(signed: Signed) -> tuple[str, str]:
    """Send it; the refusal's code and message. Whatever else happens is an error of the test."""
    answer = signed.send()
    assert answer.status == 403, answer
    assert answer.content["Type"] == "User"
    return answer.headers["x-amzn-errortype"], answer.content["message"]


def _flip(text: str) -> str:
    return ("1" if text[0] != "1" else "2") + text[1:]


def _signature(signed: Signed) -> str:
    return signed.headers["Authorization"].rpartition("Signature=")[2]


def _scope(signed: Signed) -> str:
    return signed.headers["Authorization"].partition("Credential=")[2].partition(",")[0]


def _tampering(change: Callable[[Signed], None]) -> Callable[[Signed], None]:
    def tamper(signed: Signed) -> None:
        signed.sign()
        change(signed)

    return tamper


def _presigned(change: Callable[[Signed], None]) -> Callable[[Signed], None]:
    def tamper(signed: Signed) -> None:
        signed.presign()
        change(signed)

    return tamper


def _set(name: str, value: str) -> Callable[[Signed], None]:
    def change(signed: Signed) -> None:
        signed.headers[name] = value

    return change


def _of(name: str, value: object) -> Callable[[Signed], None]:
    def change(signed: Signed) -> None:
        setattr(signed, name, value)

    return change


def _without(name: str) -> Callable[[Signed], None]:
    def change(signed: Signed) -> None:
        pairs = signed.query.split("&")
        assert any(pair.startswith(name + "=") for pair in pairs)
        signed.query = "&".join(pair for pair in pairs if not pair.startswith(name + "="))

    return change


MISMATCH = ("InvalidSignatureException", "The request signature we calculated does not match the signature")
INCOMPLETE = "IncompleteSignatureException"
INVALID = "InvalidSignatureException"
UNKNOWN = ("UnrecognizedClientException", "The security token included in the request is invalid.")

TAMPERED: dict[str, tuple[Callable[[Signed], None], tuple[str, str]]] = {
    "another body": (_tampering(_of("body", b'{"n": 2}')), MISMATCH),
    "no body": (_tampering(_of("body", b"")), MISMATCH),
    "another function": (_tampering(_of("path", PATH.replace("hello", "other"))), MISMATCH),
    "another operation's path": (_tampering(_of("path", "/2015-03-31/functions/hello")), MISMATCH),
    "a path with a dot segment": (_tampering(_of("path", PATH.replace("hello", "x/../other"))), MISMATCH),
    "another method": (_tampering(_of("method", "DELETE")), MISMATCH),
    "a query that was not signed": (_tampering(_of("query", "Qualifier=1")), MISMATCH),
    "another invocation type": (_tampering(_set("X-Amz-Invocation-Type", "Event")), MISMATCH),
    "a header added that AWS reads": (
        _tampering(_set("X-Amz-Log-Type", "Tail")),
        (INVALID, "There were headers present in the request which were not signed: x-amz-log-type"),
    ),
    "another host": (_tampering(_set("Host", "localhost:1")), MISMATCH),
    "one digit of the signature": (
        _tampering(lambda signed: signed.replace(_signature(signed), _flip(_signature(signed)))),
        MISMATCH,
    ),
    "half a signature": (
        _tampering(lambda signed: signed.replace(_signature(signed), _signature(signed)[:32])),
        (INCOMPLETE, "Signature must be 64 hexadecimal digits."),
    ),
    "no signature": (
        _tampering(lambda signed: signed.replace(", Signature=" + _signature(signed), "")),
        (INCOMPLETE, "Authorization header requires 'Signature' parameter. (Hashed with SHA-256"),
    ),
    "no signed headers": (
        _tampering(lambda signed: signed.replace("SignedHeaders=", "Signed=")),
        (INCOMPLETE, "Authorization header requires 'SignedHeaders' parameter."),
    ),
    "no credential": (
        _tampering(lambda signed: signed.replace("Credential=", "Credentials=")),
        (INCOMPLETE, "Authorization header requires 'Credential' parameter."),
    ),
    "an algorithm alone": (
        _tampering(_set("Authorization", "AWS4-HMAC-SHA256 nothing")),
        (INCOMPLETE, "'nothing' not a valid key=value pair (missing equal-sign) in Authorization header"),
    ),
    "basic authentication": (
        _tampering(_set("Authorization", "Basic dGVzdDp0ZXN0")),
        (INCOMPLETE, "Unsupported AWS 'algorithm': 'Basic'."),
    ),
    "an older signature version": (
        _tampering(lambda signed: signed.replace("AWS4-HMAC-SHA256", "AWS3-HMAC-SHA256")),
        (INCOMPLETE, "Unsupported AWS 'algorithm': 'AWS3-HMAC-SHA256'."),
    ),
    "a credential in four parts": (
        _tampering(lambda signed: signed.replace("/aws4_request", "")),
        (INCOMPLETE, "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term"),
    ),
    "another terminator": (
        _tampering(lambda signed: signed.replace("aws4_request", "aws5_request")),
        (INVALID, "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'."),
    ),
    "another region in the scope": (
        _tampering(lambda signed: signed.replace("us-east-1", "eu-west-1")),
        MISMATCH,
    ),
    "no region": (
        lambda signed: signed.sign(region="the_moon"),
        (INVALID, "Credential should be scoped to a valid region, not 'the_moon'."),
    ),
    "another service": (
        lambda signed: signed.sign(service="s3"),
        (INVALID, "Credential should be scoped to correct service: 'lambda'."),
    ),
    "another day in the scope": (
        _tampering(lambda signed: signed.replace(_scope(signed).split("/")[1], "20200101")),
        (INVALID, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '2020"),
    ),
    "six minutes ago": (
        lambda signed: signed.sign(at=datetime.now(UTC) - timedelta(minutes=6)),
        (INVALID, "Signature expired: "),
    ),
    "in six minutes": (
        lambda signed: signed.sign(at=datetime.now(UTC) + timedelta(minutes=6)),
        (INVALID, "Signature not yet current: "),
    ),
    "no date": (
        _tampering(lambda signed: (signed.headers.pop("X-Amz-Date"), None)[1]),
        (INCOMPLETE, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."),
    ),
    "no real date": (
        _tampering(_set("X-Amz-Date", "yesterday")),
        (INCOMPLETE, "Date must be in ISO-8601 'basic format'. Got 'yesterday'."),
    ),
    "a date in no zone of this world": (
        _tampering(_set("X-Amz-Date", "Mon, 01 Jan 2026 00:00:00 +99999999999999")),
        (INCOMPLETE, "Date must be in ISO-8601 'basic format'. Got 'Mon, 01 Jan 2026"),
    ),
    "a date beyond the last": (
        _tampering(_set("X-Amz-Date", "Fri, 31 Dec 9999 23:59:59 -2300")),
        (INCOMPLETE, "Date must be in ISO-8601 'basic format'. Got 'Fri, 31 Dec 9999"),
    ),
    "another secret": (lambda signed: signed.sign(secret="x" * 40), MISMATCH),
    "another key": (lambda signed: signed.sign(key_id="AKIANOTHERE000000000"), UNKNOWN),
    "the keys of a local emulator": (lambda signed: signed.sign(key_id="test", secret="test"), UNKNOWN),
    "the placeholders that functions have": (
        lambda signed: signed.sign(key_id=PLACEHOLDER_ACCESS_KEY_ID, secret=PLACEHOLDER_SECRET),
        UNKNOWN,
    ),
    "a session token that nobody gave out": (_tampering(_set("X-Amz-Security-Token", "token")), UNKNOWN),
    "the host left unsigned": (
        _tampering(lambda signed: signed.replace("SignedHeaders=host;", "SignedHeaders=")),
        (INVALID, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."),
    ),
    "a hash of another body": (
        _tampering(_set("X-Amz-Content-SHA256", "0" * 64)),
        (INVALID, "There were headers present in the request which were not signed: x-amz-content-sha256"),
    ),
    "an unsigned payload, said afterwards": (
        _tampering(_set("X-Amz-Content-SHA256", "UNSIGNED-PAYLOAD")),
        (INVALID, "There were headers present in the request which were not signed: x-amz-content-sha256"),
    ),
    "presigned, for longer": (
        _presigned(lambda signed: setattr(signed, "query", signed.query.replace("Expires=60", "Expires=600000"))),
        MISMATCH,
    ),
    "presigned, for more than a week": (
        _presigned(lambda signed: setattr(signed, "query", signed.query.replace("Expires=60", "Expires=604801"))),
        (INCOMPLETE, "X-Amz-Expires must be a number of seconds from 1 to 604800, not '604801'."),
    ),
    "presigned, without its date": (
        _presigned(_without("X-Amz-Date")),
        (INCOMPLETE, "AWS query-string parameters must include 'X-Amz-Date'. Re-examine the query-string parameters."),
    ),
    "presigned, without its signature": (
        _presigned(_without("X-Amz-Signature")),
        (INCOMPLETE, "AWS query-string parameters must include 'X-Amz-Signature'."),
    ),
    "presigned, with a qualifier added": (
        _presigned(lambda signed: setattr(signed, "query", signed.query + "&Qualifier=1")),
        MISMATCH,
    ),
}
