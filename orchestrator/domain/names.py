"""
Names: function keys, ARNs, request ids, environment ids and sandbox hostnames.

Pure: whatever is random comes in as bytes, whatever is time as a number.
"""

from __future__ import annotations

import base64
import re
import uuid
from dataclasses import dataclass
from typing import NamedTuple

from orchestrator.domain.errors import InvalidParameterValue, ResourceNotFound, ValidationFailed

LATEST = "$LATEST"
DEFAULT_ACCOUNT = "000000000000"
DEFAULT_REGION = "us-east-1"

_NAME = r"[a-zA-Z0-9-_]+"
_QUALIFIER = r"\$LATEST|[a-zA-Z0-9-_]+"
_REFERENCE = re.compile(
    rf"(?:arn:(?P<partition>aws[a-zA-Z-]*):lambda:(?P<region>[a-z0-9-]+):(?P<account>\d{{12}}):function:"
    rf"|(?P<partial_account>\d{{12}}):function:|function:)?"
    rf"(?P<name>{_NAME})(?::(?P<qualifier>{_QUALIFIER}))?"
)
# botocore's model: NamespacedFunctionName
_REFERENCE_PATTERN = (
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso(b?)))?-[a-z]+-\d{1}:)?(\d{12}:)?"
    r"(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?"
)
_MAX_NAME = 64
_HOSTNAME = re.compile(r"rt-[a-z2-7]{32}")


class FunctionKey(NamedTuple):
    """Which function: every key in the store begins with account and region (D15)."""

    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        """The unqualified ARN."""
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{self.name}"

    def qualified_arn(self, qualifier: str) -> str:
        """The ARN of one version or alias."""
        return f"{self.arn}:{qualifier}"

    @property
    def log_group(self) -> str:
        """The log group AWS would write to."""
        return f"/aws/lambda/{self.name}"


class VersionKey(NamedTuple):
    """One version of a function; what a pool of environments serves."""

    function: FunctionKey
    version: str = LATEST

    def __str__(self) -> str:
        return f"{self.function.name}:{self.version}"


@dataclass(frozen=True, slots=True)
class FunctionReference:
    """A function as a caller named it, with the qualifier if one was given."""

    key: FunctionKey
    qualifier: str | None = None

    @property
    def invoked_arn(self) -> str:
        """The ARN the function sees: with the qualifier that the caller used, else bare."""
        return self.key.qualified_arn(self.qualifier) if self.qualifier else self.key.arn


def parse_reference(
    text: str, qualifier: str | None, account: str, region: str, *, name_limit: int = 170
) -> FunctionReference:
    """
    Read a function name, partial ARN or ARN, with an optional qualifier.

    Args:
        text: From the path, already percent-decoded.
        qualifier: The `Qualifier` query parameter, if given.
        account: The caller's account, for names without one.
        region: The caller's region, for names without one.
        name_limit: Characters that `text` may have (170 for Invoke, 140 elsewhere).

    Raises:
        ValidationFailed: If the text is not of AWS's pattern.
        ResourceNotFound: If the ARN is of another region.
        InvalidParameterValue: If both qualifiers are given and differ.
    AWS: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_RequestParameters
    """
    match = _REFERENCE.fullmatch(text) if len(text) <= name_limit else None
    if match is None or len(match["name"]) > _MAX_NAME:
        constraint = (
            f"Member must have length less than or equal to {name_limit if len(text) > name_limit else _MAX_NAME}"
            if match is not None or len(text) > name_limit
            else f"Member must satisfy regular expression pattern: {_REFERENCE_PATTERN}"
        )
        raise ValidationFailed(
            f"1 validation error detected: Value '{text}' at 'functionName' failed to satisfy constraint: {constraint}"
        )
    if match["region"] and match["region"] != region:
        raise ResourceNotFound(f"Functions from '{match['region']}' are not reachable in this region ('{region}')")
    inner = match["qualifier"]
    if inner and qualifier and inner != qualifier:
        raise InvalidParameterValue(
            "The derived qualifier from the function name does not match the specified qualifier."
        )
    key = FunctionKey(match["account"] or match["partial_account"] or account, region, match["name"])
    return FunctionReference(key, inner or qualifier)


def request_id_for(key: int, random_bits: int) -> str:
    """
    The public request id of an invocation: a version-8 UUID that carries its key.

    Args:
        key: 63-bit monotonic integer, the primary key in the store.
        random_bits: 59 random bits; compared on look-up, so an id cannot be guessed.
    """
    # 48 bits | version | 12 bits | variant | 3 bits of key + 59 of nothing to guess from
    high48 = key >> 15
    low15 = key & 0x7FFF
    number = (high48 << 80) | (0x8 << 76) | ((low15 >> 3) << 64) | (0b10 << 62) | ((low15 & 0x7) << 59)
    text = f"{number | (random_bits & ((1 << 59) - 1)):032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def key_of_request_id(request_id: str) -> int | None:
    """The invocation key a request id carries, or None if it is not one of ours."""
    try:
        number = uuid.UUID(request_id).int
    except ValueError:
        return None
    if (number >> 76) & 0xF != 0x8:
        return None
    return ((number >> 80) << 15) | (((number >> 64) & 0xFFF) << 3) | ((number >> 59) & 0x7)


def hostname_from(random: bytes) -> str:
    """
    An unguessable sandbox hostname (D1): one label, lower case, never readable as a number.

    Args:
        random: 20 random bytes.
    """
    return "rt-" + base64.b32encode(random[:20]).decode().lower()


def is_sandbox_hostname(text: str) -> bool:
    """Does this look like a hostname of ours?"""
    return _HOSTNAME.fullmatch(text) is not None


def environment_id_from(random: bytes) -> str:
    """An environment id: 32 hexadecimal characters, as the last part of AWS's log stream names."""
    return random[:16].hex()


def log_stream_name(year: int, month: int, day: int, version: str, environment_id: str) -> str:
    """AWS's name of the one log stream an environment writes for its life."""
    return f"{year:04}/{month:02}/{day:02}/[{version}]{environment_id}"
