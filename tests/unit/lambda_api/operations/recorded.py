"""All records."""

from __future__ import annotations

from tests.unit.lambda_api.operations import (
    aliases,
    capacity_providers,
    code_signing,
    concurrency,
    durable_executions,
    event_invoke_configs,
    event_source_mappings,
    function_settings,
    function_urls,
    functions,
    invoking,
    layer_permissions,
    layers,
    permissions,
    resource_policies,
    tags,
    versions,
)
from tests.unit.lambda_api.operations.record import Record

RECORDS: tuple[Record, ...] = (
    *aliases.RECORDS,
    *capacity_providers.RECORDS,
    *code_signing.RECORDS,
    *concurrency.RECORDS,
    *durable_executions.RECORDS,
    *event_invoke_configs.RECORDS,
    *event_source_mappings.RECORDS,
    *function_settings.RECORDS,
    *function_urls.RECORDS,
    *functions.RECORDS,
    *invoking.RECORDS,
    *layer_permissions.RECORDS,
    *layers.RECORDS,
    *permissions.RECORDS,
    *resource_policies.RECORDS,
    *tags.RECORDS,
    *versions.RECORDS,
)
