"""Thousands of functions: created from several threads, in no order of their names, and listed meanwhile."""

from __future__ import annotations

import itertools
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

_SEED = 20261126
_PATIENCE_S = 600
_WAYS: tuple[dict[str, Any], ...] = ({}, {"FunctionVersion": "ALL"}, {"MaxItems": 13}, {"MaxItems": 10_000})

Create = Callable[[str], None]


def names_of(count: int) -> list[str]:
    """As many names, in no order."""
    names = [f"one-of-many-{number:05}" for number in range(count)]
    random.Random(_SEED).shuffle(names)
    return names


class Creation:
    """
    Creates functions while something else goes on.

    Args:
        creators: Each creates a function of a name, in a thread of its own.
    """

    def __init__(self, creators: Sequence[Create], names: Sequence[str]) -> None:
        self._names = iter(names)
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._create, args=(one,)) for one in creators]
        self.created: list[str] = []
        """Those whose creation was answered."""
        self._failed: list[BaseException] = []

    def __enter__(self) -> Creation:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for thread in self._threads:
            thread.join(_PATIENCE_S)
        if self._failed:
            raise self._failed[0]

    def is_under_way(self) -> bool:
        """Are there still some to come?"""
        return any(thread.is_alive() for thread in self._threads)

    def _create(self, create: Create) -> None:
        try:
            while True:
                with self._lock:
                    name = next(self._names, None)
                if name is None:
                    return
                create(name)
                with self._lock:
                    self.created.append(name)
        except BaseException as error:  # noqa: BLE001  (raised again where the creation is waited for)
            self._failed.append(error)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """
    What one listing from the first page to the last gave.

    Args:
        before: What had been created when it began.
        meanwhile: How many were created until it ended.
        listed: The names, page by page.
    """

    before: frozenset[str]
    meanwhile: int
    listed: Sequence[str]

    def wrong(self) -> list[str]:
        """Those that are there twice, and those that are missing."""
        twice = [f"{name} is listed {count} times" for name, count in Counter(self.listed).items() if count > 1]
        return twice + [f"{name} is missing" for name in sorted(self.before - set(self.listed))]


def listings_during(creation: Creation, earlier: Sequence[str], client: Any) -> Iterator[Listing]:
    """
    List all functions again and again while more are created, in pages of several sizes; at least once.

    Args:
        earlier: Functions that were there before the creation began.
    """
    for way in itertools.cycle(_WAYS):
        before = len(creation.created)
        there = frozenset((*earlier, *creation.created[:before]))
        listed = every_name(client, **way)
        yield Listing(before=there, meanwhile=len(creation.created) - before, listed=listed)
        if not creation.is_under_way():
            return


def every_name(client: Any, **way: Any) -> list[str]:
    """The names of all functions, from the first page to the last."""
    names: list[str] = []
    marker: dict[str, str] = {}
    while True:
        answer = client.list_functions(**way, **marker)
        names += [one["FunctionName"] for one in answer["Functions"]]
        if "NextMarker" not in answer:
            return names
        marker = {"Marker": answer["NextMarker"]}
