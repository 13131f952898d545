"""Records of the operations on who else may read a layer's version."""

from __future__ import annotations

from tests.unit.lambda_api.operations.layers import LAYER_ARN, NO_SUCH_NUMBER, PUBLISHED
from tests.unit.lambda_api.operations.record import REVISION_ID, Call, NotDeclared, Record, Refused, Works

VERSION = {"LayerName": "tools", "VersionNumber": 1}
PERMISSION = {**VERSION, "StatementId": "s1", "Action": "lambda:GetLayerVersion", "Principal": "*"}
PERMITTED = (*PUBLISHED, Call("add_layer_version_permission", PERMISSION, {"revision": "RevisionId"}))
STATEMENT = (
    f'{{"Sid":"s1","Effect":"Allow","Principal":"*","Action":"lambda:GetLayerVersion","Resource":"{LAYER_ARN}:1"}}'
)

RECORDS = (
    Record(
        operation="AddLayerVersionPermission",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_AddLayerVersionPermission.html",
        works=Works(
            before=PUBLISHED,
            members=PERMISSION,
            status=201,
            answer={"Statement": STATEMENT, "RevisionId": REVISION_ID},
        ),
        not_found=Refused(
            members=PERMISSION,
            status=404,
            code="ResourceNotFoundException",
            message=f"Layer version {LAYER_ARN}:1 does not exist.",
        ),
        conflict=Refused(
            before=PERMITTED,
            members=PERMISSION,
            status=409,
            code="ResourceConflictException",
            message=(
                "The statement id (s1) provided already exists. Please provide a new statement id, or remove the "
                "existing statement."
            ),
        ),
        invalid=Refused(
            before=PUBLISHED,
            members={**PERMISSION, "Action": "*"},
            status=400,
            code="ValidationException",
            message=(
                "1 validation error detected: Value '*' at 'action' failed to satisfy constraint: "
                "Member must satisfy regular expression pattern: lambda:GetLayerVersion"
            ),
        ),
    ),
    Record(
        operation="RemoveLayerVersionPermission",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_RemoveLayerVersionPermission.html",
        works=Works(
            before=PERMITTED,
            members={**VERSION, "StatementId": "s1", "RevisionId": "<revision>"},
            status=204,
        ),
        not_found=Refused(
            before=PERMITTED,
            members={**VERSION, "StatementId": "s2"},
            status=404,
            code="ResourceNotFoundException",
            message="Statement s2 is not found in resource policy.",
        ),
        conflict=Refused(
            before=(*PERMITTED, Call("add_layer_version_permission", {**PERMISSION, "StatementId": "s2"})),
            members={**VERSION, "StatementId": "s1", "RevisionId": "<revision>"},
            status=412,
            code="PreconditionFailedException",
            message=(
                "The Revision Id provided does not match the latest Revision Id. Call the GetLayerPolicy API to "
                "retrieve the latest Revision Id"
            ),
        ),
        invalid=Refused(
            before=PERMITTED,
            members={**VERSION, "StatementId": "s 1"},
            status=400,
            code="ValidationException",
            message=(
                "1 validation error detected: Value 's 1' at 'statementId' failed to satisfy constraint: "
                "Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+)"
            ),
        ),
    ),
    Record(
        operation="GetLayerVersionPolicy",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_GetLayerVersionPolicy.html",
        works=Works(
            before=PERMITTED,
            members=VERSION,
            answer={
                "Policy": '{"Version":"2012-10-17","Id":"default","Statement":[' + STATEMENT + "]}",
                "RevisionId": "<revision>",
            },
        ),
        not_found=Refused(
            before=PUBLISHED,
            members=VERSION,
            status=404,
            code="ResourceNotFoundException",
            message="No policy is associated with the given resource.",
        ),
        conflict=NotDeclared(),
        invalid=Refused(
            before=PERMITTED,
            members={**VERSION, "VersionNumber": 0},
            status=400,
            code="InvalidParameterValueException",
            message=NO_SUCH_NUMBER,
        ),
    ),
)
