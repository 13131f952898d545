"""The `paddock` command: the client's commands, and `up`, which runs the control plane in this process."""

from __future__ import annotations

import sys

import typer

from orchestrator.cli.app import app

OUR_FAILURE = 1
DOCKER_OUT_OF_REACH = 6


@app.command(rich_help_panel="Server")
def up() -> None:
    """Run the control plane here, until SIGTERM or Ctrl-C. Settings are PADDOCK_* environment variables."""
    # Imported here: the client's commands must not pay for the server's imports.
    import uvloop
    from pydantic import ValidationError

    from orchestrator.containers.driver import EngineUnreachable
    from orchestrator.domain.errors import PaddockError
    from orchestrator.settings import Settings
    from orchestrator.wiring import serve

    try:
        settings = Settings()
    except ValidationError as error:
        for problem in error.errors():
            name = "PADDOCK_" + "_".join(str(part) for part in problem["loc"]).upper()
            print(f"paddock: {name}: {problem['msg']}; see `paddock doctor` and docs/settings.md", file=sys.stderr)
        raise typer.Exit(OUR_FAILURE) from error
    try:
        uvloop.run(serve(settings))
    except EngineUnreachable as error:
        print(f"paddock: {error}", file=sys.stderr)
        raise typer.Exit(DOCKER_OUT_OF_REACH) from error
    except PaddockError as error:
        print(f"paddock: {error}", file=sys.stderr)
        raise typer.Exit(OUR_FAILURE) from error


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
