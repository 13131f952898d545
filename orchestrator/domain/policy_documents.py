"""
Policy documents: what PutResourcePolicy takes as one text, in the grammar of IAM's policies. Pure.

AWS documents the grammar, and that nothing may let everybody in; neither its texts nor what it takes for everybody. The
texts here are ours, but for those that other operations have.
AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from orchestrator.domain.errors import InvalidParameterValue, PublicPolicy
from orchestrator.domain.permissions import no_principal, principal_of

Json = dict[str, Any]

_VERSIONS = ("2012-10-17", "2008-10-17")
_OF_DOCUMENT = frozenset({"Version", "Id", "Statement"})
_OF_STATEMENT = frozenset(
    {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
)
_CHECKED_PRINCIPALS = ("AWS", "Service")
_FURTHER_PRINCIPALS = ("Federated", "CanonicalUser")
_ACTION = re.compile(r"\*|lambda:[a-zA-Z*?]+", re.IGNORECASE)
_RESOURCE = re.compile(r"\*|arn:\S+")
_OPERATOR = re.compile(
    r"((ForAllValues|ForAnyValue):)?"
    r"(String(Not)?(Equals(IgnoreCase)?|Like)|(Numeric|Date)((Not)?Equals|(Less|Greater)Than(Equals)?)"
    r"|Arn(Not)?(Equals|Like)|(Not)?IpAddress|BinaryEquals|Bool|Null)(IfExists)?",
    re.IGNORECASE,
)
_SAYS_WHO = re.compile(
    r"(ForAnyValue:)?(String(Equals(IgnoreCase)?|Like)|Arn(Equals|Like)|IpAddress|Bool)", re.IGNORECASE
)
"""Operators that hold only where the key is there and has one of the values."""
_WHO = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:principalservicename",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceip",
        "aws:sourceorgid",
        "aws:sourceorgpaths",
        "aws:sourceowner",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:userid",
        "lambda:eventsourcetoken",
        "lambda:functionurlauthtype",
        "lambda:invokedviafunctionurl",
    }
)
"""Keys of conditions that say who calls, or through what; the last two are how AddPermission opens a function URL."""


def read_policy(text: str) -> Json:
    """
    Read a policy.

    Returns: The document as it was given, its statements in a list.
    Raises:
        InvalidParameterValue: If it is none.
        PublicPolicy: If it lets everybody in.
    """
    document = _parsed(text)
    _check_members(document, _OF_DOCUMENT, "it")
    if "Version" in document and document["Version"] not in _VERSIONS:
        raise _malformed(f"its Version is none of {', '.join(_VERSIONS)}")
    if not isinstance(document.get("Id", ""), str):
        raise _malformed("its Id is not a text")
    given = document.get("Statement", [])
    statements = given if isinstance(given, list) else [given]
    if not statements:
        raise _malformed("it has no Statement")
    for number, statement in enumerate(statements, start=1):
        _check_statement(statement, f"statement {number}")
    named = [statement["Sid"] for statement in statements if statement.get("Sid")]
    if len(set(named)) < len(named):
        raise _malformed("two statements have the same Sid")
    if any(_lets_everybody_in(statement) for statement in statements):
        raise PublicPolicy(
            "Lambda blocked the creation of this policy because it would grant public access to your function."
        )
    return {**document, "Statement": statements}


def _parsed(text: str) -> Json:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _malformed(f"it is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise _malformed("it is not an object")
    return document


def _check_statement(statement: Any, which: str) -> None:
    if not isinstance(statement, dict):
        raise _malformed(f"{which} is not an object")
    _check_members(statement, _OF_STATEMENT, which)
    if not isinstance(statement.get("Sid", ""), str):
        raise _malformed(f"the Sid of {which} is not a text")
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise _malformed(f"the Effect of {which} is neither Allow nor Deny")
    _check_principal(_one_of(statement, "Principal", which), which)
    for name, pattern in (("Action", _ACTION), ("Resource", _RESOURCE)):
        given = _texts(_one_of(statement, name, which), f"the {name} of {which}")
        if not all(pattern.fullmatch(one) for one in given):
            raise _malformed(f"the {name} of {which} is none of Lambda's")
    _check_conditions(statement.get("Condition", {}), which)


def _check_principal(given: Any, which: str) -> None:
    if given == "*":
        return
    if not isinstance(given, dict) or not given:
        raise _malformed(f"the Principal of {which} is neither * nor an object")
    for kind, ones in given.items():
        for one in _texts(ones, f"the Principal of {which}"):
            if not _is_principal(kind, one):
                raise no_principal()


def _is_principal(kind: str, text: str) -> bool:
    if kind in _FURTHER_PRINCIPALS:
        return bool(text)
    if kind not in _CHECKED_PRINCIPALS or "*" in text:
        return (kind, text) == ("AWS", "*")
    return kind in principal_of(text)


def _check_conditions(given: Any, which: str) -> None:
    if not isinstance(given, dict):
        raise _malformed(f"the Condition of {which} is not an object")
    for operator, keys in given.items():
        if _OPERATOR.fullmatch(operator) is None:
            raise _malformed(f"{which} has an unknown operator, {operator}")
        if not isinstance(keys, dict):
            raise _malformed(f"the {operator} of {which} is not an object")
        for key, value in keys.items():
            if not all(_is_value(one) for one in _listed(value)):
                raise _malformed(f"the value of {key} in {which} is neither a text nor a list of them")


def _is_value(given: Any) -> bool:
    return math.isfinite(given) if isinstance(given, float) else isinstance(given, str | int)


def _lets_everybody_in(statement: Json) -> bool:
    if statement["Effect"] == "Deny":
        return False
    principal = statement.get("Principal")
    names_somebody = isinstance(principal, dict) and "*" not in _listed(principal.get("AWS", []))
    return not names_somebody and not any(_is_fixed(values) for values in _who(statement.get("Condition", {})))


def _who(conditions: Json) -> Iterator[list[Any]]:
    for operator, keys in conditions.items():
        if _SAYS_WHO.fullmatch(operator):
            yield from (_listed(value) for key, value in keys.items() if key.lower() in _WHO)


def _is_fixed(values: list[Any]) -> bool:
    """AWS: https://docs.aws.amazon.com/config/latest/developerguide/lambda-function-public-access-prohibited.html"""
    # What ends with a path is fixed by what is before it: AWS's example of organization paths.
    texts = [str(one).removesuffix("/*") for one in values]
    return bool(texts) and not any(re.search(r"[*?$]|/0$|^false$", one, re.IGNORECASE) for one in texts)


def _check_members(given: Json, known: frozenset[str], which: str) -> None:
    unknown = sorted(given.keys() - known)
    if unknown:
        raise _malformed(f"{which} has an unknown member, {unknown[0]}")


def _one_of(statement: Json, name: str, which: str) -> Any:
    """The value of a member, or of its negation: one of them must be there."""
    given = [statement[one] for one in (name, f"Not{name}") if one in statement]
    if len(given) != 1:
        raise _malformed(f"{which} must have either {name} or Not{name}")
    return given[0]


def _texts(given: Any, what: str) -> list[str]:
    texts = _listed(given)
    if not texts or not all(isinstance(one, str) for one in texts):
        raise _malformed(f"{what} is neither a text nor a list of texts")
    return texts


def _listed(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]


def _malformed(why: str) -> InvalidParameterValue:
    return InvalidParameterValue(f"The policy is malformed: {why}.")
