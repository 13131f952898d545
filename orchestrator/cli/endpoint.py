"""
The two ways to the control plane: AWS's Lambda API through boto3, and the console's documents over plain HTTP.

Neither goes through a proxy: the control plane is on this host, or nearby.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

import typer

from orchestrator.cli.failures import Failure, nothing_answers, unusable

if TYPE_CHECKING:
    import urllib3
    from mypy_boto3_lambda import LambdaClient

DEFAULT_ENDPOINT = "http://127.0.0.1:4574"
ENDPOINT_VARIABLE = "PADDOCK_ENDPOINT_URL"

_WANTS_A_SIGNATURE = "MissingAuthenticationTokenException"
_CONNECT_TIMEOUT_S = 5.0
_DOCUMENT_TIMEOUT_S = 30.0
_COMPLETION_TIMEOUT_S = 1.0


class NothingAnswers(Failure):
    """No control plane listens at the endpoint."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(str(nothing_answers(endpoint)))


def endpoint_of(context: typer.Context) -> str:
    """
    The endpoint of this command line: the command's own option, else the one before the command, else the default.

    Raises: Failure: if it is no HTTP URL.
    """
    step: Any = context
    while step is not None:
        given = step.params.get("endpoint_url")
        if given:
            return _checked(str(given))
        step = step.parent
    return DEFAULT_ENDPOINT


def lambda_client(
    endpoint: str, read_timeout_s: float | None = None, connect_timeout_s: float = _CONNECT_TIMEOUT_S
) -> LambdaClient:
    """
    AWS's client for this endpoint. It tries once: a second try would run a function twice.

    Args:
        read_timeout_s: None waits as long as the function runs.
    """
    # Imported here: `--help` and completion of options must not pay for boto3.
    import boto3
    from botocore.config import Config

    configured = _session()
    return boto3.Session(botocore_session=configured).client(
        "lambda",
        endpoint_url=endpoint,
        region_name=_region_of(configured),
        config=Config(
            retries={"total_max_attempts": 1},
            connect_timeout=connect_timeout_s,
            read_timeout=read_timeout_s,
            tcp_keepalive=True,
            proxies={},
        ),
    )


def complete_function(context: typer.Context, incomplete: str) -> list[str]:
    """Deployed functions' names that begin so; none if the control plane does not answer."""
    try:
        client = lambda_client(endpoint_of(context), _COMPLETION_TIMEOUT_S, _COMPLETION_TIMEOUT_S)
        pages = client.get_paginator("list_functions").paginate()
        names = [one["FunctionName"] for page in pages for one in page["Functions"]]
    except Exception:  # noqa: BLE001  a shell's Tab key must never print an error
        return []
    return sorted(name for name in names if name.startswith(incomplete))


class Console:
    """
    The console's documents at one endpoint.

    Raises (each method): NothingAnswers; Failure with the server's message for every other answer than 200.
    """

    def __init__(self, endpoint: str) -> None:
        import urllib3

        self._endpoint = endpoint
        self._pool = urllib3.PoolManager(retries=False)

    def environments(self, function: str | None) -> list[dict[str, Any]]:
        """Live environments, of one function or all."""
        document = self._document("environments", function=function)
        found: list[dict[str, Any]] = document["environments"]
        return found

    def function(self, name: str) -> dict[str, Any]:
        """What a function's environments and queue do now, and what was last wrong."""
        return self._document(f"functions/{quote(name, safe='')}")

    def invocation(self, request_id: str) -> dict[str, Any]:
        """What became of one invocation."""
        return self._document(f"invocations/{quote(request_id, safe='')}")

    def checks(self) -> list[dict[str, Any]]:
        """What the control plane finds when it looks at itself and its host."""
        found: list[dict[str, Any]] = self._document("doctor")["checks"]
        return found

    def output(self, function: str, limit: int, follow: bool) -> Iterator[dict[str, Any]]:
        """
        A function's output lines, oldest first; with `follow`, whatever comes after them too.

        Raises: Failure: also if the stream breaks.
        """
        path = f"functions/{quote(function, safe='')}/output"
        # Without a limit on reading: a function may be silent for days.
        with self._asked(path, timeout_s=None, limit=limit, follow="true" if follow else None) as answer:
            rest = b""
            for chunk in answer.stream(amt=None if answer.chunked else 65_536):
                *lines, rest = (rest + chunk).split(b"\n")
                yield from (self._parsed(line) for line in lines if line.strip())
            if rest.strip():
                yield self._parsed(rest)

    def _document(self, path: str, **query: object) -> dict[str, Any]:
        with self._asked(path, timeout_s=_DOCUMENT_TIMEOUT_S, **query) as answer:
            return self._parsed(answer.read())

    @contextlib.contextmanager
    def _asked(self, path: str, *, timeout_s: float | None, **query: object) -> Iterator[urllib3.BaseHTTPResponse]:
        import urllib3

        given = urlencode({name: value for name, value in query.items() if value is not None})
        url = f"{self._endpoint}/_paddock/{path}" + (f"?{given}" if given else "")
        timeout = urllib3.Timeout(connect=_CONNECT_TIMEOUT_S, read=timeout_s)
        try:
            answer = self._pool.request("GET", url, preload_content=False, timeout=timeout)
            if answer.headers.get("x-amzn-errortype") == _WANTS_A_SIGNATURE:
                answer.close()
                answer = self._pool.request("GET", url, preload_content=False, timeout=timeout, headers=_signature(url))
        except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as error:
            raise NothingAnswers(self._endpoint) from error
        except urllib3.exceptions.HTTPError as error:
            raise self._broken(error) from error
        try:
            if answer.status != 200:
                raise self._refused(answer)
            yield answer
        except urllib3.exceptions.HTTPError as error:
            raise self._broken(error) from error
        finally:
            # Closed, not returned to the pool: a stream that is followed has no end.
            answer.close()

    def _refused(self, answer: urllib3.BaseHTTPResponse) -> Failure:
        try:
            document = json.loads(answer.read())
            message = str(document.get("message") or document["detail"])
        except (ValueError, KeyError, AttributeError):
            message = f"{self._endpoint} answers HTTP {answer.status} to a question of the console; is it Paddock?"
        return Failure(message)

    def _parsed(self, text: bytes) -> dict[str, Any]:
        try:
            document: dict[str, Any] = json.loads(text)
        except ValueError as error:
            raise Failure(f"{self._endpoint} answers something else than JSON; is it Paddock?") from error
        return document

    def _broken(self, error: Exception) -> Failure:
        return Failure(
            f"{self._endpoint}: the connection broke before the answer was complete ({type(error).__name__}); "
            "`paddock doctor` looks for the cause"
        )


def _session() -> Any:
    import botocore.session

    session = botocore.session.get_session()
    # A host that is no EC2 instance would wait seconds for that one's metadata.
    session.get_component("credential_provider").remove("iam-role")
    if session.get_credentials() is None:
        session.set_credentials("paddock", "paddock")
    return session


def _region_of(session: Any) -> str:
    return session.get_config_variable("region") or "us-east-1"


def _signature(url: str) -> dict[str, str]:
    """The headers that sign a GET, as for Lambda's own API. Only where asked for: botocore takes 0.2 s to import."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest

    session = _session()
    request = AWSRequest("GET", url)
    SigV4Auth(session.get_credentials().get_frozen_credentials(), "lambda", _region_of(session)).add_auth(request)
    return dict(request.headers.items())


def _checked(endpoint: str) -> str:
    parts = urlsplit(endpoint)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise unusable(f"--endpoint-url {endpoint!r} is no URL; write it as {DEFAULT_ENDPOINT}")
    return endpoint.rstrip("/")
