"""The platform's lines around a run, in text and in JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from orchestrator.domain.log_levels import is_at_least
from orchestrator.domain.platform_lines import RunFacts, begun, ended, init_failed, is_kept
from orchestrator.domain.version_options import LoggingConfig
from tests.support.builders import NOW

_JSON = LoggingConfig(log_format="JSON", application_level="INFO", system_level="INFO")
_TIME = "2026-11-23T12:00:00.000Z"
_RUN = RunFacts(
    request_id="r",
    duration_ms=11.6424,
    memory_size_mb=128,
    max_memory_used_mb=67,
    init_duration_ms=174.055,
    status=None,
    error_type=None,
    produced_bytes=40,
    timeout=None,
)


def test_text_is_start_end_and_report() -> None:
    """As ever, and kept whatever a level says."""
    lines = (begun(LoggingConfig(), "r", "$LATEST", NOW), *ended(LoggingConfig(), _RUN, NOW))
    assert [line.text.split()[0] for line in lines] == ["START", "END", "REPORT"]
    assert all(is_kept(line, LoggingConfig()) for line in lines)


def test_json_is_one_object_a_line_with_awss_members() -> None:
    """platform.start, platform.runtimeDone in the place of END, platform.report."""
    lines = (begun(_JSON, "r", "$LATEST", NOW), *ended(_JSON, _RUN, NOW))
    assert [json.loads(line.text) for line in lines] == [
        {"time": _TIME, "type": "platform.start", "record": {"requestId": "r", "version": "$LATEST"}},
        {
            "time": _TIME,
            "type": "platform.runtimeDone",
            "record": {
                "requestId": "r",
                "status": "success",
                "metrics": {"durationMs": 11.642, "producedBytes": 40},
            },
        },
        {
            "time": _TIME,
            "type": "platform.report",
            "record": {
                "requestId": "r",
                "metrics": {
                    "durationMs": 11.642,
                    "billedDurationMs": 186,
                    "memorySizeMB": 128,
                    "maxMemoryUsedMB": 67,
                    "initDurationMs": 174.055,
                },
                "status": "success",
            },
        },
    ]
    assert not any("\n" in line.text for line in lines)


def test_a_timeout_in_json_is_a_status_and_no_line_of_its_own() -> None:
    """On both records, without an error type."""
    run = _RUN._replace(status="timeout", error_type="Sandbox.Timedout", timeout=timedelta(seconds=3))
    records = [json.loads(line.text)["record"] for line in ended(_JSON, run, NOW)]
    assert [(record["status"], "errorType" in record) for record in records] == [("timeout", False)] * 2
    assert [line.text.split()[0] for line in ended(LoggingConfig(), run, NOW)][1:] == ["END", "REPORT"]


def test_an_error_in_json_has_its_type() -> None:
    """On both records, and on that of an init."""
    run = _RUN._replace(status="error", error_type="Runtime.ExitError", init_duration_ms=None)
    done, report = (json.loads(line.text)["record"] for line in ended(_JSON, run, NOW))
    assert done["errorType"] == report["errorType"] == "Runtime.ExitError"
    assert "initDurationMs" not in report["metrics"]
    line = init_failed(_JSON, init_duration_ms=10_000.0, phase="init", status="timeout", error_type=None, now=NOW)
    assert json.loads(line.text) == {
        "time": _TIME,
        "type": "platform.initReport",
        "record": {
            "initializationType": "on-demand",
            "phase": "init",
            "status": "timeout",
            "metrics": {"durationMs": 10_000.0},
        },
    }


@pytest.mark.parametrize(
    ("system_level", "status", "kept"),
    [
        ("DEBUG", None, ["platform.start", "platform.runtimeDone", "platform.report"]),
        ("INFO", None, ["platform.start", "platform.report"]),
        ("WARN", None, []),
        ("WARN", "error", ["platform.runtimeDone", "platform.report"]),
    ],
)
def test_the_system_level_says_which_are_kept(system_level: str, status: str | None, kept: list[str]) -> None:
    """A start and a good report are INFO, a good runtimeDone DEBUG, all that failed is WARN."""
    logging = replace(_JSON, system_level=system_level)
    lines = (begun(logging, "r", "1", NOW), *ended(logging, _RUN._replace(status=status), NOW))
    assert [json.loads(line.text)["type"] for line in lines if is_kept(line, logging)] == kept


@pytest.mark.parametrize(
    ("level", "least", "wanted"),
    [
        ("INFO", "INFO", True),
        ("debug", "INFO", False),
        ("WARNING", "WARN", True),
        ("CRITICAL", "FATAL", True),
        ("ERROR", "FATAL", False),
        (None, "INFO", True),
        (None, "WARN", False),
        ("loud", "WARN", False),
        ("TRACE", None, True),
    ],
)
def test_a_level_that_is_missing_or_unknown_is_info(level: str | None, least: str | None, wanted: bool) -> None:
    """In any case; Python's names are known too."""
    assert is_at_least(level, least) is wanted
