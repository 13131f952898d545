"""
CloudFormation's intrinsic functions, evaluated without CloudFormation.

Twice over one template: before SAM's translation with its parameters alone (what refers to a resource stays as it is
written), and after it with the resources too.
AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from orchestrator.cli.failures import unusable
from orchestrator.cli.templates.forms import told_of

Reference = Callable[[str, str | None], Any]
"""The value of a resource, by logical id and attribute; without an attribute, what `Ref` gives."""

_VARIABLE = re.compile(r"\$\{(!?)\s*([^}]+?)\s*\}")


def as_text(value: Any) -> str:
    """
    A scalar as CloudFormation writes it into a text; a list with commas.

    Raises: TypeError: for a map, and for nothing.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(as_text(one) for one in value)
    if isinstance(value, dict) or value is None:
        raise TypeError(value)
    return str(value)


class _NoValue:
    """AWS::NoValue: what holds it is written as if it were not there."""


_NO_VALUE = _NoValue()


class Intrinsics:
    """
    Evaluates what a template says.

    Args:
        parameters: Values of parameters and pseudo parameters.
        reference: Values of resources; None leaves each function that refers to one as it is written.
        resources: The logical ids there are.
    """

    def __init__(
        self,
        *,
        parameters: Mapping[str, Any],
        mappings: Mapping[str, Any],
        conditions: Mapping[str, Any],
        resources: frozenset[str],
        reference: Reference | None = None,
    ) -> None:
        self._parameters = parameters
        self._mappings = mappings
        self._conditions = conditions
        self._resources = resources
        self._reference = reference
        self._known: dict[str, bool] = {}
        self._under_way: set[str] = set()
        self._functions: dict[str, Callable[[Any], Any]] = {
            "Fn::Join": self._join,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::Base64": lambda given: base64.b64encode(as_text(given).encode()).decode(),
            "Fn::GetAZs": lambda given: [
                f"{as_text(given or self._parameters['AWS::Region'])}{letter}" for letter in "abc"
            ],
            "Fn::Length": lambda given: len(_list_of(given)),
            "Fn::ToJsonString": lambda given: json.dumps(given, separators=(",", ":")),
            # Another stack's, which nobody here has: its name stands for it.
            "Fn::ImportValue": as_text,
            "Fn::Equals": self._equals,
        }

    def resolved(self, value: Any) -> Any:
        """
        A value with every function in it evaluated; what is AWS::NoValue is left out of its map or list.

        Raises: Failure: for a function that cannot be evaluated here, or that refers to nothing.
        """
        found = self._resolved(value)
        return None if found is _NO_VALUE else found

    def holds(self, condition: str) -> bool:
        """
        Is a condition of the template true?

        Raises: Failure: if there is none of this name, or it refers to itself.
        """
        if condition not in self._known:
            if condition not in self._conditions:
                raise unusable(f"the template has no condition {condition}; see its Conditions")
            if condition in self._under_way:
                raise unusable(f"the template's condition {condition} refers to itself")
            self._under_way.add(condition)
            with told_of(f"condition {condition}"):
                found = self._truth(self._conditions[condition])
            if not isinstance(found, bool):
                raise unusable(
                    f"the template's condition {condition} is neither true nor false; "
                    "write it of parameters and other conditions only, with Fn::Equals, Fn::And, Fn::Or and Fn::Not"
                )
            self._known[condition] = found
        return self._known[condition]

    def _resolved(self, value: Any) -> Any:
        if isinstance(value, list):
            return [one for one in map(self._resolved, value) if one is not _NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name == "Ref" or str(name).startswith("Fn::"):
                return self._called(name, argument)
        found = {name: self._resolved(one) for name, one in value.items()}
        return {name: one for name, one in found.items() if one is not _NO_VALUE}

    def _truth(self, value: Any) -> Any:
        """A part of a condition. Only here does `Condition` name another one; elsewhere it is a name like any."""
        if isinstance(value, dict) and len(value) == 1 and isinstance(value.get("Condition"), str):
            return self.holds(value["Condition"])
        return self._resolved(value)

    def _called(self, name: str, argument: Any) -> Any:
        """What is not as the function takes it is told as it is written: a value may be a secret."""
        try:
            return self._evaluated(name, argument)
        except (TypeError, ValueError, LookupError, AttributeError) as error:
            raise unusable(
                f"{name}: {_as_written(argument)} is not what it takes; write it as AWS describes {name}"
            ) from error

    def _evaluated(self, name: str, argument: Any) -> Any:
        match name:
            case "Ref":
                return self._ref(_text_of(argument))
            case "Fn::If":
                condition, then, otherwise = _list_of(argument, 3)
                return self._resolved(then if self.holds(_text_of(condition)) else otherwise)
            case "Fn::And":
                return all(self._is_true(one) for one in _list_of(argument))
            case "Fn::Or":
                return any(self._is_true(one) for one in _list_of(argument))
            case "Fn::Not":
                return not self._is_true(_list_of(argument, 1)[0])
            case "Fn::GetAtt":
                return self._attribute(argument)
            case "Fn::Sub":
                return self._sub(argument)
        function = self._functions.get(name)
        if function is None and name != "Fn::FindInMap":
            raise unusable(f"{name} cannot be evaluated here; write its value, or leave the resource out")
        given = self._resolved(argument)
        if self._reference is None and _is_open(given):
            # As it is written: with values filled in, a later failure would tell them.
            return {name: argument}
        return function(given) if function is not None else self._find_in_map(given, argument)

    def _is_true(self, value: Any) -> bool:
        found = self._truth(value)
        if not isinstance(found, bool):
            raise TypeError(found)
        return found

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _NO_VALUE
        if name in self._parameters:
            return self._parameters[name]
        return self._of_resource({"Ref": name}, name, None)

    def _attribute(self, argument: Any) -> Any:
        if isinstance(argument, str):
            logical_id, _, attribute = argument.partition(".")
        else:
            logical_id, *rest = _list_of(argument)
            attribute = ".".join(as_text(self._resolved(one)) for one in rest)
        return self._of_resource({"Fn::GetAtt": [logical_id, attribute]}, _text_of(logical_id), attribute)

    def _of_resource(self, written: Any, logical_id: str, attribute: str | None) -> Any:
        if self._reference is None:
            return written
        if logical_id not in self._resources:
            raise unusable(
                f"the template refers to {logical_id}, which is neither a parameter nor a resource of it; "
                "correct the name, or declare it"
            )
        return self._reference(logical_id, attribute)

    def _sub(self, argument: Any) -> Any:
        text, written = (argument, {}) if isinstance(argument, str) else _list_of(argument, 2)
        given = self._resolved(_map_of(written))
        is_open = False

        def value(variable: re.Match[str]) -> str:
            nonlocal is_open
            if variable[1]:
                return f"${{{variable[2]}}}"
            name = variable[2]
            found = given[name] if name in given else self._attribute(name) if "." in name else self._ref(name)
            is_open = is_open or _is_open(found)
            return "" if is_open else as_text(found)

        result = _VARIABLE.sub(value, _text_of(text))
        return {"Fn::Sub": argument} if is_open else result

    def _equals(self, given: Any) -> bool:
        one, other = _list_of(given, 2)
        return as_text(one) == as_text(other)

    def _join(self, given: Any) -> str:
        between, values = _list_of(given, 2)
        return as_text(between).join(as_text(one) for one in _list_of(values))

    def _select(self, given: Any) -> Any:
        index, values = _list_of(given, 2)
        if not 0 <= int(index) < len(_list_of(values)):
            raise IndexError(index)
        return values[int(index)]

    def _split(self, given: Any) -> list[str]:
        between, text = _list_of(given, 2)
        return as_text(text).split(as_text(between))

    def _find_in_map(self, given: Any, written: Any) -> Any:
        # A fourth argument may hold a default.
        name, top, second = (as_text(one) for one in _list_of(given)[:3])
        try:
            return self._mappings[name][top][second]
        except KeyError:
            if len(given) > 3 and "DefaultValue" in given[3]:
                return given[3]["DefaultValue"]
            raise unusable(
                f"Fn::FindInMap: the template's Mappings have nothing for {_as_written(written)}; "
                "add it, or give a DefaultValue"
            ) from None


def _as_written(argument: Any) -> str:
    return json.dumps(argument, default=str)


def _list_of(value: Any, count: int | None = None) -> list[Any]:
    if not isinstance(value, list) or not value or (count is not None and len(value) != count):
        raise TypeError(value)
    return value


def _map_of(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(value)
    return value


def _text_of(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _is_open(value: Any) -> bool:
    """Does it still hold a function, because that refers to a resource?"""
    if isinstance(value, list):
        return any(map(_is_open, value))
    if isinstance(value, dict):
        return any(name == "Ref" or str(name).startswith("Fn::") or _is_open(one) for name, one in value.items())
    return False
