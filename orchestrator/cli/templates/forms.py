"""
The form that each part of a template must have, checked once: its sections when it is read, its resources when their
functions that need no other resource are evaluated. What a property is, is checked by `shapes`, from AWS's model.

No value is ever told, for it may be a secret: only where it stands and what it is.
AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from orchestrator.cli.failures import Failure, unusable

_SECTIONS = ("Parameters", "Mappings", "Conditions", "Outputs")
_OF_METADATA = ("Dockerfile", "DockerContext", "DockerBuildTarget")
_WITH_EVENTS = ("AWS::Serverless::Function", "AWS::Serverless::StateMachine")


class Malformed(Exception):
    """Something is not what AWS describes; the message says where, what it is, and what to write."""

    def __init__(self, place: str, value: Any, wanted: str) -> None:
        super().__init__(f"{place} {_is_what(value)}; write {wanted}")


def map_at(place: str, value: Any, of_what: str = "a map") -> dict[str, Any]:
    """
    A map.

    Raises: Malformed: if it is none, or a key is no text.
    """
    if not isinstance(value, dict):
        raise Malformed(place, value, of_what)
    for name in value:
        text_at(f"a key of {place}", name)
    return value


def text_at(place: str, value: Any) -> str:
    """
    A text; a number is one too.

    Raises: Malformed: if it is none.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Malformed(place, value, "a text")
    return str(value)


@contextmanager
def told_of(subject: str) -> Iterator[None]:
    """
    Evaluate or check something of the template, whose failures then name it.

    Raises: Failure: with the subject before it.
    """
    try:
        yield
    except Malformed as error:
        raise unusable(f"{subject}: {error}") from error
    except Failure as error:
        raise Failure(f"{subject}: {error}", error.exit_code) from error


def check_sections(template: Mapping[str, Any]) -> None:
    """
    Check what is read before anything is evaluated.

    Raises: Malformed: for the first part that has another form.
    """
    for section in _SECTIONS:
        map_at(section, template.get(section) or {})
    for name, parameter in (template.get("Parameters") or {}).items():
        allowed = map_at(f"parameter {name}", parameter).get("AllowedValues", [])
        if not isinstance(allowed, list):
            raise Malformed(f"parameter {name}: AllowedValues", allowed, "a list")
        _check_scalar(f"parameter {name}: Default", parameter.get("Default", ""))
        for index, one in enumerate(allowed):
            _check_scalar(f"parameter {name}: AllowedValues[{index}]", one)
    for name, mapping in (template.get("Mappings") or {}).items():
        for top, second in map_at(f"Mappings.{name}", mapping).items():
            map_at(f"Mappings.{name}.{top}", second)
    for name, output in (template.get("Outputs") or {}).items():
        if map_at(f"output {name}", output).get("Value") is None:
            raise Malformed(f"output {name}: Value", None, "one")
        _check_condition(f"output {name}", output)
    for logical_id, resource in map_at("Resources", template["Resources"]).items():
        _check_condition(f"resource {logical_id}", resource)
        depends = resource.get("DependsOn", [])
        if not isinstance(depends, str) and not (
            isinstance(depends, list) and all(isinstance(one, str) for one in depends)
        ):
            raise Malformed(f"resource {logical_id}: DependsOn", depends, "a text or a list of texts")


def check_resource(resource: Mapping[str, Any]) -> None:
    """
    Check what is read of a resource before it is translated.

    Raises: Malformed: for the first part that has another form.
    """
    properties = map_at("Properties", resource.get("Properties") or {})
    metadata = map_at("Metadata", resource.get("Metadata") or {})
    for name in _OF_METADATA:
        text_at(f"Metadata.{name}", metadata.get(name, ""))
    if isinstance(architectures := properties.get("Architectures") or [], dict | str | int):
        raise Malformed("Architectures", architectures, "a list")
    for name, argument in map_at("Metadata.DockerBuildArgs", metadata.get("DockerBuildArgs") or {}).items():
        _check_scalar(f"Metadata.DockerBuildArgs.{name}", argument)
    if resource["Type"] not in _WITH_EVENTS:
        return
    for name, event in map_at("Events", properties.get("Events") or {}).items():
        kind = map_at(f"Events.{name}", event).get("Type")
        if not isinstance(kind, str):
            raise Malformed(f"Events.{name}.Type", kind, "a text")
        map_at(f"Events.{name}.Properties", event.get("Properties") or {})


def _check_scalar(place: str, value: Any) -> None:
    if not isinstance(value, bool):
        text_at(place, value)


def _check_condition(subject: str, written: Mapping[str, Any]) -> None:
    condition = written.get("Condition", "")
    if not isinstance(condition, str):
        raise Malformed(f"{subject}: Condition", condition, "a text")


def _is_what(value: Any) -> str:
    match value:
        case None:
            return "is empty"
        case bool():
            return "is true or false"
        case int() | float():
            return "is a number"
        case str():
            return "is a text"
        case list():
            return "is a list"
        case dict():
            return "is a map"
    return f"is a {type(value).__name__}"
