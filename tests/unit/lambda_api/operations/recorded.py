"""All records."""

from __future__ import annotations

from tests.unit.lambda_api.operations import (
    aliases,
    resource_policies,
)
from tests.unit.lambda_api.operations.record import Record

RECORDS: tuple[Record, ...] = (
    *aliases.RECORDS,
    *resource_policies.RECORDS,
)
