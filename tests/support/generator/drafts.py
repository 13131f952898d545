"""A request before it is bytes: valid ones from the model, as botocore itself serializes them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import botocore.session
from botocore.serialize import create_serializer

from tests.support.generator.shapes import ACCOUNTS, REGIONS, Values

SIGNED_AT = "20261123T115900Z"
_SIGNED = 0.5
_CHUNKED = 0.1


@dataclass(slots=True, kw_only=True)
class Draft:
    """
    A request that can still be changed.

    Args:
        target: Path and query, encoded.
        document: The body where it is a JSON object, else None.
        operation: Of the model, which it asks for.
    """

    method: str
    target: str
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    document: dict[str, Any] | None = None
    operation: str | None = None

    @property
    def path(self) -> str:
        """Without the query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """Without the path."""
        return self.target.partition("?")[2]

    def put(self, name: str, value: str | bytes) -> None:
        """Set a header, in place of one of the same name."""
        text = value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")
        self.headers = [one for one in self.headers if one[0].lower() != name.lower().encode()]
        self.headers.append((name.encode(), text))

    def rendered(self, chance: random.Random) -> bytes:
        """On the wire; now and then in chunks."""
        body = self.body if self.document is None else json.dumps(self.document).encode()
        headers = [*self.headers]
        if not any(name.lower() == b"host" for name, _ in headers):
            headers.insert(0, (b"Host", b"127.0.0.1"))
        if any(name.lower() in (b"content-length", b"transfer-encoding") for name, _ in headers):
            pass
        elif body and chance.random() < _CHUNKED:
            headers.append((b"Transfer-Encoding", b"chunked"))
            body = in_chunks(chance, body)
        elif body or self.method not in ("GET", "HEAD", "OPTIONS"):
            headers.append((b"Content-Length", b"%d" % len(body)))
        target = self.target.encode("utf-8", "surrogatepass")
        lines = [b"%b %b HTTP/1.1" % (self.method.encode(), target)]
        lines += [b"%b: %b" % (name, value) for name, value in headers]
        return b"\r\n".join([*lines, b"", body])


class Operations:
    """
    Every operation of AWS's model, as requests.

    Args:
        values: What members are drawn from.
    """

    def __init__(self, values: Values) -> None:
        self._values = values
        self._model: Any = botocore.session.Session().get_service_model("lambda")
        self._serializer: Any = create_serializer("rest-json", include_validation=False)
        self.names: tuple[str, ...] = tuple(self._model.operation_names)

    def draft(self, chance: random.Random, name: str, **members: Any) -> Draft:
        """
        A request that the model allows.

        Args:
            members: In place of what would be drawn.
        """
        operation = self._model.operation_model(name)
        shape = operation.input_shape
        drawn = self._values.structure(chance, shape) if shape is not None else {}
        parameters = drawn | self._values.spared(chance, name) | members
        serialized: dict[str, Any] = self._serializer.serialize_to_request(parameters, operation)
        draft = Draft(
            method=serialized["method"],
            target=_target(serialized["url_path"], serialized["query_string"]),
            operation=name,
        )
        for key, value in serialized["headers"].items():
            # botocore leaves the encoding of odd header values to the HTTP library; none of the model's needs any.
            draft.put(key, str(value))
        body = serialized["body"]
        draft.body = body.encode() if isinstance(body, str) else bytes(body or b"")
        if shape is not None and shape.serialization.get("payload") is None and draft.body:
            draft.document = json.loads(draft.body)
        if chance.random() < _SIGNED:
            draft.put("X-Amz-Date", SIGNED_AT)
            draft.put("Authorization", authorization(chance))
        return draft


def authorization(chance: random.Random, account: str | None = None) -> str:
    """What a signed request says; the signature is none, at which nobody looks on loopback."""
    key = account or chance.choice((*ACCOUNTS, "test", "test"))
    return (
        f"AWS4-HMAC-SHA256 Credential={key}/20261123/{chance.choice(REGIONS)}/lambda/aws4_request, "
        f"SignedHeaders=host;x-amz-date, Signature={chance.getrandbits(256):064x}"
    )


def in_chunks(chance: random.Random, body: bytes) -> bytes:
    """A body in a few chunks, with the last."""
    pieces: list[bytes] = []
    while body:
        size = chance.randint(1, max(1, len(body)))
        pieces.append(b"%x\r\n%b\r\n" % (size, body[:size]))
        body = body[size:]
    return b"".join([*pieces, b"0\r\n\r\n"])


def _target(path: str, query: dict[str, Any] | str) -> str:
    # Some operations have a query in their very URI.
    path, _, fixed = path.partition("?")
    pairs = [fixed] if fixed else []
    for name, value in query.items() if isinstance(query, dict) else ():
        values = value if isinstance(value, list | tuple) else (value,)
        pairs += [f"{quote(name, safe='')}={quote(_in_query(one), safe='')}" for one in values]
    return path + ("?" + "&".join(pairs) if pairs else "")


def _in_query(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def nodes(document: Any, at: tuple[Any, ...] = ()) -> Iterable[tuple[Any, ...]]:
    """The places in a document, as keys and indexes from its root; not the root itself."""
    inner: Iterable[tuple[Any, Any]] = ()
    if isinstance(document, dict):
        inner = document.items()
    elif isinstance(document, list):
        inner = enumerate(document)
    for key, value in inner:
        yield (*at, key)
        yield from nodes(value, (*at, key))
