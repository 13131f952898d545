"""Values that AWS's model allows, by shape. Names are few, so that things exist, collide and get deleted."""

from __future__ import annotations

import base64
import json
import math
import random
import string
from collections.abc import Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

from tests.support.generator.pools import documents, texts_of
from tests.support.generator.standing import (
    ALIASES,
    CAPACITY_PROVIDERS,
    FUNCTIONS,
    LAYERS,
    ROLE,
    STATEMENTS,
    VERSIONS,
    Standing,
    archive,
)

NAMES: tuple[str, ...] = ("ant", "bee", "cicada", "dor", "earwig", "fly")
"""Of the functions that generated requests create and delete."""
ACCOUNTS: tuple[str, ...] = ("000000000000", "111122223333")
REGIONS: tuple[str, ...] = ("us-east-1", "us-east-1", "eu-central-1")

_ARN = "arn:aws:lambda:us-east-1:000000000000"
_PLACES = ("ant", "gnat", "hornet", "hornet:2", "hornet:$LATEST", "tools", "live", "0", "", ":::", f"gnat:{'9' * 30}")
"""What markers are made of; some that no page ends with."""


_SMALL_NUMBER = 8
_LONGEST_LIST = 3
_DEEPEST = 6
_OPTIONAL = 0.15
_OPTIONAL_IN_ALL = 2.0
_USUAL = 0.85
_STANDING = 0.5
_FUNCTION_STANDING = 0.75
_USUALLY_THERE = frozenset({"EventSourceArn", "ImageUri", "MemorySize", "PackageType", "Role", "Timeout"})


def _weights(version: str) -> list[dict[str, Any]]:
    """Ways to lead some invocations to it."""
    return [{"AdditionalVersionWeights": {version: weight}} for weight in (0.0, 0.3, 1.0)]


def _policy(effect: str, principal: object, action: str = "lambda:InvokeFunction") -> str:
    """Of one statement; everybody is let in only where AWS refuses it."""
    statement = {"Sid": "s1", "Effect": effect, "Principal": principal, "Action": action, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=1)


class Values:
    """
    Draws values.

    Args:
        images: What functions may be made of; the model knows any text.
        standing: What is there, and is named more often than not.
    """

    def __init__(self, images: Sequence[str], standing: Standing) -> None:
        self._standing = standing
        # What the model leaves open, and what makes the difference between a refusal and something that is there.
        self._of_member: Mapping[str, Sequence[Any]] = {
            "ImageUri": images,
            "PackageType": ("Image",),
            "Role": (ROLE,),
            "MemorySize": (128, 128, 256),
            "Timeout": (1, 2),
            "Name": ALIASES,
            "Qualifier": ("$LATEST", "$LATEST", "1", "2", "3", *ALIASES),
            "FunctionVersion": ("$LATEST", "1", "2", "3"),
            "RoutingConfig": ({}, {"AdditionalVersionWeights": {}}, *_weights("1"), *_weights("2"), *_weights("3")),
            "ReservedConcurrentExecutions": (0, 1, 5, 100),
            "ProvisionedConcurrentExecutions": (1, 1, 2),
            "StatementId": STATEMENTS,
            "EventSourceArn": [f"arn:aws:sqs:us-east-1:000000000000:queue-{number}" for number in range(200)],
            "Content": ({"ZipFile": archive()},),
            "Marker": [base64.urlsafe_b64encode(place.encode()).decode() for place in _PLACES],
            "MaxItems": (1, 2, 50),
        }
        self._of_shape: Mapping[str, Sequence[Any]] = {
            "Action": ("lambda:InvokeFunction", "lambda:InvokeFunctionUrl", "lambda:*"),
            "Principal": ("111122223333", "*", "s3.amazonaws.com", "arn:aws:iam::111122223333:root"),
            "CapacityProviderName": (*CAPACITY_PROVIDERS, "puddle", f"{_ARN}:capacity-provider:pond"),
            "LayerNameOrArn": (*LAYERS, *LAYERS, "wanting", f"{_ARN}:layer:tools"),
            "LayerVersionArn": [f"{_ARN}:layer:{name}:{number}" for name in LAYERS for number in (1, 2, 3)],
            "LayerVersionNumber": (1, 2, 3, 4, 5, 6),
            "PolicyResourceArn": [
                f"{_ARN}:function:{name}{place}" for name in (*FUNCTIONS, *NAMES) for place in ("", ":1", ":live")
            ],
            "ResourcePolicy": (
                _policy("Allow", {"Service": "s3.amazonaws.com"}),
                _policy("Deny", "*", "lambda:*"),
                _policy("Allow", "*"),
                _policy("Allow", {"AWS": ["111122223333"]}, "s3:GetObject"),
            ),
            # Of what is provisioned; little is, for on an engine each is a container.
            "Qualifier": ("1", "1", "1", "live"),
            "TagKey": ("team", "stage", "é"),
            **standing.of_shape,
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
        standing = self._standing.functions
        name = chance.choice(standing if standing and chance.random() < _FUNCTION_STANDING else NAMES)
        arn = f"arn:aws:lambda:{chance.choice(REGIONS)}:{chance.choice(ACCOUNTS)}:function:{name}"
        odd = (arn, f"{chance.choice(ACCOUNTS)}:function:{name}", f"{name}:1")
        return chance.choice((*[name] * 7, *odd))

    def spared(self, chance: random.Random, operation: str) -> dict[str, Any]:
        """Members of an operation that would delete what cannot be made again: they name what may go."""
        brief, standing = self._standing.brief, self._standing.functions
        match operation:
            case "DeleteFunction" if standing and chance.random() < _STANDING:
                return {"FunctionName": f"{chance.choice(standing)}:{chance.randint(VERSIONS + 1, 30)}"}
            case "DeleteFunction":
                return {"FunctionName": chance.choice(NAMES)}
            case "DeleteLayerVersion":
                return {"VersionNumber": chance.randint(VERSIONS + 1, 60)}
            case "DeleteEventSourceMapping" if brief:
                return {"UUID": chance.choice(brief["UUIDString"])}
            case "DeleteCodeSigningConfig" if brief:
                return {"CodeSigningConfigArn": chance.choice(brief["CodeSigningConfigArn"])}
        return {}

    def _likely(self, name: str, shape: Any) -> float:
        """Of a member that may be left out. Of many members few are there: one that is not built refuses the whole."""
        return _USUAL if name in _USUALLY_THERE else min(_OPTIONAL, _OPTIONAL_IN_ALL / len(shape.members))

    def _member(self, chance: random.Random, name: str, shape: Any, depth: int) -> Any:
        if name == "FunctionName":
            return self.function(chance)
        if name == "Resource" and (chance.random() < _STANDING or shape.name not in self._of_shape):
            return f"arn:aws:lambda:us-east-1:{chance.choice(ACCOUNTS)}:function:{chance.choice(NAMES)}"
        if name == "ClientContext":
            return base64.b64encode(json.dumps(chance.choice(documents())).encode()[:2000]).decode()
        usual = self._of_member.get(name)
        if usual and not _is_closed(shape, usual) and shape.name not in self._of_shape and chance.random() < _USUAL:
            return deepcopy(chance.choice(usual))
        return self._value(chance, shape, depth + 1)

    def _value(self, chance: random.Random, shape: Any, depth: int) -> Any:
        known = self._of_shape.get(shape.name)
        if known and chance.random() < _USUAL:
            return deepcopy(chance.choice(known))
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


def _is_closed(shape: Any, values: Sequence[Any]) -> bool:
    """Does the model allow none of these? A name may stand for versions, or for which of them are to be listed."""
    allowed = shape.metadata.get("enum")
    return bool(allowed) and not any(value in allowed for value in values)
