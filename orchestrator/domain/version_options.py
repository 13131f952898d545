"""
What a version can be configured with beyond its image, memory and variables. Values only.

AWS: https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class VpcConfig:
    """
    Further networks.

    Args:
        subnet_ids: Each names a Docker network.
        security_group_ids: Kept and shown.
    """

    subnet_ids: tuple[str, ...] = ()
    security_group_ids: tuple[str, ...] = ()
    ipv6_allowed_for_dual_stack: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggingConfig:
    """
    How output is written.

    Args:
        log_format: `Text` or `JSON`.
        application_level, system_level: In JSON, the least that is kept; None in text.
        log_group: None is the function's own.
    """

    log_format: str = "Text"
    application_level: str | None = None
    system_level: str | None = None
    log_group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSystem:
    """A file system and where it is mounted."""

    arn: str
    local_mount_path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionOptions:
    """
    All of them; what stands here is what AWS has when nothing was asked for.

    Args:
        dead_letter_target: Where events go that have failed for good.
        snap_start: `None` or `PublishedVersions`.
        is_tenant_isolated: Does each environment serve one tenant only?
    """

    vpc: VpcConfig | None = None
    dead_letter_target: str | None = None
    kms_key_arn: str | None = None
    tracing_mode: str = "PassThrough"
    file_systems: tuple[FileSystem, ...] = ()
    snap_start: str = "None"
    logging: LoggingConfig = LoggingConfig()
    is_tenant_isolated: bool = False
