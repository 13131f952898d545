"""Records of the operations of layers and their versions."""

from __future__ import annotations

import base64
import hashlib

from tests.unit.lambda_api.operations.record import TIME, Call, Matching, NotDeclared, Record, Refused, Works
from tests.unit.lambda_api.test_layers import archive

LAYER_ARN = "arn:aws:lambda:us-east-1:<account>:layer:tools"
ELSEWHERE = "arn:aws:lambda:eu-west-1:<account>:layer:tools"
ARCHIVE = archive()
PUBLISH = {
    "LayerName": "tools",
    "Description": "of ours",
    "Content": {"ZipFile": ARCHIVE},
    "CompatibleRuntimes": ["python3.12"],
    "CompatibleArchitectures": ["x86_64"],
    "LicenseInfo": "MIT",
}
PUBLISHED = (Call("publish_layer_version", PUBLISH),)
VERSION = {
    "LayerVersionArn": f"{LAYER_ARN}:1",
    "Version": 1,
    "Description": "of ours",
    "CreatedDate": TIME,
    "CompatibleRuntimes": ["python3.12"],
    "CompatibleArchitectures": ["x86_64"],
    "LicenseInfo": "MIT",
}
WHOLE_VERSION = {
    **VERSION,
    "LayerArn": LAYER_ARN,
    "Content": {
        "Location": Matching(r"http://127\.0\.0\.1:\d+/_paddock/layers/\S+\.zip"),
        "CodeSha256": base64.b64encode(hashlib.sha256(ARCHIVE).digest()).decode(),
        "CodeSize": len(ARCHIVE),
    },
}
NO_SUCH_RESOURCE = "The resource you requested does not exist."
NO_SUCH_NUMBER = "Layer Version Cannot be less than 1"
NO_ARCHITECTURE = (
    "1 validation error detected: Value 'riscv' at 'compatibleArchitecture' failed to satisfy constraint: "
    "Member must satisfy enum value set: [x86_64, arm64]"
)

RECORDS = (
    Record(
        operation="PublishLayerVersion",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_PublishLayerVersion.html",
        works=Works(members=PUBLISH, status=201, answer=WHOLE_VERSION),
        not_found=Refused(
            members={**PUBLISH, "LayerName": ELSEWHERE},
            status=404,
            code="ResourceNotFoundException",
            message=NO_SUCH_RESOURCE,
        ),
        conflict=NotDeclared(),
        invalid=Refused(
            members={**PUBLISH, "CompatibleArchitectures": ["riscv"]},
            status=400,
            code="ValidationException",
            message=(
                "1 validation error detected: Value '[riscv]' at 'compatibleArchitectures' failed to satisfy "
                "constraint: Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64]]"
            ),
        ),
    ),
    Record(
        operation="GetLayerVersion",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_GetLayerVersion.html",
        works=Works(before=PUBLISHED, members={"LayerName": "tools", "VersionNumber": 1}, answer=WHOLE_VERSION),
        not_found=Refused(
            before=PUBLISHED,
            members={"LayerName": "tools", "VersionNumber": 2},
            status=404,
            code="ResourceNotFoundException",
            message=NO_SUCH_RESOURCE,
        ),
        conflict=NotDeclared(),
        invalid=Refused(
            members={"LayerName": "tools", "VersionNumber": 0},
            status=400,
            code="InvalidParameterValueException",
            message=NO_SUCH_NUMBER,
        ),
    ),
    Record(
        operation="GetLayerVersionByArn",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_GetLayerVersionByArn.html",
        works=Works(before=PUBLISHED, members={"Arn": f"{LAYER_ARN}:1"}, answer=WHOLE_VERSION),
        not_found=Refused(
            before=PUBLISHED,
            members={"Arn": f"{LAYER_ARN}:2"},
            status=404,
            code="ResourceNotFoundException",
            message=NO_SUCH_RESOURCE,
        ),
        conflict=NotDeclared(),
        invalid=Refused(
            before=PUBLISHED,
            members={"Arn": LAYER_ARN},
            status=400,
            code="ValidationException",
            message=(
                f"1 validation error detected: Value '{LAYER_ARN}' at 'arn' failed to satisfy constraint: "
                "Member must satisfy regular expression pattern: ((arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}"
                r"((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+)|"
                "(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+))"
            ),
        ),
    ),
    Record(
        operation="ListLayers",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_ListLayers.html",
        works=Works(
            before=PUBLISHED,
            answer={"Layers": [{"LayerName": "tools", "LayerArn": LAYER_ARN, "LatestMatchingVersion": VERSION}]},
        ),
        not_found=NotDeclared(),
        conflict=NotDeclared(),
        invalid=Refused(
            members={"CompatibleArchitecture": "riscv"},
            status=400,
            code="ValidationException",
            message=NO_ARCHITECTURE,
        ),
    ),
    Record(
        operation="ListLayerVersions",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_ListLayerVersions.html",
        works=Works(before=PUBLISHED, members={"LayerName": "tools"}, answer={"LayerVersions": [VERSION]}),
        # A layer that is not there has no versions; one of another region is not found.
        not_found=Refused(
            members={"LayerName": ELSEWHERE},
            status=404,
            code="ResourceNotFoundException",
            message=NO_SUCH_RESOURCE,
        ),
        conflict=NotDeclared(),
        invalid=Refused(
            members={"LayerName": "tools", "CompatibleArchitecture": "riscv"},
            status=400,
            code="ValidationException",
            message=NO_ARCHITECTURE,
        ),
    ),
    Record(
        operation="DeleteLayerVersion",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_DeleteLayerVersion.html",
        works=Works(before=PUBLISHED, members={"LayerName": "tools", "VersionNumber": 1}, status=204),
        # AWS is content when there is no such version; one of another region is not found.
        not_found=Refused(
            members={"LayerName": ELSEWHERE, "VersionNumber": 1},
            status=404,
            code="ResourceNotFoundException",
            message=NO_SUCH_RESOURCE,
        ),
        conflict=NotDeclared(),
        invalid=Refused(
            members={"LayerName": "tools", "VersionNumber": -1},
            status=400,
            code="InvalidParameterValueException",
            message=NO_SUCH_NUMBER,
        ),
    ),
)
