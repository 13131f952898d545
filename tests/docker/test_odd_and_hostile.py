"""
Odd images and hostile runtimes, a row each: what the caller gets, what the log says, how an innocent function beside it
fares. The table is printed at the end of the run.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import botocore.exceptions
import pytest

from tests.docker.hostile_runtimes import HOSTILE_RUNTIMES, HostileRuntime
from tests.docker.odd_images import ODD_IMAGES, OddImage
from tests.support.neighbour import Neighbour, Times
from tests.support.paddock_process import PaddockProcess, deploy
from tests.support.waiting import until
from tests.support.workshop import Workshop

_ROLE = "arn:aws:iam::000000000000:role/any"
_NEIGHBOUR = "neighbour"
_WIDTHS = (44, 88, 60)
_LEAST_ROWS = 25
_LEAST_CALLS = 25
"""Of the neighbour in each row: some rows take less than a call does."""


@dataclass
class Table:
    """The rows that were tried."""

    rows: list[tuple[str, str, str, Times]] = field(default_factory=list)

    def add(self, name: str, caller: str, log: str, neighbour: Times) -> None:
        """A row was tried."""
        self.rows.append((name, caller, log, neighbour))

    def __str__(self) -> str:
        lines = ["", _line("what", "what the caller gets", "what the log says", "the neighbour")]
        lines += [_line(name, caller, log, str(times)) for name, caller, log, times in self.rows]
        return "\n".join(lines)


def _line(*cells: str) -> str:
    cut = [cell.replace("\n", " ")[:width].ljust(width) for cell, width in zip(cells, _WIDTHS, strict=False)]
    return " | ".join([*cut, *cells[len(_WIDTHS) :]])


@pytest.fixture(scope="module")
def table(figures: Callable[[str], None]) -> Iterator[Table]:
    """Gathers the rows; printed once all have been tried."""
    gathered = Table()
    yield gathered
    figures(str(gathered))


@pytest.fixture(scope="module")
def client(paddock: PaddockProcess, images: dict[str, str]) -> Any:
    """boto3, with the neighbour deployed."""
    boto = paddock.client()
    deploy(boto, _NEIGHBOUR, images["behaviours"], Timeout=30, MemorySize=512)
    boto.invoke(FunctionName=_NEIGHBOUR, Payload=b"{}")
    return boto


@pytest.fixture(autouse=True)
def neighbour(client: Any, paddock: PaddockProcess) -> Iterator[Neighbour]:
    """Is called before, beside and after each row, and always answered; nothing of ours ends in a traceback."""
    calling = Neighbour(paddock, _NEIGHBOUR)
    calling.start()
    yield calling
    calling.end()
    assert not calling.wrong, calling.wrong[:3]
    assert "Traceback" not in paddock.log()
    assert '"exception"' not in paddock.log()


def answer(client: Any, function: str, event: object) -> str:
    """What a caller gets, in one line."""
    try:
        answered = client.invoke(FunctionName=function, Payload=json.dumps(event).encode())
    except botocore.exceptions.ClientError as error:
        return str(error)
    payload: str = answered["Payload"].read().decode()
    if "FunctionError" not in answered:
        return f"answers {payload}"
    failure = json.loads(payload)
    message = re.sub(r"^RequestId: \S+ Error: ", "", failure["errorMessage"])
    return f"{failure['errorType']}: {message} ({failure.get('diagnosis', '')})"


def log_of(paddock: PaddockProcess, function: str) -> str:
    """The function's log, and the lifecycle log's lines about it."""
    printed = [json.loads(line)["text"] for line in paddock.output(function, limit=5000).splitlines() if line]
    with urllib.request.urlopen(f"{paddock.endpoint}/_paddock/functions/{function}/history?limit=500") as answered:
        history = json.load(answered)["history"]
    told = [f"{one['event']}: {' '.join(str(value) for value in one['detail'].values())}" for one in history]
    return "\n".join([*printed, "", *told])


def words_of(paddock: PaddockProcess, function: str, expected: str) -> str:
    """Wait until the log has what is expected, and cut it out."""

    def found() -> str | None:
        matched = re.search(expected, log_of(paddock, function))
        return matched[0] if matched is not None else None

    words = until(found, f"the log of {function} has {expected!r}")
    assert words is not None
    return words


def remove(client: Any, paddock: PaddockProcess, function: str) -> None:
    """Delete it, unless it was never created; whatever it did, its environments end."""
    with contextlib.suppress(client.exceptions.ResourceNotFoundException):
        client.delete_function(FunctionName=function)
    until(lambda: not paddock.environments(function), f"the environments of {function} end")


@pytest.mark.parametrize(("number", "row"), list(enumerate(ODD_IMAGES)), ids=[row.name for row in ODD_IMAGES])
def test_an_odd_image_runs_as_on_aws_or_says_why_not(
    client: Any,
    paddock: PaddockProcess,
    workshop: Workshop,
    neighbour: Neighbour,
    table: Table,
    number: int,
    row: OddImage,
) -> None:
    """Never as a failure of ours."""
    function = f"odd-{number}"
    image = workshop.build(f"paddock-test/{function}:latest", row.dockerfile, row.platform, row.environment)
    began = time.monotonic()
    caller = _deployed(client, function, image, row) or answer(client, function, {"n": 1})
    times = neighbour.since(began, _LEAST_CALLS)
    assert re.search(row.caller, caller), caller
    # What is refused was never there, and has no log.
    words = words_of(paddock, function, row.log) if row.log else ""
    table.add(row.name, caller, words, times)
    remove(client, paddock, function)


def _deployed(client: Any, function: str, image: str, row: OddImage) -> str | None:
    """Deploy it; why that was refused or failed, if it did."""
    try:
        client.create_function(
            FunctionName=function,
            Role=_ROLE,
            PackageType="Image",
            Code={"ImageUri": image},
            Timeout=10,
            **row.configuration,
        )
    except client.exceptions.InvalidParameterValueException as refusal:
        return f"Refused: {refusal.response['Error']['Message']}"

    def settled() -> dict[str, Any] | None:
        found: dict[str, Any] = client.get_function_configuration(FunctionName=function)
        return found if found["State"] != "Pending" else None

    found = until(settled, f"{function} is no longer pending")
    assert found is not None
    return None if found["State"] == "Active" else f"{found['State']}: {found['StateReason']}"


def _at_rest(paddock: PaddockProcess, function: str) -> set[str]:
    """Its environments, once all have asked for work: a call that comes sooner may have another one started for it."""

    def found() -> list[dict[str, Any]] | None:
        environments = paddock.environments(function)
        return environments if all(one["state"] in ("idle", "frozen") for one in environments) else None

    return {one["environment_id"] for one in until(found, f"the environments of {function} are idle") or ()}


@pytest.mark.parametrize(
    ("number", "row"), list(enumerate(HOSTILE_RUNTIMES)), ids=[row.name for row in HOSTILE_RUNTIMES]
)
def test_a_hostile_runtime_is_contained_and_named(
    client: Any,
    paddock: PaddockProcess,
    images: dict[str, str],
    neighbour: Neighbour,
    table: Table,
    number: int,
    row: HostileRuntime,
) -> None:
    """Its own caller is answered as AWS answers; the next call is served, by the same environment if that lives on."""
    function = f"hostile-{number}"
    deploy(client, function, images["hostile"], **{"Timeout": 60, "MemorySize": 512, **row.configuration})
    fails_at_once = "Environment" in row.configuration
    if not fails_at_once:
        answer(client, function, row.before or {"do": "nothing"})
    before = _at_rest(paddock, function) if row.goes_on else set()
    began = time.monotonic()
    caller = answer(client, function, row.event)
    times = neighbour.since(began, _LEAST_CALLS)
    assert re.search(row.caller, caller), caller
    table.add(row.name, caller, words_of(paddock, function, row.log), times)
    if row.goes_on:
        assert _at_rest(paddock, function) == before
    if not fails_at_once:
        assert answer(client, function, {"do": "nothing"}) == 'answers {"told": null}'
    if row.goes_on:
        assert {one["environment_id"] for one in paddock.environments(function)} == before
    remove(client, paddock, function)


def test_the_table_is_long_enough(table: Table) -> None:
    """At least twenty-five rows were asked for; the rows above have been tried by now."""
    assert len(ODD_IMAGES) >= _LEAST_ROWS
    assert len(HOSTILE_RUNTIMES) >= _LEAST_ROWS
