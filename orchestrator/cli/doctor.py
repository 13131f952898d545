"""`paddock doctor`: what is wrong with this machine, and what helps. Marks are words; colour only repeats them."""

from __future__ import annotations

from typing import Any

import typer

from orchestrator.cli import rendering
from orchestrator.cli.endpoint import Console, NothingAnswers, endpoint_of
from orchestrator.cli.failures import ExitCode
from orchestrator.cli.options import AsJson, EndpointUrl

_ENGINE = "engine"
_ENGINE_TIMEOUT_S = 5


def doctor(context: typer.Context, as_json: AsJson = False, endpoint_url: EndpointUrl = None) -> None:
    """
    Check this installation, and say what helps.

    Exit codes: 1 a check failed, 6 Docker is out of reach.
    """
    endpoint = endpoint_of(context)
    try:
        checks = Console(endpoint).checks()
    except NothingAnswers:
        checks = [_local_engine(), _silent_control_plane(endpoint)]
    if as_json:
        rendering.print_document({"checks": checks})
    else:
        _print(checks)
    failed = {check["name"] for check in checks if not check["ok"]}
    if _ENGINE in failed:
        raise typer.Exit(ExitCode.ENGINE_OUT_OF_REACH)
    if failed:
        raise typer.Exit(ExitCode.OUR_FAILURE)


def _local_engine() -> dict[str, Any]:
    """The one check that needs no control plane."""
    import docker
    from docker.errors import DockerException

    try:
        engine = docker.from_env(timeout=_ENGINE_TIMEOUT_S)
        try:
            version = engine.version().get("Version", "of an unknown version")
        finally:
            engine.close()
    except (DockerException, OSError) as error:
        reason = " ".join(str(error).split())
        return {
            "name": _ENGINE,
            "ok": False,
            "fact": f"the Docker engine does not answer: {reason}",
            "remedy": "start Docker (`systemctl start docker`), or set DOCKER_HOST; `make up` does both on Debian",
        }
    return {"name": _ENGINE, "ok": True, "fact": f"Docker {version} answers", "remedy": None}


def _silent_control_plane(endpoint: str) -> dict[str, Any]:
    return {
        "name": "control plane",
        "ok": False,
        "fact": f"nothing answers at {endpoint}",
        "remedy": "start it with `make up` or `paddock up`",
    }


def _print(checks: list[dict[str, Any]]) -> None:
    from rich.text import Text

    out = rendering.terminal()
    width = max((len(check["name"]) for check in checks), default=0)
    for check in checks:
        mark = Text("ok  ", style="green") if check["ok"] else Text("FAIL", style="bold red")
        out.print(Text.assemble(mark, f"  {check['name']:<{width}}  {check['fact']}"))
        if not check["ok"] and check.get("remedy"):
            out.print(Text(f"      {'':<{width}}  → {check['remedy']}"))
