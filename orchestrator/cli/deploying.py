"""`paddock deploy` and `paddock rm`: what changes functions. A deployment is finished when AWS's states say so."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.cli import rendering
from orchestrator.cli.endpoint import complete_function, endpoint_of, lambda_client
from orchestrator.cli.environment_variables import environment_variables
from orchestrator.cli.failures import Failure, as_failure, unusable
from orchestrator.cli.options import AsJson, EndpointUrl
from orchestrator.cli.settling import require_success, settled
from orchestrator.cli.templates.document import names_a_template

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_lambda.type_defs import FunctionConfigurationResponseTypeDef

_ANY_ROLE = "arn:aws:iam::000000000000:role/any"


class Architecture(StrEnum):
    """What a function's image is built for."""

    X86_64 = "x86_64"
    ARM64 = "arm64"


def complete_function_or_template(context: typer.Context, incomplete: str) -> list[str]:
    """Deployed functions, and templates and folders that are here."""
    here = sorted(Path().glob(f"{incomplete}*")) if "*" not in incomplete else []
    files = [str(one) for one in here if names_a_template(one.name)]
    folders = [f"{one}/" for one in here if one.is_dir()]
    return [*complete_function(context, incomplete), *files, *folders]


def deploy(
    context: typer.Context,
    what: Annotated[
        str,
        typer.Argument(
            metavar="NAME|TEMPLATE",
            help="A function's name, with --image; or the file of an AWS SAM or CloudFormation template.",
            autocompletion=complete_function_or_template,
            show_default=False,
        ),
    ],
    more: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE", help="More of --parameter-overrides.", hidden=True)
    ] = None,
    image: Annotated[
        str | None, typer.Option(metavar="TAG", help="The image, as `docker build -t` named it.", show_default=False)
    ] = None,
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
    parameter_overrides: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE...", help="Of a template: values of its parameters; repeat for more."),
    ] = None,
    stack_name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Of a template: begins the names it does not give. [default: its folder's]"),
    ] = None,
    only_plan: Annotated[
        bool, typer.Option("--plan", "--dry-run", help="Of a template: print what would be done, and do nothing.")
    ] = False,
    no_build: Annotated[
        bool, typer.Option("--no-build", help="Of a template: take the images as they are, and build none.")
    ] = False,
    as_json: AsJson = False,
    endpoint_url: EndpointUrl = None,
) -> None:
    """
    Create or update a function, or all that a template describes, and wait until it is ready.

    With --image, an option that is not given leaves an existing function's value as it is; variables are replaced all
    together. With a template, its functions, versions, aliases, URLs and the like come to stand as it says.
    """
    for_image = {
        "--image": image,
        "--memory": memory,
        "--timeout": timeout,
        "--env": env,
        "--env-file": env_file,
        "--role": role,
        "--reserved-concurrency": reserved_concurrency,
        "--arch": arch,
        "--command": command,
        "--entry-point": entry_point,
        "--working-dir": working_dir,
    }
    for_template = {
        "--parameter-overrides": parameter_overrides,
        "--stack-name": stack_name,
        "--plan": only_plan or None,
        "--no-build": no_build or None,
    }
    if not names_a_template(what):
        _refuse(for_template, f"is for templates, and {what!r} is a function's name; name the template's file")
        if more:
            raise unusable(f"{more[0]!r} is one argument too many; give a function's name and --image")
        if image is None:
            raise unusable(f"{what}: give its image with --image, or name the file of a template")
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
        _deploy_image(client, what, image, architectures, configuration, image_config, reserved_concurrency, as_json)
        return
    _refuse(for_image, "is for one function, and a template says it of each of its own; write it there")
    if more and not parameter_overrides:
        raise unusable(f"{more[0]!r} is one argument too many; values of parameters follow --parameter-overrides")
    # Imported here: what deploys one image, and every other command, must not pay for AWS's translator.
    from orchestrator.cli.templates.deploying import deploy_template

    deploy_template(
        lambda_client(endpoint_of(context)),
        Path(what),
        overrides=[*(parameter_overrides or []), *(more or [])],
        stack_name=stack_name,
        only_plan=only_plan,
        build=not no_build,
        as_json=as_json,
    )


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


def _refuse(options: dict[str, Any], reason: str) -> None:
    """Refuse the first option that was given."""
    for name, value in options.items():
        if value not in (None, []):
            raise unusable(f"{name} {reason}")


def _deploy_image(
    client: LambdaClient,
    name: str,
    image: str,
    architectures: list[str] | None,
    configuration: dict[str, Any],
    image_config: dict[str, Any],
    reserved_concurrency: int | None,
    as_json: bool,
) -> None:
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
    require_success(name, settled(client, name))


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
    settled(client, name)
    code: dict[str, Any] = {"FunctionName": name, "ImageUri": image, **_given(Architectures=architectures)}
    client.update_function_code(**code)
    require_success(name, settled(client, name))
    if image_config:
        # The API replaces all three together.
        before: Any = existing.get("ImageConfigResponse", {}).get("ImageConfig", {})
        configuration = {**configuration, "ImageConfig": {**before, **image_config}}
    if configuration:
        client.update_function_configuration(FunctionName=name, **configuration)
        require_success(name, settled(client, name))


def _existing(client: LambdaClient, name: str) -> FunctionConfigurationResponseTypeDef | None:
    try:
        return client.get_function_configuration(FunctionName=name)
    except client.exceptions.ResourceNotFoundException:
        return None


def _given(**values: object) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
