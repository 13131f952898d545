"""`paddock describe`: both views of a function in one, its diagnosis first."""

from __future__ import annotations

import json

from tests.unit.cli.answering_endpoint import FUNCTIONS, AnsweringEndpoint, document, refusal
from tests.unit.cli.conftest import Paddock
from tests.unit.cli.test_watching import ENVIRONMENT

DEPLOYED = {
    "Configuration": {
        "FunctionName": "sum",
        "MemorySize": 256,
        "Timeout": 5,
        "State": "Failed",
        "StateReason": "The image is gone",
        "Environment": {"Variables": {"TOKEN": "hunter2"}},
    },
    "Code": {"ImageUri": "sum:7"},
    "Concurrency": {"ReservedConcurrentExecutions": 0},
}
PROVISIONED = "/2019-09-30/functions/sum/provisioned-concurrency"
DIAGNOSIS = "the program never asks for work: is the runtime client its entry point?"
LIVE = {
    "function_name": "sum",
    "version": "$LATEST",
    "queued_events": 41,
    "in_flight": 1,
    "environments": [ENVIRONMENT],
    "diagnosis": {
        "at": "2026-01-02T10:00:00.250+00:00",
        "environment_id": "e1",
        "request_id": None,
        "error_type": "Sandbox.Timedout",
        "message": "Task timed out after 5.00 seconds",
        "diagnosis": DIAGNOSIS,
    },
    "history": [
        {
            "at": "2026-01-02T10:00:00.250+00:00",
            "event": "environment_started",
            "function_name": "sum",
            "version": "$LATEST",
            "environment_id": "e1",
            "request_id": None,
            "detail": {"init_ms": 84},
        }
    ],
}


def prepare(endpoint: AnsweringEndpoint, **live: object) -> None:
    """The function is deployed and alive."""
    endpoint.on("GET", f"{FUNCTIONS}/sum", document(DEPLOYED))
    endpoint.on("GET", PROVISIONED, document({"ProvisionedConcurrencyConfigs": []}))
    endpoint.on("GET", "/_paddock/functions/sum", document({**LIVE, **live}))


def test_the_diagnosis_is_the_first_line(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """Whoever describes a function mostly wants to know what is wrong."""
    prepare(endpoint)
    assert paddock("describe", "sum").stdout.splitlines()[0] == f"! {DIAGNOSIS}"


def test_without_a_diagnosis_there_is_no_mark(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """Nothing is wrong."""
    prepare(endpoint, diagnosis=None)
    assert not paddock("describe", "sum").stdout.startswith("!")


def test_configuration_and_what_is_live_are_joined(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """AWS's view and ours."""
    prepare(endpoint)
    shown = dict(row.split(maxsplit=1) for row in paddock("describe", "sum").stdout.splitlines() if row.strip())
    assert shown["image"].strip() == "sum:7"
    assert shown["memory"].strip() == "256 MB"
    assert shown["queued"].split() == ["events", "41"]
    assert shown["reserved"].split() == ["concurrency", "0"]
    assert "busy" in shown[str(ENVIRONMENT["environment_id"])]


def test_versions_and_where_aliases_lead_are_shown(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """With the shares of those that lead to two."""
    prepare(endpoint, versions=["$LATEST", "1", "2"], aliases={"dev": {"$LATEST": 1.0}, "live": {"2": 0.1, "1": 0.9}})
    rows = [row.split() for row in paddock("describe", "sum").stdout.splitlines()]
    assert ["versions", "$LATEST,", "1,", "2"] in rows
    assert ["alias", "dev", "$LATEST"] in rows
    assert ["alias", "live", "2", "(10%),", "1", "(90%)"] in rows


def test_what_is_provisioned_is_shown_with_how_far_it_is(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """Of each version and alias, and why it is not ready."""
    prepare(endpoint)
    arn = "arn:aws:lambda:us-east-1:000000000000:function:sum"
    numbers = ("Requested", "Available", "Allocated")

    def config(qualifier: str, counts: tuple[int, int, int], **status: str) -> dict[str, object]:
        named = {f"{name}ProvisionedConcurrentExecutions": count for name, count in zip(numbers, counts, strict=True)}
        return {"FunctionArn": f"{arn}:{qualifier}", **named, **status}

    first = {"ProvisionedConcurrencyConfigs": [config("7", (2, 2, 2), Status="READY")], "NextMarker": "Nw=="}
    failed = config("live", (3, 0, 1), Status="FAILED", StatusReason="FUNCTION_ERROR_INIT_FAILURE")
    endpoint.on("GET", PROVISIONED, document(first), document({"ProvisionedConcurrencyConfigs": [failed]}))
    shown = paddock("describe", "sum").stdout
    rows = [" ".join(row.split()) for row in shown.splitlines()]
    assert "provisioned 7 2 of 2 ready, READY" in rows
    assert "provisioned live 0 of 3 ready, FAILED: FUNCTION_ERROR_INIT_FAILURE" in rows


def test_the_state_comes_with_its_reason(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """A state alone helps nobody."""
    prepare(endpoint)
    assert "The image is gone" in paddock("describe", "sum").stdout


def test_variables_are_named_but_their_values_are_not_shown(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """They are often secrets."""
    prepare(endpoint)
    shown = paddock("describe", "sum").stdout
    assert "TOKEN" in shown
    assert "hunter2" not in shown


def test_the_last_events_are_shown_with_their_details(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """One a line."""
    prepare(endpoint)
    last = paddock("describe", "sum").stdout.splitlines()[-1]
    assert "environment_started" in last
    assert "init_ms=84" in last


def test_the_document_has_both_views_whole(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """For programs, nothing is left out."""
    prepare(endpoint)
    document = json.loads(paddock("describe", "sum", "--json").stdout)
    assert document == {"function": DEPLOYED, "provisioned": [], "live": LIVE}


def test_an_unknown_function_exits_1_and_says_where_to_look(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """Subject, fact, remedy."""
    endpoint.on("GET", f"{FUNCTIONS}/sum", refusal("ResourceNotFoundException", "Function not found: sum", 404))
    result = paddock("describe", "sum")
    assert result.exit_code == 1
    assert "Function not found: sum" in result.stderr
    assert "paddock ls" in result.stderr


def test_an_invocation_tells_what_became_of_it(endpoint: AnsweringEndpoint, paddock: Paddock) -> None:
    """By its request id; no function's name is needed."""
    told = {"request_id": "r1", "state": "failed", "attempts": 3, "diagnosis": DIAGNOSIS, "history": LIVE["history"]}
    endpoint.on("GET", "/_paddock/invocations/r1", document(told))
    shown = paddock("describe", "--request", "r1").stdout
    assert shown.splitlines()[0] == f"! {DIAGNOSIS}"
    assert "attempts    3" in shown
    assert "environment_started" in shown


def test_describing_nothing_is_a_usage_error(paddock: Paddock) -> None:
    """A name or a request id."""
    assert paddock("describe").exit_code == 2
