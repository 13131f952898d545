"""
One page of a list, and the marker of the next.

A marker is the name of the last that was shown, not a count: what is created or deleted meanwhile moves nothing.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import TypeVar

from orchestrator.domain.errors import InvalidParameterValue
from orchestrator.lambda_api.parse import Parameters

Item = TypeVar("Item")


def page(found: Iterable[tuple[str, Item]], parameters: Parameters, largest: int) -> tuple[list[Item], str | None]:
    """
    What `Marker` and `MaxItems` ask for.

    Args:
        found: Each under its name, in the order of the names.
        largest: What a page holds at most, whatever was asked for.

    Returns: The page, and the marker of the next one if there is one.
    Raises:
        InvalidParameterValue: If the marker is none that was given.
    """
    size = min(parameters.get("MaxItems", largest), largest)
    after = _name_of(parameters["Marker"]) if parameters.get("Marker") else ""
    shown: list[Item] = []
    last = ""
    for name, item in found:
        if name <= after:
            continue
        if len(shown) == size:
            return shown, base64.urlsafe_b64encode(last.encode()).decode()
        shown.append(item)
        last = name
    return shown, None


def _name_of(marker: str) -> str:
    try:
        return base64.b64decode(marker, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise InvalidParameterValue("Marker is not one that this operation gave; begin without one") from error
