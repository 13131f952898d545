"""Requests for the console's read API, from its own description: every path and parameter, valid and odd."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from tests.support.generator.drafts import Draft
from tests.support.generator.pools import ODD_NUMBERS, odd_texts
from tests.support.generator.shapes import NAMES

_OPTIONAL = 0.5
_ODD = 0.3


class ConsoleRequests:
    """
    Draws requests.

    Args:
        description: OpenAPI, as the console gives it.
        invoked: A function that is there.
    """

    def __init__(self, description: Mapping[str, Any], invoked: str) -> None:
        self._names = (*NAMES, invoked)
        self._operations: Sequence[tuple[str, str, Sequence[Mapping[str, Any]]]] = [
            (method.upper(), path, operation.get("parameters", ()))
            for path, methods in description["paths"].items()
            for method, operation in methods.items()
        ] or [("GET", "/_paddock/openapi.json", ())]

    def draft(self, chance: random.Random) -> Draft:
        """One of them."""
        method, path, parameters = chance.choice(self._operations)
        query: list[str] = []
        for parameter in parameters:
            text = quote(self._text(chance, parameter).encode("utf-8", "replace"), safe="")
            if parameter["in"] == "path":
                path = path.replace("{" + parameter["name"] + "}", text)
            elif parameter["required"] or chance.random() < _OPTIONAL:
                query.append(f"{parameter['name']}={text}")
        return Draft(method=method, target=path + ("?" + "&".join(query) if query else ""))

    def _text(self, chance: random.Random, parameter: Mapping[str, Any]) -> str:
        if chance.random() < _ODD:
            return str(chance.choice((*odd_texts(), *map(str, ODD_NUMBERS))))
        match parameter["schema"].get("type"):
            case "integer":
                return str(chance.choice((0, 1, 20, 1_000)))
            case "boolean":
                return chance.choice(("true", "false", "1", "off"))
        if "id" in parameter["name"]:
            number = (chance.getrandbits(48) << 80) | (8 << 76) | (2 << 62) | chance.getrandbits(60)
            text = f"{number:032x}"
            return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
        return chance.choice(self._names)
