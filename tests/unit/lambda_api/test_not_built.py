"""Every operation of AWS's model is served, or refused by name."""

from __future__ import annotations

import re
from typing import Any

import botocore.session
import pytest

from orchestrator.lambda_api.durable_executions import FIND_NOTHING
from orchestrator.lambda_api.model import ServiceModel
from scripts.compatibility_page import built_operations
from tests.unit.lambda_api.served_api import ServedApi

_MODEL: Any = botocore.session.Session().get_service_model("lambda")
_NOT_BUILT = sorted(set(ServiceModel().operation_names()) - built_operations() - FIND_NOTHING)
_LABELS = {
    "FunctionName": "hello",
    "Resource": "arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Ahello",
    "DurableExecutionArn": "arn%3Aaws%3Alambda%3Aus-east-1%3A1%3Afunction%3Ah%3A1%2Fdurable-execution%2Fa%2Fb",
}


def path_of(operation: str) -> tuple[str, str]:
    """Its method, and its path with every label filled."""
    http = _MODEL.operation_model(operation).http
    path = re.sub(r"\{(\w+)\+?\}", lambda label: _LABELS.get(label[1], "1"), http["requestUri"])
    return http["method"], path


@pytest.mark.parametrize("operation", ServiceModel().operation_names())
def test_every_operation_is_found_by_its_own_path(operation: str) -> None:
    """Also those that share a path and differ in the query only."""
    method, path = path_of(operation)
    raw_path, _, query = path.partition("?")
    match = ServiceModel().match(method, raw_path, query)
    assert match is not None
    assert match.operation.name == operation


@pytest.mark.parametrize("operation", _NOT_BUILT)
def test_an_operation_that_is_not_built_says_so(api: ServedApi, operation: str) -> None:
    """501 with its name, whatever else the request has; never a 404 that looks like a missing function."""
    method, path = path_of(operation)
    answer = api.send(method, path, b"{}")
    assert answer.status == 501
    assert answer.headers["x-amzn-errortype"] == "NotImplementedException"
    assert answer.content["Type"] == "Service"
    assert answer.content["message"].startswith(f"{operation} is not built yet in Paddock")


def test_the_operations_that_are_built_are_in_the_model() -> None:
    """No handler waits for an operation that does not exist."""
    assert built_operations() | FIND_NOTHING <= set(ServiceModel().operation_names())
