"""All records."""

from __future__ import annotations

from tests.unit.lambda_api.operations import (
    aliases,
    durable_executions,
    event_invoke_configs,
    function_settings,
    function_urls,
    permissions,
    tags,
)
from tests.unit.lambda_api.operations.record import Record

RECORDS: tuple[Record, ...] = (
    *aliases.RECORDS,
    *durable_executions.RECORDS,
    *event_invoke_configs.RECORDS,
    *function_settings.RECORDS,
    *function_urls.RECORDS,
    *permissions.RECORDS,
    *tags.RECORDS,
)
