"""
Who calls: account and region, as the request says (D15).

The region is the credential scope's; the account is the access key id if that is twelve digits (a custom among
local emulators), else the default. Signatures are not verified yet: `docs/compatibility.md`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

from orchestrator.domain.names import DEFAULT_ACCOUNT

_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d{8}/([a-z0-9-]+)/")
_IN_QUERY = re.compile(r"X-Amz-Credential=([^&]+)")
_ACCOUNT = re.compile(r"\d{12}")


@dataclass(frozen=True, slots=True)
class Caller:
    """The account and region a request speaks for."""

    account: str
    region: str


@lru_cache(maxsize=1024)
def caller_of(authorization: str, query: str, default_region: str) -> Caller:
    """
    Read the credential scope.

    Args:
        authorization: The header, or an empty text.
        query: The query string, for presigned URLs.
    """
    match = _CREDENTIAL.search(authorization)
    if match is None and (presigned := _IN_QUERY.search(query)):
        match = _CREDENTIAL.search(f"Credential={unquote(presigned[1])}")
    if match is None:
        return Caller(DEFAULT_ACCOUNT, default_region)
    return Caller(match[1] if _ACCOUNT.fullmatch(match[1]) else DEFAULT_ACCOUNT, match[2])
