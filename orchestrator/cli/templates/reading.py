"""From a template's file to its Lambda resources, with every function in them evaluated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.cli.templates import sam
from orchestrator.cli.templates.document import document_of
from orchestrator.cli.templates.forms import check_resource, told_of
from orchestrator.cli.templates.images import Build
from orchestrator.cli.templates.implied import NO_GATEWAY, Implied, has_an_id_of_its_own
from orchestrator.cli.templates.intrinsics import Intrinsics
from orchestrator.cli.templates.parameters import assumed_for, parameter_values
from orchestrator.cli.templates.references import References, Stack

_NO_SUBNETS = "its subnets are not made here; write ids of subnets that are Docker networks here (PADDOCK_SUBNETS)"
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
        assumed: Values taken for what Paddock does not make, by `LogicalId` or `LogicalId.Attribute`, and for what is
            stored elsewhere.
        outputs: The template's Outputs, as far as they can be said.
        outputs_left_out: Why the others cannot.
    """

    stack: Stack
    resources: tuple[Resource, ...]
    left_out: tuple[LeftOut, ...]
    builds: tuple[Build, ...]
    assumed: Mapping[str, str]
    outputs: Mapping[str, Any]
    outputs_left_out: Mapping[str, str]

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

    implied = {name: {"Type": one.type} for name, one in translation.implied.items()}
    others = {**implied, **translation.others}
    references = References(stack, resources, others, evaluated)
    intrinsics = _intrinsics(translated, parameters, {*resources, *others}, references.value)
    kept, left_out = [], [_left_out(logical_id, one["Type"]) for logical_id, one in translation.others.items()]
    for logical_id, resource in resources.items():
        if "Condition" in resource and not intrinsics.holds(resource["Condition"]):
            continue
        if not resource["Type"].startswith("AWS::Lambda::"):
            left_out.append(_left_out(logical_id, resource["Type"]))
            continue
        with told_of(f"resource {logical_id}"):
            properties, needs = references.needs_of(resource.get("Properties", {}))
            properties, of_properties = _without_subnets_of_its_own(
                logical_id, resource, properties, references.assumed
            )
        left_out += of_properties
        depends = resource.get("DependsOn", [])
        depends = [depends] if isinstance(depends, str) else depends
        kept.append(
            Resource(
                logical_id=logical_id, type=resource["Type"], properties=properties, needs=needs | frozenset(depends)
            )
        )
    assumed = assumed_for(document.get("Parameters") or {}, overrides) | references.assumed
    left_out += [
        LeftOut(logical_id=f"{one.logical_id}.{one.event}", type=f"{one.type} event", reason=one.reason)
        for one in translation.events
    ]
    outputs, outputs_left_out = _outputs(
        translated, intrinsics, references, _unknown(left_out, translation.implied, resources)
    )
    return Template(
        stack=stack,
        resources=tuple(kept),
        left_out=tuple(left_out),
        builds=tuple(translation.builds.values()),
        assumed=assumed,
        outputs=outputs,
        outputs_left_out=outputs_left_out,
    )


def _without_what_no_condition_wants(document: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The template with its parameters filled in, and without resources whose condition is false."""
    resources: dict[str, Any] = {}
    intrinsics = _intrinsics(document, parameters, set(document["Resources"]), None)
    for logical_id, resource in document["Resources"].items():
        if "Condition" in resource and not intrinsics.holds(resource["Condition"]):
            continue
        kept = {name: value for name, value in resource.items() if name != "Condition"}
        with told_of(f"resource {logical_id}"):
            if kept["Type"].startswith(_OF_LAMBDA):
                kept = {name: intrinsics.resolved(value) for name, value in kept.items()}
            check_resource(kept)
        resources[logical_id] = kept
    narrowed = {**document, "Resources": resources}
    if "Globals" in document:
        with told_of("Globals"):
            narrowed["Globals"] = intrinsics.resolved(document["Globals"])
    return narrowed


def _without_subnets_of_its_own(
    logical_id: str, resource: Mapping[str, Any], properties: Mapping[str, Any], assumed: Mapping[str, str]
) -> tuple[Mapping[str, Any], list[LeftOut]]:
    """A function's properties without a VpcConfig whose subnets would be others' work; and that it was left out."""
    vpc = properties.get("VpcConfig")
    subnets = vpc.get("SubnetIds") if isinstance(vpc, dict) else None
    listed = subnets if isinstance(subnets, list) else [subnets]
    if not {str(one) for one in listed} & set(assumed.values()):
        return properties, []
    kind = resource["Type"]
    left_out = LeftOut(logical_id=f"{logical_id}.VpcConfig", type=f"{kind} property", reason=_NO_SUBNETS)
    return {name: value for name, value in properties.items() if name != "VpcConfig"}, [left_out]


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


def _unknown(
    left_out: Iterable[LeftOut], implied: Mapping[str, Implied], resources: Mapping[str, Any]
) -> dict[str, str]:
    """Why what has an id of AWS's choice is left out, by logical id: nothing of it can be told as an output."""
    described = {one.logical_id: one.reason for one in left_out if has_an_id_of_its_own(one.type)}
    return {name: one.reason for name, one in implied.items() if name not in resources} | described


def _outputs(
    template: Mapping[str, Any], intrinsics: Intrinsics, references: References, unknown: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """
    Those that can be said, and why the others cannot.

    One of a resource that is not made says what it would be, if that is not unknown.
    """
    found: dict[str, Any] = {}
    left_out: dict[str, str] = {}
    for name, output in (template.get("Outputs") or {}).items():
        if "Condition" in output and not intrinsics.holds(output["Condition"]):
            continue
        with told_of(f"output {name}"):
            value, needs = references.needs_of(output["Value"])
        if missing := sorted(needs & set(unknown)):
            left_out[name] = f"{missing[0]} is left out: {unknown[missing[0]]}"
        else:
            found[name] = value
    return found, left_out


def _left_out(logical_id: str, kind: str) -> LeftOut:
    return LeftOut(logical_id=logical_id, type=kind, reason=_REASONS.get(kind, "Paddock makes Lambda resources only"))


_REASONS = {
    "AWS::IAM::Role": "a role's ARN is kept and shown; what it allows is not checked",
    "AWS::IAM::Policy": "what a role allows is not checked",
    "AWS::IAM::ManagedPolicy": "what a role allows is not checked",
    "AWS::Serverless::Api": NO_GATEWAY,
    "AWS::Serverless::HttpApi": NO_GATEWAY,
    "AWS::Serverless::Application": "nested applications are not read; deploy that template of its own",
    "AWS::CloudFormation::Stack": "nested stacks are not read; deploy that template of its own",
}
