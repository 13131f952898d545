"""
What must be done: pure decisions from what a template wants and what stands.

AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from orchestrator.cli.failures import Failure
from orchestrator.cli.templates import functions
from orchestrator.cli.templates.forms import told_of
from orchestrator.cli.templates.reading import LeftOut, Resource
from orchestrator.cli.templates.references import deferred
from orchestrator.cli.templates.wanted import Kind, NotForPaddock, Standing, Wanted

_DEFERRED = re.compile(r"\$\{(\w+)\.\w+\}")


class Change(StrEnum):
    """What becomes of a resource."""

    CREATE = "create"
    UPDATE = "update"
    UNCHANGED = "unchanged"
    LEFT_OUT = "left out"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """
    One resource of a plan.

    Args:
        differing: The members that an update changes.
        reason: Why it is left out, or failed.
        wanted: Not for what is left out before it could be described.
        failure: Why it cannot be planned.
    """

    logical_id: str
    type: str
    change: Change
    name: str = ""
    differing: tuple[str, ...] = ()
    reason: str = ""
    wanted: Wanted | None = None
    standing: Standing | None = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class NotServed:
    """In the place of what stands: this Paddock cannot say, in its own words."""

    message: str


@dataclass(frozen=True, slots=True)
class Refused:
    """In the place of what stands: the API did not say, for a reason that is the template's or its own."""

    failure: Failure


Found = Standing | NotServed | Refused | None
"""What the question after a resource brought; None if it is not there."""


def wanted_of(resources: Iterable[Resource], kinds: Mapping[str, Kind]) -> tuple[list[Wanted], list[Step]]:
    """
    What the resources ask for, in the order in which it is made; and those that ask for what Paddock has not.

    Raises: Failure: if a property is not what AWS describes.
    """
    wanted: dict[str, Wanted] = {}
    left_out: list[Step] = []
    for resource in resources:
        kind = kinds.get(resource.type)
        try:
            if kind is None:
                raise NotForPaddock("not read by `paddock deploy`")
            with told_of(f"resource {resource.logical_id}"):
                made = kind.wanted(resource.logical_id, resource.properties)
        except NotForPaddock as error:
            name = str(resource.properties.get("FunctionName") or "") if resource.type == functions.TYPE else ""
            left_out.append(_left_out(resource.logical_id, resource.type, str(error), name))
        except KeyError as error:
            left_out.append(_left_out(resource.logical_id, resource.type, f"it has no {error.args[0]}, which it needs"))
        else:
            wanted[resource.logical_id] = replace(made, needs=resource.needs)
    return _ordered(wanted, list(kinds)), left_out


def plan(
    wanted: Sequence[Wanted],
    standing: Mapping[str, Found],
    kinds: Mapping[str, Kind],
    not_made: Sequence[Step] = (),
) -> list[Step]:
    """
    The steps, in the order in which they are taken.

    Args:
        wanted: In that order.
        standing: By logical id.
        not_made: Resources of Lambda that are left out whatever stands.
    """
    steps: list[Step] = []
    known: dict[str, str] = {}
    absent = {one.logical_id for one in not_made}
    failed: set[str] = set()
    changing: set[str] = set()
    for one in wanted:
        asked = filled(one, known)
        step = _not_made(asked, absent, failed)
        if step is None:
            follows = asked.target.get("FunctionName") in changing and one.type != functions.TYPE
            step = step_of(asked, standing.get(one.logical_id), kinds[one.type], follows=follows)
        steps.append(step)
        if step.change is Change.LEFT_OUT:
            absent.add(one.logical_id)
        if step.change is Change.FAILED:
            failed.add(one.logical_id)
        if one.type == functions.TYPE and (
            step.change is Change.CREATE
            or (step.change is Change.UPDATE and functions.changes_what_runs(step.differing))
        ):
            changing.add(one.name)
        if step.standing is not None and not kinds[one.type].renewed_by(step.differing):
            known |= known_by(one, step.standing)
    return steps


def step_of(wanted: Wanted, standing: Found, kind: Kind, *, follows: bool) -> Step:
    """
    What becomes of one resource, all that it needs given.

    Args:
        follows: Does the code or configuration of its function change first?
    """
    step = _new(wanted)
    if isinstance(standing, NotServed):
        return replace(step, change=Change.LEFT_OUT, reason=standing.message)
    if isinstance(standing, Refused):
        return replace(step, change=Change.FAILED, reason=str(standing.failure), failure=standing.failure)
    if standing is None or deferred_in(wanted.target):
        return step
    differing = kind.differing(wanted, standing, follows)
    name = wanted.name if kind.renewed_by(differing) else filled_in(wanted.name, known_by(wanted, standing))
    change = Change.UPDATE if differing else Change.UNCHANGED
    return replace(step, change=change, name=name, differing=differing, standing=standing)


def known_by(wanted: Wanted, standing: Standing) -> dict[str, str]:
    """What stands for the values that the API chose for a resource."""
    return {deferred(wanted.logical_id, name): value for name, value in standing.values.items()}


def filled(wanted: Wanted, known: Mapping[str, str]) -> Wanted:
    """With what is known by now of what the API chooses."""
    return replace(
        wanted,
        name=filled_in(wanted.name, known),
        target=filled_in(wanted.target, known),
        members=filled_in(wanted.members, known),
    )


def filled_in(value: Any, known: Mapping[str, str]) -> Any:
    """A value with what is known by now, in texts and in the keys of maps."""
    if isinstance(value, str):
        return _DEFERRED.sub(lambda found: known.get(found[0], found[0]), value)
    if isinstance(value, Mapping):
        return {filled_in(name, known): filled_in(one, known) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [filled_in(one, known) for one in value]
    return value


def deferred_in(value: Any) -> set[str]:
    """The logical ids that a value still waits for."""
    if isinstance(value, str):
        return set(_DEFERRED.findall(value))
    if isinstance(value, Mapping):
        return set().union(*(deferred_in(name) | deferred_in(one) for name, one in value.items()))
    if isinstance(value, list | tuple):
        return set().union(*map(deferred_in, value))
    return set()


def waits_for(wanted: Wanted, absent: set[str]) -> set[str]:
    """
    Those of the absent resources without which there is nothing to be said about this one.

    A function stands by itself: it may know the name of one that is not there.
    """
    of_it = frozenset() if wanted.type == functions.TYPE else wanted.needs
    return absent & (deferred_in(wanted.target) | deferred_in(wanted.members) | of_it)


def _not_made(wanted: Wanted, absent: set[str], failed: set[str]) -> Step | None:
    """That it is left out with what it needs; None if all of that comes to stand."""
    missing, refused = waits_for(wanted, absent), wanted.needs & failed
    if not missing | refused:
        return None
    fact = "is left out" if missing else "is not there"
    return replace(_new(wanted), change=Change.LEFT_OUT, reason=f"{', '.join(sorted(missing or refused))} {fact}")


def _new(wanted: Wanted) -> Step:
    return Step(logical_id=wanted.logical_id, type=wanted.type, name=wanted.name, change=Change.CREATE, wanted=wanted)


def _ordered(wanted: Mapping[str, Wanted], types: Sequence[str]) -> list[Wanted]:
    """By type, but never before what it needs."""
    ordered: dict[str, Wanted] = {}
    seen: set[str] = set()

    def visit(one: Wanted) -> None:
        if one.logical_id in seen:
            return
        seen.add(one.logical_id)
        for needed in sorted(one.needs & set(wanted)):
            visit(wanted[needed])
        ordered[one.logical_id] = one

    for one in sorted(wanted.values(), key=lambda one: types.index(one.type)):
        visit(one)
    return list(ordered.values())


def _left_out(logical_id: str, kind: str, reason: str, name: str = "") -> Step:
    return Step(logical_id=logical_id, type=kind, change=Change.LEFT_OUT, name=name, reason=reason)


def steps_of(left_out: Iterable[LeftOut]) -> list[Step]:
    """What was left out while reading, as steps."""
    return [_left_out(one.logical_id, one.type, one.reason) for one in left_out]
