"""Records of the operations that invoke. The served API's front desk is a stand-in: what it answers proves nothing."""

from __future__ import annotations

from tests.unit.lambda_api.operations.record import Record, Refused, ShownBy

_ON_A_REAL_FRONT_DESK = "tests/unit/engine/test_calls_through_boto3.py"
NOT_FOUND = ShownBy(f"{_ON_A_REAL_FRONT_DESK}::test_a_function_that_is_not_there_is_not_found_by_any_of_them")
CONFLICT = ShownBy(f"{_ON_A_REAL_FRONT_DESK}::test_a_function_that_is_not_active_is_a_conflict_for_each_of_them")

RECORDS = (
    Record(
        operation="Invoke",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html",
        works=ShownBy("tests/docker/test_loop.py::test_a_python_function_with_awslambdaric_answers"),
        not_found=NOT_FOUND,
        conflict=CONFLICT,
        invalid=Refused(
            members={"FunctionName": "hello", "InvocationType": "Maybe"},
            status=400,
            code="ValidationException",
            message=(
                "1 validation error detected: Value 'Maybe' at 'invocationType' failed to satisfy constraint: "
                "Member must satisfy enum value set: [Event, RequestResponse, DryRun]"
            ),
        ),
    ),
    Record(
        operation="InvokeAsync",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_InvokeAsync.html",
        works=ShownBy(f"{_ON_A_REAL_FRONT_DESK}::test_an_old_asynchronous_call_is_accepted_and_runs"),
        not_found=NOT_FOUND,
        conflict=CONFLICT,
        invalid=Refused(
            members={"FunctionName": "a b", "InvokeArgs": b"{}"},
            status=400,
            code="ValidationException",
            message=(
                "1 validation error detected: Value 'a b' at 'functionName' failed to satisfy constraint: "
                r"Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?"
                r"((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?"
                r"([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"
            ),
        ),
    ),
    Record(
        operation="InvokeWithResponseStream",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_InvokeWithResponseStream.html",
        works=ShownBy(f"{_ON_A_REAL_FRONT_DESK}::test_a_streamed_call_is_answered_with_what_the_function_wrote"),
        not_found=NOT_FOUND,
        conflict=CONFLICT,
        invalid=Refused(
            members={"FunctionName": "hello", "InvocationType": "Event"},
            status=400,
            code="ValidationException",
            message=(
                "1 validation error detected: Value 'Event' at 'invocationType' failed to satisfy constraint: "
                "Member must satisfy enum value set: [RequestResponse, DryRun]"
            ),
        ),
    ),
)
