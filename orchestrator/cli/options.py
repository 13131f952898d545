"""The options that several commands share, so that each is spelled and explained once."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestrator.cli.endpoint import DEFAULT_ENDPOINT, ENDPOINT_VARIABLE, complete_function

EndpointUrl = Annotated[
    str | None,
    typer.Option("--endpoint-url", metavar="URL", help="The control plane.", show_default=False),
]

GlobalEndpointUrl = Annotated[
    str | None,
    typer.Option(
        "--endpoint-url",
        metavar="URL",
        envvar=ENDPOINT_VARIABLE,
        help=f"The control plane; also accepted after the command. [default: {DEFAULT_ENDPOINT}]",
        show_default=False,
    ),
]

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]

FunctionName = Annotated[
    str,
    typer.Argument(metavar="NAME", help="The function's name.", autocompletion=complete_function, show_default=False),
]

MaybeFunctionName = Annotated[
    str | None,
    typer.Argument(metavar="[NAME]", help="The function's name.", autocompletion=complete_function, show_default=False),
]
