"""Records of the operations of aliases."""

from __future__ import annotations

from tests.unit.lambda_api.operations.record import REVISION_ID, Call, Function, Record, Refused, Works

PUBLISHED = (Function(), Call("publish_version", {"FunctionName": "hello"}))
LIVE = {"FunctionName": "hello", "Name": "live"}
TAKEN = (*PUBLISHED, Call("create_alias", {**LIVE, "FunctionVersion": "1"}, {"revision": "RevisionId"}))

RECORDS = (
    Record(
        operation="CreateAlias",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_CreateAlias.html",
        works=Works(
            before=PUBLISHED,
            members={**LIVE, "FunctionVersion": "1", "Description": "what runs"},
            status=201,
            answer={
                "AliasArn": "<arn>:live",
                "Name": "live",
                "FunctionVersion": "1",
                "Description": "what runs",
                "RevisionId": REVISION_ID,
            },
        ),
        not_found=Refused(
            members={**LIVE, "FunctionVersion": "1"},
            status=404,
            code="ResourceNotFoundException",
            message="Function not found: <arn>:1",
        ),
        conflict=Refused(
            before=TAKEN,
            members={**LIVE, "FunctionVersion": "1"},
            status=409,
            code="ResourceConflictException",
            message="Alias already exists: <arn>:live",
        ),
        invalid=Refused(
            before=(Function(),),
            members={"FunctionName": "hello", "Name": "7", "FunctionVersion": "$LATEST"},
            status=400,
            code="ValidationException",
            message=(
                "1 validation error detected: Value '7' at 'name' failed to satisfy constraint: "
                "Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)"
            ),
        ),
    ),
)
