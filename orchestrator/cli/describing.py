"""`paddock describe`: one function, as AWS's API and our console see it together, or what became of one invocation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.cli import rendering
from orchestrator.cli.endpoint import Console, endpoint_of, lambda_client
from orchestrator.cli.failures import unusable
from orchestrator.cli.options import AsJson, EndpointUrl, MaybeFunctionName

if TYPE_CHECKING:
    from mypy_boto3_lambda.client import LambdaClient
    from mypy_boto3_lambda.type_defs import (
        GetFunctionResponseTypeDef,
        ProvisionedConcurrencyConfigListItemTypeDef,
    )


def describe(
    context: typer.Context,
    name: MaybeFunctionName = None,
    request: Annotated[
        str | None, typer.Option("--request", metavar="REQUEST_ID", help="Tell what became of this invocation.")
    ] = None,
    as_json: AsJson = False,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Show a function, and what is wrong with it."""
    endpoint = endpoint_of(context)
    console = Console(endpoint)
    if request is not None:
        _describe_invocation(console.invocation(request), as_json)
        return
    if name is None:
        raise unusable("describe needs a function's name, or --request REQUEST_ID; `paddock ls` lists names")
    client = lambda_client(endpoint)
    deployed = client.get_function(FunctionName=name)
    provisioned = _provisioned(client, name)
    live = console.function(deployed["Configuration"]["FunctionName"])
    if as_json:
        rendering.print_document(
            {
                "function": {key: value for key, value in deployed.items() if key != "ResponseMetadata"},
                "provisioned": provisioned,
                "live": live,
            }
        )
        return
    _print_diagnosis(live.get("diagnosis"))
    _print_configuration(deployed)
    _print_provisioned(provisioned)
    _print_live(live)


def _print_diagnosis(diagnosis: dict[str, Any] | None) -> None:
    if diagnosis is None:
        return
    rendering.print_line(f"! {diagnosis.get('diagnosis') or diagnosis.get('message')}", style="bold red")
    rendering.print_fields(
        [
            ("  error", diagnosis.get("error_type")),
            ("  message", diagnosis.get("message")),
            ("  at", rendering.local_time(diagnosis.get("at"))),
            ("  environment", diagnosis.get("environment_id")),
            ("  request", diagnosis.get("request_id")),
        ]
    )
    rendering.print_line()


def _print_configuration(deployed: GetFunctionResponseTypeDef) -> None:
    configuration = deployed["Configuration"]
    image_config = configuration.get("ImageConfigResponse", {}).get("ImageConfig", {})
    reserved = deployed.get("Concurrency", {}).get("ReservedConcurrentExecutions")
    rendering.print_fields(
        [
            ("function", configuration["FunctionName"]),
            ("image", deployed.get("Code", {}).get("ImageUri")),
            ("architecture", configuration.get("Architectures")),
            ("memory", f"{configuration.get('MemorySize')} MB"),
            ("timeout", f"{configuration.get('Timeout')} s"),
            ("state", configuration.get("State")),
            ("state reason", configuration.get("StateReason")),
            ("last update", configuration.get("LastUpdateStatus")),
            ("last update reason", configuration.get("LastUpdateStatusReason")),
            ("reserved concurrency", "none" if reserved is None else reserved),
            # Names only: values are often secrets, and terminals are often shared.
            ("variables", sorted(configuration.get("Environment", {}).get("Variables", {}))),
            ("entry point", image_config.get("EntryPoint")),
            ("command", image_config.get("Command")),
            ("working directory", image_config.get("WorkingDirectory")),
            ("role", configuration.get("Role")),
            ("modified", rendering.local_time(configuration.get("LastModified"))),
        ]
    )


def _provisioned(client: LambdaClient, name: str) -> list[ProvisionedConcurrencyConfigListItemTypeDef]:
    pages = client.get_paginator("list_provisioned_concurrency_configs").paginate(FunctionName=name)
    return [one for page in pages for one in page["ProvisionedConcurrencyConfigs"]]


def _print_provisioned(provisioned: list[ProvisionedConcurrencyConfigListItemTypeDef]) -> None:
    """Of each version and alias: how many of how many are ready, and why not more."""
    rendering.print_fields(
        (f"provisioned {one['FunctionArn'].rpartition(':')[2]}", _how_far(one)) for one in provisioned
    )


def _how_far(provisioned: ProvisionedConcurrencyConfigListItemTypeDef) -> str:
    available = provisioned["AvailableProvisionedConcurrentExecutions"]
    requested = provisioned["RequestedProvisionedConcurrentExecutions"]
    reason = f": {provisioned['StatusReason']}" if "StatusReason" in provisioned else ""
    return f"{available} of {requested} ready, {provisioned['Status']}{reason}"


def _print_live(live: dict[str, Any]) -> None:
    rendering.print_fields(
        [
            ("versions", live.get("versions")),
            *((f"alias {name}", _leads_to(shares)) for name, shares in (live.get("aliases") or {}).items()),
            ("in flight", live["in_flight"]),
            ("queued events", live["queued_events"]),
            ("environments", len(live["environments"])),
        ]
    )
    if live["environments"]:
        rendering.print_line()
        rendering.print_table(
            ["ENVIRONMENT", "VERSION", "STATE", "SINCE", "INVOCATIONS", "REQUEST"],
            [
                (
                    one["environment_id"],
                    one["version"],
                    one["state"],
                    rendering.local_time(one["state_since"]),
                    one["invocations"],
                    one.get("request_id"),
                )
                for one in live["environments"]
            ],
            right=["INVOCATIONS"],
        )
    _print_history(live["history"])


def _leads_to(shares: dict[str, float]) -> str:
    """Its version, or each of them with its share of the invocations."""
    if len(shares) == 1:
        return next(iter(shares))
    return ", ".join(f"{version} ({share:.0%})" for version, share in shares.items())


def _print_history(entries: list[dict[str, Any]]) -> None:
    if not entries:
        return
    rendering.print_line()
    rendering.print_table(
        ["AT", "EVENT", "ENVIRONMENT", "REQUEST", "DETAIL"],
        [
            (
                rendering.local_time(one["at"]),
                one["event"],
                one.get("environment_id"),
                one.get("request_id"),
                " ".join(f"{key}={value}" for key, value in (one.get("detail") or {}).items()),
            )
            for one in entries
        ],
    )


def _describe_invocation(invocation: dict[str, Any], as_json: bool) -> None:
    if as_json:
        rendering.print_document(invocation)
        return
    if invocation.get("diagnosis"):
        rendering.print_line(f"! {invocation['diagnosis']}", style="bold red")
    _print_all({key: value for key, value in invocation.items() if key not in {"diagnosis", "history"}})
    _print_history(invocation.get("history") or [])


def _print_all(document: dict[str, Any]) -> None:
    """Every plain field first, then each attempt under its number if the attempts are told one by one."""
    attempts = document["attempts"] if isinstance(document.get("attempts"), list) else []
    rendering.print_fields(
        (key.replace("_", " "), rendering.local_time(value) if key.endswith("_at") and value else value)
        for key, value in document.items()
        if value is not attempts
    )
    for number, attempt in enumerate(attempts, start=1):
        rendering.print_line()
        rendering.print_line(f"attempt {number}", style="bold")
        _print_all(attempt)
