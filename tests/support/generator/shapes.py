"""Values that AWS's model allows, by shape. Names are few, so that things exist, collide and get deleted."""

from __future__ import annotations

import base64
import json
import math
import random
import string
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tests.support.generator.pools import documents, texts_of

NAMES: tuple[str, ...] = ("ant", "bee", "cicada", "dor", "earwig", "fly")
"""Of the functions that generated requests create and delete."""
ACCOUNTS: tuple[str, ...] = ("000000000000", "111122223333")
REGIONS: tuple[str, ...] = ("us-east-1", "us-east-1", "eu-central-1")

_SMALL_NUMBER = 8
_LONGEST_LIST = 3
_DEEPEST = 6
_OPTIONAL = 0.15
_OPTIONAL_IN_ALL = 2.0
_USUAL = 0.85


class Values:
    """
    Draws values.

    Args:
        images: What functions may be made of; the model knows any text.
    """

    def __init__(self, images: Sequence[str]) -> None:
        # What the model leaves open, and what makes the difference between a refusal and a function that is there.
        # By the name of the member, whichever operation it belongs to.
        self._usual: Mapping[str, Sequence[Any]] = {
            "ImageUri": images,
            "PackageType": ("Image",),
            "Role": ("arn:aws:iam::000000000000:role/any",),
            "MemorySize": (128, 128, 256),
            "Timeout": (1, 2),
            "Qualifier": ("$LATEST", "$LATEST", "1", "live"),
            "FunctionVersion": ("$LATEST", "1"),
            "ReservedConcurrentExecutions": (0, 1, 5, 100),
            "MaxItems": (1, 2, 50),
        }

    def structure(self, chance: random.Random, shape: Any, depth: int = 0) -> dict[str, Any]:
        """The members that must be there, and some of the others."""
        if getattr(shape, "is_tagged_union", False):
            name = chance.choice(list(shape.members))
            return {name: self._member(chance, name, shape.members[name], depth)}
        return {
            name: self._member(chance, name, member, depth)
            for name, member in shape.members.items()
            if name in shape.required_members or (depth < _DEEPEST and chance.random() < self._likely(name, shape))
        }

    def function(self, chance: random.Random) -> str:
        """One of the few functions, in one of the forms that a name may have."""
        name = chance.choice(NAMES)
        arn = f"arn:aws:lambda:{chance.choice(REGIONS)}:{chance.choice(ACCOUNTS)}:function:{name}"
        return chance.choice((name, name, name, name, arn, f"{chance.choice(ACCOUNTS)}:function:{name}", f"{name}:1"))

    def _likely(self, name: str, shape: Any) -> float:
        """Of a member that may be left out. Of many members few are there: one that is not built refuses the whole."""
        if name in ("ImageUri", "PackageType", "Role", "MemorySize", "Timeout"):
            return _USUAL
        return min(_OPTIONAL, _OPTIONAL_IN_ALL / len(shape.members))

    def _member(self, chance: random.Random, name: str, shape: Any, depth: int) -> Any:
        if name == "FunctionName":
            return self.function(chance)
        if name == "Resource":
            return f"arn:aws:lambda:us-east-1:{chance.choice(ACCOUNTS)}:function:{chance.choice(NAMES)}"
        if name == "ClientContext":
            return base64.b64encode(json.dumps(chance.choice(documents())).encode()[:2000]).decode()
        if name in self._usual and chance.random() < _USUAL:
            return chance.choice(self._usual[name])
        return self._value(chance, shape, depth + 1)

    def _value(self, chance: random.Random, shape: Any, depth: int) -> Any:
        match shape.type_name:
            case "structure":
                return self.structure(chance, shape, depth)
            case "list":
                return [self._value(chance, shape.member, depth + 1) for _ in range(self._length(chance, shape, depth))]
            case "map":
                keys = (self._value(chance, shape.key, depth) for _ in range(self._length(chance, shape, depth)))
                return {key: self._value(chance, shape.value, depth + 1) for key in keys}
            case "string":
                return self._text(chance, shape)
            case "integer" | "long":
                return self._number(chance, shape)
            case "double" | "float":
                return float(self._number(chance, shape))
            case "boolean":
                return chance.random() < 0.5
            case "timestamp":
                return datetime.fromtimestamp(chance.randrange(2**31), UTC)
            case "blob":
                return json.dumps(chance.choice(documents())).encode()
            case other:
                raise AssertionError(f"the model has values of the type {other}: say here how to draw one")

    @staticmethod
    def _length(chance: random.Random, shape: Any, depth: int) -> int:
        shortest = shape.metadata.get("min", 0)
        most = min(shape.metadata.get("max", _LONGEST_LIST), shortest + _LONGEST_LIST)
        return shortest if depth > _DEEPEST else chance.randint(shortest, most)

    @staticmethod
    def _text(chance: random.Random, shape: Any) -> str:
        metadata = shape.metadata
        if allowed := metadata.get("enum"):
            return chance.choice(allowed)  # type: ignore[no-any-return]
        shortest, longest = metadata.get("min", 0), metadata.get("max")
        if pattern := metadata.get("pattern"):
            return chance.choice(texts_of(pattern, shortest, longest))
        length = chance.randint(shortest, min(longest or 12, shortest + 12))
        return "".join(chance.choice(string.ascii_letters) for _ in range(length))

    @staticmethod
    def _number(chance: random.Random, shape: Any) -> int:
        # Ranges of fractions have whole numbers in them, too.
        least = math.ceil(shape.metadata.get("min", 0))
        most = math.floor(shape.metadata.get("max", least + 10_000))
        return chance.choice((least, most, chance.randint(least, min(most, least + _SMALL_NUMBER))))
