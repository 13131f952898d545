"""
Records of the operations of code signing configs.

Those on functions can only refuse: the functions are container images, which AWS refuses in the same words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.unit.lambda_api.operations.record import (
    TIME,
    Call,
    Function,
    Matching,
    NotDeclared,
    NotMet,
    Record,
    Refused,
    Works,
)

GIVEN = {
    "Description": "of ours",
    "AllowedPublishers": {
        "SigningProfileVersionArns": ["arn:aws:signer:us-east-1:123456789012:/signing-profiles/ours/0123456789"]
    },
    "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": "Enforce"},
}
MADE = (
    Call(
        "create_code_signing_config",
        GIVEN,
        {"config": "CodeSigningConfig.CodeSigningConfigArn", "id": "CodeSigningConfig.CodeSigningConfigId"},
    ),
)
NAMED = {"CodeSigningConfigArn": "<config>"}
UNKNOWN = "arn:aws:lambda:us-east-1:<account>:code-signing-config:csc-0123456789abcdef0"
UNNAMED = {"CodeSigningConfigArn": UNKNOWN}
NO_SUCH_CONFIG = f"The Lambda code signing configuration {UNKNOWN} can not be found."
NO_ARN = (
    "1 validation error detected: Value 'csc' at 'codeSigningConfigArn' failed to satisfy constraint: "
    "Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}"
    r"((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:code-signing-config:csc-[a-z0-9]{17}"
)
NO_PUBLISHERS = (
    "1 validation error detected: Value '[]' at 'allowedPublishers.signingProfileVersionArns' failed to satisfy "
    "constraint: Member must have length greater than or equal to 1"
)
NO_ITEMS = (
    "1 validation error detected: Value '0' at 'maxItems' failed to satisfy constraint: "
    "Member must have value greater than or equal to 1"
)
TOO_LONG = {"FunctionName": "x" * 257}
NAME_TOO_LONG = (
    f"1 validation error detected: Value '{'x' * 257}' at 'functionName' failed to satisfy constraint: "
    "Member must have length less than or equal to 256"
)
IMAGE = "Code signing is not supported for functions created with container images."


def _config(
    config_id: str | Matching = "<id>", arn: str | Matching = "<config>", description: str = "of ours"
) -> Mapping[str, Any]:
    return {
        **GIVEN,
        "CodeSigningConfigId": config_id,
        "CodeSigningConfigArn": arn,
        "Description": description,
        "LastModified": TIME,
    }


def _unknown_config() -> Refused:
    return Refused(members=UNNAMED, status=404, code="ResourceNotFoundException", message=NO_SUCH_CONFIG)


def _no_arn() -> Refused:
    return Refused(members={"CodeSigningConfigArn": "csc"}, status=400, code="ValidationException", message=NO_ARN)


RECORDS = (
    Record(
        operation="CreateCodeSigningConfig",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_CreateCodeSigningConfig.html",
        works=Works(
            members=GIVEN,
            status=201,
            answer={
                "CodeSigningConfig": _config(
                    config_id=Matching("csc-[0-9a-f]{17}"),
                    arn=Matching("arn:aws:lambda:us-east-1:<account>:code-signing-config:csc-[0-9a-f]{17}"),
                )
            },
        ),
        not_found=NotDeclared(),
        conflict=NotDeclared(),
        invalid=Refused(
            members={"AllowedPublishers": {"SigningProfileVersionArns": []}},
            status=400,
            code="ValidationException",
            message=NO_PUBLISHERS,
        ),
    ),
    Record(
        operation="GetCodeSigningConfig",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_GetCodeSigningConfig.html",
        works=Works(before=MADE, members=NAMED, answer={"CodeSigningConfig": _config()}),
        not_found=_unknown_config(),
        conflict=NotDeclared(),
        invalid=_no_arn(),
    ),
    Record(
        operation="ListCodeSigningConfigs",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_ListCodeSigningConfigs.html",
        works=Works(before=MADE, answer={"CodeSigningConfigs": [_config()]}),
        not_found=NotDeclared(),
        conflict=NotDeclared(),
        invalid=Refused(members={"MaxItems": 0}, status=400, code="ValidationException", message=NO_ITEMS),
    ),
    Record(
        operation="UpdateCodeSigningConfig",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_UpdateCodeSigningConfig.html",
        works=Works(
            before=MADE,
            members={**NAMED, "Description": "of theirs"},
            answer={"CodeSigningConfig": _config(description="of theirs")},
        ),
        not_found=Refused(
            members={**UNNAMED, "Description": "of theirs"},
            status=404,
            code="ResourceNotFoundException",
            message=NO_SUCH_CONFIG,
        ),
        conflict=NotDeclared(),
        invalid=Refused(
            before=MADE,
            members={**NAMED, "AllowedPublishers": {"SigningProfileVersionArns": []}},
            status=400,
            code="ValidationException",
            message=NO_PUBLISHERS,
        ),
    ),
    Record(
        operation="DeleteCodeSigningConfig",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_DeleteCodeSigningConfig.html",
        works=Works(before=MADE, members=NAMED, status=204),
        not_found=_unknown_config(),
        conflict=NotMet("a function has the config; no function that is a container image can"),
        invalid=_no_arn(),
    ),
    Record(
        operation="ListFunctionsByCodeSigningConfig",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctionsByCodeSigningConfig.html",
        works=Works(before=MADE, members=NAMED, answer={"FunctionArns": []}),
        not_found=_unknown_config(),
        conflict=NotDeclared(),
        invalid=Refused(
            before=MADE, members={**NAMED, "MaxItems": 0}, status=400, code="ValidationException", message=NO_ITEMS
        ),
    ),
    Record(
        operation="PutFunctionCodeSigningConfig",
        source="https://docs.aws.amazon.com/lambda/latest/dg/configuration-codesigning.html",
        works=Refused(
            before=(*MADE, Function()),
            members={**NAMED, "FunctionName": "hello"},
            status=400,
            code="InvalidParameterValueException",
            message=IMAGE,
        ),
        not_found=Refused(
            before=(Function(),),
            members={**UNNAMED, "FunctionName": "hello"},
            status=404,
            code="CodeSigningConfigNotFoundException",
            message=(
                "The code signing configuration cannot be found. Check that the provided configuration is not "
                f"deleted: {UNKNOWN}."
            ),
        ),
        conflict=NotMet("another operation on the function is in progress; an image is refused whatever goes on"),
        invalid=Refused(
            before=(Function(),),
            members={"CodeSigningConfigArn": "csc", "FunctionName": "hello"},
            status=400,
            code="ValidationException",
            message=NO_ARN,
        ),
    ),
    Record(
        operation="GetFunctionCodeSigningConfig",
        source="https://docs.aws.amazon.com/lambda/latest/dg/configuration-codesigning.html",
        works=Refused(
            before=(Function(),),
            members={"FunctionName": "hello"},
            status=400,
            code="InvalidParameterValueException",
            message=IMAGE,
        ),
        not_found=Refused(
            members={"FunctionName": "hello"},
            status=404,
            code="ResourceNotFoundException",
            message="Function not found: <arn>",
        ),
        conflict=NotDeclared(),
        invalid=Refused(members=TOO_LONG, status=400, code="ValidationException", message=NAME_TOO_LONG),
    ),
    Record(
        operation="DeleteFunctionCodeSigningConfig",
        source="https://docs.aws.amazon.com/lambda/latest/dg/configuration-codesigning.html",
        works=Refused(
            before=(Function(),),
            members={"FunctionName": "hello"},
            status=400,
            code="InvalidParameterValueException",
            message=IMAGE,
        ),
        not_found=Refused(
            members={"FunctionName": "hello"},
            status=404,
            code="ResourceNotFoundException",
            message="Function not found: <arn>",
        ),
        conflict=NotMet("another operation on the function is in progress; an image is refused whatever goes on"),
        invalid=Refused(members=TOO_LONG, status=400, code="ValidationException", message=NAME_TOO_LONG),
    ),
)
