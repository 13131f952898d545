"""Writes docs/state-machines.md from the tables in `orchestrator/domain`. Run by `make docs`; a test compares."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from orchestrator.domain.environments import ENVIRONMENT_MOVES, EnvironmentState, StopReason
from orchestrator.domain.invocations import INVOCATION_MOVES, InvocationState
from orchestrator.domain.machine import Moves

TARGET = Path(__file__).parent.parent / "docs" / "state-machines.md"

_ENVIRONMENT_MEANING = {
    EnvironmentState.CREATING: "a sandbox is taken and the container created and started",
    EnvironmentState.INITIALIZING: "its program runs and has not asked for work yet (the Runtime API's Started)",
    EnvironmentState.IDLE: "its runtime waits in `GET /next` (Ready)",
    EnvironmentState.FROZEN: "idle, and its processes are paused",
    EnvironmentState.BUSY: "it was given an event (Running)",
    EnvironmentState.ANSWERED: "it posted a response or an error and has not asked again (ResponseSent)",
    EnvironmentState.STOPPING: "it is given nothing more; container and sandbox are being removed",
    EnvironmentState.GONE: "confirmed removed; its room and its lease are free",
}
_INVOCATION_MEANING = {
    InvocationState.QUEUED: "accepted; waits for an environment",
    InvocationState.RUNNING: "an attempt is under way; the row names the control plane's start that owns it",
    InvocationState.SUCCEEDED: "the function answered",
    InvocationState.FAILED: "the function failed, or it was given up; nothing more follows",
    InvocationState.UNKNOWN: "a synchronous run that a crash of the control plane cut off",
    InvocationState.RETRYING: "an asynchronous attempt failed; another is due",
    InvocationState.DEAD_LETTERED: "set aside and named: it was running in three crashes",
}


def page() -> str:
    """The whole page."""
    reasons = ", ".join(f"`{reason}`" for reason in StopReason)
    return "\n".join(
        [
            "# State machines",
            "",
            "Generated from the tables in `orchestrator/domain` by `make docs`; do not edit. A test tries every pair.",
            "",
            "## Environment",
            "",
            *_machine(ENVIRONMENT_MOVES, EnvironmentState.CREATING, _ENVIRONMENT_MEANING),
            "",
            f"Why an environment stops is a reason, never a state: {reasons}.",
            "",
            "## Invocation",
            "",
            *_machine(INVOCATION_MOVES, InvocationState.QUEUED, _INVOCATION_MEANING),
            "",
        ]
    )


def _machine(moves: Moves[StrEnum], first: StrEnum, meaning: dict[StrEnum, str]) -> list[str]:
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {_id(first)}"]
    lines += [f"    {_id(before)} --> {_id(after)}" for before, after in moves.pairs()]
    lines += [f"    {_id(state)} --> [*]" for state in meaning if moves.is_final(state)]
    lines += ["```", "", "| state | meaning | may be followed by |", "|---|---|---|"]
    for state, words in meaning.items():
        followers = ", ".join(f"`{after}`" for before, after in moves.pairs() if before is state) or "–"
        lines.append(f"| `{state}` | {words} | {followers} |")
    return lines


def _id(state: StrEnum) -> str:
    return state.value.replace("-", "_").replace(" ", "_")


if __name__ == "__main__":
    TARGET.write_text(page())
    print(f"wrote {TARGET}")
