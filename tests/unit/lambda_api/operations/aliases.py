"""Records of the operations of aliases."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.lambda_api.operations.record import (
    REVISION_ID,
    Call,
    Function,
    NotDeclared,
    NotMet,
    Record,
    Refused,
    Works,
)

PUBLISHED = (Function(), Call("publish_version", {"FunctionName": "hello"}))
LIVE = {"FunctionName": "hello", "Name": "live"}
TAKEN = (*PUBLISHED, Call("create_alias", {**LIVE, "FunctionVersion": "1"}, {"revision": "RevisionId"}))
ANSWER = {
    "AliasArn": "<arn>:live",
    "Name": "live",
    "FunctionVersion": "1",
    "Description": "",
    "RevisionId": REVISION_ID,
}
A_NUMBER_IS_NO_NAME = Refused(
    before=(Function(),),
    members={"FunctionName": "hello", "Name": "7"},
    status=400,
    code="ValidationException",
    message=(
        "1 validation error detected: Value '7' at 'name' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)"
    ),
)

RECORDS = (
    Record(
        operation="CreateAlias",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_CreateAlias.html",
        works=Works(
            before=PUBLISHED,
            members={**LIVE, "FunctionVersion": "1", "Description": "what runs"},
            status=201,
            answer={**ANSWER, "Description": "what runs"},
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
        invalid=replace(
            A_NUMBER_IS_NO_NAME, members={"FunctionName": "hello", "Name": "7", "FunctionVersion": "$LATEST"}
        ),
    ),
    Record(
        operation="GetAlias",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_GetAlias.html",
        works=Works(before=TAKEN, members=LIVE, answer=ANSWER),
        not_found=Refused(
            before=(Function(),),
            members=LIVE,
            status=404,
            code="ResourceNotFoundException",
            message="Cannot find alias arn: <arn>:live",
        ),
        conflict=NotDeclared(),
        invalid=A_NUMBER_IS_NO_NAME,
    ),
    Record(
        operation="ListAliases",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_ListAliases.html",
        works=Works(
            before=(
                *TAKEN,
                Call("create_alias", {"FunctionName": "hello", "Name": "dev", "FunctionVersion": "$LATEST"}),
            ),
            members={"FunctionName": "hello"},
            answer={
                "Aliases": [
                    {**ANSWER, "AliasArn": "<arn>:dev", "Name": "dev", "FunctionVersion": "$LATEST"},
                    ANSWER,
                ]
            },
        ),
        not_found=Refused(
            members={"FunctionName": "hello"},
            status=404,
            code="ResourceNotFoundException",
            message="Function not found: <arn>",
        ),
        conflict=NotDeclared(),
        invalid=Refused(
            before=(Function(),),
            members={"FunctionName": "hello", "FunctionVersion": "live"},
            status=400,
            code="ValidationException",
            message=(
                "1 validation error detected: Value 'live' at 'functionVersion' failed to satisfy constraint: "
                r"Member must satisfy regular expression pattern: (\$LATEST(\.PUBLISHED)?|[0-9]+)"
            ),
        ),
    ),
    Record(
        operation="UpdateAlias",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_UpdateAlias.html",
        works=Works(
            before=(
                *TAKEN,
                Call("update_function_configuration", {"FunctionName": "hello", "Description": "second"}),
                Call("publish_version", {"FunctionName": "hello"}),
            ),
            members={
                **LIVE,
                "Description": "a tenth runs the new one",
                "RoutingConfig": {"AdditionalVersionWeights": {"2": 0.1}},
                "RevisionId": "<revision>",
            },
            answer={
                **ANSWER,
                "Description": "a tenth runs the new one",
                "RoutingConfig": {"AdditionalVersionWeights": {"2": 0.1}},
            },
        ),
        not_found=Refused(
            before=(Function(),),
            members=LIVE,
            status=404,
            code="ResourceNotFoundException",
            message="Alias not found: <arn>:live",
        ),
        conflict=Refused(
            before=(*TAKEN, Call("update_alias", {**LIVE, "Description": "by someone else"})),
            members={**LIVE, "Description": "mine", "RevisionId": "<revision>"},
            status=412,
            code="PreconditionFailedException",
            message=(
                "The Revision Id provided does not match the latest Revision Id. "
                "Call the GetFunction/GetAlias API to retrieve the latest Revision Id"
            ),
        ),
        invalid=Refused(
            before=TAKEN,
            members={**LIVE, "RoutingConfig": {"AdditionalVersionWeights": {"1": 0.5}}},
            status=400,
            code="InvalidParameterValueException",
            message=("Invalid function version 1. Function version 1 is already included in routing configuration."),
        ),
    ),
    Record(
        operation="DeleteAlias",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_DeleteAlias.html",
        works=Works(before=TAKEN, members=LIVE, status=204),
        not_found=Refused(
            members=LIVE,
            status=404,
            code="ResourceNotFoundException",
            message="Function not found: <arn>",
        ),
        conflict=NotMet(
            "AWS documents it for another operation in progress; here an alias is deleted in one step, also one that "
            "leads to a function which is being updated, and one for which concurrency is provisioned"
        ),
        invalid=A_NUMBER_IS_NO_NAME,
    ),
)
