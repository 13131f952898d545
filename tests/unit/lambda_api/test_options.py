"""The further members of a function's configuration: kept and shown as AWS does, checked in its words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Active = Callable[..., dict[str, Any]]
Refused = Callable[..., tuple[str, str]]

_QUEUE = "arn:aws:sqs:us-east-1:000000000000:dead"
_TOPIC = "arn:aws:sns:us-east-1:000000000000:dead"
_KEY = "arn:aws:kms:us-east-1:000000000000:key/1"
_ACCESS_POINT = "arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/fsap-" + "0" * 17
_TEXT = {"LogFormat": "Text", "LogGroup": "/aws/lambda/hello"}
_JSON = {
    "LogFormat": "JSON",
    "ApplicationLogLevel": "INFO",
    "SystemLogLevel": "INFO",
    "LogGroup": "/aws/lambda/hello",
}
_DETAILED = _JSON | {"ApplicationLogLevel": "DEBUG", "LogGroup": "cool_lambda"}
_NO_VPC = {"SubnetIds": [], "SecurityGroupIds": [], "VpcId": "", "Ipv6AllowedForDualStack": False}
_NO_LEVEL_IN_TEXT = (
    'LogLevel is not supported when LogFormat is set to "Text". '
    'Remove LogLevel from your request or change the LogFormat to "Json" and try again.'
)
_NEVER_SHOWN_UNASKED = {
    "Environment",
    "VpcConfig",
    "DeadLetterConfig",
    "KMSKeyArn",
    "FileSystemConfigs",
    "TenancyConfig",
    "DurableConfig",
    "CapacityProviderConfig",
}


def test_what_was_never_asked_for_is_not_shown(active: Active) -> None:
    """AWS leaves these members out, rather than showing them empty."""
    assert not _NEVER_SHOWN_UNASKED & set(active())


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"VpcConfig": {}}, {"VpcConfig": _NO_VPC}),
        ({"VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []}}, {"VpcConfig": _NO_VPC}),
        ({"DeadLetterConfig": {"TargetArn": _QUEUE}}, {"DeadLetterConfig": {"TargetArn": _QUEUE}}),
        ({"DeadLetterConfig": {"TargetArn": _TOPIC}}, {"DeadLetterConfig": {"TargetArn": _TOPIC}}),
        ({"KMSKeyArn": _KEY}, {"KMSKeyArn": _KEY}),
        ({"TracingConfig": {"Mode": "Active"}}, {"TracingConfig": {"Mode": "Active"}}),
        ({"LoggingConfig": {"LogFormat": "Text"}}, {"LoggingConfig": _TEXT}),
        ({"LoggingConfig": {"LogFormat": "JSON"}}, {"LoggingConfig": _JSON}),
        ({"LoggingConfig": {"LogGroup": "cool_lambda"}}, {"LoggingConfig": _TEXT | {"LogGroup": "cool_lambda"}}),
        (
            {"LoggingConfig": {"LogFormat": "JSON", "SystemLogLevel": "WARN"}},
            {"LoggingConfig": _JSON | {"SystemLogLevel": "WARN"}},
        ),
    ],
    ids=str,
)
def test_what_is_asked_for_is_kept_and_shown(
    active: Active, client: Any, given: dict[str, Any], shown: dict[str, Any]
) -> None:
    """At creation or later, with AWS's defaults for what was left out."""
    (name,) = shown
    assert active(**given)[name] == shown[name]
    client.delete_function(FunctionName="hello")
    active()
    assert client.update_function_configuration(FunctionName="hello", **given)[name] == shown[name]
    assert client.get_function_configuration(FunctionName="hello")[name] == shown[name]


@pytest.mark.parametrize("given", [{}, {"Variables": {}}])
def test_an_empty_environment_is_shown_from_its_creation_on_until_it_had_a_variable(
    active: Active, client: Any, given: dict[str, Any]
) -> None:
    """An update that leaves none shows none, which is what Terraform's provider counts on."""
    assert active(Environment=given)["Environment"] == {"Variables": {}}
    shown = [
        client.update_function_configuration(FunctionName="hello", Environment=one).get("Environment")
        for one in (given, {"Variables": {"LEVEL": "1"}}, given)
    ]
    assert shown == [{"Variables": {}}, {"Variables": {"LEVEL": "1"}}, None]
    client.delete_function(FunctionName="hello")
    active()
    assert "Environment" not in client.update_function_configuration(FunctionName="hello", Environment=given)


@pytest.mark.parametrize(
    ("first", "then", "gone"),
    [
        ({"DeadLetterConfig": {"TargetArn": _QUEUE}}, {"DeadLetterConfig": {"TargetArn": ""}}, "DeadLetterConfig"),
        ({"DeadLetterConfig": {"TargetArn": _QUEUE}}, {"DeadLetterConfig": {}}, "DeadLetterConfig"),
        ({"KMSKeyArn": _KEY}, {"KMSKeyArn": ""}, "KMSKeyArn"),
    ],
)
def test_an_empty_value_takes_it_away(
    active: Active, client: Any, first: dict[str, Any], then: dict[str, Any], gone: str
) -> None:
    """It is as if it had never been."""
    assert gone in active(**first)
    assert gone not in client.update_function_configuration(FunctionName="hello", **then)


@pytest.mark.parametrize(
    ("then", "shown"),
    [
        ({"LogFormat": "Text"}, {"LogFormat": "Text", "LogGroup": "cool_lambda"}),
        ({"LogGroup": "other"}, _DETAILED | {"LogGroup": "other"}),
        ({"SystemLogLevel": "DEBUG"}, _DETAILED | {"SystemLogLevel": "DEBUG"}),
        ({"LogFormat": "JSON"}, _DETAILED),
    ],
)
def test_logging_changes_in_parts(active: Active, client: Any, then: dict[str, Any], shown: dict[str, Any]) -> None:
    """What is left out stays; the levels go with JSON."""
    active(LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": "DEBUG", "LogGroup": "cool_lambda"})
    answer = client.update_function_configuration(FunctionName="hello", LoggingConfig=then)
    assert answer["LoggingConfig"] == shown


@pytest.mark.parametrize(
    ("members", "code", "message"),
    [
        (
            {"LoggingConfig": {"SystemLogLevel": "INFO"}},
            "InvalidParameterValueException",
            _NO_LEVEL_IN_TEXT,
        ),
        (
            {"LoggingConfig": {"LogFormat": "Text", "ApplicationLogLevel": "INFO"}},
            "InvalidParameterValueException",
            _NO_LEVEL_IN_TEXT,
        ),
        (
            {"VpcConfig": {"SubnetIds": ["subnet-1"]}},
            "InvalidParameterValueException",
            "SubnetIds and SecurityIds must coexist or be both empty list.",
        ),
        (
            {"VpcConfig": {"SecurityGroupIds": ["sg-1"]}},
            "InvalidParameterValueException",
            "SubnetIds and SecurityIds must coexist or be both empty list.",
        ),
        (
            {"FileSystemConfigs": [{"Arn": _ACCESS_POINT, "LocalMountPath": "/mnt/a"}]},
            "InvalidParameterValueException",
            (
                f"Function must be configured to execute in a VPC to reference access point {_ACCESS_POINT}. Please "
                "update the function configuration to include VPC subnets and security groups."
            ),
        ),
        (
            {"DeadLetterConfig": {"TargetArn": f"{_QUEUE}.fifo"}},
            "InvalidParameterValueException",
            "Invalid dead letter queue ARN: FIFO SQS queue is not supported for dead letter configuration",
        ),
        (
            {"DeadLetterConfig": {"TargetArn": "arn:aws:s3:::bucket"}},
            "InvalidParameterValueException",
            "Invalid dead letter queue ARN: arn:aws:s3:::bucket is neither an SQS queue nor an SNS topic",
        ),
        (
            {"SnapStart": {"ApplyOn": "invalidOption"}},
            "ValidationException",
            (
                "1 validation error detected: Value 'invalidOption' at 'snapStart.applyOn' "
                "failed to satisfy constraint: Member must satisfy enum value set: [PublishedVersions, None]"
            ),
        ),
        (
            {"LoggingConfig": {"LogGroup": "a b"}},
            "ValidationException",
            (
                "1 validation error detected: Value 'a b' at 'loggingConfig.logGroup' failed to satisfy constraint: "
                r"Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+"
            ),
        ),
        (
            {"TracingConfig": {"Mode": "active"}},
            "ValidationException",
            (
                "1 validation error detected: Value 'active' at 'tracingConfig.mode' failed to satisfy constraint: "
                "Member must satisfy enum value set: [Active, PassThrough]"
            ),
        ),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_in_awss_words(
    active: Active, client: Any, refused: Refused, members: dict[str, Any], code: str, message: str
) -> None:
    """And nothing changes. The sentence on a target that is neither queue nor topic is ours."""
    before = active()
    assert refused(client.update_function_configuration, FunctionName="hello", **members) == (code, message)
    assert client.get_function_configuration(FunctionName="hello")["RevisionId"] == before["RevisionId"]


def test_file_systems_of_a_function_in_a_vpc_are_refused_by_name(active: Active, client: Any, refused: Refused) -> None:
    """A function without its file system would fail in ways nobody understands."""
    active()
    code, message = refused(
        client.update_function_configuration,
        FunctionName="hello",
        VpcConfig={"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
        FileSystemConfigs=[{"Arn": _ACCESS_POINT, "LocalMountPath": "/mnt/a"}],
    )
    assert (code, message.partition(" ")[0]) == ("NotImplementedException", "FileSystemConfigs")


@pytest.mark.parametrize("name", ["arn:aws:sqs:us-east-1:000000000000:dead", ""])
def test_a_dead_letter_queue_is_said_in_the_log_to_get_nothing(
    active: Active, client: Any, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """Only where one was asked for."""
    active()
    capsys.readouterr()
    client.update_function_configuration(FunctionName="hello", DeadLetterConfig={"TargetArn": name})
    assert ("dead_letter.not_delivered" in capsys.readouterr().out) is bool(name)
