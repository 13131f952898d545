"""
What a record is made of. All of it is data; `playing.py` acts it out.

In strings, `<name>` stands for what is known by then: `<account>`, `<arn>` (of the function `hello`), and whatever an
earlier call of the same case keeps (`Call.keeps`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Matching:
    """Stands in an answer for a text that is another one each time."""

    pattern: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and re.fullmatch(self.pattern, other) is not None

    def __hash__(self) -> int:
        return hash(self.pattern)


REVISION_ID = Matching(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = Matching(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000")
"""As functions and layers have it; where AWS sends a number, boto3 makes it a datetime: `A_DATETIME`."""


class _ADatetime:
    def __eq__(self, other: object) -> bool:
        return type(other).__name__ == "datetime"

    def __hash__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return "A_DATETIME"


A_DATETIME = _ADatetime()


@dataclass(frozen=True)
class Call:
    """
    A call that must work.

    Args:
        operation: boto3's name of it: `create_alias`.
        members: Its arguments.
        keeps: Name → member of the answer that is known by this name from now on; a path has points: `Code.Location`.
    """

    operation: str
    members: Mapping[str, Any]
    keeps: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Function:
    """Create a function, and wait until it is active; `members` beside what is ordinary."""

    name: str = "hello"
    members: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FunctionInProgress:
    """Create a function that stays Pending until the case has ended."""

    name: str = "hello"


@dataclass(frozen=True)
class Settled:
    """Wait until a function's update has ended."""

    name: str = "hello"


Step = Call | Function | FunctionInProgress | Settled


@dataclass(frozen=True, kw_only=True)
class Works:
    """
    The happy path.

    Args:
        before: What is there.
        members: The arguments.
        status: HTTP status.
        answer: All members of the answer.
    """

    before: tuple[Step, ...] = ()
    members: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    answer: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Refused:
    """
    A refusal.

    Args:
        before: What is there.
        members: The arguments.
        status: HTTP status.
        code: The error's code: `ResourceNotFoundException`.
        message: Its text, whole.
    """

    before: tuple[Step, ...] = ()
    members: Mapping[str, Any] = field(default_factory=dict)
    status: int
    code: str
    message: str


@dataclass(frozen=True)
class NotDeclared:
    """AWS's model declares no such error for this operation; a test asks the model."""


@dataclass(frozen=True)
class NotMet:
    """
    AWS's model declares the error, and no state that a caller can bring about here leads to it.

    Args:
        why: What AWS declares it for.
    """

    why: str


@dataclass(frozen=True)
class ShownBy:
    """
    It takes more than the served API: another test shows it.

    Args:
        test: Its id: `tests/docker/test_loop.py::test_name`; a test looks whether there is such a function.
    """

    test: str


@dataclass(frozen=True, kw_only=True)
class Record:
    """
    One operation.

    Args:
        operation: Its name in AWS's model.
        source: The page or the recorded answers from which the expected values are.
        works: The happy path; for one that can only refuse here, its refusal by name.
        not_found: Something that it names is not there.
        conflict: What it asks for is there already, is in use, or was changed meanwhile.
        invalid: A value that AWS's model or service does not take.
    """

    operation: str
    source: str
    works: Works | Refused | ShownBy
    not_found: Refused | NotDeclared | NotMet | ShownBy
    conflict: Refused | NotDeclared | NotMet | ShownBy
    invalid: Refused | NotDeclared | ShownBy
