"""All records."""

from __future__ import annotations

from tests.unit.lambda_api.operations import (
    aliases,
    concurrency,
    durable_executions,
    event_invoke_configs,
    function_settings,
    function_urls,
    functions,
    invoking,
    permissions,
    resource_policies,
    tags,
    versions,
)
from tests.unit.lambda_api.operations.record import Record

RECORDS: tuple[Record, ...] = (
    *aliases.RECORDS,
    *concurrency.RECORDS,
    *durable_executions.RECORDS,
    *event_invoke_configs.RECORDS,
    *function_settings.RECORDS,
    *function_urls.RECORDS,
    *functions.RECORDS,
    *invoking.RECORDS,
    *permissions.RECORDS,
    *resource_policies.RECORDS,
    *tags.RECORDS,
    *versions.RECORDS,
)
