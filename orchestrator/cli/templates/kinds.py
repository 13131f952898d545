"""The kinds of resources that Paddock makes of a template, in the order in which they are made."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from orchestrator.cli.templates.event_sources import EventInvokeConfigKind, EventSourceMappingKind
from orchestrator.cli.templates.functions import FunctionKind
from orchestrator.cli.templates.layers import LayerKind
from orchestrator.cli.templates.references import Stack
from orchestrator.cli.templates.urls import PermissionKind, UrlKind
from orchestrator.cli.templates.versions import AliasKind, VersionKind
from orchestrator.cli.templates.wanted import Kind


def kinds_of(stack: Stack, folder: Path, image_ids: Mapping[str, str | None]) -> dict[str, Kind]:
    """
    By CloudFormation's type.

    Args:
        folder: The template's.
        image_ids: What tags stand for on this machine, where that can be said.
    """
    kinds: tuple[Kind, ...] = (
        LayerKind(folder),
        FunctionKind(stack, image_ids),
        VersionKind(),
        AliasKind(stack),
        UrlKind(),
        PermissionKind(stack),
        EventInvokeConfigKind(),
        EventSourceMappingKind(stack),
    )
    return {kind.type: kind for kind in kinds}
