"""
AWS SAM: what its resources are in CloudFormation, by AWS's own translator, without network or AWS.

Only functions and layers are translated. What the translator would want uploaded is not there yet: images get the tag
they are built under, and code of zip packages a place that nobody reads.
AWS: https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification.html
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.cli.failures import unusable
from orchestrator.cli.templates.images import Build, build_of
from orchestrator.cli.templates.implied import NO_GATEWAY, Implied, implied_by_api, implied_by_event
from orchestrator.cli.templates.parameters import HIDDEN, secrets_of

_FUNCTION = "AWS::Serverless::Function"
_STATE_MACHINE = "AWS::Serverless::StateMachine"
_LAYER = "AWS::Serverless::LayerVersion"
_NOWHERE = "s3://not-uploaded/code"

_MAPPED = {"SQS", "Kinesis", "DynamoDB", "MSK", "MQ", "SelfManagedKafka", "DocumentDB"}
"""Events that are event source mappings; every other kind needs a service that calls."""

_WHY_NOT = {
    "Api": NO_GATEWAY,
    "HttpApi": NO_GATEWAY,
    "Schedule": "Paddock has no schedules",
    "ScheduleV2": "Paddock has no schedules",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOutEvent:
    """An event of a function that is not wired."""

    logical_id: str
    event: str
    type: str
    reason: str


@dataclass(slots=True, kw_only=True)
class Translation:
    """
    A template without SAM in it, and what was taken out before.

    Args:
        others: Resources, by logical id.
        implied: What SAM would have made of events and others.
    """

    template: dict[str, Any]
    others: dict[str, Any] = field(default_factory=dict)
    implied: dict[str, Implied] = field(default_factory=dict)
    builds: dict[str, Build] = field(default_factory=dict)
    events: list[LeftOutEvent] = field(default_factory=list)


def is_sam(template: Mapping[str, Any]) -> bool:
    """Does it ask for SAM's transform?"""
    transforms = template.get("Transform", [])
    names = transforms if isinstance(transforms, list) else [transforms]
    return any(isinstance(one, str) and one.startswith("AWS::Serverless") for one in names)


def translated(template: Mapping[str, Any], parameters: Mapping[str, Any], folder: Path) -> Translation:
    """
    A template in plain CloudFormation.

    Args:
        template: With its parameters, mappings and conditions evaluated.
        folder: What its paths are relative to.

    Raises: Failure: with all that the translator finds wrong.
    """
    result = Translation(template=copy.deepcopy(dict(template)))
    secrets = secrets_of(template.get("Parameters") or {}, parameters)
    if is_sam(template):
        with _told(secrets):
            _with_globals(result.template)
    resources = result.template["Resources"]
    for logical_id, resource in list(resources.items()):
        resource["Properties"] = resource.get("Properties") or {}
        build = build_of(logical_id, resource, folder)
        if build is not None:
            result.builds[logical_id] = build
        match resource["Type"]:
            case "AWS::Lambda::Function" if build is not None:
                resource["Properties"]["Code"] = {"ImageUri": build.tag}
            case other if other == _FUNCTION:
                _prepare(logical_id, resource, build, result)
            case other if other == _LAYER:
                _as_layer(logical_id, resource)
            case other if other.startswith("AWS::Serverless::"):
                result.others[logical_id] = resources.pop(logical_id)
                result.implied |= implied_by_api(logical_id, resource)
                events = resource["Properties"].get("Events") if other == _STATE_MACHINE else None
                for name, event in (events or {}).items():
                    result.implied |= implied_by_event(logical_id, name, event, _why_not(event))
    if any(resource["Type"] == _FUNCTION for resource in resources.values()):
        with _told(secrets):
            result.template = _by_the_translator(result.template, parameters)
    return result


def _prepare(logical_id: str, resource: dict[str, Any], build: Build | None, result: Translation) -> None:
    properties = resource["Properties"]
    # What a role may do is nobody's business here; AWS's list of managed policies would be asked for their ARNs.
    for name in ("Policies", "PermissionsBoundary", "AssumeRolePolicyDocument"):
        properties.pop(name, None)
    resource.pop("Connectors", None)
    if build is not None:
        properties["ImageUri"] = build.tag
    if "CodeUri" in properties:
        properties["CodeUri"] = _NOWHERE
    events = properties.get("Events") or {}
    for name, event in list(events.items()):
        kind = str(event.get("Type", ""))
        if kind not in _MAPPED:
            reason = _why_not(event)
            result.events.append(LeftOutEvent(logical_id=logical_id, event=name, type=kind, reason=reason))
            result.implied |= implied_by_event(logical_id, name, event, reason)
            del events[name]


def _why_not(event: Mapping[str, Any]) -> str:
    kind = str(event.get("Type", ""))
    return _WHY_NOT.get(kind, f"Paddock has no {kind} that would call")


def _as_layer(logical_id: str, resource: dict[str, Any]) -> None:
    properties = resource["Properties"]
    properties["Content"] = properties.pop("ContentUri", None)
    properties.setdefault("LayerName", logical_id)
    properties.pop("RetentionPolicy", None)
    resource["Type"] = "AWS::Lambda::LayerVersion"


def _with_globals(template: dict[str, Any]) -> None:
    from samtranslator.plugins.globals.globals_plugin import GlobalsPlugin

    GlobalsPlugin().on_before_transform_template(template)


def _by_the_translator(template: dict[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    import boto3
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator

    # It warns of metrics that it did not send, and of what AWS would bill.
    logging.getLogger("samtranslator").setLevel(logging.CRITICAL)
    session = boto3.Session(region_name=str(parameters["AWS::Region"]))
    translator = Translator(managed_policy_map={}, sam_parser=Parser(), boto_session=session)
    result: dict[str, Any] = translator.translate(
        template, parameter_values=dict(parameters), get_managed_policy_map=dict
    )
    return result


@contextmanager
def _told(secrets: Iterable[str]) -> Iterator[None]:
    """What AWS's translator finds wrong, in its words; it repeats values, and those of secret parameters are hidden."""
    from samtranslator.public.exceptions import InvalidDocumentException

    try:
        yield
    except InvalidDocumentException as error:
        causes = [str(cause.message) for cause in error.causes] or [str(error.message)]
        message = "; ".join(causes)
        for secret in sorted(secrets, key=len, reverse=True):
            message = message.replace(secret, HIDDEN)
        raise unusable(f"the template is not valid SAM: {message}") from error
