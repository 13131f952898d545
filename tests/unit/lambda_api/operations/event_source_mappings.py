"""
Records of the operations of event source mappings.

The mappings are not to be enabled: of one that is, Paddock says that nothing reads its source, which AWS would not say
(`test_event_source_mappings.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.unit.lambda_api.operations.record import (
    A_DATETIME,
    REVISION_ID,
    Call,
    Function,
    Matching,
    NotDeclared,
    NotMet,
    Record,
    Refused,
    Works,
)

QUEUE = "arn:aws:sqs:us-east-1:123456789012:orders"
FROM_QUEUE = {"FunctionName": "hello", "EventSourceArn": QUEUE, "Enabled": False}
MAPPED = (Function(), Call("create_event_source_mapping", FROM_QUEUE, {"uuid": "UUID"}))
ALSO_TO_ANOTHER = (
    *MAPPED,
    Function("other"),
    Call("create_event_source_mapping", {**FROM_QUEUE, "FunctionName": "other"}, {"other": "UUID"}),
)
UNKNOWN = "11111111-2222-3333-4444-555555555555"
NO_SUCH_RESOURCE = "The resource you requested does not exist."
ALREADY_MAPPED = (
    f'An event source mapping with SQS arn (" {QUEUE} ") and function (" hello ") already exists. '
    "Please update or delete the existing mapping with UUID <uuid>"
)
TOO_SHORT = (
    "1 validation error detected: Value 'short' at 'uUID' failed to satisfy constraint: "
    "Member must have length greater than or equal to 36"
)


def _mapping(state: str, uuid: str | Matching = "<uuid>", batch_size: int = 10) -> Mapping[str, Any]:
    known = uuid.pattern if isinstance(uuid, Matching) else uuid
    return {
        "UUID": uuid,
        "EventSourceMappingArn": Matching(f"arn:aws:lambda:us-east-1:<account>:event-source-mapping:{known}"),
        "BatchSize": batch_size,
        "EventSourceArn": QUEUE,
        "FunctionArn": "<arn>",
        "FunctionResponseTypes": [],
        "LastModified": A_DATETIME,
        "MaximumBatchingWindowInSeconds": 0,
        "State": state,
        "StateTransitionReason": "USER_INITIATED",
    }


RECORDS = (
    Record(
        operation="CreateEventSourceMapping",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html",
        works=Works(
            before=(Function(),), members=FROM_QUEUE, status=202, answer=_mapping("Creating", uuid=REVISION_ID)
        ),
        not_found=Refused(
            members=FROM_QUEUE,
            status=400,
            code="InvalidParameterValueException",
            message="Function does not exist",
        ),
        conflict=Refused(
            before=MAPPED,
            members=FROM_QUEUE,
            status=409,
            code="ResourceConflictException",
            message=ALREADY_MAPPED,
        ),
        invalid=Refused(
            before=(Function(),),
            members={**FROM_QUEUE, "StartingPosition": "LATEST"},
            status=400,
            code="InvalidParameterValueException",
            message="StartingPosition is not valid for SQS event sources.",
        ),
    ),
    Record(
        operation="GetEventSourceMapping",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_GetEventSourceMapping.html",
        works=Works(before=MAPPED, members={"UUID": "<uuid>"}, answer=_mapping("Disabled")),
        not_found=Refused(
            members={"UUID": UNKNOWN},
            status=404,
            code="ResourceNotFoundException",
            message=NO_SUCH_RESOURCE,
        ),
        conflict=NotDeclared(),
        invalid=Refused(members={"UUID": "short"}, status=400, code="ValidationException", message=TOO_SHORT),
    ),
    Record(
        operation="ListEventSourceMappings",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_ListEventSourceMappings.html",
        works=Works(
            before=ALSO_TO_ANOTHER,
            members={"FunctionName": "hello"},
            answer={"EventSourceMappings": [_mapping("Disabled")]},
        ),
        not_found=Refused(
            members={"FunctionName": "hello"},
            status=404,
            code="ResourceNotFoundException",
            message="Function not found: <arn>",
        ),
        conflict=NotDeclared(),
        invalid=Refused(
            members={"MaxItems": 0},
            status=400,
            code="ValidationException",
            message=(
                "1 validation error detected: Value '0' at 'maxItems' failed to satisfy constraint: "
                "Member must have value greater than or equal to 1"
            ),
        ),
    ),
    Record(
        operation="UpdateEventSourceMapping",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_UpdateEventSourceMapping.html",
        works=Works(
            before=MAPPED,
            members={"UUID": "<uuid>", "BatchSize": 5},
            status=202,
            answer=_mapping("Updating", batch_size=5),
        ),
        not_found=Refused(
            members={"UUID": UNKNOWN, "BatchSize": 5},
            status=404,
            code="ResourceNotFoundException",
            message=NO_SUCH_RESOURCE,
        ),
        conflict=Refused(
            before=ALSO_TO_ANOTHER,
            members={"UUID": "<other>", "FunctionName": "hello"},
            status=409,
            code="ResourceConflictException",
            message=ALREADY_MAPPED,
        ),
        invalid=Refused(
            before=MAPPED,
            members={"UUID": "<uuid>", "BatchSize": 0},
            status=400,
            code="ValidationException",
            message=(
                "1 validation error detected: Value '0' at 'batchSize' failed to satisfy constraint: "
                "Member must have value greater than or equal to 1"
            ),
        ),
    ),
    Record(
        operation="DeleteEventSourceMapping",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_DeleteEventSourceMapping.html",
        works=Works(before=MAPPED, members={"UUID": "<uuid>"}, status=202, answer=_mapping("Deleting")),
        not_found=Refused(
            members={"UUID": UNKNOWN},
            status=404,
            code="ResourceNotFoundException",
            message=NO_SUCH_RESOURCE,
        ),
        conflict=NotMet("the mapping is being created or updated, which here has ended with the answer to the request"),
        invalid=Refused(members={"UUID": "short"}, status=400, code="ValidationException", message=TOO_SHORT),
    ),
)
