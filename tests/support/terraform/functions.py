"""
aws_lambda_function, of images (`function.go`).

Left out of it: zip packages, and what Paddock refuses by name (`docs/compatibility.md`).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from tests.support.terraform.resource import (
    CONFLICT,
    INVALID,
    NOT_FOUND,
    Attributes,
    Resource,
    found_or_none,
    only_given,
)

_REPEATED = (
    (INVALID, "The role defined for the function cannot be assumed by Lambda"),
    (INVALID, "The provided execution role does not have permissions"),
    (INVALID, "throttled by EC2"),
    (INVALID, "Lambda was unable to configure access to your environment variables because the KMS key is invalid"),
    (CONFLICT, ""),
)
_CONFIGURATION = {
    "description",
    "dead_letter_config",
    "environment",
    "ephemeral_storage",
    "image_config",
    "kms_key_arn",
    "logging_config",
    "memory_size",
    "role",
    "timeout",
    "tracing_config",
    "vpc_config",
}
_CODE = {"image_uri", "architectures"}
_LEVELS = ("application_log_level", "system_log_level")
_STATES = {"Active", "ActiveNonInvocable", "Pending", "Inactive", "Failed", "Deleting"}
_LARGEST_PAGE = 10_000


class Function(Resource):
    """A function of an image."""

    defaults = {
        "function_name": None,
        "role": None,
        "image_uri": None,
        "package_type": "Zip",
        "architectures": None,
        "dead_letter_config": None,
        "description": "",
        "environment": None,
        "ephemeral_storage": None,
        "image_config": None,
        "kms_key_arn": "",
        "logging_config": None,
        "memory_size": 128,
        "reserved_concurrent_executions": -1,
        "tags": {},
        "timeout": 3,
        "tracing_config": None,
        "vpc_config": None,
    }
    computed = ("architectures", "ephemeral_storage", "logging_config", "tracing_config")
    unread = {"publish": False}

    def __init__(self, client: Any) -> None:
        super().__init__(client)
        self._name = ""
        self._arn = ""
        self._tags: Attributes = {}

    def create(self, planned: Attributes) -> None:
        """CreateFunction; until it is there and active; PutFunctionConcurrency."""
        self._name = planned["function_name"]
        environment, dead_letters = planned["environment"], planned["dead_letter_config"]
        request = {
            "Code": {"ImageUri": planned["image_uri"]},
            "Description": planned["description"],
            "FunctionName": self._name,
            "MemorySize": planned["memory_size"],
            "PackageType": planned["package_type"],
            "Publish": planned["publish"],
            "Role": planned["role"],
            "Timeout": planned["timeout"],
            **only_given(
                Architectures=planned["architectures"],
                DeadLetterConfig=dead_letters and {"TargetArn": dead_letters["target_arn"]},
                Environment=environment and environment.get("variables") and {"Variables": environment["variables"]},
                EphemeralStorage=planned["ephemeral_storage"] and {"Size": planned["ephemeral_storage"]["size"]},
                ImageConfig=planned["image_config"] and _image_config(planned["image_config"]),
                KMSKeyArn=planned["kms_key_arn"],
                LoggingConfig=planned["logging_config"] and _logging_config(planned["logging_config"]),
                Tags=planned["tags"],
                TracingConfig=planned["tracing_config"] and {"Mode": planned["tracing_config"]["mode"]},
                VpcConfig=planned["vpc_config"] and _vpc_config(planned["vpc_config"]),
            ),
        }
        self.repeated(lambda: self.client.create_function(**request), *_REPEATED)
        self.repeated(self._get, (NOT_FOUND, ""))
        self.wait(lambda: self._state("State"), pending={"Pending"}, target={"Active", "ActiveNonInvocable"})
        if planned["reserved_concurrent_executions"] >= 0:
            self._reserve(planned)

    def read(self) -> dict[str, Any] | None:
        """GetFunction, and ListVersionsByFunction for the newest one."""
        found = found_or_none(self._get)
        if found is None:
            return None
        function = found["Configuration"]
        self._arn, self._tags = function["FunctionArn"], found.get("Tags", {})
        latest = self._newest_version()
        dead_letters = function.get("DeadLetterConfig", {}).get("TargetArn")
        environment = function.get("Environment")
        return {
            "function_name": self._name,
            "role": function["Role"],
            "image_uri": found["Code"].get("ImageUri"),
            "package_type": function["PackageType"],
            "architectures": function["Architectures"],
            "dead_letter_config": None if dead_letters is None else {"target_arn": dead_letters},
            "description": function["Description"],
            "environment": None if environment is None else {"variables": environment.get("Variables", {})},
            "ephemeral_storage": {"size": function["EphemeralStorage"]["Size"]},
            "image_config": _image_config_read(function),
            "kms_key_arn": function.get("KMSKeyArn"),
            "logging_config": _logging_config_read(function["LoggingConfig"]),
            "memory_size": function["MemorySize"],
            "reserved_concurrent_executions": found.get("Concurrency", {}).get("ReservedConcurrentExecutions", -1),
            "tags": self._tags,
            "timeout": function["Timeout"],
            "tracing_config": {"mode": function.get("TracingConfig", {"Mode": "PassThrough"})["Mode"]},
            "vpc_config": _vpc_config_read(function.get("VpcConfig")),
            "arn": self._arn,
            "version": latest["Version"],
            "qualified_arn": latest["FunctionArn"],
        }

    def update(self, planned: Attributes, changes: Collection[str]) -> None:
        """Tags, configuration, code, reserved concurrency, and then a version if it publishes."""
        self._retag(planned["tags"])
        if _CONFIGURATION & set(changes):
            request = _changed_configuration(planned, changes)
            self.repeated(
                lambda: self.client.update_function_configuration(FunctionName=self._name, **request), *_REPEATED
            )
            self._wait_until_updated()
        if _CODE & set(changes):
            architectures = planned["architectures"] if "architectures" in changes else None
            self.client.update_function_code(
                FunctionName=self._name, ImageUri=planned["image_uri"], **only_given(Architectures=architectures)
            )
            self._wait_until_updated()
        if "reserved_concurrent_executions" in changes:
            if planned["reserved_concurrent_executions"] >= 0:
                self._reserve(planned)
            else:
                self.client.delete_function_concurrency(FunctionName=self._name)
        if planned["publish"] and (_CONFIGURATION | _CODE | {"publish"}) & set(changes):
            self._publish()

    def destroy(self) -> None:
        """DeleteFunction; until it is not there."""
        found_or_none(
            lambda: self.repeated(
                lambda: self.client.delete_function(FunctionName=self._name),
                (INVALID, "because it is a replicated function"),
            )
        )
        self.wait(lambda: self._state("State"), pending=_STATES, target=())

    def with_what_stays(self, name: str, configured: Any, state: Any) -> Any:
        """Empty blocks where there is none, the log group, and levels that are not said: the suppressions."""
        if name in ("environment", "image_config", "vpc_config") and state is None and not _says_anything(configured):
            return None
        if name == "logging_config" and configured is not None:
            stays = {"log_group": state["log_group"]}
            if configured["log_format"] == state["log_format"]:
                stays |= {level: state[level] for level in _LEVELS}
            return stays | configured
        return configured

    def _get(self) -> Any:
        return self.client.get_function(FunctionName=self._name)

    def _state(self, member: str) -> str | None:
        found = found_or_none(self._get)
        return None if found is None else str(found["Configuration"].get(member, ""))

    def _newest_version(self) -> Any:
        asked: dict[str, Any] = {"FunctionName": self._name, "MaxItems": _LARGEST_PAGE}
        while True:
            page = self.client.list_versions_by_function(**asked)
            if "NextMarker" not in page:
                return page["Versions"][-1]
            asked["Marker"] = page["NextMarker"]

    def _wait_until_updated(self) -> None:
        self.wait(lambda: self._state("LastUpdateStatus"), pending={"InProgress"}, target={"Successful"})

    def _reserve(self, planned: Attributes) -> None:
        self.client.put_function_concurrency(
            FunctionName=self._name, ReservedConcurrentExecutions=planned["reserved_concurrent_executions"]
        )

    def _retag(self, tags: Attributes) -> None:
        if removed := [name for name in self._tags if name not in tags]:
            self.client.untag_resource(Resource=self._arn, TagKeys=removed)
        if updated := {name: value for name, value in tags.items() if self._tags.get(name) != value}:
            self.client.tag_resource(Resource=self._arn, Tags=updated)

    def _publish(self) -> None:
        version = self.repeated(lambda: self.client.publish_version(FunctionName=self._name), (CONFLICT, "in progress"))

        def status() -> str | None:
            found = found_or_none(
                lambda: self.client.get_function_configuration(
                    FunctionName=version["FunctionArn"], Qualifier=version["Version"]
                )
            )
            return None if found is None else str(found.get("LastUpdateStatus") or "InProgress")

        self.wait(status, pending={"InProgress"}, target={"Successful"})


def _changed_configuration(planned: Attributes, changes: Collection[str]) -> dict[str, Any]:
    environment = (planned["environment"] or {}).get("variables") or {}
    made = {
        "description": lambda: {"Description": planned["description"]},
        "dead_letter_config": lambda: {
            "DeadLetterConfig": {"TargetArn": (planned["dead_letter_config"] or {}).get("target_arn", "")}
        },
        "environment": lambda: {"Environment": {"Variables": environment}},
        "ephemeral_storage": lambda: {"EphemeralStorage": {"Size": planned["ephemeral_storage"]["size"]}},
        "image_config": lambda: {"ImageConfig": _image_config(planned["image_config"])},
        "kms_key_arn": lambda: {"Environment": {"Variables": environment}, "KMSKeyArn": planned["kms_key_arn"]},
        "logging_config": lambda: {"LoggingConfig": _logging_config(planned["logging_config"])},
        "memory_size": lambda: {"MemorySize": planned["memory_size"]},
        "role": lambda: {"Role": planned["role"]},
        "timeout": lambda: {"Timeout": planned["timeout"]},
        "tracing_config": lambda: {"TracingConfig": {"Mode": planned["tracing_config"]["mode"]}},
        "vpc_config": lambda: {"VpcConfig": _vpc_config(planned["vpc_config"] or {})},
    }
    request: dict[str, Any] = {}
    for name in sorted(_CONFIGURATION & set(changes)):
        request |= made[name]()
    return request


def _image_config(block: Attributes | None) -> dict[str, Any]:
    if block is None:
        return {}
    lists = only_given(EntryPoint=block.get("entry_point"), Command=block.get("command"))
    return {**lists, "WorkingDirectory": block.get("working_directory") or ""}


def _image_config_read(function: Attributes) -> dict[str, Any] | None:
    config = function.get("ImageConfigResponse", {}).get("ImageConfig")
    if config is None:
        return None
    return {
        "command": config.get("Command"),
        "entry_point": config.get("EntryPoint"),
        "working_directory": config.get("WorkingDirectory"),
    }


def _logging_config(block: Attributes) -> dict[str, Any]:
    return only_given(
        ApplicationLogLevel=block.get("application_log_level"),
        LogFormat=block.get("log_format"),
        LogGroup=block.get("log_group"),
        SystemLogLevel=block.get("system_log_level"),
    )


def _logging_config_read(config: Attributes) -> dict[str, Any]:
    return {
        "application_log_level": config.get("ApplicationLogLevel", ""),
        "log_format": config["LogFormat"],
        "log_group": config["LogGroup"],
        "system_log_level": config.get("SystemLogLevel", ""),
    }


def _vpc_config(block: Attributes) -> dict[str, Any]:
    return {
        "Ipv6AllowedForDualStack": block.get("ipv6_allowed_for_dual_stack", False),
        "SecurityGroupIds": sorted(block.get("security_group_ids", ())),
        "SubnetIds": sorted(block.get("subnet_ids", ())),
    }


def _vpc_config_read(config: Attributes | None) -> dict[str, Any] | None:
    if config is None or not (config["SubnetIds"] or config["SecurityGroupIds"] or config["VpcId"]):
        return None
    return {
        "ipv6_allowed_for_dual_stack": config["Ipv6AllowedForDualStack"],
        "security_group_ids": set(config["SecurityGroupIds"]),
        "subnet_ids": set(config["SubnetIds"]),
    }


def _says_anything(block: Attributes | None) -> bool:
    return any((block or {}).values())
