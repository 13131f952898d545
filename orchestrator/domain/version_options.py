"""
What a version can be configured with beyond its image, memory and variables, and which of it AWS takes.

AWS: https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.domain.errors import InvalidParameterValue


@dataclass(frozen=True, slots=True, kw_only=True)
class VpcConfig:
    """
    Further networks. With no subnet it is what is left of one that was taken away.

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

    @property
    def is_json(self) -> bool:
        """Are lines of the platform JSON objects, and lines of the function filtered by their level?"""
        return self.log_format == "JSON"

    def changed(
        self, log_format: str | None, application_level: str | None, system_level: str | None, log_group: str | None
    ) -> LoggingConfig:
        """
        With what is given; the rest stays, levels only as long as the format is JSON, where they begin as `INFO`.

        Raises:
            InvalidParameterValue: If a level is given for text.
        AWS: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
        """
        log_format = log_format or self.log_format
        log_group = log_group or self.log_group
        if log_format == "JSON":
            return LoggingConfig(
                log_format=log_format,
                application_level=application_level or self.application_level or "INFO",
                system_level=system_level or self.system_level or "INFO",
                log_group=log_group,
            )
        if application_level or system_level:
            raise InvalidParameterValue(
                'LogLevel is not supported when LogFormat is set to "Text". '
                'Remove LogLevel from your request or change the LogFormat to "Json" and try again.'
            )
        return LoggingConfig(log_format=log_format, log_group=log_group)


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
        shows_environment: Was it created with variables of which there are none, and has never had any? AWS shows that,
            but nothing once an update has taken the last one away.
        vpc: None if it was never asked for.
        dead_letter_target: Where events go that have failed for good.
        snap_start: `None` or `PublishedVersions`.
        is_tenant_isolated: Does each environment serve one tenant only?
    """

    shows_environment: bool = False
    vpc: VpcConfig | None = None
    dead_letter_target: str | None = None
    kms_key_arn: str | None = None
    tracing_mode: str = "PassThrough"
    file_systems: tuple[FileSystem, ...] = ()
    snap_start: str = "None"
    logging: LoggingConfig = LoggingConfig()
    is_tenant_isolated: bool = False

    @property
    def subnet_ids(self) -> tuple[str, ...]:
        """The subnets it is in, each once and in order."""
        return tuple(sorted(set(self.vpc.subnet_ids))) if self.vpc is not None else ()

    def launch_parts(self) -> tuple[object, ...]:
        """What a running environment no longer fits when it changes: not what is only kept and shown."""
        vpc, logging = self.vpc or VpcConfig(), self.logging
        return (
            vpc.subnet_ids,
            vpc.security_group_ids,
            vpc.ipv6_allowed_for_dual_stack,
            [(one.arn, one.local_mount_path) for one in self.file_systems],
            self.tracing_mode,
            self.is_tenant_isolated,
            logging.log_format,
            logging.application_level,
            logging.system_level,
            logging.log_group,
        )


def check_options(options: VersionOptions) -> None:
    """
    May a version have these?

    Raises:
        InvalidParameterValue: If one cannot be, or cannot be together with another.
    """
    vpc = options.vpc or VpcConfig()
    if bool(vpc.subnet_ids) is not bool(vpc.security_group_ids):
        raise InvalidParameterValue("SubnetIds and SecurityIds must coexist or be both empty list.")
    if options.file_systems and not vpc.subnet_ids:
        raise InvalidParameterValue(
            f"Function must be configured to execute in a VPC to reference access point {options.file_systems[0].arn}. "
            "Please update the function configuration to include VPC subnets and security groups."
        )
    if options.dead_letter_target is not None:
        _check_dead_letter_target(options.dead_letter_target)


def _check_dead_letter_target(arn: str) -> None:
    """AWS: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html#invocation-dlq"""
    parts = arn.split(":", 5)
    service = parts[2] if len(parts) == 6 else ""
    if service not in ("sqs", "sns"):
        raise InvalidParameterValue(f"Invalid dead letter queue ARN: {arn} is neither an SQS queue nor an SNS topic")
    if service == "sqs" and arn.endswith(".fifo"):
        raise InvalidParameterValue(
            "Invalid dead letter queue ARN: FIFO SQS queue is not supported for dead letter configuration"
        )
