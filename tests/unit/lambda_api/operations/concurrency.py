"""Records of the operations of reserved and provisioned concurrency."""

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
RESERVED = (Function(), Call("put_function_concurrency", {**HELLO, "ReservedConcurrentExecutions": 7}))
VERSION = {**HELLO, "Qualifier": "1"}
LIVE = {**HELLO, "Qualifier": "live"}
PUBLISHED = (
    Function(),
    Call("publish_version", HELLO),
    Call("create_alias", {**HELLO, "Name": "live", "FunctionVersion": "1"}),
)
PROVISIONED = (
    *PUBLISHED,
    Call("put_provisioned_concurrency_config", {**LIVE, "ProvisionedConcurrentExecutions": 3}),
)
IN_PROGRESS = {
    "RequestedProvisionedConcurrentExecutions": 3,
    "AvailableProvisionedConcurrentExecutions": 0,
    "AllocatedProvisionedConcurrentExecutions": 0,
    "Status": "IN_PROGRESS",
    "LastModified": Matching(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000"),
}
NO_SUCH_FUNCTION = Refused(
    members=HELLO,
    status=404,
    code="ResourceNotFoundException",
    message="Function not found: <arn>",
)
NO_NAME = Refused(
    members={"FunctionName": "a b"},
    status=400,
    code="ValidationException",
    message=(
        "1 validation error detected: Value 'a b' at 'functionName' failed to satisfy constraint: "
        r"Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?"
        r"((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?"
        r"([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?"
    ),
)
NO_VERSION = Refused(
    before=(Function(),),
    members={**HELLO, "Qualifier": "$LATEST"},
    status=400,
    code="InvalidParameterValueException",
    message="The function resource provided must be an alias or a published version.",
)
ONE_STEP = NotMet(
    "AWS documents it for another operation in progress; here a reservation is written in one step, also while the "
    "function is created or updated"
)

RECORDS = (
    Record(
        operation="PutFunctionConcurrency",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionConcurrency.html",
        works=Works(
            before=(Function(),),
            members={**HELLO, "ReservedConcurrentExecutions": 7},
            answer={"ReservedConcurrentExecutions": 7},
        ),
        not_found=Refused(
            members={**HELLO, "ReservedConcurrentExecutions": 7},
            status=404,
            code="ResourceNotFoundException",
            message="Function not found: <arn>:$LATEST",
        ),
        conflict=ONE_STEP,
        invalid=Refused(
            before=(Function(),),
            members={**HELLO, "ReservedConcurrentExecutions": 901},
            status=400,
            code="InvalidParameterValueException",
            message=(
                "Specified ReservedConcurrentExecutions for function decreases account's "
                "UnreservedConcurrentExecution below its minimum value of [100]."
            ),
        ),
    ),
    Record(
        operation="GetFunctionConcurrency",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionConcurrency.html",
        works=Works(before=RESERVED, members=HELLO, answer={"ReservedConcurrentExecutions": 7}),
        not_found=NO_SUCH_FUNCTION,
        conflict=NotDeclared(),
        invalid=NO_NAME,
    ),
    Record(
        operation="DeleteFunctionConcurrency",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_DeleteFunctionConcurrency.html",
        works=Works(before=RESERVED, members=HELLO, status=204),
        not_found=NO_SUCH_FUNCTION,
        conflict=ONE_STEP,
        invalid=NO_NAME,
    ),
    Record(
        operation="PutProvisionedConcurrencyConfig",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_PutProvisionedConcurrencyConfig.html",
        works=Works(
            before=PUBLISHED,
            members={**LIVE, "ProvisionedConcurrentExecutions": 3},
            status=202,
            answer=IN_PROGRESS,
        ),
        not_found=Refused(
            before=(Function(),),
            members={**LIVE, "ProvisionedConcurrentExecutions": 3},
            status=404,
            code="ResourceNotFoundException",
            message="Cannot find alias arn: <arn>:live",
        ),
        conflict=Refused(
            before=PROVISIONED,
            members={**VERSION, "ProvisionedConcurrentExecutions": 1},
            status=409,
            code="ResourceConflictException",
            message="Version is pointed by a Provisioned Concurrency alias",
        ),
        invalid=Refused(
            before=PUBLISHED,
            members={**LIVE, "ProvisionedConcurrentExecutions": 0},
            status=400,
            code="ValidationException",
            message=(
                "1 validation error detected: Value '0' at 'provisionedConcurrentExecutions' failed to satisfy "
                "constraint: Member must have value greater than or equal to 1"
            ),
        ),
    ),
    Record(
        operation="GetProvisionedConcurrencyConfig",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_GetProvisionedConcurrencyConfig.html",
        works=Works(before=PROVISIONED, members=LIVE, answer=IN_PROGRESS),
        not_found=Refused(
            before=PUBLISHED,
            members=LIVE,
            status=404,
            code="ProvisionedConcurrencyConfigNotFoundException",
            message="No Provisioned Concurrency Config found for this function",
        ),
        conflict=NotDeclared(),
        invalid=NO_VERSION,
    ),
    Record(
        operation="ListProvisionedConcurrencyConfigs",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_ListProvisionedConcurrencyConfigs.html",
        works=Works(
            before=PROVISIONED,
            members=HELLO,
            answer={"ProvisionedConcurrencyConfigs": [{**IN_PROGRESS, "FunctionArn": "<arn>:live"}]},
        ),
        not_found=NO_SUCH_FUNCTION,
        conflict=NotDeclared(),
        invalid=Refused(
            before=(Function(),),
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
        operation="DeleteProvisionedConcurrencyConfig",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_DeleteProvisionedConcurrencyConfig.html",
        works=Works(before=PROVISIONED, members=LIVE, status=204),
        not_found=Refused(
            before=(Function(),),
            members=VERSION,
            status=404,
            code="ResourceNotFoundException",
            message="Function not found: <arn>:1",
        ),
        conflict=NotMet(
            "AWS documents it for another operation in progress; here it is deleted in one step, also while it is "
            "IN_PROGRESS"
        ),
        invalid=NO_VERSION,
    ),
)
