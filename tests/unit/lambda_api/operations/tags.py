"""Records of the operations of tags."""

from __future__ import annotations

from tests.unit.lambda_api.operations.record import Call, Function, NotDeclared, NotMet, Record, Refused, Works

TAGGED = (Function(members={"Tags": {"team": "a"}}),)
UPDATING = (*TAGGED, Call("update_function_code", {"FunctionName": "hello", "ImageUri": "held:<account>"}))
"""The tag that is held until the case has ended."""
NONE = "arn:aws:lambda:us-east-1:<account>:function:none"

RECORDS = (
    Record(
        operation="TagResource",
        source="https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html",
        works=Works(before=TAGGED, members={"Resource": "<arn>", "Tags": {"team": "b", "stage": ""}}, status=204),
        not_found=Refused(
            members={"Resource": NONE, "Tags": {"team": "b"}},
            status=404,
            code="ResourceNotFoundException",
            message=f"Function not found: {NONE}",
        ),
        conflict=Refused(
            before=UPDATING,
            members={"Resource": "<arn>", "Tags": {"team": "b"}},
            status=409,
            code="ResourceConflictException",
            message="The operation cannot be performed at this time. An update is in progress for resource: <arn>",
        ),
        invalid=Refused(
            before=TAGGED,
            members={"Resource": "<arn>", "Tags": {}},
            status=400,
            code="InvalidParameterValueException",
            message="An error occurred and the request cannot be processed.",
        ),
    ),
    Record(
        operation="UntagResource",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_UntagResource.html",
        works=Works(before=TAGGED, members={"Resource": "<arn>", "TagKeys": ["team"]}, status=204),
        not_found=Refused(
            members={"Resource": NONE, "TagKeys": ["team"]},
            status=404,
            code="ResourceNotFoundException",
            message=f"Function not found: {NONE}",
        ),
        conflict=NotMet("an operation in progress; of those that an update makes fail AWS names TagResource, not this"),
        invalid=Refused(
            before=TAGGED,
            members={"Resource": "<arn>", "TagKeys": []},
            status=400,
            code="ValidationException",
            message=(
                "1 validation error detected: Value null at 'tagKeys' failed to satisfy constraint: "
                "Member must not be null"
            ),
        ),
    ),
    Record(
        operation="ListTags",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_ListTags.html",
        works=Works(before=TAGGED, members={"Resource": "<arn>"}, answer={"Tags": {"team": "a"}}),
        not_found=Refused(
            members={"Resource": NONE},
            status=404,
            code="ResourceNotFoundException",
            message=f"Function not found: {NONE}",
        ),
        conflict=NotDeclared(),
        invalid=Refused(
            before=TAGGED,
            members={"Resource": "<arn>:$LATEST"},
            status=400,
            code="InvalidParameterValueException",
            message="Tags on function aliases and versions are not supported. Please specify a function ARN.",
        ),
    ),
)
