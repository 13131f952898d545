"""
Layers: zip archives with numbered versions, and who else may read them. Values and rules only.

They are for functions that are zip packages, which Paddock does not have yet.
AWS: https://docs.aws.amazon.com/lambda/latest/dg/chapter-layers.html
"""

from __future__ import annotations

import base64
import hmac
import io
import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orchestrator.domain.errors import InvalidParameterValue
from orchestrator.domain.names import lambda_arn
from orchestrator.domain.quotas import MAX_UNZIPPED_BYTES

_DIRECTORY_ENTRY = b"PK\x01\x02"
_MOST_FILES = 100_000
"""Each takes memory while an archive's directory is read: fifty megabytes can have a million."""
_ARN = re.compile(r"arn:[^:]*:lambda:(?P<region>[^:]*):(?P<account>[^:]*):layer:(?P<name>[^:]+)(?::(?P<version>\d+))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerKey:
    """Which layer."""

    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        """Without a version."""
        return lambda_arn(self.account, self.region, "layer", self.name)

    def version_arn(self, number: int) -> str:
        """Of one version, whether there is one or not."""
        return f"{self.arn}:{number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """
    What is common to the versions of a layer, and stays when all are deleted.

    Args:
        last_published: The greatest number that was ever given; none is given twice.
    """

    last_published: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """
    One permission to read a version.

    Args:
        principal: `*`, an account, or an account's root.
        organization_id: Only accounts of this organization.
    """

    sid: str
    principal: str
    organization_id: str | None = None

    def lets_in(self, account: str) -> bool:
        """May this account read it? Nobody is known to be of an organization."""
        return self.organization_id is None and (self.principal == "*" or account in self.principal)


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerVersion:
    """
    One version, as it was published.

    Args:
        sha256: Of the archive, hexadecimal; the archive's name on the disk.
        token: What the path to the archive ends with, so that only who was told can have it.
        compatible_runtimes, compatible_architectures: None where nothing was said.
        policy_revision_id: None while nothing was ever permitted.
    AWS: https://docs.aws.amazon.com/lambda/latest/api/API_GetLayerVersion.html
    """

    key: LayerKey
    number: int
    description: str = ""
    license_info: str | None = None
    compatible_runtimes: tuple[str, ...] | None = None
    compatible_architectures: tuple[str, ...] | None = None
    sha256: str
    size_bytes: int
    token: str
    created_at: datetime
    statements: tuple[Statement, ...] = ()
    policy_revision_id: str | None = None

    @property
    def arn(self) -> str:
        """With its number."""
        return self.key.version_arn(self.number)

    @property
    def code_sha256(self) -> str:
        """As AWS shows it: base64."""
        return base64.b64encode(bytes.fromhex(self.sha256)).decode()

    def fits(self, runtime: str | None, architecture: str | None) -> bool:
        """Is it said to be for these? None asks for nothing."""
        return (runtime is None or runtime in (self.compatible_runtimes or ())) and (
            architecture is None or architecture in (self.compatible_architectures or ())
        )

    def may_be_read_by(self, account: str) -> bool:
        """Its own account, and those that were permitted."""
        return account == self.key.account or any(one.lets_in(account) for one in self.statements)

    def has_token(self, token: str) -> bool:
        """Was this path told by us?"""
        return hmac.compare_digest(self.token.encode(), token.encode())

    def statement_json(self, statement: Statement) -> str:
        """A permission as AWS writes it."""
        return json.dumps(self._statement(statement), separators=(",", ":"))

    @property
    def policy_json(self) -> str:
        """All permissions as AWS writes them."""
        policy = {
            "Version": "2012-10-17",
            "Id": "default",
            "Statement": [self._statement(one) for one in self.statements],
        }
        return json.dumps(policy, separators=(",", ":"))

    def _statement(self, statement: Statement) -> Mapping[str, Any]:
        written: dict[str, Any] = {
            "Sid": statement.sid,
            "Effect": "Allow",
            "Principal": _principal(statement.principal),
            "Action": "lambda:GetLayerVersion",
            "Resource": self.arn,
        }
        if statement.organization_id is not None:
            written["Condition"] = {"StringEquals": {"aws:PrincipalOrgID": statement.organization_id}}
        return written


def layer_in(name_or_arn: str, account: str, region: str) -> tuple[LayerKey, int | None]:
    """
    What a caller means by a name or an ARN, with the version if the ARN has one.

    Args:
        account, region: The caller's, for names.
    """
    match = _ARN.fullmatch(name_or_arn)
    if match is None:
        return LayerKey(account=account, region=region, name=name_or_arn), None
    key = LayerKey(account=match["account"], region=match["region"], name=match["name"])
    return key, int(match["version"]) if match["version"] else None


def check_archive(content: bytes) -> None:
    """
    Is this a zip archive that may be a layer?

    Raises:
        InvalidParameterValue: If it is none, has nothing in it, or has too much in it.
    """
    if content.count(_DIRECTORY_ENTRY) > _MOST_FILES:
        raise InvalidParameterValue(f"Paddock takes archives of at most {_MOST_FILES} files")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            sizes = [one.file_size for one in archive.infolist()]
    # What a damaged directory of an archive raises is more than the module says.
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError, EOFError, OSError) as error:
        if not content:
            raise InvalidParameterValue("Uploaded file must be a non-empty zip") from error
        raise InvalidParameterValue(
            "Could not unzip uploaded file. Please check your file, then try to upload again."
        ) from error
    if not sizes:
        raise InvalidParameterValue("Uploaded file must be a non-empty zip")
    if sum(sizes) >= MAX_UNZIPPED_BYTES:
        raise InvalidParameterValue(f"Unzipped size must be smaller than {MAX_UNZIPPED_BYTES} bytes")


def _principal(principal: str) -> Any:
    if principal == "*":
        return principal
    return {"AWS": principal if principal.startswith("arn:") else f"arn:aws:iam::{principal}:root"}
