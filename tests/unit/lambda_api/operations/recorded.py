"""All records."""

from __future__ import annotations

from tests.unit.lambda_api.operations import (
    aliases,
    concurrency,
    functions,
    invoking,
    resource_policies,
    versions,
)
from tests.unit.lambda_api.operations.record import Record

RECORDS: tuple[Record, ...] = (
    *aliases.RECORDS,
    *concurrency.RECORDS,
    *functions.RECORDS,
    *invoking.RECORDS,
    *resource_policies.RECORDS,
    *versions.RECORDS,
)
