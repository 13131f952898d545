"""How a plan and what became of it look: as lines for people, as one document for programs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.cli import rendering
from orchestrator.cli.templates.applying import Outcome
from orchestrator.cli.templates.images import Build
from orchestrator.cli.templates.planning import Change, Step

_SHOWN_MEMBER = {
    "ImageId": "the image behind its tag",
    "IsPublished": "what $LATEST is now",
    "Version": "which one it is",
}
_DONE = {Change.CREATE: "created", Change.UPDATE: "updated"}
_NUMBER = re.compile(r"\$\{\w+\.Version\}")
_COLUMNS = ("CHANGE", "RESOURCE", "TYPE", "NAME", "DETAIL")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """The template's Outputs, by name: values, and why the others have none."""

    values: Mapping[str, Any]
    left_out: Mapping[str, str]


def print_plan(title: str, steps: Sequence[Step], builds: Sequence[Build], assumed: Mapping[str, str]) -> None:
    """What will be done, what is left out and why, and the values that were taken for what Paddock does not make."""
    rendering.print_line(title, style="bold")
    for build in builds:
        rendering.print_line(f"image {build.tag} is built from {build.context} at each deployment")
    rendering.print_table(_COLUMNS, [(step.change.value, *_shown(step), _detail(step)) for step in steps])
    for reference, value in sorted(assumed.items()):
        rendering.print_line(f"{reference} is not made here; taken for it: {value}")
    rendering.print_line(_count(steps, failed=sum(step.change is Change.FAILED for step in steps)))


def print_outcome(outcome: Outcome) -> None:
    """One line as soon as a resource stands; nothing where nothing was done."""
    step = outcome.step
    what = f"{step.logical_id} ({step.name})" if step.name else step.logical_id
    if outcome.failure is not None:
        rendering.print_line(f"{what}: failed: {outcome.failure}", style="red")
    elif step.change in _DONE:
        rendering.print_line(f"{what}: {_DONE[step.change]}")
    for note in outcome.notes:
        rendering.print_line(f"{what}: left out of it: {note}", style="yellow")


def print_result(outcomes: Sequence[Outcome], outputs: Outputs, only_steps: Sequence[Step]) -> None:
    """What stands where, and the template's outputs."""
    rows = [(one.step.logical_id, one.step.name, value) for one in outcomes if (value := _where(one))]
    rendering.print_table(("RESOURCE", "NAME", "STANDS AS"), rows)
    for name, value in outputs.values.items():
        rendering.print_line(f"output {name}: {rendering.shown(value)}")
    for name, reason in outputs.left_out.items():
        rendering.print_line(f"output {name}: left out, because {reason}", style="yellow")
    late = [one.step for one in outcomes if one.step.change is Change.LEFT_OUT and one.step not in only_steps]
    for step in late:
        rendering.print_line(f"{step.logical_id}: left out: {step.reason}", style="yellow")
    failed = sum(one.failure is not None for one in outcomes)
    rendering.print_line(_count([one.step for one in outcomes if one.failure is None], done=True, failed=failed))


def document_of_plan(
    stack: str, steps: Sequence[Step], builds: Sequence[Build], assumed: Mapping[str, str]
) -> dict[str, Any]:
    """A plan for programs."""
    return {
        "stack": stack,
        "builds": [{"logical_id": one.logical_id, "tag": one.tag, "context": str(one.context)} for one in builds],
        "resources": [_document(step) for step in steps],
        "assumed": dict(assumed),
    }


def document_of_result(
    stack: str, outcomes: Sequence[Outcome], outputs: Outputs, assumed: Mapping[str, str]
) -> dict[str, Any]:
    """What became of a plan, for programs."""
    resources = []
    for one in outcomes:
        found = {**_document(one.step), "values": dict(one.values or {}), "notes": list(one.notes)}
        if one.failure is not None:
            found["change"], found["reason"] = "failed", str(one.failure)
        resources.append(found)
    return {
        "stack": stack,
        "resources": resources,
        "outputs": {**outputs.values, **dict.fromkeys(outputs.left_out)},
        "outputs_left_out": dict(outputs.left_out),
        "assumed": dict(assumed),
    }


def _document(step: Step) -> dict[str, Any]:
    return {
        "logical_id": step.logical_id,
        "type": step.type,
        "name": step.name,
        "change": step.change.value,
        "members": list(step.differing),
        "reason": step.reason,
    }


def _shown(step: Step) -> tuple[str, str, str]:
    return step.logical_id, step.type.removeprefix("AWS::Lambda::"), _NUMBER.sub("(new)", step.name)


def _detail(step: Step) -> str:
    # Names only: values may be secrets.
    return step.reason or ", ".join(_SHOWN_MEMBER.get(name, name) for name in step.differing)


def _where(outcome: Outcome) -> str:
    values = outcome.values or {}
    return next((values[name] for name in ("FunctionUrl", "Arn", "LayerVersionArn", "UUID") if name in values), "")


def _count(steps: Sequence[Step], *, done: bool = False, failed: int = 0) -> str:
    count = {change: sum(step.change is change for step in steps) for change in Change}
    if not done:
        words = [f"{count[Change.CREATE]} to create", f"{count[Change.UPDATE]} to update"]
    else:
        words = [f"{count[Change.CREATE]} created", f"{count[Change.UPDATE]} updated"]
    if not count[Change.CREATE] + count[Change.UPDATE] + failed:
        words = ["nothing to change" if not done else "nothing changed"]
    words += [f"{count[Change.UNCHANGED]} unchanged", f"{count[Change.LEFT_OUT]} left out"]
    return ", ".join([*words, *([f"{failed} failed"] if failed else [])])
