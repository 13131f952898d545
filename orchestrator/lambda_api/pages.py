"""
Pages of lists: how long one is, and where the next begins.

A marker is a place, not an item: what is created or deleted meanwhile moves no page.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any, TypeVar

from orchestrator.domain.errors import InvalidParameterValue
from orchestrator.lambda_api.parse import Parameters

Item = TypeVar("Item")
LARGEST_PAGE = 50
"""AWS gives no more at once, whatever was asked for; of event source mappings it gives more."""


def place_of(parameters: Parameters) -> tuple[str, ...]:
    """
    After which place the page begins; empty for the first page.

    Raises:
        InvalidParameterValue: If the marker is none that `page` made.
    """
    marker = parameters.get("Marker")
    if not marker:
        return ()
    try:
        return tuple(base64.b64decode(marker, altchars=b"-_", validate=True).decode().split(":"))
    except (binascii.Error, ValueError) as error:
        raise InvalidParameterValue("Marker is not one that this operation gave; begin without one") from error


def number_in(place: str) -> int:
    """The version's number in a place; 0 if it is `$LATEST`, which comes before all numbers."""
    return int(place) if re.fullmatch(r"[0-9]{1,18}", place) else 0


def page(
    items: Iterable[Item],
    parameters: Parameters,
    place: Callable[[Item], tuple[str, ...]],
    largest: int = LARGEST_PAGE,
) -> tuple[Sequence[Item], dict[str, Any]]:
    """
    The next page of what comes after the marker.

    Args:
        items: Those after the marker, in order; no more than one page and one are looked at.
        place: Where an item stands, in texts without colons.
        largest: What a page holds at most, whatever was asked for.

    Returns: The page's items, and `NextMarker` if there are more.
    """
    size = min(parameters.get("MaxItems", largest), largest)
    found = list(islice(items, size + 1))
    if len(found) <= size:
        return found, {}
    marker = base64.urlsafe_b64encode(":".join(place(found[size - 1])).encode()).decode()
    return found[:size], {"NextMarker": marker}


def page_by_name(
    named: Iterable[tuple[str, Item]], parameters: Parameters, largest: int = LARGEST_PAGE
) -> tuple[Sequence[Item], dict[str, Any]]:
    """
    The page that `Marker` and `MaxItems` ask for.

    Args:
        named: All items, each behind its name, which has no colon; in the order of the names.
        largest: What a page holds at most, whatever was asked for.

    Returns: The page's items, and `NextMarker` if there are more.
    Raises:
        InvalidParameterValue: If the marker is none that was given.
    """
    after = (*place_of(parameters), "")[0]
    shown, more = page((one for one in named if one[0] > after), parameters, lambda one: (one[0],), largest)
    return [item for _, item in shown], more
