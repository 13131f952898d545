"""
botocore's service model of Lambda as this API's schema: which operation a request is, and what its errors look like.

AWS: https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import unquote

from botocore.loaders import Loader
from botocore.model import ServiceModel as BotocoreModel

_LABEL = re.compile(r"\{([A-Za-z]+)(\+?)\}")


@dataclass(frozen=True, slots=True)
class Route:
    """
    One operation's place.

    Args:
        operation: botocore's operation model.
        pattern: Of the raw path, percent-encoded as it came.
        query: What its query string must have: two operations may share a path.
        literals: How many characters of path and query are fixed; the most specific route wins.
    """

    operation: Any
    method: str
    pattern: re.Pattern[str]
    query: str
    literals: int


@dataclass(frozen=True, slots=True)
class Match:
    """The operation of a request, and the labels of its path, decoded."""

    operation: Any
    labels: dict[str, str]


class ServiceModel:
    """Lambda, as botocore knows it."""

    def __init__(self) -> None:
        # Not by a session, as everywhere else: it imports clients and their documentation, and every start pays for it.
        self._model: Any = BotocoreModel(Loader().load_service_model("lambda", "service-2"), "lambda")
        routes = [_route(self._model.operation_model(name)) for name in self._model.operation_names]
        self._routes = sorted(routes, key=lambda route: -route.literals)

    def match(self, method: str, raw_path: str, query: str = "") -> Match | None:
        """
        Find the operation.

        Args:
            raw_path: Percent-encoded: an ARN's slashes must not be taken for the path's.
            query: The query string as it came.
        """
        path, asked = raw_path.rstrip("/") or "/", query.split("&")
        for route in self._routes:
            if route.method != method or (route.query and route.query not in asked):
                continue
            if found := route.pattern.fullmatch(path):
                return Match(route.operation, {name: unquote(value) for name, value in found.groupdict().items()})
        return None

    def operation_names(self) -> list[str]:
        """Every operation of the model."""
        return list(self._model.operation_names)

    @cache  # noqa: B019  (there is one model, for the life of the process)
    def message_member(self, code: str) -> str:
        """`message` or `Message`: the casing differs from error to error."""
        if code in self._model.shape_names:
            members = self._model.shape_for(code).members
            return next((name for name in members if name.lower() == "message"), "message")
        return "message"


def _route(operation: Any) -> Route:
    uri, _, query = operation.http["requestUri"].partition("?")
    uri = uri.rstrip("/")
    pattern, at = "", 0
    for label in _LABEL.finditer(uri):
        pattern += re.escape(uri[at : label.start()])
        pattern += f"(?P<{label[1]}>{'.+' if label[2] else '[^/]+'})"
        at = label.end()
    pattern += re.escape(uri[at:])
    literals = len(_LABEL.sub("", uri)) + len(query)
    return Route(operation, operation.http["method"], re.compile(pattern), query, literals)
