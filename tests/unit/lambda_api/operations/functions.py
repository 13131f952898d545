"""Records of the operations of functions, and of an account's settings."""

from __future__ import annotations

from tests.unit.lambda_api.operations.record import (
    REVISION_ID,
    TIME,
    Call,
    Function,
    FunctionInProgress,
    NotDeclared,
    Record,
    Refused,
    Works,
)
from tests.unit.lambda_api.served_api import ROLE

HELLO = {"FunctionName": "hello"}
LISTED = {
    "FunctionName": "hello",
    "FunctionArn": "<arn>",
    "Role": ROLE,
    "CodeSize": 0,
    "Description": "",
    "Timeout": 3,
    "MemorySize": 128,
    "LastModified": TIME,
    "CodeSha256": "a" * 64,
    "Version": "$LATEST",
    "RevisionId": REVISION_ID,
    "PackageType": "Image",
    "Architectures": ["x86_64"],
    "EphemeralStorage": {"Size": 512},
    "TracingConfig": {"Mode": "PassThrough"},
    "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
    "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/hello"},
}
"""A `Function()` as lists have it, which say nothing of its state."""
ACTIVE = {**LISTED, "State": "Active", "LastUpdateStatus": "Successful"}
NOT_ITS_QUALIFIER = Refused(
    members={"FunctionName": "hello:1", "Qualifier": "$LATEST"},
    status=400,
    code="InvalidParameterValueException",
    message="The derived qualifier from the function name does not match the specified qualifier.",
)
NO_SUCH_FUNCTION = Refused(
    members=HELLO,
    status=404,
    code="ResourceNotFoundException",
    message="Function not found: <arn>",
)
NO_ROLE = (
    "1 validation error detected: Value 'r1' at 'role' failed to satisfy constraint: Member must satisfy "
    r"regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+"
)
CREATED = {**HELLO, "Role": ROLE, "PackageType": "Image", "Code": {"ImageUri": "hello:latest"}}

RECORDS = (
    Record(
        operation="CreateFunction",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html",
        works=Works(
            members={
                **CREATED,
                "Description": "says hello",
                "Timeout": 30,
                "MemorySize": 512,
                "Environment": {"Variables": {"GREETING": "hello"}},
                "EphemeralStorage": {"Size": 1024},
                "ImageConfig": {"EntryPoint": ["/bootstrap"], "Command": ["app.handler"], "WorkingDirectory": "/srv"},
                "TracingConfig": {"Mode": "Active"},
                "LoggingConfig": {"LogFormat": "JSON", "LogGroup": "greetings"},
                "Tags": {"team": "a"},
            },
            status=201,
            answer={
                **LISTED,
                "Description": "says hello",
                "Timeout": 30,
                "MemorySize": 512,
                # Here the image is looked up after the answer: its digest is not known yet.
                "CodeSha256": "a" * 64,
                "Environment": {"Variables": {"GREETING": "hello"}},
                "EphemeralStorage": {"Size": 1024},
                "ImageConfigResponse": {
                    "ImageConfig": {
                        "EntryPoint": ["/bootstrap"],
                        "Command": ["app.handler"],
                        "WorkingDirectory": "/srv",
                    }
                },
                "TracingConfig": {"Mode": "Active"},
                "LoggingConfig": {
                    "LogFormat": "JSON",
                    "ApplicationLogLevel": "INFO",
                    "SystemLogLevel": "INFO",
                    "LogGroup": "greetings",
                },
                "State": "Pending",
                "StateReason": "The function is being created.",
                "StateReasonCode": "Creating",
            },
        ),
        not_found=Refused(
            members={**CREATED, "FunctionName": "arn:aws:lambda:eu-west-1:<account>:function:hello"},
            status=404,
            code="ResourceNotFoundException",
            message="Functions from 'eu-west-1' are not reachable in this region ('us-east-1')",
        ),
        conflict=Refused(
            before=(Function(),),
            members=CREATED,
            status=409,
            code="ResourceConflictException",
            message="Function already exist: hello",
        ),
        invalid=Refused(
            members={**CREATED, "Role": "r1"},
            status=400,
            code="ValidationException",
            message=NO_ROLE,
        ),
    ),
    Record(
        operation="GetFunction",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html",
        works=Works(
            before=(
                Function(members={"Tags": {"team": "a"}}),
                Call("put_function_concurrency", {**HELLO, "ReservedConcurrentExecutions": 5}),
            ),
            members=HELLO,
            answer={
                "Configuration": ACTIVE,
                "Code": {
                    "RepositoryType": "ECR",
                    "ImageUri": "hello:latest",
                    "ResolvedImageUri": f"hello@sha256:{'a' * 64}",
                },
                "Tags": {"team": "a"},
                "Concurrency": {"ReservedConcurrentExecutions": 5},
            },
        ),
        not_found=Refused(
            before=(Function(),),
            members={**HELLO, "Qualifier": "1221"},
            status=404,
            code="ResourceNotFoundException",
            message="Function not found: <arn>:1221",
        ),
        conflict=NotDeclared(),
        invalid=NOT_ITS_QUALIFIER,
    ),
    Record(
        operation="GetFunctionConfiguration",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionConfiguration.html",
        works=Works(
            before=(Function(),),
            members={**HELLO, "Qualifier": "$LATEST"},
            answer={**ACTIVE, "FunctionArn": "<arn>:$LATEST"},
        ),
        not_found=NO_SUCH_FUNCTION,
        conflict=NotDeclared(),
        invalid=NOT_ITS_QUALIFIER,
    ),
    Record(
        operation="ListFunctions",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctions.html",
        works=Works(
            before=(Function(), Call("publish_version", HELLO)),
            members={"FunctionVersion": "ALL"},
            answer={
                "Functions": [
                    {**LISTED, "FunctionArn": "<arn>:$LATEST"},
                    {**LISTED, "FunctionArn": "<arn>:1", "Version": "1"},
                ]
            },
        ),
        not_found=NotDeclared(),
        conflict=NotDeclared(),
        invalid=Refused(
            members={"FunctionVersion": "invalid"},
            status=400,
            code="ValidationException",
            message=(
                "1 validation error detected: Value 'invalid' at 'functionVersion' failed to satisfy constraint: "
                "Member must satisfy enum value set: [ALL]"
            ),
        ),
    ),
    Record(
        operation="UpdateFunctionCode",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html",
        works=Works(
            before=(Function(),),
            members={**HELLO, "ImageUri": "hello:next"},
            answer={
                **ACTIVE,
                "LastUpdateStatus": "InProgress",
                "LastUpdateStatusReason": "The function is being created.",
                "LastUpdateStatusReasonCode": "Creating",
            },
        ),
        not_found=Refused(
            members={**HELLO, "ImageUri": "hello:next"},
            status=404,
            code="ResourceNotFoundException",
            message="Function not found: <arn>",
        ),
        conflict=Refused(
            before=(FunctionInProgress(),),
            members={**HELLO, "ImageUri": "hello:next"},
            status=409,
            code="ResourceConflictException",
            message=(
                "The operation cannot be performed at this time. "
                "The function is currently in the following state: Pending"
            ),
        ),
        invalid=Refused(
            before=(Function(),),
            members={**HELLO, "ZipFile": b"PK"},
            status=400,
            code="InvalidParameterValueException",
            message="Please provide ImageUri when updating a function with packageType Image.",
        ),
    ),
    Record(
        operation="UpdateFunctionConfiguration",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionConfiguration.html",
        works=Works(
            before=(Function(members={"Description": "stays", "Environment": {"Variables": {"OLD": "1"}}}),),
            members={**HELLO, "Timeout": 9, "MemorySize": 256, "Environment": {"Variables": {"NEW": "2"}}},
            # AWS says InProgress first. Here it is effective at once: docs/compatibility.md.
            answer={
                **ACTIVE,
                "Description": "stays",
                "Timeout": 9,
                "MemorySize": 256,
                "Environment": {"Variables": {"NEW": "2"}},
            },
        ),
        not_found=Refused(
            members={**HELLO, "Timeout": 9},
            status=404,
            code="ResourceNotFoundException",
            message="Function not found: <arn>",
        ),
        conflict=Refused(
            before=(
                Function(),
                Call("get_function_configuration", HELLO, {"seen": "RevisionId"}),
                Call("update_function_configuration", {**HELLO, "Description": "by someone else"}),
            ),
            members={**HELLO, "Timeout": 9, "RevisionId": "<seen>"},
            status=412,
            code="PreconditionFailedException",
            message=(
                "The Revision Id provided does not match the latest Revision Id. "
                "Call the GetFunction/GetAlias API to retrieve the latest Revision Id"
            ),
        ),
        invalid=Refused(
            before=(Function(),),
            members={**HELLO, "Role": "r1"},
            status=400,
            code="ValidationException",
            message=NO_ROLE,
        ),
    ),
    Record(
        operation="DeleteFunction",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_DeleteFunction.html",
        works=Works(before=(Function(),), members=HELLO, status=204, answer={"StatusCode": 204}),
        not_found=NO_SUCH_FUNCTION,
        conflict=Refused(
            before=(
                Function(),
                Call("publish_version", HELLO),
                Call("create_alias", {**HELLO, "Name": "live", "FunctionVersion": "1"}),
            ),
            members={**HELLO, "Qualifier": "1"},
            status=409,
            code="ResourceConflictException",
            message="Unable to delete version because the following aliases reference it: [live]",
        ),
        invalid=Refused(
            before=(Function(),),
            members={**HELLO, "Qualifier": "$LATEST"},
            status=400,
            code="InvalidParameterValueException",
            message="$LATEST version cannot be deleted without deleting the function.",
        ),
    ),
    Record(
        operation="GetAccountSettings",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_GetAccountSettings.html",
        works=Works(
            before=(Function(), Call("put_function_concurrency", {**HELLO, "ReservedConcurrentExecutions": 30})),
            answer={
                "AccountLimit": {
                    "TotalCodeSize": 80_530_636_800,
                    "CodeSizeUnzipped": 262_144_000,
                    "CodeSizeZipped": 52_428_800,
                    "ConcurrentExecutions": 1000,
                    "UnreservedConcurrentExecutions": 970,
                },
                "AccountUsage": {"TotalCodeSize": 0, "FunctionCount": 1},
            },
        ),
        not_found=NotDeclared(),
        conflict=NotDeclared(),
        invalid=NotDeclared(),
    ),
)
