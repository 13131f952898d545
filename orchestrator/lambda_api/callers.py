"""
Who calls: account and region, as the request says (D15).

The region is the credential scope's. The account is that of the access key where requests must be signed, and of the
function where one calls; else the access key id if that is twelve digits (a custom among local emulators), else the
default.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

from orchestrator.domain.names import DEFAULT_ACCOUNT
from orchestrator.lambda_api.answers import Scope

ACCOUNT = "paddock.account"
"""In the scope of a request whose signature was checked, its key's account; of one from a function, the function's."""

# Bounded, and without what it begins with: a header of nothing but beginnings would else take it seconds.
_CREDENTIAL = re.compile(r"Credential=([^/,\s=]{1,128})/\d{8}/([a-z0-9-]{1,64})/")
_IN_QUERY = re.compile(r"X-Amz-Credential=([^&]+)")
_ACCOUNT = re.compile(r"\d{12}")


class Caller(NamedTuple):
    """
    The account and region a request speaks for. A tuple, for each invocation makes one.

    Args:
        origin: How the front port was called by it, like `http://localhost:4574`; empty where it was not, or where
            no answer has an address in it.
        action: What it asks for, as IAM names it.
    """

    account: str
    region: str
    origin: str = ""
    action: str = ""


def caller_in(scope: Scope, authorization: str, query: str, default_region: str, action: str) -> Caller:
    """
    The caller of a request.

    Args:
        authorization: The header, or an empty text.
        query: The query string, for presigned URLs.
        action: What is asked for, as IAM names it.
    """
    account, region = _credential_scope(authorization, query, default_region)
    return Caller(scope.get(ACCOUNT, account), region, action=action)


def origin_in(scope: Scope, host: str) -> str:
    """
    How the front port was called by a request; empty for one from a function, which has another port.

    Args:
        host: The header.
    """
    return f"{scope.get('scheme', 'http')}://{host}" if host and not scope.get("paddock.caller") else ""


def _credential_scope(authorization: str, query: str, default_region: str) -> tuple[str, str]:
    """The account and the region that it tells."""
    match = _CREDENTIAL.search(authorization)
    if match is None and (presigned := _IN_QUERY.search(query)):
        match = _CREDENTIAL.search(f"Credential={unquote(presigned[1])}")
    if match is None:
        return DEFAULT_ACCOUNT, default_region
    return match[1] if _ACCOUNT.fullmatch(match[1]) else DEFAULT_ACCOUNT, match[2]
