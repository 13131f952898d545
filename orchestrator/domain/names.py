"""
Names: function keys, ARNs, request ids, environment ids and sandbox hostnames.

Pure: whatever is random comes in as bytes, whatever is time as a number.
"""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from dataclasses import dataclass
from typing import NamedTuple

from orchestrator.domain.errors import InvalidParameterValue, ResourceNotFound, ValidationFailed

LATEST = "$LATEST"
DEFAULT_ACCOUNT = "000000000000"
DEFAULT_REGION = "us-east-1"

_REFERENCE = re.compile(
    r"(?:arn:(?:aws[a-zA-Z-]*)?:lambda:)?"
    r"(?:(?P<region>(?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d):)?"
    r"(?:(?P<account>\d{12}):)?"
    r"(?:function:)?(?P<name>[a-zA-Z0-9-_\.]+)(?::(?P<qualifier>\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9-_]+))?",
    re.ASCII,
)
_QUALIFIER = re.compile(r"\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+")
# botocore's model: NamespacedFunctionName and its qualifier
_REFERENCE_PATTERN = (
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?"
    r"(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"
)
_MAX_NAME = 64
_MAX_REFERENCE = 256
_MAX_QUALIFIER = 128
_TENANT_ID = re.compile(r"[a-zA-Z0-9\._:\/=+\-@ ]+", re.ASCII)
_MAX_TENANT_ID = 256
_HOSTNAME = re.compile(r"rt-[a-z2-7]{32}")


def lambda_arn(account: str, region: str, kind: str, name: str) -> str:
    """
    What Lambda calls a thing.

    Args:
        kind: Like `function` or `layer`.
    """
    return f"arn:aws:lambda:{region}:{account}:{kind}:{name}"


class FunctionKey(NamedTuple):
    """Which function: every key in the store begins with account and region (D15)."""

    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        """The unqualified ARN."""
        return lambda_arn(self.account, self.region, "function", self.name)

    def qualified_arn(self, qualifier: str) -> str:
        """The ARN of one version or alias."""
        return f"{self.arn}:{qualifier}"

    @property
    def vpc_id(self) -> str:
        """The one VPC of an account in a region; its subnets are networks of this host."""
        return f"vpc-{hashlib.sha256(f'{self.account}:{self.region}'.encode()).hexdigest()[:17]}"

    @property
    def log_group(self) -> str:
        """The log group AWS would write to."""
        return f"/aws/lambda/{self.name}"


class VersionKey(NamedTuple):
    """
    One version of a function, of one that isolates its tenants for one of them; what a pool of environments serves.

    Args:
        tenant_id: None if the function does not tell its tenants apart, or the version itself is meant.
    """

    function: FunctionKey
    version: str = LATEST
    tenant_id: str | None = None

    def __str__(self) -> str:
        of_tenant = "" if self.tenant_id is None else f" for tenant {self.tenant_id}"
        return f"{self.function.name}:{self.version}{of_tenant}"


@dataclass(frozen=True, slots=True)
class FunctionReference:
    """A function as a caller named it, with the qualifier (a number, an alias, `$LATEST`) if one was given."""

    key: FunctionKey
    qualifier: str | None = None

    @property
    def invoked_arn(self) -> str:
        """The ARN the function sees: with the qualifier that the caller used, else bare."""
        return self.key.qualified_arn(self.qualifier) if self.qualifier else self.key.arn


def parse_reference(text: str, qualifier: str | None, account: str, region: str) -> FunctionReference:
    """
    Read a function name, partial ARN or ARN, with an optional qualifier.

    Args:
        text: From the path, already percent-decoded.
        qualifier: The `Qualifier` query parameter, if given.
        account: The caller's account, for names without one.
        region: The caller's region, for names without one.

    Raises:
        ValidationFailed: If the text or the qualifier is not of AWS's pattern, or too long.
        ResourceNotFound: If the ARN is of another region.
        InvalidParameterValue: If both qualifiers are given and differ.
    AWS: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_RequestParameters
    """
    match = _REFERENCE.fullmatch(text)
    if match is not None and match["region"] and match["region"] != region:
        raise _other_region(match["region"], region)
    problems = [*_problems("functionName", text, _MAX_REFERENCE, _REFERENCE_PATTERN, is_of_pattern=match is not None)]
    if qualifier is not None:
        is_of_pattern = _QUALIFIER.fullmatch(qualifier) is not None
        problems += _problems("qualifier", qualifier, _MAX_QUALIFIER, _QUALIFIER.pattern, is_of_pattern=is_of_pattern)
    if match is None or problems:
        raise _validation_failed(problems)
    inner = match["qualifier"]
    if inner and qualifier and inner != qualifier:
        raise InvalidParameterValue(
            "The derived qualifier from the function name does not match the specified qualifier."
        )
    key = FunctionKey(match["account"] or account, region, match["name"])
    return FunctionReference(key, inner or qualifier)


def parse_arn(arn: str, region: str) -> FunctionReference:
    """
    Read a function's whole ARN, qualified or not, which is of AWS's pattern.

    Args:
        region: The caller's.

    Raises:
        ResourceNotFound: If it is of another region.
    """
    _, _, _, its_region, account, _, name, *qualifier = arn.split(":")
    if its_region != region:
        raise _other_region(its_region, region)
    return FunctionReference(FunctionKey(account, region, name), qualifier[0] if qualifier else None)


def name_in_arn(arn: str, account: str, region: str) -> str | None:
    """The name of the function that an ARN means; None if it is none, or of another account or region."""
    match = _REFERENCE.fullmatch(arn)
    if match is None or not arn.startswith("arn:") or (match["account"], match["region"]) != (account, region):
        return None
    return match["name"]


def check_tenant_id(text: str) -> None:
    """
    Is this of AWS's pattern for the id of a tenant?

    Raises:
        ValidationFailed: If it is not, or is empty, or too long.
    AWS: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_RequestParameters
    """
    is_of_pattern = _TENANT_ID.fullmatch(text) is not None
    problems = _problems("tenantId", text, _MAX_TENANT_ID, _TENANT_ID.pattern, is_of_pattern=is_of_pattern)
    if not text:
        problems.insert(0, f"{_says(text, 'tenantId')}have length greater than or equal to 1")
    if problems:
        raise _validation_failed(problems)


def check_new_name(key: FunctionKey, text: str) -> None:
    """
    May a function be created by this name?

    Args:
        text: As the caller gave it.

    Raises:
        InvalidParameterValue: If it is longer than AWS allows.
    """
    if len(key.name) > _MAX_NAME:
        (problem,) = _problems("functionName", text, _MAX_NAME, "", is_of_pattern=True)
        raise InvalidParameterValue(f"1 validation error detected: {problem}")


def _other_region(its_region: str, region: str) -> ResourceNotFound:
    return ResourceNotFound(f"Functions from '{its_region}' are not reachable in this region ('{region}')")


def _validation_failed(problems: list[str]) -> ValidationFailed:
    noun = "error" if len(problems) == 1 else "errors"
    return ValidationFailed(f"{len(problems)} validation {noun} detected: {'; '.join(problems)}")


def _problems(member: str, value: str, limit: int, pattern: str, *, is_of_pattern: bool) -> list[str]:
    says = _says(value, member)
    problems = []
    if len(value) > limit:
        problems.append(f"{says}have length less than or equal to {limit}")
    if not is_of_pattern:
        problems.append(f"{says}satisfy regular expression pattern: {pattern}")
    return problems


def _says(value: str, member: str) -> str:
    return f"Value '{value}' at '{member}' failed to satisfy constraint: Member must "


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
