"""Acts a record's case out, through boto3."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError

from tests.unit.lambda_api.operations.record import (
    Call,
    Function,
    FunctionInProgress,
    Matching,
    Refused,
    Settled,
    Step,
    Works,
)
from tests.unit.lambda_api.served_api import ScriptedEngine


class Player:
    """
    One case, in an account of its own.

    Args:
        client: boto3.
        account: Its account's id.
        engine: The Docker engine's stand-in.
        create: Creates a function.
        settled: Waits for it.
    """

    def __init__(
        self,
        client: Any,
        account: str,
        engine: ScriptedEngine,
        create: Callable[..., dict[str, Any]],
        settled: Callable[..., dict[str, Any]],
    ) -> None:
        self._client = client
        self._engine = engine
        self._create = create
        self._settled = settled
        self._held_tag = f"held:{account}"
        self._known = {"account": account, "arn": f"arn:aws:lambda:us-east-1:{account}:function:hello"}

    def check(self, operation: str, case: Works | Refused) -> None:
        """The answer is the recorded one, in each member."""
        held = self._engine.hold(self._held_tag)
        try:
            for step in case.before:
                self._take(step)
            status, answer = self._call(operation, case.members)
        finally:
            held.set()
        if isinstance(case, Works):
            assert (status, answer) == (case.status, self._filled(case.answer))
        else:
            expected = {"Code": case.code, "Message": self._filled(case.message)}
            assert (status, answer.get("Error")) == (case.status, expected)

    def _take(self, step: Step) -> None:
        match step:
            case Call(operation, members, keeps):
                status, answer = self._call(operation, members)
                assert "Error" not in answer, (operation, status, answer)
                for name, path in keeps.items():
                    self._known[name] = _found(answer, path)
            case Function(name, members):
                self._create(name, **self._filled(members))
                assert self._settled(name)["State"] == "Active"
            case FunctionInProgress(name):
                self._create(name, Code={"ImageUri": self._held_tag})
            case Settled(name):
                self._settled(name)

    def _call(self, operation: str, members: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        try:
            answer = getattr(self._client, xform_name(operation))(**self._filled(members))
        except ClientError as error:
            answer = dict(error.response)
            answer["Error"] = {name: answer["Error"][name] for name in ("Code", "Message")}
        status = answer.pop("ResponseMetadata")["HTTPStatusCode"]
        return status, {name: _read(value) for name, value in answer.items()}

    def _filled(self, value: Any) -> Any:
        match value:
            case str():
                return re.sub(r"<(\w+)>", lambda found: self._known.get(found[1], found[0]), value)
            case Matching(pattern):
                return Matching(self._filled(pattern))
            case Mapping():
                return {self._filled(name): self._filled(each) for name, each in value.items()}
            case list() | tuple():
                return [self._filled(each) for each in value]
        return value


def _found(answer: Mapping[str, Any], path: str) -> str:
    found: Any = answer
    for name in path.split("."):
        found = found[name]
    return str(found)


def _read(value: Any) -> Any:
    return value.read() if hasattr(value, "read") else value
