"""All records."""

from __future__ import annotations

from tests.unit.lambda_api.operations import (
    aliases,
    capacity_providers,
    code_signing,
    event_source_mappings,
    layer_permissions,
    layers,
)
from tests.unit.lambda_api.operations.record import Record

RECORDS: tuple[Record, ...] = (
    *aliases.RECORDS,
    *capacity_providers.RECORDS,
    *code_signing.RECORDS,
    *event_source_mappings.RECORDS,
    *layer_permissions.RECORDS,
    *layers.RECORDS,
)
