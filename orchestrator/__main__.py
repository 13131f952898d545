"""
The `paddock` command: the client's commands, `up`, which runs the control plane in this process, `driver`, which runs
the one that holds the Docker socket, and what is done to the data directory.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.administration import commands
from orchestrator.cli.app import app
from orchestrator.demo.commands import demo
from orchestrator.garbage import look_for_none_yet

if TYPE_CHECKING:
    from orchestrator.settings import Settings

OUR_FAILURE = 1
DOCKER_OUT_OF_REACH = 6


app.add_typer(commands.keys, rich_help_panel="Server")
app.add_typer(demo, rich_help_panel="Server")
app.command(rich_help_panel="Server")(commands.backup)
app.command(rich_help_panel="Server")(commands.restore)


@app.command(rich_help_panel="Server")
def up() -> None:
    """Run the control plane here, until SIGTERM or Ctrl-C. Settings are PADDOCK_* environment variables."""
    look_for_none_yet()
    # Imported here: the client's commands must not pay for the server's imports.
    import uvloop

    from orchestrator.domain.errors import PaddockError
    from orchestrator.driver.launch import ListeningDriver, OwnDriver
    from orchestrator.driver.protocol import EngineUnreachable

    settings = _settings()
    driver = ListeningDriver(settings.driver_socket) if settings.driver_socket else OwnDriver()
    if isinstance(driver, OwnDriver):
        # Before the larger part of our own imports: both take half a second, side by side.
        driver.start()
    from orchestrator.process import serve

    try:
        uvloop.run(serve(settings, driver))
    except EngineUnreachable as error:
        print(f"paddock: {error}", file=sys.stderr)
        raise typer.Exit(DOCKER_OUT_OF_REACH) from error
    except PaddockError as error:
        print(f"paddock: {error}", file=sys.stderr)
        raise typer.Exit(OUR_FAILURE) from error
    finally:
        if isinstance(driver, OwnDriver):
            driver.abandon()


@app.command(rich_help_panel="Server")
def driver(
    connected: Annotated[int | None, typer.Option(help="An inherited socket, with the control plane on it.")] = None,
) -> None:
    """Run the process that holds the Docker socket, for a control plane in another container."""
    look_for_none_yet()
    import socket

    from orchestrator.domain.errors import PaddockError

    settings = _settings()
    try:
        if connected is not None:
            import uvloop

            from orchestrator.containers.process import serve_one

            uvloop.run(serve_one(settings, socket.socket(fileno=connected)))
        elif settings.driver_socket is not None:
            from orchestrator.containers.listening import listen

            listen(settings.driver_socket)
        else:
            print("paddock: nowhere to listen; set PADDOCK_DRIVER_SOCKET to a path", file=sys.stderr)
            raise typer.Exit(OUR_FAILURE)
    except (PaddockError, OSError) as error:
        print(f"paddock: {error}", file=sys.stderr)
        raise typer.Exit(OUR_FAILURE) from error


def _settings() -> Settings:
    from pydantic import ValidationError

    from orchestrator.settings import Settings, refusals

    try:
        return Settings()
    except ValidationError as error:
        for refusal in refusals(error):
            print(f"paddock: {refusal}; see `paddock doctor` and docs/settings.md", file=sys.stderr)
        raise typer.Exit(OUR_FAILURE) from error


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
