"""
The further members of a function's configuration on the wire: parameters → `VersionOptions` → the answer's members.

All are read, checked as AWS does and rendered, also those that Paddock does not do yet: these are refused by name once
they have been read, so that whoever builds one takes its line away from `_NOT_DONE` and finds the rest there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import structlog

from orchestrator.domain.errors import NotBuiltYet
from orchestrator.domain.functions import FunctionVersion
from orchestrator.domain.version_options import FileSystem, LoggingConfig, VersionOptions, VpcConfig, check_options
from orchestrator.lambda_api.parse import Parameters

_NOT_DONE: dict[str, Callable[[VersionOptions], bool]] = {
    "FileSystemConfigs": lambda options: bool(options.file_systems),
    "SnapStart": lambda options: options.snap_start != "None",
}

log: structlog.stdlib.BoundLogger = structlog.get_logger()


def not_built(name: str) -> NotBuiltYet:
    """The refusal of a member that would be ignored."""
    return NotBuiltYet(
        f"{name} is not built yet in Paddock, and ignoring it would mislead; leave it out, or see docs/compatibility.md"
    )


def changed_options(options: VersionOptions, parameters: Parameters) -> VersionOptions:
    """
    Options with what the parameters change of them. Empty values take things away, as on AWS.

    Raises:
        InvalidParameterValue: As AWS would.
        NotBuiltYet: Naming what Paddock does not do.
    """
    changes: dict[str, Any] = {}
    if "Environment" in parameters:
        is_empty = not parameters["Environment"].get("Variables")
        changes["shows_environment"] = options.shows_environment and is_empty
    if "VpcConfig" in parameters:
        changes["vpc"] = _vpc(options.vpc or VpcConfig(), parameters["VpcConfig"])
    if "DeadLetterConfig" in parameters:
        changes["dead_letter_target"] = parameters["DeadLetterConfig"].get("TargetArn") or None
    if "KMSKeyArn" in parameters:
        changes["kms_key_arn"] = parameters["KMSKeyArn"] or None
    if "TracingConfig" in parameters:
        changes["tracing_mode"] = parameters["TracingConfig"].get("Mode", options.tracing_mode)
    if "FileSystemConfigs" in parameters:
        changes["file_systems"] = tuple(
            FileSystem(arn=one["Arn"], local_mount_path=one["LocalMountPath"])
            for one in parameters["FileSystemConfigs"]
        )
    if "SnapStart" in parameters:
        changes["snap_start"] = parameters["SnapStart"].get("ApplyOn", options.snap_start)
    if "LoggingConfig" in parameters:
        changes["logging"] = _logging(options.logging, parameters["LoggingConfig"])
    if "TenancyConfig" in parameters:
        changes["is_tenant_isolated"] = True
    changed = replace(options, **changes)
    check_options(changed)
    for name, is_asked_for in _NOT_DONE.items():
        if is_asked_for(changed):
            raise not_built(name)
    return changed


def rendered_options(version: FunctionVersion) -> dict[str, Any]:
    """The members of `FunctionConfiguration`; what was never asked for is left out where AWS leaves it out."""
    options, logging = version.options, version.options.logging
    output: dict[str, Any] = {
        "TracingConfig": {"Mode": options.tracing_mode},
        "SnapStart": {"ApplyOn": options.snap_start, "OptimizationStatus": "Off"},
        "LoggingConfig": {
            "LogFormat": logging.log_format,
            "ApplicationLogLevel": logging.application_level,
            "SystemLogLevel": logging.system_level,
            "LogGroup": version.log_group,
        },
    }
    if options.shows_environment or version.environment:
        output["Environment"] = {"Variables": dict(version.environment)}
    if options.vpc is not None:
        output["VpcConfig"] = _rendered_vpc(options.vpc, version.key.vpc_id)
    if options.dead_letter_target is not None:
        output["DeadLetterConfig"] = {"TargetArn": options.dead_letter_target}
    if options.kms_key_arn is not None:
        output["KMSKeyArn"] = options.kms_key_arn
    if options.file_systems:
        output["FileSystemConfigs"] = [
            {"Arn": one.arn, "LocalMountPath": one.local_mount_path} for one in options.file_systems
        ]
    if options.is_tenant_isolated:
        output["TenancyConfig"] = {"TenantIsolationMode": "PER_TENANT"}
    return output


def warn_of_what_is_only_kept(version: FunctionVersion, parameters: Parameters) -> None:
    """Say in the log what was asked for, is kept and shown, and has no effect."""
    if "DeadLetterConfig" in parameters and version.options.dead_letter_target is not None:
        log.warning(
            "dead_letter.not_delivered",
            function=version.key.arn,
            target=version.options.dead_letter_target,
            remedy="nothing is sent there yet; an event that fails for good is in the history",
        )
    vpc = version.options.vpc
    if "VpcConfig" in parameters and vpc is not None and vpc.security_group_ids:
        log.warning(
            "security_groups.filter_nothing",
            function=version.key.arn,
            security_groups=list(vpc.security_group_ids),
            remedy="they are kept and shown; whatever is in its subnets is reached",
        )


def _vpc(current: VpcConfig, given: dict[str, Any]) -> VpcConfig:
    # What is left out stays: Terraform replaces the security groups alone. Empty lists take a function out of its VPC.
    return VpcConfig(
        subnet_ids=tuple(given.get("SubnetIds", current.subnet_ids)),
        security_group_ids=tuple(given.get("SecurityGroupIds", current.security_group_ids)),
        ipv6_allowed_for_dual_stack=given.get("Ipv6AllowedForDualStack", current.ipv6_allowed_for_dual_stack),
    )


def _rendered_vpc(vpc: VpcConfig, vpc_id: str) -> dict[str, Any]:
    return {
        "SubnetIds": list(vpc.subnet_ids),
        "SecurityGroupIds": list(vpc.security_group_ids),
        "VpcId": vpc_id if vpc.subnet_ids else "",
        "Ipv6AllowedForDualStack": vpc.ipv6_allowed_for_dual_stack,
    }


def _logging(current: LoggingConfig, given: dict[str, Any]) -> LoggingConfig:
    return current.changed(
        log_format=given.get("LogFormat"),
        application_level=given.get("ApplicationLogLevel"),
        system_level=given.get("SystemLogLevel"),
        log_group=given.get("LogGroup"),
    )
