"""What is done to a valid request: values, members, bodies, places and headers that no client of AWS's would send."""

from __future__ import annotations

import base64
import gzip
import json
import random
from collections.abc import Callable
from copy import deepcopy
from typing import Any
from urllib.parse import quote

from tests.support.generator.drafts import Draft, authorization, nodes
from tests.support.generator.pools import ODD_NUMBERS, documents, odd_texts

Mutation = Callable[[random.Random, Draft], None]

_METHODS = ("GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "PURGE", "BREW", "get")
_DEEP = 30_000

# -- values and members of the body


def of_value(chance: random.Random, draft: Draft) -> None:
    """Another type, out of range, odd, huge: somewhere in the body, or in the place if there is no body."""
    if not draft.document:
        of_query(chance, draft)
        return
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        at = chance.choice(list(nodes(draft.document)))
        _set(draft.document, at, _other(chance, _get(draft.document, at)))


def of_members(chance: random.Random, draft: Draft) -> None:
    """Members that are missing, unknown, null, or in a list."""
    if not draft.document:
        of_place(chance, draft)
        return
    at = chance.choice(list(nodes(draft.document)))
    holder, key = _get(draft.document, at[:-1]), at[-1]
    match chance.randrange(5):
        case 0:
            del holder[key]
        case 1:
            holder[key] = None
        case 2:
            holder[key] = [holder[key]]
        case 3 if isinstance(holder, dict):
            holder[chance.choice(odd_texts())] = holder[key]
        case _:
            draft.document[chance.choice(("Unknown", "__proto__", "functionName", "FUNCTIONNAME", ""))] = holder[key]


def of_body(chance: random.Random, draft: Draft) -> None:
    """A body that is not JSON, not of this encoding, or not an object."""
    body = draft.body if draft.document is None else json.dumps(draft.document).encode()
    draft.document = None
    draft.body = chance.choice(BODIES)(chance, body or b'{"Description": "a"}')


BODIES: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    lambda chance, body: body[: chance.randrange(len(body))],
    lambda chance, body: body + chance.choice((b"}", b"\x00", b" x", b"{}", b"\r\n\r\n")),
    lambda chance, body: _spliced(chance, body, chance.choice((b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\x00", b"\\"))),
    lambda chance, body: b"\xef\xbb\xbf" + body,
    lambda chance, body: body.decode("latin-1").encode(chance.choice(("utf-16", "utf-32", "utf-16-be"))),
    lambda chance, body: body.replace(b'"', b"'"),
    lambda chance, body: gzip.compress(body, mtime=0),
    lambda chance, body: b"FunctionName=ant&Code=x",
    lambda chance, body: b"<FunctionName>ant</FunctionName>",
    lambda chance, body: b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--b--\r\n",
    lambda chance, body: chance.choice((b"null", b"[]", b"1", b'"a"', b"true", b"NaN", b"-Infinity", b" ", b"\x00")),
    lambda chance, body: b"[" * chance.choice((999, 1_001, _DEEP)),
    lambda chance, body: b'{"Environment":' * chance.choice((900, _DEEP // 10)) + b"1",
    lambda chance, body: b'{"MemorySize": ' + b"9" * chance.choice((19, 400, 5_000)) + b"}",
    lambda chance, body: b'{"Timeout": 1e' + b"9" * chance.choice((2, 5, 400)) + b"}",
    lambda chance, body: b'{"FunctionName": "ant", "FunctionName": "bee", "Role": 1, "Role": null}',
    lambda chance, body: b'{"ZipFile": "%b", "DryRun": true}' % chance.choice((b"???", b"=", b"QQ=", b"QQ==QQ==")),
    lambda chance, body: b'{"Description": "' + b"\\ud800" * chance.choice((1, 300)) + b'"}',
    lambda chance, body: b'{"Description": "' + b"a" * chance.choice((257, 70_000, 300_000)) + b'"}',
    lambda chance, body: b'{"Tags": {' + b",".join(b'"%d": "v"' % n for n in range(chance.choice((51, 5_000)))) + b"}}",
    lambda chance, body: bytes(chance.randrange(256) for _ in range(chance.randrange(1, 400))),
)


# -- method, path and query


def of_place(chance: random.Random, draft: Draft) -> None:
    """Another method, a path with tricks, a query that is none."""
    match chance.randrange(8):
        case 0 | 1:
            draft.method = chance.choice(_METHODS)
        case 2 | 3:
            of_query(chance, draft)
        case _:
            path = chance.choice(_PATHS)(chance, draft.path)
            draft.target = path + (f"?{draft.query}" if draft.query else "")


_PATHS: tuple[Callable[[random.Random, str], str], ...] = (
    lambda chance, path: _with_segment(chance, path, quote(chance.choice(odd_texts()).encode("utf-8", "replace"), "")),
    lambda chance, path: _with_segment(chance, path, quote(chance.choice(odd_texts()).encode("utf-8", "replace"), "")),
    lambda chance, path: _with_segment(
        chance, path, chance.choice(("%", "%zz", "%2", "%ff%fe", "%c0%ae%c0%ae", "%00", "%0d%0aX:%20y", "%u0041"))
    ),
    lambda chance, path: _with_segment(
        chance, path, chance.choice(("..", ".", "", "%2e%2e", "..%2f..%2fetc%2fpasswd", "..;", "~", "*", "a;b=c", "\\"))
    ),
    lambda chance, path: _with_segment(chance, path, "\xe9\u20ac" if chance.random() < 0.5 else "a" * 9_000),
    lambda chance, path: path + chance.choice(("/", "//", "/.", "/..", ";x=1", "%20", ".json", "%3fQualifier=1")),
    lambda chance, path: chance.choice(("/", "//", "/./", "/a/../", "/_paddock/..", "/%2e/")) + path.lstrip("/"),
    lambda chance, path: "".join(f"%{ord(one):02x}" if one.isalnum() else one for one in path),
    lambda chance, path: path.replace("%", "%25"),
    lambda chance, path: path.swapcase(),
    lambda chance, path: path.replace("/functions", "/function"),
    lambda chance, path: path.replace("/20", f"/{chance.choice(('19', '99', '2', ''))}"),
    lambda chance, path: path.rpartition("/")[0] or "/",
    lambda chance, path: f"http://{chance.choice(('127.0.0.1', 'evil.example', '[', ''))}{path}",
)


def of_query(chance: random.Random, draft: Draft) -> None:
    """Parameters that are odd, huge, twice there, or very many."""
    names = [one.partition("=")[0] for one in draft.query.split("&") if one] or ["Qualifier", "MaxItems", "Marker"]
    name = chance.choice(names)
    odd = quote(chance.choice(odd_texts()).encode("utf-8", "replace"), "")
    added = chance.choice(
        (
            f"{name}={odd}",
            f"{name}={odd}",
            f"{name}={chance.choice(ODD_NUMBERS)}",
            f"{name}=1&{name}=2",
            name,
            f"{name}==",
            f"{name}=%",
            f"{name}=%ff%c3",
            f"{name}=" + "9" * 5_000,
            "&".join(f"p{number}={number}" for number in range(chance.choice((10, 1_000)))),
            "&&&===&&&",
            f"{odd}={odd}",
            "List=ALL",
        )
    )
    kept = "&".join(one for one in draft.query.split("&") if one and chance.random() < 0.7)
    draft.target = f"{draft.path}?{kept}&{added}" if kept else f"{draft.path}?{added}"


# -- headers


def of_head(chance: random.Random, draft: Draft) -> None:
    """Headers that are odd; those that the server reads, and those that it must not."""
    for _ in range(chance.choice((1, 1, 2, 3))):
        name, values = chance.choice(_HEADERS)
        draft.put(name, values(chance))
    if chance.random() < 0.05:
        count = chance.choice((100, 1_000))
        draft.headers += [(b"X-Filler-%d" % number, b"a" * 20) for number in range(count)]


def _odd_header(chance: random.Random) -> bytes:
    """An odd text, as far as a header may have it at all."""
    text = chance.choice(odd_texts()).encode("utf-8", "surrogatepass")
    return bytes(one for one in text if (one >= 0x20 and one != 0x7F) or one == 0x09).strip()


def _any_of(*values: str | bytes) -> Callable[[random.Random], str | bytes]:
    return lambda chance: chance.choice(values)


_HEADERS: tuple[tuple[str, Callable[[random.Random], str | bytes]], ...] = (
    (
        "Content-Type",
        _any_of("text/plain", "application/xml", "application/json; charset=utf-16", "", "a/b/c;;=", "\xff"),
    ),
    ("Content-Type", _odd_header),
    ("Content-Encoding", _any_of("gzip", "br", "identity", "gzip, gzip, gzip")),
    ("Accept", _any_of("text/html", "*/*;q=0", "", "application/vnd.amazon.eventstream")),
    ("Accept-Encoding", _any_of("gzip", "identity;q=0, *;q=0")),
    ("Host", _any_of("localhost", "127.0.0.1:1", "[::1]", "LOCALHOST", "a.localhost", "localhost:", "127.1")),
    (
        "Host",
        _any_of("evil.example", "", "[", "[::1", "localhost:a:b", "127.0.0.1.evil.example", b"\xff", "localhost@x"),
    ),
    (
        "Origin",
        _any_of("null", "http://evil.example", "http://127.0.0.1", "http://[", "http://[::1", b"http://\xff", ""),
    ),
    ("Origin", _odd_header),
    ("Sec-Fetch-Site", _any_of("cross-site", "same-origin", "none", "same-site", b"\xff")),
    ("Sec-Fetch-Mode", _any_of("navigate", "cors")),
    ("Authorization", lambda chance: authorization(chance, chance.choice(("", "a b", "999999999999", "\xe9" * 9)))),
    ("Authorization", _any_of("", "Basic dGVzdDp0ZXN0", "Bearer x", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 ,,,=,")),
    ("Authorization", lambda chance: "AWS4-HMAC-SHA256 " + "Credential=" * chance.choice((2, 1_000, 5_000))),
    ("Authorization", _odd_header),
    ("X-Amz-Date", _any_of("", "20261123T000000Z", "99999999T999999Z", "Mon, 01 Jan 0001 00:00:00 +9999", "0")),
    ("Date", _any_of("x", "Mon, 01 Jan 2026 00:00:00 +99999999999999", "Mon, 31 Feb 2026 25:61:61 GMT")),
    ("X-Amz-Security-Token", _odd_header),
    ("X-Amz-Content-Sha256", _any_of("UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "x")),
    ("X-Amz-Invocation-Type", _any_of("Event", "DryRun", "RequestResponse", "event", "", "Later")),
    ("X-Amz-Invocation-Type", _odd_header),
    ("X-Amz-Log-Type", _any_of("Tail", "None", "tail", "", b"\xff")),
    ("X-Amz-Client-Context", lambda chance: base64.b64encode(chance.choice(odd_texts()).encode("utf-8", "replace"))),
    ("X-Amz-Client-Context", _any_of("e30=", "e30", "W10=", "???", "A" * 3_584, "A" * 3_000, "AAAA====", b"\xff\xfe")),
    ("X-Amzn-Trace-Id", _any_of("Root=1-2-3", "Root=1;Parent=2;Sampled=1;Lineage=a:999", "a" * 8_000, b"\x80\xff", "")),
    ("X-Amzn-Trace-Id", _odd_header),
    ("X-Amz-Target", _any_of("AWSLambda.Invoke", "DynamoDB_20120810.ListTables")),
    ("X-Forwarded-For", _any_of("127.0.0.1", "169.254.169.254", "unknown")),
    (
        "X-HTTP-Method-Override",
        _any_of(
            "DELETE",
        ),
    ),
    ("X-Amz-Tenant-Id", _odd_header),
    ("Cookie", lambda chance: "a=" + "b" * chance.choice((10, 8_000))),
    ("Range", _any_of("bytes=0-0", "bytes=-1,-1,-1")),
    ("If-None-Match", _any_of("*", '"a"')),
    ("Expect", _any_of("100-continue", "200-ok", "")),
    ("TE", _any_of("trailers", "chunked")),
    ("Trailer", _any_of("Content-Length", "X-A")),
    ("Connection", _any_of("keep-alive", "close", "TE", "Host, Content-Length", "upgrade")),
    ("Upgrade", _any_of("websocket", "h2c", "TLS/1.0", "")),
    ("Max-Forwards", _any_of("0", "-1")),
    ("X-Odd", _odd_header),
)


# -- in a document


def _get(document: Any, at: tuple[Any, ...]) -> Any:
    for key in at:
        document = document[key]
    return document


def _set(document: Any, at: tuple[Any, ...], value: Any) -> None:
    _get(document, at[:-1])[at[-1]] = value


def _other(chance: random.Random, value: Any) -> Any:
    """Of the same type but odd, or of another type."""
    odd_text, odd_number = chance.choice(odd_texts()), chance.choice(ODD_NUMBERS)
    if chance.random() < 0.5:
        if isinstance(value, str):
            return chance.choice((odd_text, odd_text, value + odd_text, value * 40, value.swapcase()))
        if isinstance(value, int | float):
            return odd_number
        if isinstance(value, list):
            return chance.choice(([], value * 60, [*value, odd_text], [None]))
        if isinstance(value, dict):
            return chance.choice(({}, {**value, odd_text: odd_text}, {str(number): "v" for number in range(60)}))
    # A copy: the next mutation may put the same one into itself.
    odd_document = deepcopy(chance.choice(documents()))
    return chance.choice((odd_text, odd_number, True, None, [], {}, [value], {"a": value}, odd_document))


def _spliced(chance: random.Random, body: bytes, piece: bytes) -> bytes:
    at = chance.randrange(len(body))
    return body[:at] + piece + body[at:]


def _with_segment(chance: random.Random, path: str, segment: str) -> str:
    """Another segment in place of one of the path's, or beside it."""
    segments = path.split("/")
    at = chance.randrange(1, len(segments))
    if chance.random() < 0.8:
        segments[at] = segment
    else:
        segments.insert(at, segment)
    return "/".join(segments)
