"""
Records of the operations of function URLs.

The URLs themselves are this host's; on AWS they are under `on.aws`.
"""

from __future__ import annotations

from tests.unit.lambda_api.operations.record import (
    Call,
    Function,
    Matching,
    NotDeclared,
    NotMet,
    Record,
    Refused,
    Works,
)

HELLO = {"FunctionName": "hello"}
HAS_A_URL = (Function(), Call("create_function_url_config", {**HELLO, "AuthType": "NONE"}))
URL = Matching(r"http://[0-9a-f]{32}\.lambda-url\.us-east-1\.localhost:4574/")
WRITTEN_TIME = Matching(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
AS_CREATED = {
    "FunctionUrl": URL,
    "FunctionArn": "<arn>",
    "AuthType": "NONE",
    "CreationTime": WRITTEN_TIME,
    "LastModifiedTime": WRITTEN_TIME,
    "InvokeMode": "BUFFERED",
}
CORS = {
    "AllowCredentials": True,
    "AllowHeaders": ["x-one", "x-two"],
    "AllowMethods": ["GET", "DELETE"],
    "AllowOrigins": ["https://shop.example"],
    "ExposeHeaders": ["x-three"],
    "MaxAge": 0,
}
NO_URL = Refused(
    before=(Function(),),
    members=HELLO,
    status=404,
    code="ResourceNotFoundException",
    message="The resource you requested does not exist.",
)
IN_PROGRESS = NotMet("another operation in progress; while a function is created or updated AWS does not name this one")

RECORDS = (
    Record(
        operation="CreateFunctionUrlConfig",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunctionUrlConfig.html",
        works=Works(
            before=(Function(),),
            members={**HELLO, "AuthType": "AWS_IAM", "Cors": CORS, "InvokeMode": "RESPONSE_STREAM"},
            status=201,
            answer={
                "FunctionUrl": URL,
                "FunctionArn": "<arn>",
                "AuthType": "AWS_IAM",
                "Cors": CORS,
                "CreationTime": WRITTEN_TIME,
                "InvokeMode": "RESPONSE_STREAM",
            },
        ),
        not_found=Refused(
            members={"FunctionName": "none", "AuthType": "NONE"},
            status=404,
            code="ResourceNotFoundException",
            message="Function does not exist",
        ),
        conflict=Refused(
            before=HAS_A_URL,
            members={**HELLO, "AuthType": "NONE"},
            status=409,
            code="ResourceConflictException",
            message=(
                "Failed to create function url config for [functionArn = <arn>]. "
                "Error message:  FunctionUrlConfig exists for this Lambda function"
            ),
        ),
        invalid=Refused(
            before=(Function(),),
            members={**HELLO, "AuthType": "ANY"},
            status=400,
            code="ValidationException",
            message=(
                "1 validation error detected: Value 'ANY' at 'authType' failed to satisfy constraint: "
                "Member must satisfy enum value set: [NONE, AWS_IAM]"
            ),
        ),
    ),
    Record(
        operation="GetFunctionUrlConfig",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionUrlConfig.html",
        works=Works(before=HAS_A_URL, members=HELLO, answer=AS_CREATED),
        not_found=NO_URL,
        conflict=NotDeclared(),
        invalid=Refused(
            before=HAS_A_URL,
            members={**HELLO, "Qualifier": "1"},
            status=400,
            code="ValidationException",
            message=(
                "1 validation error detected: Value '1' at 'qualifier' failed to satisfy constraint: "
                r"Member must satisfy regular expression pattern: ((?!^\d+$)^[0-9a-zA-Z-_]+$)"
            ),
        ),
    ),
    Record(
        operation="UpdateFunctionUrlConfig",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionUrlConfig.html",
        works=Works(
            before=HAS_A_URL,
            members={**HELLO, "AuthType": "AWS_IAM"},
            answer={
                "FunctionUrl": URL,
                "FunctionArn": "<arn>",
                "AuthType": "AWS_IAM",
                "CreationTime": WRITTEN_TIME,
                "LastModifiedTime": WRITTEN_TIME,
            },
        ),
        not_found=NO_URL,
        conflict=IN_PROGRESS,
        invalid=Refused(
            before=HAS_A_URL,
            members={**HELLO, "InvokeMode": "FAST"},
            status=400,
            code="ValidationException",
            message=(
                "1 validation error detected: Value 'FAST' at 'invokeMode' failed to satisfy constraint: "
                "Member must satisfy enum value set: [BUFFERED, RESPONSE_STREAM]"
            ),
        ),
    ),
    Record(
        operation="DeleteFunctionUrlConfig",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_DeleteFunctionUrlConfig.html",
        works=Works(before=HAS_A_URL, members=HELLO, status=204),
        not_found=NO_URL,
        conflict=IN_PROGRESS,
        invalid=Refused(
            before=HAS_A_URL,
            members={"FunctionName": "hello:live", "Qualifier": "other"},
            status=400,
            code="InvalidParameterValueException",
            message="The derived qualifier from the function name does not match the specified qualifier.",
        ),
    ),
    Record(
        operation="ListFunctionUrlConfigs",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctionUrlConfigs.html",
        works=Works(before=HAS_A_URL, members=HELLO, answer={"FunctionUrlConfigs": [AS_CREATED]}),
        not_found=Refused(
            members={"FunctionName": "none"},
            status=404,
            code="ResourceNotFoundException",
            message="Function does not exist",
        ),
        conflict=NotDeclared(),
        invalid=Refused(
            before=HAS_A_URL,
            members={**HELLO, "MaxItems": 51},
            status=400,
            code="ValidationException",
            message=(
                "1 validation error detected: Value '51' at 'maxItems' failed to satisfy constraint: "
                "Member must have value less than or equal to 50"
            ),
        ),
    ),
)
