"""`paddock ls`, `ps` and `logs`: what is deployed, what runs, what it prints."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from orchestrator.cli import rendering
from orchestrator.cli.endpoint import Console, endpoint_of, lambda_client
from orchestrator.cli.failures import Failure
from orchestrator.cli.options import AsJson, EndpointUrl, FunctionName, MaybeFunctionName

_ID_LENGTH = 8


def ls(context: typer.Context, as_json: AsJson = False, endpoint_url: EndpointUrl = None) -> None:
    """List the deployed functions."""
    pages = lambda_client(endpoint_of(context)).get_paginator("list_functions").paginate()
    functions = sorted((one for page in pages for one in page["Functions"]), key=lambda one: one["FunctionName"])
    if as_json:
        rendering.print_document({"functions": functions})
        return
    rendering.print_table(
        ["FUNCTION", "MEMORY MB", "TIMEOUT S", "ARCH", "CODE", "MODIFIED"],
        [
            (
                one["FunctionName"],
                one.get("MemorySize"),
                one.get("Timeout"),
                one.get("Architectures", []),
                one.get("CodeSha256", "")[:12],
                rendering.local_time(one.get("LastModified")),
            )
            for one in functions
        ],
        right=["MEMORY MB", "TIMEOUT S"],
    )


def ps(
    context: typer.Context, name: MaybeFunctionName = None, as_json: AsJson = False, endpoint_url: EndpointUrl = None
) -> None:
    """List the live environments, of one function or all."""
    environments = Console(endpoint_of(context)).environments(name)
    if as_json:
        rendering.print_document({"environments": environments})
        return
    rendering.print_table(
        ["FUNCTION", "VERSION", "ENVIRONMENT", "STATE", "SINCE", "MEMORY MB", "INVOCATIONS", "REQUEST", "ADDRESS"],
        [
            (
                one["function_name"],
                one["version"],
                one["environment_id"],
                one["state"],
                rendering.local_time(one["state_since"]),
                one["memory_size_mb"],
                one["invocations"],
                one.get("request_id"),
                one.get("address"),
            )
            for one in environments
        ],
        right=["MEMORY MB", "INVOCATIONS"],
    )


def logs(
    context: typer.Context,
    name: FunctionName,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, metavar="LINES", help="How many past lines.")] = 100,
    as_json: AsJson = False,
    endpoint_url: EndpointUrl = None,
) -> None:
    """
    Print what a function wrote.

    Each line: local time, environment, text. With --json, one document a line.
    """
    for line in Console(endpoint_of(context)).output(name, lines, follow):
        if as_json:
            text = json.dumps(line, ensure_ascii=False)
        else:
            environment = str(line.get("environment_id") or rendering.NOTHING)[:_ID_LENGTH]
            text = f"{rendering.local_time(line['at'])} {environment} {line['text'].rstrip()}"
        # Flushed line by line: who follows through a pipe wants it now.
        print(text, flush=True)
    if follow:
        raise Failure(f"the log of {name} ended: the control plane closed it; run `paddock logs -f {name}` again")
