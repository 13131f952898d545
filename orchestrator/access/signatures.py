"""
AWS Signature Version 4, checked: botocore signs the request again as its caller said it was signed, and the two are
compared. In the header or in the query (presigned), with AWS's own errors. Pure: the clock and the keys are arguments.

AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import unquote

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

from orchestrator.domain.access import AccessKey
from orchestrator.domain.errors import (
    IncompleteSignature,
    InvalidSignature,
    MissingAuthenticationToken,
    UnrecognizedClient,
)

SERVICE = "lambda"
_ALGORITHM = "AWS4-HMAC-SHA256"
_TERMINATOR = "aws4_request"
_TIMESTAMP = "%Y%m%dT%H%M%SZ"
_SKEW = timedelta(minutes=5)
_LONGEST_PRESIGNED_S = 604_800
_UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)*-\d+")
_SECONDS = re.compile(r"[0-9]{1,6}")
_HEX = re.compile(r"[0-9a-f]{64}")
_MAY_BE_UNSIGNED = "x-amz-user-agent"
"""What some clients add after signing. Nothing here reads it."""

_HEADER_PARTS = ("Credential", "Signature", "SignedHeaders")
_QUERY_PARTS = (
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
    "X-Amz-Date",
    "X-Amz-Expires",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """
    A request as it came over the wire.

    Args:
        path: Raw, still encoded.
        query: Raw, without the question mark.
        headers: Names in small letters, in their order.
    """

    method: str
    path: str
    query: str
    headers: Sequence[tuple[str, str]]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """
    What a request says about its own signature; nothing of it has been checked yet.

    Args:
        signed_at: The time it was signed, as it says.
        lifetime: For how long; None means in the header, where the clocks may differ by five minutes.
    """

    access_key_id: str
    region: str
    timestamp: str
    signed_at: datetime
    signed_headers: tuple[str, ...]
    signature: str
    lifetime: timedelta | None


def claim_of(request: SignedRequest) -> Claim:
    """
    Read how a request was signed.

    Raises:
        MissingAuthenticationToken: If it was not.
        IncompleteSignature: If something is missing or malformed.
        InvalidSignature: If its credential scope is not for here.
    """
    authorization = _one(request.headers, "authorization")
    parameters = _parameters(request.query)
    if authorization is not None:
        return _claim_of_header(authorization, request)
    if "X-Amz-Signature" in parameters or "X-Amz-Algorithm" in parameters:
        return _claim_of_query(parameters)
    raise MissingAuthenticationToken("Missing Authentication Token")


def check(request: SignedRequest, claim: Claim, key: AccessKey | None, now: datetime) -> None:
    """
    Check that this key signed this request, now.

    Args:
        key: The key of the claim's id, or None if there is none.

    Raises:
        UnrecognizedClient: If there is no such key.
        InvalidSignature: If it has expired, does not cover what it must, or is another one than ours.
    """
    # A session token belongs to temporary credentials, which nobody gives out here.
    token = _one(request.headers, "x-amz-security-token") or _parameters(request.query).get("X-Amz-Security-Token")
    if key is None or token is not None:
        raise UnrecognizedClient("The security token included in the request is invalid.")
    _check_time(claim, now)
    _check_cover(request, claim)
    ours = _signature(request, claim, key)
    if not hmac.compare_digest(ours, claim.signature):
        raise InvalidSignature(
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details."
        )


class _AsItWasSigned(SigV4Auth):
    """botocore's signer, for exactly the headers that the request holds."""

    def headers_to_sign(self, request: AWSRequest) -> HTTPHeaders:
        signed: HTTPHeaders = request.headers
        return signed


def _signature(request: SignedRequest, claim: Claim, key: AccessKey) -> str:
    signer = _AsItWasSigned(Credentials(key.access_key_id, key.secret), SERVICE, claim.region)
    query = "&".join(pair for pair in request.query.split("&") if not pair.startswith("X-Amz-Signature="))
    again = AWSRequest(
        method=request.method, url=f"http://host{request.path}" + (f"?{query}" if query else ""), data=request.body
    )
    for name, value in request.headers:
        if name in claim.signed_headers:
            # add_header keeps those of one name apart; the signer joins them.
            again.headers.add_header(name, value)
    again.context["timestamp"] = claim.timestamp
    claimed_hash = _one(request.headers, "x-amz-content-sha256")
    if claimed_hash is not None and claimed_hash != _UNSIGNED_PAYLOAD:
        # The signer believes this header; the body has the last word.
        del again.headers["x-amz-content-sha256"]
        if "x-amz-content-sha256" in claim.signed_headers:
            again.headers["x-amz-content-sha256"] = hashlib.sha256(request.body).hexdigest()
    signature: str = signer.signature(signer.string_to_sign(again, signer.canonical_request(again)), again)
    return signature


def _check_time(claim: Claim, now: datetime) -> None:
    allowed = _SKEW if claim.lifetime is None else claim.lifetime
    minutes = allowed // timedelta(minutes=1)
    if claim.signed_at > now + _SKEW:
        raise InvalidSignature(
            f"Signature not yet current: {claim.timestamp} is still later than {(now + _SKEW).strftime(_TIMESTAMP)} "
            f"({now.strftime(_TIMESTAMP)} + 5 min.)"
        )
    if claim.signed_at + allowed < now:
        raise InvalidSignature(
            f"Signature expired: {claim.timestamp} is now earlier than {(now - allowed).strftime(_TIMESTAMP)} "
            f"({now.strftime(_TIMESTAMP)} - {minutes} min.)"
        )


def _check_cover(request: SignedRequest, claim: Claim) -> None:
    if "host" not in claim.signed_headers:
        raise InvalidSignature("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
    present = {name for name, _ in request.headers}
    # What AWS reads must be what the caller signed: an invocation type added on the way would be obeyed otherwise.
    unsigned = sorted(
        name
        for name in present
        if name.startswith("x-amz-") and name != _MAY_BE_UNSIGNED and name not in claim.signed_headers
    )
    if unsigned:
        raise InvalidSignature(
            f"There were headers present in the request which were not signed: {', '.join(unsigned)}"
        )
    if claim.lifetime is None and "x-amz-date" not in claim.signed_headers and "date" not in claim.signed_headers:
        raise InvalidSignature("'X-Amz-Date' or 'Date' must be a 'SignedHeader' in the AWS Authorization.")


def _claim_of_header(authorization: str, request: SignedRequest) -> Claim:
    algorithm, _, rest = authorization.partition(" ")
    if algorithm != _ALGORITHM:
        raise IncompleteSignature(f"Unsupported AWS 'algorithm': '{algorithm}'.")
    parts: dict[str, str] = {}
    for piece in rest.split(","):
        name, equals, value = piece.strip().partition("=")
        if not equals:
            raise IncompleteSignature(
                f"'{piece.strip()}' not a valid key=value pair (missing equal-sign) in Authorization header"
                f"{_hashed(authorization)}"
            )
        parts[name] = value
    date = _one(request.headers, "x-amz-date") or _one(request.headers, "date")
    missing = [f"Authorization header requires '{name}' parameter." for name in _HEADER_PARTS if not parts.get(name)]
    if date is None:
        missing.append("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
    if missing or date is None:
        raise IncompleteSignature(" ".join(missing) + _hashed(authorization))
    return _claim(parts["Credential"], parts["SignedHeaders"], parts["Signature"], date, None)


def _claim_of_query(parameters: Mapping[str, str]) -> Claim:
    missing = [f"AWS query-string parameters must include '{name}'." for name in _QUERY_PARTS if name not in parameters]
    if missing:
        raise IncompleteSignature(" ".join([*missing, "Re-examine the query-string parameters."]))
    if parameters["X-Amz-Algorithm"] != _ALGORITHM:
        raise IncompleteSignature(f"Unsupported AWS 'algorithm': '{parameters['X-Amz-Algorithm']}'.")
    expires = parameters["X-Amz-Expires"]
    if not (_SECONDS.fullmatch(expires) and 0 < int(expires) <= _LONGEST_PRESIGNED_S):
        raise IncompleteSignature(
            f"X-Amz-Expires must be a number of seconds from 1 to {_LONGEST_PRESIGNED_S}, not '{expires}'."
        )
    return _claim(
        parameters["X-Amz-Credential"],
        parameters["X-Amz-SignedHeaders"],
        parameters["X-Amz-Signature"],
        parameters["X-Amz-Date"],
        timedelta(seconds=int(expires)),
    )


def _claim(credential: str, signed_headers: str, signature: str, date: str, lifetime: timedelta | None) -> Claim:
    elements = credential.split("/")
    if len(elements) != 5:
        raise IncompleteSignature(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, "
            f"got '{credential}'"
        )
    access_key_id, scope_date, region, service, terminator = elements
    signed_at = _moment(date)
    timestamp = signed_at.strftime(_TIMESTAMP)
    if not _REGION.fullmatch(region):
        raise InvalidSignature(f"Credential should be scoped to a valid region, not '{region}'. ")
    if service != SERVICE:
        raise InvalidSignature(f"Credential should be scoped to correct service: '{SERVICE}'. ")
    if terminator != _TERMINATOR:
        raise InvalidSignature(
            f"Credential should be scoped with a valid terminator: '{_TERMINATOR}', not '{terminator}'. "
        )
    if scope_date != timestamp[:8]:
        raise InvalidSignature(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            f"'{scope_date}' != '{timestamp[:8]}', from '{timestamp}'."
        )
    if not _HEX.fullmatch(signature):
        raise IncompleteSignature("Signature must be 64 hexadecimal digits.")
    return Claim(
        access_key_id=access_key_id,
        region=region,
        timestamp=timestamp,
        signed_at=signed_at,
        signed_headers=tuple(signed_headers.lower().split(";")),
        signature=signature,
        lifetime=lifetime,
    )


def _moment(date: str) -> datetime:
    """ISO 8601's basic form, or a Date header's."""
    try:
        return datetime.strptime(date, _TIMESTAMP).replace(tzinfo=UTC)
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(date)
        return moment.astimezone(UTC) if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise IncompleteSignature(
            f"Date must be in ISO-8601 'basic format'. Got '{date}'. See http://en.wikipedia.org/wiki/ISO_8601"
        ) from error


def _hashed(authorization: str) -> str:
    # AWS no longer repeats the header, which may hold a secret, but a hash of it.
    digest = base64.b64encode(hashlib.sha256(authorization.encode()).digest()).decode()
    return f" (Hashed with SHA-256 and encoded with Base64) Authorization={digest}"


def _one(headers: Sequence[tuple[str, str]], name: str) -> str | None:
    for key, value in headers:
        if key == name:
            return value
    return None


def _parameters(query: str) -> dict[str, str]:
    """The query's AWS parameters, decoded; of a name that comes twice, the first."""
    found: dict[str, str] = {}
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if name.startswith("X-Amz-"):
            found.setdefault(name, unquote(value))
    return found
