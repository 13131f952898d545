"""
Thousands of generated requests, valid and hostile, against the front door on a real store; Docker stands aside.

`PADDOCK_REQUESTS` for more of them.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest

from orchestrator.administration.data_directory import opened
from orchestrator.domain.access import AccessKey
from orchestrator.settings import Settings
from orchestrator.store.access_keys import add_key
from scripts.compatibility_page import built_operations
from tests.support.builders import NOW
from tests.support.generator.generated import Generated, Generator
from tests.support.generator.sending import Judge, Sending, Sent
from tests.support.generator.standing import NOTHING, Standing, standing_in
from tests.support.generator.verdicts import wrong_with
from tests.support.generator.wire import Answer
from tests.unit.lambda_api.served_api import ServedApi

pytestmark = pytest.mark.slow

REQUESTS = int(os.environ.get("PADDOCK_REQUESTS", "2000"))
CONNECTIONS = 8
SEED = int(os.environ.get("PADDOCK_SEED", "20261126"))
SERVED_OF_TEN = 10 if REQUESTS >= 20_000 else 6
"""Of ten operations that are built, as many must have been served once: else the requests reach no deep code."""
_NOT_OF_IMAGES = {f"{verb}FunctionCodeSigningConfig" for verb in ("Delete", "Get", "Put")}
"""Refused of every function that there can be."""
_SUBNET = "subnet-here"


@pytest.fixture(autouse=True)
def nothing_is_logged_as_our_failure(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No request may make us write a traceback."""
    with caplog.at_level(logging.WARNING):
        yield
    assert not [one for one in caplog.records if one.exc_info or one.levelno >= logging.ERROR], caplog.text[:8000]


def send(api: ServedApi, judge: Judge, folder: Path, standing: Standing = NOTHING) -> Sent:
    """All of them; what came of it."""
    generator = Generator(
        SEED,
        invoked="steady",
        bait="bait",
        images=["here:latest", "here:latest", "gone:latest"],
        built=built_operations(),
        description={"paths": {}},
        standing=standing,
    )
    api.engine.has_not("gone:latest")
    sending = Sending(generator, api.port, judge=judge, folder=folder)
    asyncio.run(sending.until(REQUESTS, CONNECTIONS))
    print("\n".join(sending.sent.lines()))
    return sending.sent


def test_generated_requests_are_answered_as_they_should_be(tmp_path: Path) -> None:
    """None hangs or fails on our side, and nothing that was smuggled is run."""

    def judge(request: Generated, answers: Sequence[Answer], _began: float) -> str | None:
        return wrong_with(request, answers, in_fault=False)

    api = ServedApi(tmp_path / "served")
    try:
        api.engine.subnets[_SUBNET] = None
        sent = send(api, judge, tmp_path, standing_in(api.client(), "here:latest", _SUBNET))
    finally:
        api.end()
    assert not sent.wrong, f"seed {SEED}:\n" + "\n".join(sent.wrong)
    never = sorted(built_operations() - _NOT_OF_IMAGES - sent.operations.keys())
    print(f"operations that were never served: {never}")
    assert len(never) <= len(built_operations()) * (10 - SERVED_OF_TEN) // 10, never
    assert {one.reference.key.name for one in api.front_desk.asked} >= {"steady"}
    assert not [one for one in api.front_desk.asked if one.reference.key.name == "bait"]


def test_where_requests_must_be_signed_none_of_them_is_let_in(tmp_path: Path) -> None:
    """Their key is there, their signature is none: however odd path, query and headers are, that is what is found."""
    with opened(Settings(data_dir=tmp_path / "served")) as (connection, sealer):
        key = AccessKey(access_key_id="test", secret="s" * 40, account="0" * 12, description="", created_at=NOW)
        add_key(connection, sealer, key)

    def judge(request: Generated, answers: Sequence[Answer], _began: float) -> str | None:
        is_open = any(path in unquote_to_bytes(request.sent) for path in (b"/healthz", b"/readyz"))
        unsigned = replace(request, is_served=False, is_understood=False, is_refused=not is_open, least=0)
        return wrong_with(unsigned, answers, in_fault=False)

    api = ServedApi(tmp_path / "served", signed=True)
    try:
        wrong = send(api, judge, tmp_path).wrong
    finally:
        api.end()
    assert not wrong, f"seed {SEED}:\n" + "\n".join(wrong)
    assert not api.front_desk.asked
