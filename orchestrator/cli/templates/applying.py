"""
Takes a plan's steps: fills in what the API chose meanwhile, makes the calls, and says what became of each.

What fails does not keep what does not need it; what this Paddock has not built is left out and named.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from botocore.exceptions import ClientError, ParamValidationError

from orchestrator.cli.failures import Failure, as_failure
from orchestrator.cli.templates import functions
from orchestrator.cli.templates.api import Api
from orchestrator.cli.templates.planning import (
    Change,
    Found,
    NotServed,
    Refused,
    Step,
    deferred_in,
    filled,
    filled_in,
    known_by,
    step_of,
    waits_for,
)
from orchestrator.cli.templates.wanted import Call, Kind, NotBuilt, Standing, Wanted

_WHAT_IS_NOT_BUILT = re.compile(r"(\w+) is not built yet")
_WHICH_ONE = {"FunctionName", "Qualifier", "Name", "UUID"}
"""Parameters that say which resource is meant, and change nothing of it."""
_REFUSALS = (ClientError, ParamValidationError, Failure)
"""What is one resource's failure; anything else ends the deployment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """
    What became of one step.

    Args:
        notes: What was left out of it, or is not done of it.
        values: What it stands as: ARN, URL, number.
        failure: Why it is not as it should be.
    """

    step: Step
    notes: tuple[str, ...] = ()
    values: Mapping[str, str] | None = None
    failure: Failure | None = None


def standing_of(api: Api, wanted: Iterable[Wanted], kinds: Mapping[str, Kind]) -> dict[str, Found]:
    """What stands now of all that is wanted, by logical id. Changes nothing; a question refused is that resource's."""
    found: dict[str, Found] = {}
    known: dict[str, str] = {}
    for one in wanted:
        asked = filled(one, known)
        if deferred_in(asked.target):
            found[one.logical_id] = None
            continue
        standing: Found
        try:
            standing = _standing(api, kinds[one.type], asked)
        except _REFUSALS as error:
            standing = Refused(as_failure(error))
        found[one.logical_id] = standing
        if isinstance(standing, Standing):
            known |= known_by(one, standing)
    return found


def apply(
    api: Api, steps: Sequence[Step], kinds: Mapping[str, Kind], done: Callable[[Outcome], None]
) -> tuple[list[Outcome], dict[str, str]]:
    """
    Take the steps.

    Args:
        done: Told each outcome as it comes.

    Returns: The outcomes, and what the API chose, by what stands for it.
    """
    outcomes: list[Outcome] = []
    before = _Before()
    for step in steps:
        outcome = _taken(api, step, kinds, before)
        before.came_to(step, outcome)
        outcomes.append(outcome)
        done(outcome)
    return outcomes, before.known


@dataclass(slots=True, kw_only=True)
class _Before:
    """
    What the steps that were taken leave to those after them.

    Args:
        known: What the API chose, by what stands for it.
        absent: Logical ids of what was left out.
        failed: Logical ids of what failed.
        partly: Names of functions of whose change something was left out: what was planned to follow it may not.
    """

    known: dict[str, str] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    partly: set[str] = field(default_factory=set)

    def came_to(self, step: Step, outcome: Outcome) -> None:
        """Remember what became of a step."""
        if outcome.failure is not None:
            self.failed.add(step.logical_id)
        elif outcome.step.change is Change.LEFT_OUT:
            self.absent.add(step.logical_id)
        elif step.wanted is not None and outcome.values:
            self.known.update(_known(step.wanted, outcome.values))
        if step.type == functions.TYPE and step.change is Change.UPDATE and outcome.notes:
            self.partly.add(step.name)


def _taken(api: Api, step: Step, kinds: Mapping[str, Kind], before: _Before) -> Outcome:
    if step.wanted is None or _asks_for_nothing(step):
        return _as_it_is(step)
    wanted = filled(step.wanted, before.known)
    missing = waits_for(wanted, before.absent) | (wanted.needs & before.failed)
    if missing:
        return Outcome(step=_left_out(step, f"{', '.join(sorted(missing))} is not there"))
    kind = kinds[wanted.type]
    step = replace(step, name=wanted.name)
    try:
        if _may_be_otherwise(step, wanted, before):
            step = step_of(wanted, _standing(api, kind, wanted), kind, follows=False)
            if _asks_for_nothing(step):
                return _as_it_is(step)
        made, notes = _make_all(api, kind, wanted, step, before.known)
        is_another = made or kind.renewed_by(step.differing)
        standing = _standing(api, kind, wanted) if is_another else step.standing
    except _REFUSALS as error:
        return Outcome(step=step, failure=as_failure(error))
    if not made and step.standing is None:
        return Outcome(step=_left_out(step, "; ".join(notes) or "there is nothing to be made of it"))
    if not made:
        step = replace(step, change=Change.UNCHANGED, differing=())
    if not isinstance(standing, Standing):
        standing = Standing(members={})
    name = filled_in(wanted.name, known_by(wanted, standing))
    return Outcome(step=replace(step, name=name), notes=(*notes, *standing.notes), values=standing.values)


def _asks_for_nothing(step: Step) -> bool:
    return step.change not in (Change.CREATE, Change.UPDATE)


def _as_it_is(step: Step) -> Outcome:
    """Of a step that asks for nothing."""
    if step.change is Change.UNCHANGED and step.standing is not None:
        return Outcome(step=step, notes=step.standing.notes, values=step.standing.values)
    return Outcome(step=step, failure=step.failure)


def _may_be_otherwise(step: Step, wanted: Wanted, before: _Before) -> bool:
    """Was it planned from what was only expected: a function's change, or what the API would choose?"""
    was_deferred = step.wanted is not None and bool(deferred_in(step.wanted.target))
    return was_deferred or (wanted.type != functions.TYPE and wanted.target.get("FunctionName") in before.partly)


def _make_all(
    api: Api, kind: Kind, wanted: Wanted, step: Step, known: Mapping[str, str]
) -> tuple[bool, tuple[str, ...]]:
    """Make a step's calls. Returns whether any changed something, and what was left out of them."""
    notes: list[str] = []
    made = False
    for call in kind.calls(wanted, step.standing, step.differing):
        parameters = filled_in(call.parameters, known)
        if wanted.logical_id in deferred_in(parameters):
            # A version's own number: it stands, or the call before has published it.
            parameters = filled_in(parameters, _known(wanted, _values(api, kind, wanted)))
        made = _made(api, replace(call, parameters=parameters), notes) or made
    return made, tuple(notes)


def _made(api: Api, call: Call, notes: list[str]) -> bool:
    """Make one call without the members that are not built; False if that changes nothing."""
    parameters = dict(call.parameters)
    while set(parameters) - _WHICH_ONE or call.only_waits or call.operation == "PublishVersion":
        try:
            api.make(replace(call, parameters=parameters))
        except NotBuilt as error:
            found = _WHAT_IS_NOT_BUILT.match(str(error))
            what = found[1] if found else call.operation
            notes.append(f"{what}: not built in this Paddock")
            if parameters.pop(what, None) is None:
                return False
        else:
            return not call.only_waits
    return False


def _standing(api: Api, kind: Kind, wanted: Wanted) -> Standing | NotServed | None:
    try:
        return kind.standing(api.ask, wanted)
    except NotBuilt as error:
        found = _WHAT_IS_NOT_BUILT.match(str(error))
        return NotServed(f"not built in this Paddock ({found[1] if found else error})")


def _values(api: Api, kind: Kind, wanted: Wanted) -> Mapping[str, str]:
    standing = _standing(api, kind, wanted)
    return standing.values if isinstance(standing, Standing) else {}


def _known(wanted: Wanted, values: Mapping[str, str]) -> dict[str, str]:
    return known_by(wanted, Standing(members={}, values=values))


def _left_out(step: Step, reason: str) -> Step:
    return replace(step, change=Change.LEFT_OUT, differing=(), reason=reason)
