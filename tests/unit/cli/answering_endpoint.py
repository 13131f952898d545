"""A control plane made of prepared answers: HTTP on a port of its own, in a thread. It remembers what it was asked."""

from __future__ import annotations

import contextlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

FUNCTIONS = "/2015-03-31/functions"
REQUEST_ID = "6f1c2d3e-0000-4000-8000-000000000001"


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """What to answer, `held` until a test says so; `parts` are chunks, which come before the hold, `later` after it."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    parts: list[bytes] | None = None
    held: threading.Event | None = None
    later: bytes = b""


def document(value: object, status: int = 200, **headers: str) -> Answer:
    """A JSON answer."""
    return Answer(status, json.dumps(value).encode(), {"Content-Type": "application/json", **headers})


def refusal(code: str, message: str, status: int) -> Answer:
    """An error as the Lambda API answers it."""
    headers = {"Content-Type": "application/json", "x-amzn-errortype": code}
    return Answer(status, json.dumps({"Type": "User", "Message": message}).encode(), headers)


class AnsweringEndpoint:
    """Answers each (method, path) with the next of its prepared answers; the last one stays."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._answers: dict[tuple[str, str], list[Answer]] = {}
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                # A client that goes away before the end is part of some tests.
                with contextlib.suppress(ConnectionError):
                    endpoint._serve(self)

            do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815  http.server's own names

            def log_message(self, *_: object) -> None:
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def on(self, method: str, path: str, *answers: Answer) -> None:
        """Prepare answers, one after the other."""
        self._answers[method, path] = list(answers)

    def asked_for(self, method: str, path: str) -> list[Asked]:
        """The requests of one kind, in order."""
        return [one for one in self.asked if (one.method, one.path) == (method, path)]

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def _serve(self, request: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(request.path)
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        path = unquote(parts.path)
        self.asked.append(Asked(request.command, path, parts.query, dict(request.headers), body))
        prepared = self._answers.get((request.command, path))
        if not prepared:
            answer = refusal("UnpreparedTest", f"the test prepared nothing for {request.command} {path}", 500)
        else:
            answer = prepared.pop(0) if len(prepared) > 1 else prepared[0]
        _write(request, answer)


def _write(request: BaseHTTPRequestHandler, answer: Answer) -> None:
    if answer.held is not None and answer.parts is None:
        answer.held.wait(30)
    request.send_response(answer.status)
    for name, value in {"x-amzn-RequestId": REQUEST_ID, **answer.headers}.items():
        request.send_header(name, value)
    if answer.parts is None:
        if answer.status != 204:
            request.send_header("Content-Length", str(len(answer.body)))
        request.end_headers()
        request.wfile.write(answer.body)
        return
    request.send_header("Transfer-Encoding", "chunked")
    request.end_headers()
    for part in answer.parts:
        _write_chunk(request, part)
    if answer.held is not None:
        answer.held.wait(30)
    if answer.later:
        _write_chunk(request, answer.later)
    _write_chunk(request, b"")


def _write_chunk(request: BaseHTTPRequestHandler, part: bytes) -> None:
    request.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
    request.wfile.flush()
