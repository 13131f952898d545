"""
How many connections callers may have: a process has only so many open files, and what was accepted needs some.

Callers come first, and may be many; without a bound of theirs they could take the files of those they wait for.
"""

from __future__ import annotations

_OF_OUR_OWN = 128
"""Databases, the driver, logs, and what is opened for a moment."""
_PER_ENVIRONMENT = 3
"""Its polls, what it posts, and where its memory is read."""


def front_port_connections(open_files: int, environments: int) -> int:
    """
    How many callers may be connected at once.

    Args:
        open_files: As many as this process may have.
        environments: As many as may live at once.

    Returns: What is left of them; at least half, for not every host will see so many environments.
    """
    return max(open_files - _OF_OUR_OWN - _PER_ENVIRONMENT * environments, open_files // 2)
