"""One deployment of a template, from its file to what stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.cli import rendering
from orchestrator.cli.failures import Failure, unusable
from orchestrator.cli.templates import images, printing
from orchestrator.cli.templates.api import Api
from orchestrator.cli.templates.applying import Outcome, apply, standing_of
from orchestrator.cli.templates.kinds import kinds_of
from orchestrator.cli.templates.parameters import overrides_of
from orchestrator.cli.templates.planning import deferred_in, filled_in, plan, steps_of, wanted_of
from orchestrator.cli.templates.printing import Outputs
from orchestrator.cli.templates.reading import read

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

# CloudFormation's rule; a function's name has 64 characters, and a logical id wants some of them.
_STACK_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")


def deploy_template(
    client: LambdaClient,
    path: Path,
    *,
    overrides: Sequence[str],
    stack_name: str | None,
    only_plan: bool,
    build: bool,
    as_json: bool,
) -> None:
    """
    Print the plan; then, unless that is all that was asked for, build the images, take the steps and print the result.

    Raises: Failure: if the template cannot be used, or something of it does not stand as it should.
    """
    given = overrides_of(overrides)
    api = Api(client)
    stack = api.stack(_checked(stack_name) if stack_name else _named_after(path))
    template = read(path, given, stack)
    if build and not only_plan:
        images.build_all(template.builds)
    image_ids = {uri: images.image_id(uri) for uri in sorted(template.image_uris())}
    kinds = kinds_of(stack, path.parent, image_ids)
    wanted, not_made = wanted_of(template.resources, kinds)
    steps = plan(wanted, standing_of(api, wanted, kinds), kinds, not_made)
    steps += not_made + steps_of(template.left_out)
    if not as_json:
        title = f"stack {stack.name}, from {path}"
        printing.print_plan(title, steps, template.builds if build else (), template.assumed)
    elif only_plan:
        rendering.print_document(printing.document_of_plan(stack.name, steps, template.builds, template.assumed))
    if only_plan:
        _end_with_failures([(one.logical_id, one.failure) for one in steps], f"cannot be planned as {path} says")
        return

    def tell(outcome: Outcome) -> None:
        if not as_json:
            printing.print_outcome(outcome)

    with rendering.progress(f"deploying {stack.name}"):
        outcomes, known = apply(api, steps, kinds, tell)
    said = {name: filled_in(value, known) for name, value in template.outputs.items()}
    unsaid = {name: deferred_in(value) for name, value in said.items() if deferred_in(value)}
    outputs = Outputs(
        values={name: value for name, value in said.items() if name not in unsaid},
        left_out={
            **{name: f"{', '.join(sorted(ids))} is not there" for name, ids in unsaid.items()},
            **template.outputs_left_out,
        },
    )
    if as_json:
        rendering.print_document(printing.document_of_result(stack.name, outcomes, outputs, template.assumed))
    else:
        printing.print_result(outcomes, outputs, steps)
    _end_with_failures([(one.step.logical_id, one.failure) for one in outcomes], f"does not stand as {path} says")


def _end_with_failures(outcomes: Iterable[tuple[str, Failure | None]], fact: str) -> None:
    """
    End the command if something failed.

    Raises: Failure: with the logical ids, and with the first reason and its exit code.
    """
    failed = [(logical_id, failure) for logical_id, failure in outcomes if failure is not None]
    if failed:
        names, first = ", ".join(logical_id for logical_id, _ in failed), failed[0][1]
        raise Failure(f"{names} {fact}: {first}", first.exit_code)


def _checked(name: str) -> str:
    if not _STACK_NAME.fullmatch(name):
        raise unusable(
            f"--stack-name {name!r}: a stack's name has letters, digits and hyphens, and begins with a letter"
        )
    return name


def _named_after(path: Path) -> str:
    """The stack's name by default: the folder's, as far as a stack may be called so."""
    name = re.sub(r"[^A-Za-z0-9-]+", "-", path.resolve().parent.name).strip("-")
    if not _STACK_NAME.fullmatch(name):
        raise unusable(f"the folder of {str(path)!r} gives no name for a stack; give one with --stack-name")
    return name
