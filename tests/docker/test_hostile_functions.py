"""Functions that mean harm, where showing what comes of it takes more than a row of `test_odd_and_hostile.py`."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.support.paddock_process import PaddockProcess, deploy, wait_until_updated
from tests.support.waiting import until


@pytest.fixture(scope="module")
def client(paddock: PaddockProcess, images: dict[str, str]) -> Any:
    """boto3, with a hostile function."""
    boto = paddock.client()
    deploy(boto, "hostile", images["hostile"], Timeout=20, MemorySize=1769)
    return boto


def call(client: Any, do: str, **event: object) -> Any:
    """Invoke; what the function was told."""
    answer = client.invoke(FunctionName="hostile", Payload=json.dumps({"do": do, **event}).encode())
    body = json.loads(answer["Payload"].read())
    return body["told"] if isinstance(body, dict) and "told" in body else body


def test_one_that_spins_while_idle_is_frozen(client: Any, paddock: PaddockProcess) -> None:
    """It burns no processor then."""
    assert call(client, "busy-when-idle") == "spinning"
    until(lambda: all(one["state"] == "frozen" for one in paddock.environments("hostile")), "the hostile one is frozen")


def test_one_that_ignores_sigterm_is_killed(client: Any, paddock: PaddockProcess) -> None:
    """Within the grace of a shutdown."""
    assert call(client, "ignore-sigterm") == "ignoring"
    before = {one["environment_id"] for one in paddock.environments("hostile")}
    client.update_function_configuration(FunctionName="hostile", Description="another", Timeout=19)
    wait_until_updated(client, "hostile")
    until(
        lambda: before.isdisjoint(one["environment_id"] for one in paddock.environments("hostile")),
        "the outdated environment is gone",
        patience_s=15,
    )


def test_of_what_is_printed_each_byte_is_kept_or_said_to_be_dropped(
    client: Any, paddock: PaddockProcess, images: dict[str, str]
) -> None:
    """50 MB at once: nobody waits for it, and how much the log lacks stands in the log."""
    deploy(client, "printer", images["hostile"], Timeout=20, MemorySize=1769)
    client.invoke(FunctionName="printer", Payload=b'{"do": "print-much", "mib": 50}')
    # END in the midst of a line makes two of it, with a newline more.
    exactly = 50 * 1_048_576
    until(
        lambda: exactly <= sum(_kept_and_dropped(paddock, "printer")) <= exactly + 4,
        "every byte is accounted for",
    )


def _kept_and_dropped(paddock: PaddockProcess, function: str) -> tuple[int, int]:
    texts = [json.loads(line)["text"] for line in paddock.output(function, limit=100_000).splitlines() if line]
    kept = sum(len(text) + 1 for text in texts if text.strip("x") == "" and text)
    told = (re.match(r"\[(\d+) bytes of output were dropped here", text) for text in texts)
    return kept, sum(int(one[1]) for one in told if one is not None)
