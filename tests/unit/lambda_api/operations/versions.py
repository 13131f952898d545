"""Records of the operations of published versions."""

from __future__ import annotations

from tests.unit.lambda_api.operations.functions import ACTIVE, HELLO, LISTED, NO_SUCH_FUNCTION
from tests.unit.lambda_api.operations.record import (
    Call,
    Function,
    FunctionInProgress,
    NotDeclared,
    Record,
    Refused,
    Works,
)

RECORDS = (
    Record(
        operation="PublishVersion",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html",
        works=Works(
            before=(
                Function(members={"Description": "of latest"}),
                Call(
                    "get_function_configuration", HELLO, {"code_sha256": "CodeSha256", "latest_revision": "RevisionId"}
                ),
            ),
            members={
                **HELLO,
                "Description": "of the version",
                "CodeSha256": "<code_sha256>",
                "RevisionId": "<latest_revision>",
            },
            status=201,
            answer={**ACTIVE, "FunctionArn": "<arn>:1", "Version": "1", "Description": "of the version"},
        ),
        not_found=NO_SUCH_FUNCTION,
        conflict=Refused(
            before=(FunctionInProgress(),),
            members=HELLO,
            status=409,
            code="ResourceConflictException",
            message=(
                "The operation cannot be performed at this time. "
                "The function is currently in the following state: Pending"
            ),
        ),
        invalid=Refused(
            before=(Function(),),
            members={**HELLO, "CodeSha256": "wrong"},
            status=400,
            code="InvalidParameterValueException",
            message=(
                f"CodeSHA256 (wrong) is different from current CodeSHA256 in $LATEST ({'a' * 64}). "
                "Please try again with the CodeSHA256 in $LATEST."
            ),
        ),
    ),
    Record(
        operation="ListVersionsByFunction",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_ListVersionsByFunction.html",
        works=Works(
            before=(Function(), Call("publish_version", {**HELLO, "Description": "first"})),
            members=HELLO,
            answer={
                "Versions": [
                    {**LISTED, "FunctionArn": "<arn>:$LATEST"},
                    {**LISTED, "FunctionArn": "<arn>:1", "Version": "1", "Description": "first"},
                ]
            },
        ),
        not_found=NO_SUCH_FUNCTION,
        conflict=NotDeclared(),
        invalid=Refused(
            before=(Function(),),
            members={**HELLO, "MaxItems": 0},
            status=400,
            code="ValidationException",
            message=(
                "1 validation error detected: Value '0' at 'maxItems' failed to satisfy constraint: "
                "Member must have value greater than or equal to 1"
            ),
        ),
    ),
)
