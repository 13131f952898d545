"""`paddock demo`: what can be watched. What it does is imported inside: other commands must not pay for it."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

_OUR_FAILURE = 1

demo = typer.Typer(name="demo", help="Watch what Paddock promises.", no_args_is_help=True, rich_markup_mode=None)


@demo.callback()
def watch() -> None:
    """Watch what Paddock promises, on a control plane of the demo's own."""


@demo.command()
def chaos(
    events: Annotated[int, typer.Option(min=1, help="Events to be acknowledged.")] = 1000,
    kills: Annotated[int, typer.Option(min=0, help="Kills of the control plane, and as many of containers.")] = 5,
    seed: Annotated[int, typer.Option(help="Of the moments of the kills.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print what became of every event as JSON.")] = False,
) -> None:
    """Kill the control plane and containers while events run; then say what became of each. Needs the host's engine."""
    from rich.console import Console

    from orchestrator.demo.chaos import report, run_chaos
    from orchestrator.domain.errors import PaddockError

    screen = Console(stderr=as_json)
    try:
        tally = run_chaos(events, kills, seed, screen)
    except PaddockError as error:
        print(f"paddock: {error}", file=sys.stderr)
        raise typer.Exit(_OUR_FAILURE) from error
    if as_json:
        print(
            json.dumps(
                {
                    "acknowledged": len(tally.accepted),
                    "control_plane_kills": tally.control_plane_kills,
                    "container_kills": tally.container_kills,
                    "lost": tally.lost(),
                    "run_more_than_once": tally.run_again(),
                }
            )
        )
    else:
        report(tally, screen)
    if tally.lost():
        raise typer.Exit(_OUR_FAILURE)
