"""
How many connections callers and functions may have: a process has only so many open files.

Callers may be many; without a bound of theirs they could take the files of those they wait for. Nor may functions take
those of callers: where none is left, the loop closes whoever connects, on either port, and nobody is told why.
"""

from __future__ import annotations

_OF_OUR_OWN = 128
"""Databases, the driver, logs, and what is opened for a moment."""
_PER_ENVIRONMENT = 3
"""Its polls, what it posts, and where its memory is read."""
_OF_ONE_FUNCTION = 1024
"""As many as files it may open: fewer would hinder one that calls a thousand others at once."""


def front_port_connections(open_files: int, environments: int) -> int:
    """
    How many callers may be connected at once.

    Args:
        open_files: As many as this process may have.
        environments: As many as may live at once.

    Returns: What is left of them, from a half, for not every host will see so many environments, to three quarters.
    """
    left = open_files - _OF_OUR_OWN - _PER_ENVIRONMENT * environments
    return max(min(left, open_files * 3 // 4), open_files // 2)


def runtime_api_connections(open_files: int, environments: int) -> tuple[int, int]:
    """
    How many connections functions may have at once.

    Args:
        open_files: As many as this process may have.
        environments: As many as may live at once.

    Returns: All together, what callers leave them; and each, so that one cannot take it all.
    """
    together = max(open_files - _OF_OUR_OWN - front_port_connections(open_files, environments), open_files // 8)
    return together, min(_OF_ONE_FUNCTION, together // 4)
