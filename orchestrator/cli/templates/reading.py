"""From a template's file to its Lambda resources, with every function in them evaluated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.cli.templates import sam
from orchestrator.cli.templates.document import document_of
from orchestrator.cli.templates.images import Build
from orchestrator.cli.templates.intrinsics import Intrinsics
from orchestrator.cli.templates.parameters import parameter_values
from orchestrator.cli.templates.references import References, Stack

_OF_LAMBDA = ("AWS::Lambda::", "AWS::Serverless::Function", "AWS::Serverless::LayerVersion")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """
    One resource, evaluated.

    Args:
        needs: Logical ids that must stand before it.
    """

    logical_id: str
    type: str
    properties: Mapping[str, Any]
    needs: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """What the template describes and Paddock does not make."""

    logical_id: str
    type: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """
    A template as it is to stand here.

    Args:
        resources: Of Lambda.
        assumed: Values taken for what Paddock does not make, by `LogicalId` or `LogicalId.Attribute`.
        outputs: The template's Outputs.
    """

    stack: Stack
    resources: tuple[Resource, ...]
    left_out: tuple[LeftOut, ...]
    builds: tuple[Build, ...]
    assumed: Mapping[str, str]
    outputs: Mapping[str, Any]

    def image_uris(self) -> set[str]:
        """The images of its functions."""
        codes = [one.properties.get("Code") for one in self.resources if one.type == "AWS::Lambda::Function"]
        return {str(code["ImageUri"]) for code in codes if isinstance(code, dict) and "ImageUri" in code}


def read(path: Path, overrides: Mapping[str, str], stack: Stack) -> Template:
    """
    Read and evaluate a template.

    Raises: Failure: if it cannot be read, is not valid, or refers to what is not in it.
    """
    document = document_of(path)
    parameters = {**parameter_values(document.get("Parameters") or {}, overrides), **stack.pseudo_parameters()}
    narrowed = _without_what_no_condition_wants(document, parameters)
    translation = sam.translated(narrowed, parameters, path.parent)
    translated = translation.template
    resources: dict[str, Any] = translated["Resources"]

    def evaluated(value: Any) -> Any:
        return intrinsics.resolved(value)

    references = References(stack, resources, translation.others, evaluated)
    intrinsics = _intrinsics(translated, parameters, {*resources, *translation.others}, references.value)
    kept, left_out = [], [_left_out(logical_id, one["Type"]) for logical_id, one in translation.others.items()]
    for logical_id, resource in resources.items():
        if "Condition" in resource and not intrinsics.holds(resource["Condition"]):
            continue
        if not resource["Type"].startswith("AWS::Lambda::"):
            left_out.append(_left_out(logical_id, resource["Type"]))
            continue
        properties, needs = references.needs_of(resource.get("Properties", {}))
        depends = resource.get("DependsOn", [])
        depends = [depends] if isinstance(depends, str) else depends
        kept.append(
            Resource(
                logical_id=logical_id, type=resource["Type"], properties=properties, needs=needs | frozenset(depends)
            )
        )
    assumed = dict(references.assumed)
    left_out += [
        LeftOut(logical_id=f"{one.logical_id}.{one.event}", type=f"{one.type} event", reason=one.reason)
        for one in translation.events
    ]
    return Template(
        stack=stack,
        resources=tuple(kept),
        left_out=tuple(left_out),
        builds=tuple(translation.builds.values()),
        assumed=assumed,
        outputs=_outputs(translated, intrinsics),
    )


def _without_what_no_condition_wants(document: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The template with its parameters filled in, and without resources whose condition is false."""
    resources: dict[str, Any] = {}
    intrinsics = _intrinsics(document, parameters, set(document["Resources"]), None)
    for logical_id, resource in document["Resources"].items():
        if "Condition" in resource and not intrinsics.holds(resource["Condition"]):
            continue
        kept = {name: value for name, value in resource.items() if name != "Condition"}
        if kept["Type"].startswith(_OF_LAMBDA):
            kept = {name: intrinsics.resolved(value) for name, value in kept.items()}
        resources[logical_id] = kept
    narrowed = {**document, "Resources": resources}
    if "Globals" in document:
        narrowed["Globals"] = intrinsics.resolved(document["Globals"])
    return narrowed


def _intrinsics(
    template: Mapping[str, Any],
    parameters: Mapping[str, Any],
    resources: set[str],
    reference: Callable[[str, str | None], Any] | None,
) -> Intrinsics:
    return Intrinsics(
        parameters=parameters,
        mappings=template.get("Mappings") or {},
        conditions=template.get("Conditions") or {},
        resources=frozenset(resources),
        reference=reference,
    )


def _outputs(template: Mapping[str, Any], intrinsics: Intrinsics) -> dict[str, Any]:
    """Those that can be said; one of a resource that is not made says what it would be."""
    found: dict[str, Any] = {}
    for name, output in (template.get("Outputs") or {}).items():
        if "Condition" not in output or intrinsics.holds(output["Condition"]):
            found[name] = intrinsics.resolved(output.get("Value"))
    return found


def _left_out(logical_id: str, kind: str) -> LeftOut:
    return LeftOut(logical_id=logical_id, type=kind, reason=_REASONS.get(kind, "Paddock makes Lambda resources only"))


_REASONS = {
    "AWS::IAM::Role": "a role's ARN is kept and shown; what it allows is not checked",
    "AWS::IAM::Policy": "what a role allows is not checked",
    "AWS::IAM::ManagedPolicy": "what a role allows is not checked",
    "AWS::Serverless::Api": "Paddock has no API Gateway",
    "AWS::Serverless::HttpApi": "Paddock has no API Gateway",
    "AWS::Serverless::Application": "nested applications are not read; deploy that template of its own",
    "AWS::CloudFormation::Stack": "nested stacks are not read; deploy that template of its own",
}
