"""
Records of the operations on whole resource policies.

No answers of AWS's are published for them. What is expected is what its pages and its model say: members, statuses,
codes, constraints; texts are those that it has for the same refusals of AddPermission and RemovePermission.
"""

from __future__ import annotations

from dataclasses import replace

from tests.unit.lambda_api.operations.record import REVISION_ID, Call, Function, NotDeclared, Record, Refused, Works

PAGES = "https://docs.aws.amazon.com/lambda/latest/api/"
AT = {"ResourceArn": "<arn>"}
ALLOW_S3 = (
    '{"Sid":"s3","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction",'
    '"Resource":"<arn>"}'
)
POLICY = f'{{"Version":"2012-10-17","Statement":[{ALLOW_S3}]}}'
WITH_A_POLICY = (Function(), Call("put_resource_policy", {**AT, "Policy": POLICY}))
NO_FUNCTION = Refused(
    members=AT,
    status=404,
    code="ResourceNotFoundException",
    message="Function not found: <arn>",
)
OUTDATED = Refused(
    before=WITH_A_POLICY,
    members={**AT, "RevisionId": "00000000-0000-4000-8000-000000000000"},
    status=412,
    code="PreconditionFailedException",
    message=(
        "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve "
        "the latest Revision Id"
    ),
)
NO_ARN = Refused(
    members={"ResourceArn": "hello"},
    status=400,
    code="ValidationException",
    message=(
        "1 validation error detected: Value 'hello' at 'resourceArn' failed to satisfy constraint: Member must satisfy "
        r"regular expression pattern: arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}"
        r":\d{12}:(function:[a-zA-Z0-9-_]+(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_])+)?|runtime/[a-zA-Z0-9-_./]+)"
    ),
)

RECORDS = (
    Record(
        operation="DeleteResourcePolicy",
        source=f"{PAGES}API_DeleteResourcePolicy.html",
        works=Works(before=WITH_A_POLICY, members=AT, status=204),
        not_found=NO_FUNCTION,
        conflict=OUTDATED,
        invalid=NO_ARN,
    ),
    Record(
        operation="GetResourcePolicy",
        source=f"{PAGES}API_GetResourcePolicy.html",
        works=Works(
            before=(
                Function(),
                Call(
                    "add_permission",
                    {
                        "FunctionName": "hello",
                        "StatementId": "s3",
                        "Action": "lambda:InvokeFunction",
                        "Principal": "s3.amazonaws.com",
                    },
                ),
            ),
            members=AT,
            answer={
                "Policy": f'{{"Version":"2012-10-17","Id":"default","Statement":[{ALLOW_S3}]}}',
                "RevisionId": REVISION_ID,
            },
        ),
        not_found=NO_FUNCTION,
        conflict=NotDeclared(),
        invalid=NO_ARN,
    ),
    Record(
        operation="PutResourcePolicy",
        source=f"{PAGES}API_PutResourcePolicy.html",
        works=Works(
            before=(Function(),),
            members={**AT, "Policy": POLICY},
            answer={"Policy": POLICY, "RevisionId": REVISION_ID},
        ),
        not_found=replace(NO_FUNCTION, members={**AT, "Policy": POLICY}),
        conflict=replace(OUTDATED, members={**OUTDATED.members, "Policy": POLICY}),
        invalid=Refused(
            before=(Function(),),
            members={**AT, "Policy": ""},
            status=400,
            code="ValidationException",
            message=(
                "2 validation errors detected: Value '' at 'policy' failed to satisfy constraint: Member must have "
                "length greater than or equal to 1; Value '' at 'policy' failed to satisfy constraint: Member must "
                r"satisfy regular expression pattern: [\s\S]+"
            ),
        ),
    ),
)
