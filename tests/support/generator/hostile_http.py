"""Bytes that are no honest HTTP: ambiguous lengths, broken heads, chunk tricks, other protocols, floods."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

CRLF = b"\r\n"
_INVOKE = b"/2015-03-31/functions/%b/invocations"
_ACCOUNT = b"/2016-08-19/account-settings"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostileHttp:
    """
    Args:
        name: Of the form, for the count.
        least: Answers that must come.
        most: Answers that may come.
        is_refused: None of them may be a success.
        ends: Will the server close the connection by itself? Else the sender says that no more comes.
    """

    name: str
    sent: bytes
    least: int = 0
    most: int = 1
    is_refused: bool = True
    ends: bool = True


def post(path: bytes, *headers: bytes, body: bytes = b"") -> bytes:
    """A POST whose framing is what `headers` say."""
    return CRLF.join([b"POST " + path + b" HTTP/1.1", b"Host: 127.0.0.1", *headers, b"", body])


def get(path: bytes = _ACCOUNT, *headers: bytes) -> bytes:
    """An honest GET."""
    return CRLF.join([b"GET " + path + b" HTTP/1.1", b"Host: 127.0.0.1", *headers, b"", b""])


class HostileForms:
    """
    Draws one.

    Args:
        invoked: A function that may be called.
        bait: One that only a smuggled request would call.
    """

    def __init__(self, invoked: str, bait: str) -> None:
        self._path = _INVOKE % invoked.encode()
        self._smuggled = post(_INVOKE % bait.encode(), b"Content-Length: 2", b"Connection: close", body=b"{}")

    def draw(self, chance: random.Random, honest: bytes) -> HostileHttp:
        """
        One of the forms.

        Args:
            honest: An ordinary request, to be cut, repeated or garbled.
        """
        kind = chance.choice(tuple(_DRAWN))
        return _DRAWN[kind](self, chance, honest)

    def lengths(self, chance: random.Random, _honest: bytes) -> HostileHttp:
        """Lengths that two readers would read differently; behind them, what one of the two takes for a request."""
        name, headers, body = chance.choice(LENGTHS)
        return HostileHttp(name=name, sent=post(self._path, *headers, body=body) + self._smuggled)

    def chunks(self, chance: random.Random, _honest: bytes) -> HostileHttp:
        """Chunks that are none, and a request behind them."""
        name, body = chance.choice(CHUNKS)
        sent = post(self._path, b"Transfer-Encoding: chunked", body=body) + self._smuggled
        return HostileHttp(name=name, sent=sent)

    def head(self, chance: random.Random, _honest: bytes) -> HostileHttp:
        """A head that is none."""
        name, line, headers = chance.choice(HEADS)
        return HostileHttp(name=name, sent=CRLF.join([line, *headers, b"", b""]) + self._smuggled)

    def host(self, chance: random.Random, _honest: bytes) -> HostileHttp:
        """A head that is whole, but not for us."""
        name, line, headers = chance.choice(HOSTS)
        return HostileHttp(name=name, sent=CRLF.join([line, *headers, b"Connection: close", b"", b""]))

    def protocol(self, chance: random.Random, _honest: bytes) -> HostileHttp:
        """Something else than HTTP."""
        return HostileHttp(name="another protocol", sent=chance.choice(PROTOCOLS), ends=False)

    def giant(self, chance: random.Random, _honest: bytes) -> HostileHttp:
        """A head larger than any."""
        start, size = get()[: -len(CRLF)], chance.choice((400_000, 600_000))
        sent = chance.choice(
            (
                start + b"X-A: " + b"a" * size,
                start + b"X-A: a\r\n" * (size // 8),
                start + b"X-" + b"a" * size,
                b"GET /" + b"a" * size,
                b"A" * size,
                post(self._path, b"Transfer-Encoding: chunked", body=b"2;" + b"a" * size),
                post(self._path, b"Transfer-Encoding: chunked", body=b"2\r\n{}\r\n0\r\n" + b"X-A: a\r\n" * (size // 8)),
            )
        )
        return HostileHttp(name="a giant head", sent=sent)

    def truncated(self, chance: random.Random, honest: bytes) -> HostileHttp:
        """An ordinary request that ends in the middle."""
        cut = honest[: chance.randrange(1, len(honest))]
        return HostileHttp(name="cut short", sent=cut, is_refused=False, ends=False)

    def garbled(self, chance: random.Random, honest: bytes) -> HostileHttp:
        """An ordinary request with bytes changed, missing, or twice there."""
        garbled = bytearray(honest)
        for _ in range(chance.choice((1, 1, 2, 5))):
            at = chance.randrange(len(garbled))
            match chance.randrange(4):
                case 0:
                    garbled[at] = chance.randrange(256)
                case 1:
                    garbled[at] ^= 1 << chance.randrange(8)
                case 2:
                    del garbled[at : at + chance.randrange(1, 8)]
                case _:
                    garbled[at:at] = garbled[max(0, at - 9) : at]
            garbled = garbled or bytearray(b"\r\n")
        return HostileHttp(name="garbled", sent=bytes(garbled), most=9, is_refused=False, ends=False)

    def pipelined(self, chance: random.Random, _honest: bytes) -> HostileHttp:
        """Honest requests at once; the last says that it is the last."""
        count = chance.choice((2, 5, 20))
        sent = get() * (count - 1) + get(_ACCOUNT, b"Connection: close")
        return HostileHttp(name="pipelined", sent=sent, least=count, most=count, is_refused=False)

    def flood(self, chance: random.Random, _honest: bytes) -> HostileHttp:
        """Many requests behind one that takes a while."""
        slow = post(self._path, b"Content-Length: 31", body=b'{"do": "sleep", "seconds": 0.1}')
        count = chance.choice((200, 1_000))
        sent = slow + get(b"/healthz") * count + get(b"/healthz", b"Connection: close")
        return HostileHttp(name="a flood of requests", sent=sent, most=count + 2, is_refused=False)

    def upgrade(self, chance: random.Random, _honest: bytes) -> HostileHttp:
        """To a protocol nobody speaks here, with bytes of it or another request behind."""
        protocol = chance.choice((b"websocket", b"h2c", b"TLS/1.2", b"x"))
        headers = (
            b"Connection: Upgrade",
            b"Upgrade: " + protocol,
            b"Sec-WebSocket-Key: a",
            b"HTTP2-Settings: AAMAAABk",
        )
        behind = chance.choice((b"", b"\x81\x05hello", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", get()))
        return HostileHttp(name="an upgrade", sent=get(_ACCOUNT, *headers) + behind, least=1, most=2, is_refused=False)


_DRAWN: Mapping[str, Callable[[HostileForms, random.Random, bytes], HostileHttp]] = {
    "lengths": HostileForms.lengths,
    "chunks": HostileForms.chunks,
    "head": HostileForms.head,
    "host": HostileForms.host,
    "protocol": HostileForms.protocol,
    "giant": HostileForms.giant,
    "truncated": HostileForms.truncated,
    "truncated, again": HostileForms.truncated,
    "garbled": HostileForms.garbled,
    "garbled, again": HostileForms.garbled,
    "pipelined": HostileForms.pipelined,
    "flood": HostileForms.flood,
    "upgrade": HostileForms.upgrade,
}

_CHUNKED = b"Transfer-Encoding: chunked"
_LAST = b"0\r\n\r\n"

LENGTHS: tuple[tuple[str, tuple[bytes, ...], bytes], ...] = (
    ("a length and chunks", (b"Content-Length: 4", _CHUNKED), _LAST),
    ("chunks and a length", (_CHUNKED, b"Content-Length: 5"), _LAST),
    ("two lengths", (b"Content-Length: 2", b"Content-Length: 200"), b"{}"),
    ("two equal lengths", (b"Content-Length: 2", b"Content-Length: 2"), b"{}"),
    ("a list of lengths", (b"Content-Length: 2, 2",), b"{}"),
    ("a length with a sign", (b"Content-Length: +2",), b"{}"),
    ("a negative length", (b"Content-Length: -2",), b"{}"),
    ("a hexadecimal length", (b"Content-Length: 0x2",), b"{}"),
    ("an empty length", (b"Content-Length:",), b"{}"),
    ("a length with an underscore", (b"Content-Length: 0_2",), b"{}"),
    ("a length beyond any", (b"Content-Length: 18446744073709551618",), b"{}"),
    ("a length in words", (b"Content-Length: two",), b"{}"),
    ("a folded length", (b"Content-Length:", b" 2"), b"{}"),
    ("a length that goes on", (b"Content-Length: 2", b" 0"), b"{}"),
    ("a blank before the colon", (b"Content-Length : 2",), b"{}"),
    ("chunks with a blank before the colon", (b"Transfer-Encoding : chunked",), _LAST),
    ("chunks in disguise", (b"Transfer-Encoding: xchunked",), _LAST),
    ("chunks in quotes", (b'Transfer-Encoding: "chunked"',), _LAST),
    ("chunks, then something", (b"Transfer-Encoding: chunked, identity",), _LAST),
    ("chunks, then the identity", (_CHUNKED, b"Transfer-Encoding: identity"), _LAST),
    ("chunks twice over", (b"Transfer-Encoding: chunked, chunked",), _LAST),
    ("chunks with a tab", (b"Transfer-Encoding:\x0bchunked",), _LAST),
    ("chunks on the next line", (b"Transfer-Encoding:", b" chunked"), _LAST),
    ("chunks behind a bare line feed", (b"X: x\nTransfer-Encoding: chunked",), _LAST),
    ("chunks behind a bare carriage return", (b"X: x\rTransfer-Encoding: chunked",), _LAST),
    ("chunks with a null byte", (b"Transfer-Encoding: chunked\x00",), _LAST),
    ("no chunks but their identity", (b"Transfer-Encoding: identity", b"Content-Length: 2"), b"{}"),
)

CHUNKS: tuple[tuple[str, bytes], ...] = (
    ("a chunk's size in words", b"two\r\n{}\r\n0\r\n\r\n"),
    ("a chunk's size with a prefix", b"0x2\r\n{}\r\n0\r\n\r\n"),
    ("a negative chunk", b"-2\r\n{}\r\n0\r\n\r\n"),
    ("a chunk's size with a sign", b"+2\r\n{}\r\n0\r\n\r\n"),
    ("a chunk's size with a blank", b" 2\r\n{}\r\n0\r\n\r\n"),
    ("a chunk's size and a blank", b"2 \r\n{}\r\n0\r\n\r\n"),
    ("a chunk beyond any", b"10000000000000002\r\n{}\r\n0\r\n\r\n"),
    ("a chunk without size", b"\r\n{}\r\n0\r\n\r\n"),
    ("chunks with bare line feeds", b"2\n{}\n0\n\n"),
    ("a chunk longer than it says", b"2\r\n{}{}\r\n0\r\n\r\n"),
    ("a chunk without an end", b"2\r\n{}0\r\n\r\n"),
    ("a chunk with a bare carriage return", b"2\r{}\r\n0\r\n\r\n"),
    ("a chunk's extension with a line feed", b"2;a\nb\r\n{}\r\n0\r\n\r\n"),
    ("a null byte in a chunk's size", b"2\x00\r\n{}\r\n0\r\n\r\n"),
)

_HOST = b"Host: 127.0.0.1"
_LINE = b"GET /2016-08-19/account-settings HTTP/1.1"

HEADS: tuple[tuple[str, bytes, tuple[bytes, ...]], ...] = (
    ("a line alone", b"GET", ()),
    ("no version", b"GET /healthz", (_HOST,)),
    ("a version that is none", b"GET /healthz HTTP/9.9", (_HOST,)),
    ("a version in two", b"GET /healthz HTTP/1.1 HTTP/1.1", (_HOST,)),
    ("a version in small letters", b"GET /healthz http/1.1", (_HOST,)),
    ("another protocol's version", b"GET /healthz FTP/1.0", (_HOST,)),
    ("an unknown method", b"BREW /pot HTTP/1.1", (_HOST,)),
    ("a method with a null byte", b"GE\x00T /healthz HTTP/1.1", (_HOST,)),
    ("tabs between the parts", b"GET\t/healthz\tHTTP/1.1", (_HOST,)),
    ("a path of bytes", b"GET /\xff\xfe HTTP/1.1", (_HOST,)),
    ("a path with a null byte", b"GET /\x00 HTTP/1.1", (_HOST,)),
    ("a path without its slash", b"GET healthz HTTP/1.1", (_HOST,)),
    ("no path", b"GET  HTTP/1.1", (_HOST,)),
    ("a proxy's connect", b"CONNECT 127.0.0.1:4574 HTTP/1.1", (_HOST,)),
    ("a blank in a name", _LINE, (_HOST, b"X Y: 1")),
    ("a name of bytes", _LINE, (_HOST, b"X\xff: 1")),
    ("no name", _LINE, (_HOST, b": 1")),
    ("no colon", _LINE, (_HOST, b"broken")),
    ("a null byte in a value", _LINE, (_HOST, b"X: a\x00b")),
    ("a control character in a value", _LINE, (_HOST, b"X: a\x01b")),
    ("a folded value", _LINE, (_HOST, b"X: a", b" b")),
    ("a blank before the first header", _LINE, (b" " + _HOST,)),
    ("a bare carriage return", _LINE + b"\r" + _HOST + b"\r\r", ()),
    ("a bare line feed", _LINE + b"\n" + _HOST + b"\n\n", ()),
    ("a bare line feed in a value", _LINE, (_HOST, b"X: a\nY: b")),
)

HOSTS: tuple[tuple[str, bytes, tuple[bytes, ...]], ...] = (
    ("no host", _LINE, ()),
    ("two hosts", _LINE, (_HOST, b"Host: evil.example")),
    ("two equal hosts", _LINE, (_HOST, _HOST)),
    ("somebody else's host", _LINE, (b"Host: evil.example",)),
    ("HTTP/1.0 without a host", b"GET /2016-08-19/account-settings HTTP/1.0", ()),
)

PROTOCOLS: tuple[bytes, ...] = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x12\x04" + bytes(20),
    b"SSH-2.0-OpenSSH_9.2\r\n",
    b"EHLO localhost\r\nMAIL FROM:<a@b>\r\n",
    b"*1\r\n$4\r\nPING\r\n",
    b"\x00\x00\x00\x54\xff\x53\x4d\x42" + bytes(80),
    b"\x05\x01\x00",
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    b"\r\n" * 500,
    b"\x00" * 2_000,
    b"GET /healthz\r\n",
)
