"""`paddock deploy` and `paddock rm`: what changes functions. A deployment is finished when AWS's states say so."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.cli import rendering
from orchestrator.cli.endpoint import complete_function, endpoint_of, lambda_client
from orchestrator.cli.environment_variables import environment_variables
from orchestrator.cli.failures import ExitCode, Failure, as_failure
from orchestrator.cli.options import AsJson, EndpointUrl, FunctionName

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_lambda.type_defs import FunctionConfigurationResponseTypeDef

_ANY_ROLE = "arn:aws:iam::000000000000:role/any"
_POLL_S = 0.1
# A large image may have to be pulled first.
_SETTLE_LIMIT_S = 900.0


class Architecture(StrEnum):
    """What a function's image is built for."""

    X86_64 = "x86_64"
    ARM64 = "arm64"


def deploy(
    context: typer.Context,
    name: FunctionName,
    image: Annotated[str, typer.Option(metavar="TAG", help="The image, as `docker build -t` named it.")],
    memory: Annotated[
        int | None, typer.Option(metavar="MB", help="Memory in MB; a new function gets 128.", show_default=False)
    ] = None,
    timeout: Annotated[
        int | None, typer.Option(metavar="S", help="Timeout in seconds; a new function gets 3.", show_default=False)
    ] = None,
    env: Annotated[
        list[str] | None, typer.Option(metavar="K=V", help="An environment variable; repeat for more.")
    ] = None,
    env_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Environment variables, one K=V a line; --env wins.")
    ] = None,
    role: Annotated[str | None, typer.Option(metavar="ARN", help="Kept and shown, not checked.")] = None,
    reserved_concurrency: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="How many invocations may run at once; 0 lets none.")
    ] = None,
    arch: Annotated[Architecture | None, typer.Option(help="What the image is built for.")] = None,
    command: Annotated[
        list[str] | None, typer.Option(metavar="WORD", help="Replaces the image's CMD; repeat for more words.")
    ] = None,
    entry_point: Annotated[
        list[str] | None, typer.Option(metavar="WORD", help="Replaces the image's ENTRYPOINT; repeat for more words.")
    ] = None,
    working_dir: Annotated[str | None, typer.Option(metavar="DIR", help="Replaces the image's WORKDIR.")] = None,
    as_json: AsJson = False,
    endpoint_url: EndpointUrl = None,
) -> None:
    """
    Create or update a function, and wait until it is ready.

    An option that is not given leaves an existing function's value as it is. Variables are replaced all together.
    """
    variables = environment_variables(env or [], env_file)
    configuration = _given(
        MemorySize=memory,
        Timeout=timeout,
        Role=role,
        Environment=None if variables is None else {"Variables": variables},
    )
    image_config = _given(Command=command or None, EntryPoint=entry_point or None, WorkingDirectory=working_dir)
    architectures = [arch.value] if arch else None

    client = lambda_client(endpoint_of(context))
    with rendering.progress(f"deploying {name}"):
        existing = _existing(client, name)
        if existing is None:
            _create(client, name, image, architectures, configuration, image_config)
        else:
            _update(client, existing, image, architectures, configuration, image_config)
        if reserved_concurrency is not None:
            client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=reserved_concurrency)
        ready = client.get_function_configuration(FunctionName=name)
    if as_json:
        rendering.print_document({key: value for key, value in ready.items() if key != "ResponseMetadata"})
    else:
        done = "created" if existing is None else "updated"
        rendering.print_line(f"{name}: {done} from {image}, {ready['MemorySize']} MB, {ready['Timeout']} s")


def rm(
    context: typer.Context,
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME...", help="The functions' names.", show_default=False, autocompletion=complete_function
        ),
    ],
    as_json: AsJson = False,
    endpoint_url: EndpointUrl = None,
) -> None:
    """
    Remove functions and their environments.

    One that cannot be removed does not keep the others.
    """
    from botocore.exceptions import ClientError

    client = lambda_client(endpoint_of(context))
    removed: list[str] = []
    failures: list[Failure] = []
    for name in names:
        try:
            client.delete_function(FunctionName=name)
        except ClientError as error:
            failures.append(as_failure(error))
            continue
        removed.append(name)
        if not as_json:
            rendering.print_line(f"{name}: removed")
    if as_json:
        rendering.print_document({"removed": removed, "failed": [str(failure) for failure in failures]})
    for failure in failures[:-1]:
        rendering.tell(f"paddock: {failure}")
    if failures:
        raise failures[-1]


def _create(
    client: LambdaClient,
    name: str,
    image: str,
    architectures: list[str] | None,
    configuration: dict[str, Any],
    image_config: dict[str, Any],
) -> None:
    request: dict[str, Any] = {
        "FunctionName": name,
        "PackageType": "Image",
        "Code": {"ImageUri": image},
        "Role": _ANY_ROLE,
        **_given(Architectures=architectures, ImageConfig=image_config or None),
        **configuration,
    }
    client.create_function(**request)
    _require_success(name, _settled(client, name))


def _update(
    client: LambdaClient,
    existing: FunctionConfigurationResponseTypeDef,
    image: str,
    architectures: list[str] | None,
    configuration: dict[str, Any],
    image_config: dict[str, Any],
) -> None:
    name = existing["FunctionName"]
    # An update that still runs refuses the next one.
    _settled(client, name)
    code: dict[str, Any] = {"FunctionName": name, "ImageUri": image, **_given(Architectures=architectures)}
    client.update_function_code(**code)
    _require_success(name, _settled(client, name))
    if image_config:
        # The API replaces all three together.
        before: Any = existing.get("ImageConfigResponse", {}).get("ImageConfig", {})
        configuration = {**configuration, "ImageConfig": {**before, **image_config}}
    if configuration:
        client.update_function_configuration(FunctionName=name, **configuration)
        _require_success(name, _settled(client, name))


def _existing(client: LambdaClient, name: str) -> FunctionConfigurationResponseTypeDef | None:
    try:
        return client.get_function_configuration(FunctionName=name)
    except client.exceptions.ResourceNotFoundException:
        return None


def _settled(client: LambdaClient, name: str) -> FunctionConfigurationResponseTypeDef:
    """The configuration once nothing is under way any more, well or badly."""
    deadline_s = time.monotonic() + _SETTLE_LIMIT_S
    while True:
        found = client.get_function_configuration(FunctionName=name)
        if found.get("State") != "Pending" and found.get("LastUpdateStatus") != "InProgress":
            return found
        if time.monotonic() > deadline_s:
            raise Failure(
                f"{name} is not ready after {_SETTLE_LIMIT_S:.0f} s; `paddock describe {name}` shows its state"
            )
        time.sleep(_POLL_S)


def _require_success(name: str, found: FunctionConfigurationResponseTypeDef) -> None:
    if found.get("LastUpdateStatus") == "Failed":
        reason = found.get("LastUpdateStatusReason") or found.get("LastUpdateStatusReasonCode")
        raise Failure(f"{name}: the update failed: {reason}; what ran before still runs", ExitCode.OUR_FAILURE)
    if found.get("State") == "Failed":
        reason = found.get("StateReason") or found.get("StateReasonCode")
        raise Failure(f"{name} is Failed: {reason}; mend it and deploy again", ExitCode.OUR_FAILURE)


def _given(**values: object) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
