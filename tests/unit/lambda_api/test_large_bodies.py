"""Bodies made to be read slowly: whoever sends them, nobody else waits."""

from __future__ import annotations

import json
import random
import time
from typing import Any

import pytest

from orchestrator.domain.errors import ServiceError
from orchestrator.lambda_api.invoke import _check_json
from orchestrator.lambda_api.model import ServiceModel
from orchestrator.lambda_api.parse import SerializationFailed, parse
from orchestrator.lambda_api.validation import validate
from tests.support.generator.mutations import BODIES
from tests.support.generator.pools import documents
from tests.unit.lambda_api.served_api import ROLE

_MODEL = ServiceModel()
_FUNCTION = {"FunctionName": "hello", "Role": ROLE, "Code": {}}
_BYTES = 6_000_000
_AT_MOST_S = 1.0
"""Of a processor; a tenth of it is usual. It took up to fifteen seconds."""


def filled(beginning: bytes, piece: bytes, end: bytes) -> bytes:
    """As much of a piece as a body may have."""
    return beginning + piece * ((_BYTES - len(beginning)) // len(piece)) + end


def read(method: str, path: str, body: bytes) -> dict[str, Any]:
    """As the API reads it, in the loop."""
    match = _MODEL.match(method, path)
    assert match is not None
    parameters = parse(match, "", {}, body)
    validate(match.operation.input_shape, parameters)
    return parameters


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(filled(b'{"Tags": {"a": ""', b', "b": ""', b"}}"), id="tags"),
        pytest.param(filled(b'{"FileSystemConfigs": [{}', b', {"Arn": "a"}', b"]}"), id="objects"),
        pytest.param(filled(b'{"Layers": [1', b",1", b"]}"), id="numbers"),
        pytest.param(filled(b'{"Layers": [""', b',""', b"]}"), id="texts"),
        pytest.param(filled(b'{"X": [[]', b",[]", b"]}"), id="of a member that is none"),
        pytest.param(filled(b'{"X": "\\"', b'\\",\\"', b'\\"", "Layers": [1, 2]}'), id="a text of texts"),
        pytest.param(filled(b'{"Description": "', b"a", b'"}'), id="one text"),
        pytest.param(filled(b"", b"[", b""), id="depth"),
    ],
)
def test_six_megabytes_are_refused_before_anyone_notices(body: bytes) -> None:
    """With a short message."""
    began = time.thread_time()
    with pytest.raises(ServiceError) as refusal:
        read("POST", "/2015-03-31/functions", body)
    assert time.thread_time() - began < _AT_MOST_S
    assert (refusal.value.status, len(refusal.value.message) < 10_000) == (400, True)


def test_what_stands_in_texts_does_not_count() -> None:
    """Megabytes of them are one value, whatever they are full of."""
    text = json.dumps({"numbers": list(range(100_000)), "texts": ["a\\", '"'] * 10_000})
    with pytest.raises(ServiceError) as refusal:
        read("POST", "/2015-03-31/functions", json.dumps({**_FUNCTION, "Description": text}).encode())
    assert "'description'" in refusal.value.message
    assert refusal.value.message.endswith("length less than or equal to 256")


def test_ten_thousand_values_are_read_and_more_are_not() -> None:
    """That they are too many for their member is told as for any other."""
    with pytest.raises(ServiceError, match="100 validation errors"):
        read("POST", "/2015-03-31/functions", json.dumps({**_FUNCTION, "FileSystemConfigs": [{}] * 4_000}).encode())
    with pytest.raises(SerializationFailed, match="more than 10000 values"):
        read("POST", "/2015-03-31/functions", json.dumps({**_FUNCTION, "Layers": [""] * 10_000}).encode())


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(filled(b"[1", b",1", b"]"), id="numbers"),
        pytest.param(filled(b"[{}", b",{}", b"]"), id="objects"),
        pytest.param(filled(b'["\\ud800"', b',"\\ud800"', b"]"), id="half pairs"),
        pytest.param(filled(b'["\xc3\xa9"', b',"\xc3\xa9"', b"]"), id="letters"),
    ],
)
def test_a_payload_of_six_megabytes_is_checked_before_anyone_notices(payload: bytes) -> None:
    """Every byte of it is looked at, and nothing is built."""
    began = time.thread_time()
    _check_json(payload)
    assert time.thread_time() - began < _AT_MOST_S


def test_a_payload_is_json_if_python_says_so() -> None:
    """Of thousands, most of them spoilt: neither more nor less is accepted than by a parser that builds it all."""
    chance = random.Random(20261126)
    accepted = 0
    for _ in range(3_000):
        payload = json.dumps(chance.choice(documents()), ensure_ascii=chance.random() < 0.5).encode() or b"{}"
        if chance.random() < 0.8:
            payload = chance.choice(BODIES)(chance, payload)
        if chance.random() < 0.3 and payload:
            at = chance.randrange(len(payload))
            payload = (
                payload[:at] + chance.choice((b"\\ud800", b"\\", b'"', b",", b"0", b"\xff", b"")) + payload[at + 1 :]
            )
        said = _says(_check_json, payload)
        assert said == _says(_parsed, payload), payload
        accepted += said
    assert 300 < accepted < 2_700


def _says(check: Any, payload: bytes) -> bool:
    try:
        check(payload)
    except (ValueError, RecursionError):
        return False
    return True


def _parsed(payload: bytes) -> None:
    # Python has a limit on the digits of a number, which JSON has not.
    json.loads(payload.decode(), parse_constant=_refuse, parse_int=str)


def _refuse(name: str) -> None:
    raise ValueError(name)
