"""
The values of a template's parameters: given, or by default.

AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from orchestrator.cli.failures import unusable
from orchestrator.cli.templates.intrinsics import as_text

HIDDEN = "****"
"""As CloudFormation shows a parameter with NoEcho."""

_STORED = re.compile(r"AWS::SSM::Parameter::Value<(.+)>")


def overrides_of(texts: Iterable[str]) -> dict[str, str]:
    """
    What `--parameter-overrides` says: `Key=Value`, several in one text if separated by spaces.

    Raises: Failure: if a word has no `=`.
    """
    overrides: dict[str, str] = {}
    for text in texts:
        for word in _words(text):
            key, equals, value = word.partition("=")
            if not equals or not key:
                # The text may be a secret whose key was forgotten: it is not repeated.
                raise unusable("--parameter-overrides: a parameter needs a key and a value; write it as Key=Value")
            overrides[key] = value
    return overrides


def parameter_values(declared: Mapping[str, Any], overrides: Mapping[str, str]) -> dict[str, Any]:
    """
    Every parameter's value, a text; those that are lists by their type are lists of texts.

    Raises: Failure: for one without a value, one that is not declared, or a value that is not allowed.
    """
    unknown = sorted(set(overrides) - set(declared))
    if unknown:
        raise unusable(f"--parameter-overrides: the template has no parameter {', '.join(unknown)}; see its Parameters")
    missing = sorted(name for name, one in declared.items() if name not in overrides and "Default" not in one)
    if missing:
        raise unusable(
            f"the template's parameter {missing[0]} has no default; give it with --parameter-overrides {missing[0]}=..."
        )
    return {name: _value(name, one, overrides.get(name, one.get("Default"))) for name, one in declared.items()}


def secrets_of(declared: Mapping[str, Any], values: Mapping[str, Any]) -> frozenset[str]:
    """The values that the template wants shown nowhere: those of parameters with NoEcho, and of lists each one."""
    found = [values[name] for name, one in declared.items() if _is_secret(one)]
    texts = [str(one) for value in found for one in (value if isinstance(value, list) else [value])]
    return frozenset(texts) - {""}


def assumed_for(declared: Mapping[str, Any], overrides: Mapping[str, str]) -> dict[str, str]:
    """
    The defaults that are names in AWS's Systems Manager, which is not asked, by what they stand for.

    An override of such a parameter is taken for its value.
    """
    return {
        f"the value of parameter {name} ({one['Type']})": HIDDEN if _is_secret(one) else as_text(one["Default"])
        for name, one in declared.items()
        if name not in overrides and _STORED.fullmatch(str(one.get("Type")))
    }


def _is_secret(declared: Mapping[str, Any]) -> bool:
    return str(declared.get("NoEcho", "")).lower() == "true"


def _kind_of(declared: Mapping[str, Any]) -> str:
    """What its value is; of one that is stored by Systems Manager, what is stored."""
    kind = str(declared.get("Type", "String"))
    stored = _STORED.fullmatch(kind)
    return stored[1] if stored else kind


def _value(name: str, declared: Mapping[str, Any], given: Any) -> Any:
    # A text whatever it was written as, as on AWS: `false` is the text, and so is 3.
    value = as_text(given)
    allowed = [as_text(one) for one in declared.get("AllowedValues") or ()]
    if allowed and value not in allowed:
        raise unusable(f"parameter {name} must be one of {', '.join(allowed)}")
    kind = _kind_of(declared)
    if kind == "CommaDelimitedList" or kind.startswith("List<"):
        return [one.strip() for one in value.split(",")]
    return value


def _words(text: str) -> list[str]:
    if "=" in text and " " not in text.strip():
        return [text.strip()]
    try:
        return shlex.split(text)
    except ValueError as error:
        raise unusable(f"--parameter-overrides: {error}; quote a value with spaces: 'Motto=\"a b\"'") from error
