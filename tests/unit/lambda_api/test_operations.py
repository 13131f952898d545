"""Each operation through boto3: its happy path, its not-found, its conflict and its validation error."""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from scripts.compatibility_page import built_operations
from tests.unit.lambda_api.operations.playing import Player
from tests.unit.lambda_api.operations.record import NotDeclared, NotMet, Record, Refused, ShownBy, Works
from tests.unit.lambda_api.operations.recorded import RECORDS
from tests.unit.lambda_api.served_api import ScriptedEngine

REPOSITORY = Path(__file__).parents[3]
CASES = ("works", "not_found", "conflict", "invalid")
_DECLARED = {
    "not_found": ("ResourceNotFoundException",),
    "conflict": ("ResourceConflictException", "ResourceInUseException", "PreconditionFailedException"),
    "invalid": ("InvalidParameterValueException", "InvalidRequestContentException"),
}


@pytest.fixture
def player(
    client: Any,
    account: str,
    engine: ScriptedEngine,
    create: Callable[..., dict[str, Any]],
    settled: Callable[..., dict[str, Any]],
) -> Player:
    """In an account of its own."""
    return Player(client, account, engine, create, settled)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("record", RECORDS, ids=[record.operation for record in RECORDS])
def test_it_answers_as_aws_does(player: Player, record: Record, case: str) -> None:
    """Status, code and text, or each member of the answer."""
    recorded = getattr(record, case)
    match recorded:
        case Works() | Refused():
            player.check(record.operation, recorded)
        case NotDeclared():
            assert not declared_errors(record.operation) & set(_DECLARED[case])
        case NotMet(why):
            assert why
            assert declared_errors(record.operation) & set(_DECLARED[case])
        case ShownBy(test):
            path, _, name = test.partition("::")
            assert name in functions_in(path), f"there is no {test}"


def test_each_operation_that_is_built_has_one_record() -> None:
    """No more, no less."""
    assert sorted(record.operation for record in RECORDS) == sorted(built_operations())


def declared_errors(operation: str) -> set[str]:
    """What AWS's model says that it may answer."""
    shapes = _model().operation_model(operation).error_shapes
    return {shape.name for shape in shapes}


@cache
def _model() -> Any:
    return botocore.session.get_session().get_service_model("lambda")


@cache
def functions_in(path: str) -> frozenset[str]:
    """Names of the tests in a file of this repository."""
    tree = ast.parse((REPOSITORY / path).read_text())
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
