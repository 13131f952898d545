"""
What becomes of a function that calls itself in a loop, by way of others. Values only.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
"""

from __future__ import annotations

from dataclasses import dataclass

TERMINATE = "Terminate"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecursionConfig:
    """
    What is set.

    Args:
        recursive_loop: `Allow` or `Terminate`.
    """

    recursive_loop: str = TERMINATE
