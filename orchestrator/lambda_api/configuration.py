"""
A function's configuration on the wire: parameters → version, version → `FunctionConfiguration`.

What Paddock would not do as asked is refused by name, never accepted and forgotten.
AWS: https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from orchestrator.domain.code_signing import no_code_signing
from orchestrator.domain.errors import InvalidParameterValue, NotBuiltYet
from orchestrator.domain.functions import Function, FunctionState, FunctionVersion, ImageConfig
from orchestrator.domain.names import FunctionKey
from orchestrator.domain.quotas import check_environment, check_limits
from orchestrator.lambda_api.options import changed_options, not_built, rendered_options
from orchestrator.lambda_api.parse import Parameters
from orchestrator.lambda_api.times import aws_time

_HARMLESS: dict[str, tuple[Any, ...]] = {
    "PublishTo": (),
    "CapacityProviderConfig": (),
    "DurableConfig": (),
    "RuntimeConfig": (),
    "AcceleratorConfig": (),
    "SourceKMSKeyArn": ("",),
}
"""Members that are not built yet, with the values that ask for nothing."""
_MAX_EPHEMERAL_STORAGE_MIB = 10_240
"""AWS: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
_OF_ZIP = ("Runtime", "Handler", "Layers")


def refuse_what_is_not_built(parameters: Parameters) -> None:
    """
    Refuse members that would be ignored.

    Raises:
        NotBuiltYet: Naming the member.
    """
    for name, harmless in _HARMLESS.items():
        if name in parameters and parameters[name] not in harmless:
            raise not_built(name)


def new_version(key: FunctionKey, parameters: Parameters, now: datetime) -> FunctionVersion:
    """
    The version that CreateFunction asks for.

    Raises:
        InvalidParameterValue: As AWS would.
        NotBuiltYet: For zip packages.
    """
    code = parameters["Code"]
    refuse_what_is_not_built(parameters | code)
    if parameters.get("PackageType", "Zip") != "Image":
        if "ImageUri" in code:
            raise InvalidParameterValue(
                "Please provide PackageType Image when creating a function with an ImageUri (it defaults to Zip)."
            )
        raise NotBuiltYet(
            "PackageType Zip is not built yet in Paddock; package the function as a container image "
            "(PackageType=Image, Code.ImageUri=<local tag>), see docs/compatibility.md"
        )
    if "ImageUri" not in code:
        raise InvalidParameterValue("Please provide ImageUri when creating a function with packageType Image.")
    _refuse_zip_members(parameters)
    if "CodeSigningConfigArn" in parameters:
        raise no_code_signing()
    version = FunctionVersion(
        key=key, image_uri=code["ImageUri"], role=parameters["Role"], revision_id="", last_modified=now
    )
    is_empty = "Environment" in parameters and not parameters["Environment"].get("Variables")
    options = replace(version.options, shows_environment=is_empty)
    return configured(replace(version, options=options), parameters)


def configured(version: FunctionVersion, parameters: Parameters) -> FunctionVersion:
    """
    A version with what the parameters change of its configuration.

    Raises:
        InvalidParameterValue: If a value is over AWS's limits.
        NotBuiltYet: For a member that Paddock does not do.
    """
    _refuse_zip_members(parameters)
    changes: dict[str, Any] = {}
    if "Environment" in parameters:
        changes["environment"] = parameters["Environment"].get("Variables", {})
        check_environment(changes["environment"])
    if "Timeout" in parameters:
        changes["timeout"] = timedelta(seconds=parameters["Timeout"])
    if "ImageConfig" in parameters:
        changes["image_config"] = _image_config(parameters["ImageConfig"])
    if "EphemeralStorage" in parameters:
        changes["ephemeral_storage_mib"] = _ephemeral_storage_mib(parameters["EphemeralStorage"]["Size"])
    for name, field in (("MemorySize", "memory_mib"), ("Role", "role"), ("Description", "description")):
        if name in parameters:
            changes[field] = parameters[name]
    changes["options"] = changed_options(version.options, parameters)
    changed = replace(_with_architecture(version, parameters), **changes)
    check_limits(changed.memory_mib, int(changed.timeout.total_seconds()))
    return changed


def recoded(version: FunctionVersion, parameters: Parameters) -> FunctionVersion:
    """
    A version with the code that UpdateFunctionCode asks for; its image is to be looked up.

    Raises:
        InvalidParameterValue: If there is no ImageUri.
    """
    if "ImageUri" not in parameters:
        raise InvalidParameterValue("Please provide ImageUri when updating a function with packageType Image.")
    return replace(_with_architecture(version, parameters), image_uri=parameters["ImageUri"], image=None)


def rendered(version: FunctionVersion, *, with_state: bool = True) -> dict[str, Any]:
    """A version as `FunctionConfiguration`; ListFunctions leaves the state out."""
    output: dict[str, Any] = {
        "FunctionName": version.key.name,
        "FunctionArn": version.arn,
        "Role": version.role,
        "CodeSize": 0,
        "Description": version.description,
        "Timeout": int(version.timeout.total_seconds()),
        "MemorySize": version.memory_mib,
        "LastModified": aws_time(version.last_modified),
        "CodeSha256": version.code_sha256,
        "Version": version.version,
        "RevisionId": version.revision_id,
        "PackageType": "Image",
        "Architectures": [version.architecture],
        "EphemeralStorage": {"Size": version.ephemeral_storage_mib},
        **rendered_options(version),
    }
    if version.image_config != ImageConfig():
        output["ImageConfigResponse"] = {"ImageConfig": _rendered_image_config(version.image_config)}
    if with_state:
        output |= {
            "State": version.state.value,
            "StateReason": version.state_reason,
            "StateReasonCode": version.state_reason_code,
        }
        if version.state is not FunctionState.PENDING:
            output |= {
                "LastUpdateStatus": version.last_update_status.value,
                "LastUpdateStatusReason": version.last_update_status_reason,
                "LastUpdateStatusReasonCode": version.last_update_status_reason_code,
            }
    return output


def rendered_in_list(version: FunctionVersion, *, is_qualified: bool) -> dict[str, Any]:
    """
    A version as lists show it: without its state.

    Args:
        is_qualified: Has the ARN of `$LATEST` its qualifier, as where versions are listed?
    """
    output = rendered(version, with_state=False)
    return output | {"FunctionArn": version.key.qualified_arn(version.version)} if is_qualified else output


def rendered_function(function: Function, version: FunctionVersion, *, is_qualified: bool) -> dict[str, Any]:
    """
    One of a function's versions as GetFunction answers it.

    Args:
        is_qualified: Was it asked for with a qualifier? What the function has reserved is then left out.
    """
    code = {"RepositoryType": "ECR", "ImageUri": version.image_uri}
    if version.image is not None and version.code_before is None:
        repository = version.image_uri.partition("@")[0]
        name, _, tag = repository.rpartition(":")
        repository = repository if not name or "/" in tag else name
        code["ResolvedImageUri"] = f"{repository}@{version.image.image_id}"
    output: dict[str, Any] = {"Configuration": rendered(version), "Code": code}
    if function.tags:
        output["Tags"] = dict(function.tags)
    if function.reserved_concurrency is not None and not is_qualified:
        output["Concurrency"] = {"ReservedConcurrentExecutions": function.reserved_concurrency}
    return output


def _refuse_zip_members(parameters: Parameters) -> None:
    if any(parameters.get(name) for name in _OF_ZIP):
        raise InvalidParameterValue(
            "Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image."
        )


def _with_architecture(version: FunctionVersion, parameters: Parameters) -> FunctionVersion:
    architectures = parameters.get("Architectures")
    return replace(version, architecture=architectures[0]) if architectures else version


def _ephemeral_storage_mib(asked: int) -> int:
    # The model allows more, for other kinds of functions.
    if asked > _MAX_EPHEMERAL_STORAGE_MIB:
        raise InvalidParameterValue(
            "'EphemeralStorage.Size' value failed to satisfy constraint: Member must have value less than or equal to "
            f"{_MAX_EPHEMERAL_STORAGE_MIB}"
        )
    return asked


def _image_config(given: dict[str, Any]) -> ImageConfig:
    # An empty list takes an override away, as on AWS.
    return ImageConfig(
        entry_point=tuple(given.get("EntryPoint", ())) or None,
        command=tuple(given.get("Command", ())) or None,
        working_directory=given.get("WorkingDirectory") or None,
    )


def _rendered_image_config(config: ImageConfig) -> dict[str, Any]:
    return {
        "EntryPoint": None if config.entry_point is None else list(config.entry_point),
        "Command": None if config.command is None else list(config.command),
        "WorkingDirectory": config.working_directory,
    }
