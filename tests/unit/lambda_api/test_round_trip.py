"""Whatever botocore writes, we read back as it was meant; whatever is out of range, we refuse."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import botocore.serialize
import botocore.session
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from orchestrator.domain.errors import ValidationFailed
from orchestrator.lambda_api.model import ServiceModel
from orchestrator.lambda_api.parse import Parameters, parse
from orchestrator.lambda_api.validation import validate

pytestmark = pytest.mark.slow

_MODEL: Any = botocore.session.Session().get_service_model("lambda")
_ROUTES = ServiceModel()
_SERIALIZER: Any = botocore.serialize.create_serializer("rest-json", include_validation=False)
_OPERATIONS = [
    "CreateFunction",
    "UpdateFunctionConfiguration",
    "UpdateFunctionCode",
    "DeleteFunction",
    "ListFunctions",
    "PutFunctionConcurrency",
    "TagResource",
    "UntagResource",
]
_ASCII = st.characters(min_codepoint=32, max_codepoint=126)
_MOST = 20


def valid(shape: Any, *, least: int = 0) -> st.SearchStrategy[Any]:
    """Values that satisfy a shape of the model."""
    low, high = shape.metadata.get("min", least), shape.metadata.get("max", 2**31)
    match shape.type_name:
        case "structure":
            members = {
                name: valid(member, least=1 if member.serialization.get("location") == "querystring" else 0)
                for name, member in shape.members.items()
            }
            required = {name: members[name] for name in shape.required_members}
            optional = {name: one for name, one in members.items() if name not in required}
            return st.fixed_dictionaries(required, optional=optional)
        case "list":
            return st.lists(valid(shape.member), min_size=max(low, least), max_size=min(high, 3))
        case "map":
            return st.dictionaries(valid(shape.key), valid(shape.value), max_size=3)
        case "string":
            return _text(shape, low, high)
        case "integer" | "long":
            return st.integers(low, high)
        case "boolean":
            return st.booleans()
        case "blob":
            return st.binary(max_size=_MOST)
        case "double" | "float":
            return st.floats(low, high)
    raise AssertionError(f"no strategy for {shape.type_name}")


def _text(shape: Any, low: int, high: int) -> st.SearchStrategy[str]:
    if allowed := shape.metadata.get("enum"):
        return st.sampled_from(allowed)
    pattern = shape.metadata.get("pattern")
    if pattern is None:
        return st.text(min_size=low, max_size=min(high, _MOST))
    if r"\p{" in pattern:
        return st.text(st.characters(categories=("L", "N", "Zs")), min_size=low, max_size=_MOST)
    return st.from_regex(pattern, fullmatch=True, alphabet=_ASCII).filter(lambda text: low <= len(text) <= high)


def read_back(operation: Any, parameters: Parameters) -> Parameters:
    """Written by botocore, found and read by us."""
    request = _SERIALIZER.serialize_to_request(parameters, operation)
    query = urlencode(request["query_string"], doseq=True)
    match = _ROUTES.match(request["method"], request["url_path"], query)
    assert match is not None
    assert match.operation.name == operation.name
    headers = {name.lower(): value for name, value in request["headers"].items()}
    body = request["body"]
    return parse(match, query, headers, body if isinstance(body, bytes) else body.encode())


@pytest.mark.parametrize("name", _OPERATIONS)
@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    # To make a whole request smaller takes minutes; as it was found, it says enough.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_what_botocore_writes_is_read_as_it_was_meant(name: str, data: st.DataObject) -> None:
    """Every member in its place, of its type; and what the model allows passes the checks."""
    operation = _MODEL.operation_model(name)
    parameters = data.draw(valid(operation.input_shape))
    found = read_back(operation, parameters)
    assert found == parameters
    validate(operation.input_shape, found)


@settings(max_examples=100, deadline=None)
@given(
    timeout=st.integers() | st.none(),
    memory=st.integers() | st.none(),
    description=st.text(max_size=600) | st.none(),
    architectures=st.lists(st.sampled_from(["x86_64", "arm64", "sparc"]), max_size=3) | st.none(),
)
def test_exactly_what_is_out_of_range_is_refused(
    timeout: int | None, memory: int | None, description: str | None, architectures: list[str] | None
) -> None:
    """One violation for each member that breaks the model's limits, counted in the message."""
    given_members = {
        "FunctionName": "hello",
        "Role": "arn:aws:iam::000000000000:role/any",
        "Code": {"ImageUri": "hello:latest"},
        "Timeout": timeout,
        "MemorySize": memory,
        "Description": description,
        "Architectures": architectures,
    }
    parameters = {name: value for name, value in given_members.items() if value is not None}
    broken = [
        timeout is not None and not 1 <= timeout <= 5400,
        memory is not None and not 128 <= memory <= 32_768,
        description is not None and len(description) > 256,
        architectures is not None and len(architectures) != 1,
        architectures is not None and "sparc" in architectures,
    ]
    shape = _MODEL.operation_model("CreateFunction").input_shape
    if not any(broken):
        validate(shape, parameters)
        return
    with pytest.raises(ValidationFailed) as caught:
        validate(shape, parameters)
    assert caught.value.message.startswith(f"{sum(broken)} validation error")
