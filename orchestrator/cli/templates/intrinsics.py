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

Reference = Callable[[str, str | None], Any]
"""The value of a resource, by logical id and attribute; without an attribute, what `Ref` gives."""

_VARIABLE = re.compile(r"\$\{(!?)\s*([^}]+?)\s*\}")


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
            "Fn::FindInMap": self._find_in_map,
            "Fn::Base64": lambda given: base64.b64encode(self._text(given).encode()).decode(),
            "Fn::GetAZs": lambda given: [f"{given or self._parameters['AWS::Region']}{letter}" for letter in "abc"],
            "Fn::Length": len,
            "Fn::ToJsonString": lambda given: json.dumps(given, separators=(",", ":")),
            # Another stack's, which nobody here has: its name stands for it.
            "Fn::ImportValue": self._text,
            "Fn::Equals": lambda given: self._text(given[0]) == self._text(given[1]),
            "Fn::Not": lambda given: not given[0],
            "Fn::And": all,
            "Fn::Or": any,
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
            self._known[condition] = bool(self._resolved(self._conditions[condition]))
        return self._known[condition]

    def _resolved(self, value: Any) -> Any:
        if isinstance(value, list):
            return [one for one in map(self._resolved, value) if one is not _NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name == "Ref" or name.startswith("Fn::") or (name == "Condition" and isinstance(argument, str)):
                return self._called(name, argument)
        found = {name: self._resolved(one) for name, one in value.items()}
        return {name: one for name, one in found.items() if one is not _NO_VALUE}

    def _called(self, name: str, argument: Any) -> Any:
        match name:
            case "Ref":
                return self._ref(argument)
            case "Condition":
                return self.holds(argument)
            case "Fn::If":
                self._expect(name, argument, 3)
                return self._resolved(argument[1] if self.holds(argument[0]) else argument[2])
            case "Fn::GetAtt":
                return self._attribute(argument)
            case "Fn::Sub":
                return self._sub(argument)
        function = self._functions.get(name)
        if function is None:
            raise unusable(f"{name} cannot be evaluated here; write its value, or leave the resource out")
        given = self._resolved(argument)
        if self._reference is None and _is_open(given):
            return {name: given}
        try:
            return function(given)
        except (TypeError, ValueError, IndexError, KeyError, AttributeError) as error:
            raise unusable(f"{name}: {json.dumps(given, default=str)} is not what it takes") from error

    def _ref(self, name: Any) -> Any:
        if name == "AWS::NoValue":
            return _NO_VALUE
        if name in self._parameters:
            return self._parameters[name]
        return self._of_resource({"Ref": name}, name, None)

    def _attribute(self, argument: Any) -> Any:
        logical_id, _, attribute = argument.partition(".") if isinstance(argument, str) else (argument[0], "", None)
        if attribute is None:
            attribute = ".".join(self._text(self._resolved(one)) for one in argument[1:])
        return self._of_resource({"Fn::GetAtt": [logical_id, attribute]}, logical_id, attribute)

    def _of_resource(self, written: Any, logical_id: Any, attribute: str | None) -> Any:
        if self._reference is None:
            return written
        if logical_id not in self._resources:
            raise unusable(f"the template refers to {logical_id}, which is neither a parameter nor a resource of it")
        return self._reference(logical_id, attribute)

    def _sub(self, argument: Any) -> Any:
        text, given = (argument, {}) if isinstance(argument, str) else (argument[0], self._resolved(argument[1]))
        is_open = False

        def value(variable: re.Match[str]) -> str:
            nonlocal is_open
            if variable[1]:
                return f"${{{variable[2]}}}"
            name = variable[2]
            found = given[name] if name in given else self._attribute(name) if "." in name else self._ref(name)
            is_open = is_open or _is_open(found)
            return "" if is_open else self._text(found)

        result = _VARIABLE.sub(value, text)
        return {"Fn::Sub": [text, given] if given else text} if is_open else result

    def _join(self, given: Any) -> str:
        self._expect("Fn::Join", given, 2)
        return self._text(given[0]).join(self._text(one) for one in given[1])

    def _select(self, given: Any) -> Any:
        index, values = int(given[0]), given[1]
        if not 0 <= index < len(values):
            raise IndexError(index)
        return values[index]

    def _split(self, given: Any) -> list[str]:
        return self._text(given[1]).split(self._text(given[0]))

    def _find_in_map(self, given: Any) -> Any:
        # A fourth argument may hold a default.
        name, top, second = (self._text(one) for one in given[:3])
        try:
            return self._mappings[name][top][second]
        except KeyError:
            if len(given) > 3 and "DefaultValue" in given[3]:
                return given[3]["DefaultValue"]
            raise unusable(f"Fn::FindInMap: the template's Mappings have no {name}.{top}.{second}") from None

    def _expect(self, name: str, argument: Any, count: int) -> None:
        if not isinstance(argument, list) or len(argument) != count:
            raise unusable(f"{name} takes a list of {count}")

    def _text(self, value: Any) -> str:
        """A scalar as CloudFormation writes it into a text."""
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, list):
            return ",".join(self._text(one) for one in value)
        if isinstance(value, dict) or value is None:
            raise TypeError(value)
        return str(value)


def _is_open(value: Any) -> bool:
    """Does it still hold a function, because that refers to a resource?"""
    if isinstance(value, list):
        return any(map(_is_open, value))
    if isinstance(value, dict):
        return any(name == "Ref" or name.startswith("Fn::") or _is_open(one) for name, one in value.items())
    return False
