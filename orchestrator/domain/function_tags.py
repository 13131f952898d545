"""
Tags of functions: how many, and those that mean something to Paddock.

What AWS's API has no member for is asked for with a tag, which every AWS client, Terraform and SAM can set.
"""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.domain.errors import InvalidParameterValue

MAX_TAGS = 50
WRITABLE_ROOT = "paddock:writable-root"
"""`true`: what the image has may be written by the function, where its modes allow it; not only /tmp."""

_OURS = "paddock:"
_MEANT = {WRITABLE_ROOT: ("true", "false")}


def check_tags(tags: Mapping[str, str]) -> None:
    """
    May a function have these tags?

    Raises:
        InvalidParameterValue: If there are more than 50, or one asks Paddock for what it does not know.
    """
    check_count(tags)
    for name, value in tags.items():
        if not name.startswith(_OURS):
            continue
        if name not in _MEANT:
            raise InvalidParameterValue(
                f"Tag {name} means nothing to Paddock, and ignoring it would mislead; "
                f"tags that begin with {_OURS} are its own: {', '.join(_MEANT)}"
            )
        if value not in _MEANT[name]:
            raise InvalidParameterValue(f"Tag {name} is {value!r}; it can be {' or '.join(_MEANT[name])}")


def check_count(tags: Mapping[str, str]) -> None:
    """
    May anything have so many tags?

    Raises:
        InvalidParameterValue: If there are more than 50.
    """
    if len(tags) > MAX_TAGS:
        raise InvalidParameterValue("Number of tags exceeds resource tag limit.")


def wants_writable_root(tags: Mapping[str, str]) -> bool:
    """Is the function's root to be writable?"""
    return tags.get(WRITABLE_ROOT) == "true"
