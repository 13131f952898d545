"""Access keys: who may sign requests, and for which account they speak; and how an account is kept from another's."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime

from orchestrator.domain.errors import AccessDenied

_ID_PREFIX = "AKIA"
_ID_LENGTH = 20
_ID_BYTES = 10
_SECRET_BYTES = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """
    One access key.

    Args:
        access_key_id: Public; of AWS's form.
        secret: What requests are signed with.
        account: The account whoever signs with it speaks for.
    """

    access_key_id: str
    secret: str
    account: str
    description: str
    created_at: datetime


def denied(account: str, action: str, resource: str) -> AccessDenied:
    """
    How AWS refuses an account what is another's and nobody let it have.

    Args:
        account: Whoever calls speaks for it.
        action: IAM's, without `lambda:`.
        resource: The ARN that was asked for.
    """
    return AccessDenied(
        f"User: arn:aws:iam::{account}:root is not authorized to perform: lambda:{action} on resource: {resource} "
        f"because no resource-based policy allows the lambda:{action} action"
    )


def access_key_id_from(random: bytes) -> str:
    """
    An id of AWS's form: AKIA and 16 characters of base32.

    Args:
        random: 10 bytes.
    """
    assert len(random) == _ID_BYTES
    return (_ID_PREFIX + base64.b32encode(random).decode())[:_ID_LENGTH]


def secret_from(random: bytes) -> str:
    """
    A secret of AWS's form: 40 characters of base64.

    Args:
        random: 30 bytes.
    """
    assert len(random) == _SECRET_BYTES
    return base64.b64encode(random).decode()
