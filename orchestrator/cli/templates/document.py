"""A template's text: YAML with CloudFormation's short forms, or JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from orchestrator.cli.failures import unusable
from orchestrator.cli.templates.forms import check_sections, told_of

_TIMESTAMP = "tag:yaml.org,2002:timestamp"
_SUFFIXES = {".yaml", ".yml", ".json", ".template"}


def names_a_template(text: str) -> bool:
    """Is this a template's file, and no function's name? A name has neither a dot nor a slash."""
    return Path(text).suffix in _SUFFIXES or "/" in text


def document_of(path: Path) -> dict[str, Any]:
    """
    A template as plain values; `!Ref X` is `{"Ref": "X"}`.

    Raises: Failure: if the file cannot be read, is no template, or has a section of another form.
    """
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise unusable(f"template {str(path)!r}: {reason}; give a file that can be read") from error
    found = _json(path, text) if text.lstrip().startswith("{") else _yaml(path, text)
    if not isinstance(found, dict) or not isinstance(found.get("Resources"), dict):
        raise unusable(f"template {str(path)!r} has no Resources; is it an AWS SAM or CloudFormation template?")
    for logical_id, resource in found["Resources"].items():
        if not isinstance(resource, dict) or not isinstance(resource.get("Type"), str):
            raise unusable(f"template {str(path)!r}: resource {logical_id} has no Type; write one")
    with told_of(f"template {str(path)!r}"):
        check_sections(found)
    return found


def _json(path: Path, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise unusable(f"template {str(path)!r}: {error}") from error


def _yaml(path: Path, text: str) -> Any:
    import yaml
    from samtranslator.yaml_helper import intrinsics_multi_constructor

    class Loader(yaml.SafeLoader):
        """With the short forms; `2012-10-17` stays the text that AWS reads."""

        yaml_implicit_resolvers = {
            first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
            for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    Loader.add_multi_constructor("!", intrinsics_multi_constructor)
    try:
        return yaml.load(text, Loader)
    except yaml.YAMLError as error:
        raise unusable(f"template {str(path)!r}: {error}") from error
