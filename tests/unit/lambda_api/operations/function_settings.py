"""Records of the operations of recursion configs and runtime management configs."""

from __future__ import annotations

from tests.unit.lambda_api.operations.record import Call, Function, NotDeclared, NotMet, Record, Refused, Works

HELLO = {"FunctionName": "hello"}
NO_FUNCTION = "Function not found: arn:aws:lambda:us-east-1:<account>:function:none"
IN_PROGRESS = NotMet("another operation in progress; while a function is created or updated AWS does not name this one")

RECORDS = (
    Record(
        operation="PutFunctionRecursionConfig",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionRecursionConfig.html",
        works=Works(
            before=(Function(),),
            members={**HELLO, "RecursiveLoop": "Allow"},
            answer={"RecursiveLoop": "Allow"},
        ),
        not_found=Refused(
            members={"FunctionName": "none", "RecursiveLoop": "Allow"},
            status=404,
            code="ResourceNotFoundException",
            message=NO_FUNCTION,
        ),
        conflict=IN_PROGRESS,
        invalid=Refused(
            before=(Function(),),
            members={**HELLO, "RecursiveLoop": "invalid"},
            status=400,
            code="ValidationException",
            message=(
                "1 validation error detected: Value 'invalid' at 'recursiveLoop' failed to satisfy constraint: "
                "Member must satisfy enum value set: [Allow, Terminate]"
            ),
        ),
    ),
    Record(
        operation="GetFunctionRecursionConfig",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionRecursionConfig.html",
        works=Works(before=(Function(),), members=HELLO, answer={"RecursiveLoop": "Terminate"}),
        not_found=Refused(
            members={"FunctionName": "none"}, status=404, code="ResourceNotFoundException", message=NO_FUNCTION
        ),
        conflict=NotDeclared(),
        invalid=Refused(
            before=(Function(),),
            members={"FunctionName": "hello:live"},
            status=400,
            code="ValidationException",
            message=(
                "1 validation error detected: Value 'hello:live' at 'functionName' failed to satisfy constraint: "
                "Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?"
                r"((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)"
            ),
        ),
    ),
    Record(
        operation="PutRuntimeManagementConfig",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_PutRuntimeManagementConfig.html",
        works=Works(
            before=(Function(),),
            members={**HELLO, "UpdateRuntimeOn": "FunctionUpdate"},
            answer={"UpdateRuntimeOn": "FunctionUpdate", "FunctionArn": "<arn>:$LATEST"},
        ),
        not_found=Refused(
            members={"FunctionName": "none", "UpdateRuntimeOn": "Auto"},
            status=404,
            code="ResourceNotFoundException",
            message=NO_FUNCTION,
        ),
        conflict=IN_PROGRESS,
        invalid=Refused(
            before=(Function(),),
            members={**HELLO, "UpdateRuntimeOn": "Never"},
            status=400,
            code="ValidationException",
            message=(
                "1 validation error detected: Value 'Never' at 'updateRuntimeOn' failed to satisfy constraint: "
                "Member must satisfy enum value set: [Auto, Manual, FunctionUpdate]"
            ),
        ),
    ),
    Record(
        operation="GetRuntimeManagementConfig",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_GetRuntimeManagementConfig.html",
        works=Works(
            before=(
                Function(),
                Call("publish_version", HELLO),
                Call("put_runtime_management_config", {**HELLO, "Qualifier": "1", "UpdateRuntimeOn": "FunctionUpdate"}),
            ),
            members={**HELLO, "Qualifier": "1"},
            answer={"UpdateRuntimeOn": "FunctionUpdate", "FunctionArn": "<arn>:1"},
        ),
        not_found=Refused(
            before=(Function(),),
            members={**HELLO, "Qualifier": "7"},
            status=404,
            code="ResourceNotFoundException",
            message="Function not found: <arn>:7",
        ),
        conflict=NotDeclared(),
        invalid=Refused(
            before=(Function(),),
            members={"FunctionName": "hello:1", "Qualifier": "2"},
            status=400,
            code="InvalidParameterValueException",
            message="The derived qualifier from the function name does not match the specified qualifier.",
        ),
    ),
)
