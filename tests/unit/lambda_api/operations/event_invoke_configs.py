"""Records of the operations of event invoke configs."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.lambda_api.operations.record import (
    A_DATETIME,
    Call,
    Function,
    NotDeclared,
    NotMet,
    Record,
    Refused,
    Works,
)

HELLO = {"FunctionName": "hello"}
SET = (
    Function(),
    Call(
        "put_function_event_invoke_config",
        {**HELLO, "MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 60},
    ),
)
NO_DESTINATIONS = {"OnSuccess": {}, "OnFailure": {}}
AS_SET = {
    "FunctionArn": "<arn>:$LATEST",
    "LastModified": A_DATETIME,
    "MaximumRetryAttempts": 2,
    "MaximumEventAgeInSeconds": 60,
    "DestinationConfig": NO_DESTINATIONS,
}
NO_FUNCTION = Refused(
    members={"FunctionName": "none", "MaximumRetryAttempts": 1},
    status=404,
    code="ResourceNotFoundException",
    message="The function doesn't exist.",
)
NO_CONFIG = Refused(
    before=(Function(),),
    members=HELLO,
    status=404,
    code="ResourceNotFoundException",
    message="The function <arn>:$LATEST doesn't have an EventInvokeConfig",
)
TWO_QUALIFIERS = Refused(
    before=SET,
    members={"FunctionName": "hello:1", "Qualifier": "2"},
    status=400,
    code="InvalidParameterValueException",
    message="The derived qualifier from the function name does not match the specified qualifier.",
)
IN_PROGRESS = NotMet("another operation in progress; while a function is created or updated AWS does not name this one")

RECORDS = (
    Record(
        operation="PutFunctionEventInvokeConfig",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html",
        works=Works(
            before=SET,
            members={
                **HELLO,
                "MaximumRetryAttempts": 0,
                "DestinationConfig": {"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:<account>:failed"}},
            },
            answer={
                "FunctionArn": "<arn>:$LATEST",
                "LastModified": A_DATETIME,
                "MaximumRetryAttempts": 0,
                "DestinationConfig": {
                    "OnSuccess": {},
                    "OnFailure": {"Destination": "arn:aws:sqs:us-east-1:<account>:failed"},
                },
            },
        ),
        not_found=NO_FUNCTION,
        conflict=IN_PROGRESS,
        invalid=Refused(
            before=(Function(),),
            members=HELLO,
            status=400,
            code="InvalidParameterValueException",
            message="You must specify at least one of error handling or destination setting.",
        ),
    ),
    Record(
        operation="UpdateFunctionEventInvokeConfig",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionEventInvokeConfig.html",
        works=Works(
            before=SET,
            members={**HELLO, "MaximumRetryAttempts": 0},
            answer={**AS_SET, "MaximumRetryAttempts": 0},
        ),
        not_found=replace(NO_CONFIG, members={**HELLO, "MaximumRetryAttempts": 0}),
        conflict=IN_PROGRESS,
        invalid=Refused(
            before=SET,
            members={**HELLO, "MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 59},
            status=400,
            code="ValidationException",
            message=(
                "2 validation errors detected: Value '3' at 'maximumRetryAttempts' failed to satisfy constraint: "
                "Member must have value less than or equal to 2; Value '59' at 'maximumEventAgeInSeconds' failed to "
                "satisfy constraint: Member must have value greater than or equal to 60"
            ),
        ),
    ),
    Record(
        operation="GetFunctionEventInvokeConfig",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionEventInvokeConfig.html",
        works=Works(before=SET, members=HELLO, answer=AS_SET),
        not_found=NO_CONFIG,
        conflict=NotDeclared(),
        invalid=TWO_QUALIFIERS,
    ),
    Record(
        operation="ListFunctionEventInvokeConfigs",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctionEventInvokeConfigs.html",
        works=Works(before=SET, members=HELLO, answer={"FunctionEventInvokeConfigs": [AS_SET]}),
        not_found=replace(NO_FUNCTION, members={"FunctionName": "none"}),
        conflict=NotDeclared(),
        invalid=Refused(
            before=SET,
            members={**HELLO, "MaxItems": 51},
            status=400,
            code="ValidationException",
            message=(
                "1 validation error detected: Value '51' at 'maxItems' failed to satisfy constraint: "
                "Member must have value less than or equal to 50"
            ),
        ),
    ),
    Record(
        operation="DeleteFunctionEventInvokeConfig",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_DeleteFunctionEventInvokeConfig.html",
        works=Works(before=SET, members=HELLO, status=204),
        not_found=NO_CONFIG,
        conflict=IN_PROGRESS,
        invalid=TWO_QUALIFIERS,
    ),
)
