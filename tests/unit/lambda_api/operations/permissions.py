"""Records of the operations of resource policies."""

from __future__ import annotations

from tests.unit.lambda_api.operations.record import REVISION_ID, Call, Function, NotDeclared, Record, Refused, Works

S3 = {
    "FunctionName": "hello",
    "StatementId": "s3",
    "Action": "lambda:InvokeFunction",
    "Principal": "s3.amazonaws.com",
    "SourceArn": "arn:aws:s3:::photos",
}
PERMITTED = (Function(), Call("add_permission", S3))
STATEMENT = (
    '{"Sid":"s3","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction",'
    '"Resource":"<arn>","Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::photos"}}}'
)

RECORDS = (
    Record(
        operation="AddPermission",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html",
        works=Works(before=(Function(),), members=S3, status=201, answer={"Statement": STATEMENT}),
        not_found=Refused(
            members={**S3, "FunctionName": "none"},
            status=404,
            code="ResourceNotFoundException",
            message="Function not found: arn:aws:lambda:us-east-1:<account>:function:none",
        ),
        conflict=Refused(
            before=PERMITTED,
            members=S3,
            status=409,
            code="ResourceConflictException",
            message=(
                "The statement id (s3) provided already exists. "
                "Please provide a new statement id, or remove the existing statement."
            ),
        ),
        invalid=Refused(
            before=(Function(),),
            members={**S3, "Principal": "invalid.nonaws.com"},
            status=400,
            code="InvalidParameterValueException",
            message="The provided principal was invalid. Please check the principal and try again.",
        ),
    ),
    Record(
        operation="RemovePermission",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_RemovePermission.html",
        works=Works(before=PERMITTED, members={"FunctionName": "hello", "StatementId": "s3"}, status=204),
        not_found=Refused(
            before=PERMITTED,
            members={"FunctionName": "hello", "StatementId": "sqs"},
            status=404,
            code="ResourceNotFoundException",
            message="Statement sqs is not found in resource policy.",
        ),
        conflict=Refused(
            before=(
                *PERMITTED,
                Call("get_policy", {"FunctionName": "hello"}, {"seen": "RevisionId"}),
                Call("add_permission", {**S3, "StatementId": "meanwhile"}),
            ),
            members={"FunctionName": "hello", "StatementId": "s3", "RevisionId": "<seen>"},
            status=412,
            code="PreconditionFailedException",
            message=(
                "The Revision Id provided does not match the latest Revision Id. "
                "Call the GetFunction/GetAlias API to retrieve the latest Revision Id"
            ),
        ),
        invalid=Refused(
            before=PERMITTED,
            members={"FunctionName": "hello", "StatementId": "s 3"},
            status=400,
            code="ValidationException",
            message=(
                "1 validation error detected: Value 's 3' at 'statementId' failed to satisfy constraint: "
                "Member must satisfy regular expression pattern: ([a-zA-Z0-9-_.]+)"
            ),
        ),
    ),
    Record(
        operation="GetPolicy",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_GetPolicy.html",
        works=Works(
            before=PERMITTED,
            members={"FunctionName": "hello"},
            answer={
                "Policy": f'{{"Version":"2012-10-17","Id":"default","Statement":[{STATEMENT}]}}',
                "RevisionId": REVISION_ID,
            },
        ),
        not_found=Refused(
            before=(Function(),),
            members={"FunctionName": "hello"},
            status=404,
            code="ResourceNotFoundException",
            message="The resource you requested does not exist.",
        ),
        conflict=NotDeclared(),
        invalid=Refused(
            before=PERMITTED,
            members={"FunctionName": "hello:1", "Qualifier": "2"},
            status=400,
            code="InvalidParameterValueException",
            message="The derived qualifier from the function name does not match the specified qualifier.",
        ),
    ),
)
