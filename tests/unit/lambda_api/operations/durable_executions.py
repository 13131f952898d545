"""Records of the operations of durable executions. There are none: only their list is built."""

from __future__ import annotations

from tests.unit.lambda_api.operations.record import Function, NotDeclared, Record, Refused, Works

RECORDS = (
    Record(
        operation="ListDurableExecutionsByFunction",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_ListDurableExecutionsByFunction.html",
        works=Works(
            before=(Function(),),
            members={"FunctionName": "hello", "Statuses": ["RUNNING"]},
            answer={"DurableExecutions": []},
        ),
        not_found=Refused(
            members={"FunctionName": "none"},
            status=404,
            code="ResourceNotFoundException",
            message="Function not found: arn:aws:lambda:us-east-1:<account>:function:none",
        ),
        conflict=NotDeclared(),
        invalid=Refused(
            before=(Function(),),
            members={"FunctionName": "hello", "MaxItems": 1001},
            status=400,
            code="ValidationException",
            message=(
                "1 validation error detected: Value '1001' at 'maxItems' failed to satisfy constraint: "
                "Member must have value less than or equal to 1000"
            ),
        ),
    ),
)
