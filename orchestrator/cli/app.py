"""The `paddock` command line: which commands there are. `orchestrator/__main__.py` adds `up`."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from orchestrator.cli import deploying, describing, doctor, invoking, rendering, watching
from orchestrator.cli.failures import told
from orchestrator.cli.options import AsJson, EndpointUrl, GlobalEndpointUrl


class ClientCommand(TyperCommand):
    """A command whose failures are told in one line; not `up`, whose log wants its tracebacks."""

    def invoke(self, ctx: Any) -> Any:
        """Run it."""
        with told():
            return super().invoke(ctx)


app = typer.Typer(
    name="paddock",
    no_args_is_help=True,
    # Plain help and plain usage errors: Rich's cost 0.2 s at each start, for Markdown and syntax colours.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 our failure, 2 usage, 3 function error, 4 timeout, 5 throttled, "
    "6 Docker out of reach.",
)


def _version() -> str:
    from importlib.metadata import version

    return version("paddock")


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"paddock {_version()}")
        raise typer.Exit


@app.callback()
def paddock(
    endpoint_url: GlobalEndpointUrl = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Your own AWS Lambda, on the Docker you already have."""


def version(as_json: AsJson = False, endpoint_url: EndpointUrl = None) -> None:
    """Print the version."""
    if as_json:
        rendering.print_document({"version": _version()})
    else:
        print(f"paddock {_version()}")


for command, panel in (
    (deploying.deploy, "Functions"),
    (invoking.invoke, "Functions"),
    (watching.ls, "Functions"),
    (describing.describe, "Functions"),
    (deploying.rm, "Functions"),
    (watching.ps, "What runs"),
    (watching.logs, "What runs"),
    (doctor.doctor, "This machine"),
    (version, "This machine"),
):
    app.command(cls=ClientCommand, rich_help_panel=panel)(command)
