"""Which function a text means: a name, an ARN or a part of one, with or without a qualifier."""

from __future__ import annotations

from orchestrator.cli.templates.forms import text_at


def place_of_function(given: object) -> tuple[str, str | None]:
    """
    The function's name, and the qualifier if the text has one.

    Raises: Malformed: if it is no text.
    """
    text = text_at("the function's name", given)
    _, is_arn, rest = text.partition(":function:")
    name, _, qualifier = (rest if is_arn else text).partition(":")
    return name, qualifier or None


def qualified(name: str, qualifier: object) -> dict[str, str]:
    """The API's parameters for it; $LATEST is what no qualifier means."""
    return {"FunctionName": name, **({"Qualifier": str(qualifier)} if qualifier else {})}
