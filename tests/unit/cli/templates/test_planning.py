"""Plans as tables: what is wanted, what stands, and the changes and calls that follow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.templates.kinds import kinds_of
from orchestrator.cli.templates.planning import Change, NotServed, Step, plan, wanted_of
from orchestrator.cli.templates.reading import Resource
from orchestrator.cli.templates.references import Stack
from orchestrator.cli.templates.wanted import Call, Standing, Wanted

STACK = Stack(name="shop", account="123456789012", region="eu-west-1")
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:f"
FUNCTION = {"FunctionName": "f", "PackageType": "Image", "Code": {"ImageUri": "f:1"}, "Role": "r"}
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:jobs"


def resource(logical_id: str, kind: str, *needs: str, **properties: Any) -> Resource:
    """One of Lambda's."""
    return Resource(logical_id=logical_id, type=f"AWS::Lambda::{kind}", properties=properties, needs=frozenset(needs))


def as_it_stands(**members: Any) -> Standing:
    """The function f, as the first deployment of FUNCTION left it."""
    defaults = {
        "ImageUri": "f:1",
        "Role": "r",
        "Description": "",
        "Timeout": 3,
        "MemorySize": 128,
        "Environment": {"Variables": {}},
        "EphemeralStorage": {"Size": 512},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/f"},
        "TracingConfig": {"Mode": "PassThrough"},
    }
    return Standing(members={**defaults, **members}, values={"Arn": ARN})


def steps(*resources: Resource, images: dict[str, str | None] | None = None, **standing: Any) -> dict[str, Step]:
    """The plan by logical id."""
    kinds = kinds_of(STACK, Path("/nowhere"), images or {})
    wanted, not_made = wanted_of(resources, kinds)
    return {one.logical_id: one for one in [*plan(wanted, standing, kinds, not_made), *not_made]}


def calls(*resources: Resource, **standing: Any) -> list[tuple[str, dict[str, Any]]]:
    """What the plan would call, in order, with what the API chooses still deferred."""
    kinds = kinds_of(STACK, Path("/nowhere"), {})
    made: list[Call] = []
    for step in steps(*resources, **standing).values():
        assert isinstance(step.wanted, Wanted)
        if step.change in (Change.CREATE, Change.UPDATE):
            made += kinds[step.type].calls(step.wanted, step.standing, step.differing)
    return [(call.operation, dict(call.parameters)) for call in made]


F = resource("F", "Function", **FUNCTION)
V = resource("V", "Version", "F", FunctionName="f")
A = resource("A", "Alias", "F", "V", FunctionName="f", Name="live", FunctionVersion="${V.Version}")
PUBLISHED = Standing(members={"IsPublished": True}, values={"Version": "4", "Arn": f"{ARN}:4"})
BEHIND = Standing(members={"IsPublished": False}, values={"Version": "4", "Arn": f"{ARN}:4"})
LIVE = Standing(members={"FunctionVersion": "4", "Description": ""}, values={"Arn": f"{ARN}:live"})


@pytest.mark.parametrize(
    ("changed", "differing"),
    [
        ({}, ()),
        ({"MemorySize": "128", "Timeout": 3.0}, ()),
        ({"MemorySize": 256}, ("MemorySize",)),
        ({"Code": {"ImageUri": "f:2"}}, ("ImageUri",)),
        ({"Environment": {"Variables": {"A": 1, "B": True}}}, ("Environment",)),
        ({"Tags": [{"Key": "a", "Value": "b"}]}, ("Tags",)),
        ({"ReservedConcurrentExecutions": 0}, ("ReservedConcurrentExecutions",)),
        ({"KmsKeyArn": "k"}, ("KMSKeyArn",)),
        ({"VpcConfig": {"SubnetIds": []}}, ()),
    ],
)
def test_a_function_is_updated_in_what_differs(changed: dict[str, Any], differing: tuple[str, ...]) -> None:
    """And unchanged if nothing does, however CloudFormation writes it."""
    step = steps(resource("F", "Function", **{**FUNCTION, **changed}), F=as_it_stands())["F"]
    assert step.differing == differing
    assert step.change is (Change.UPDATE if differing else Change.UNCHANGED)


@pytest.mark.parametrize(
    ("wanted", "stands", "change"),
    [
        ({"LogFormat": "JSON"}, {"LogFormat": "JSON", "LogGroup": "/aws/lambda/f"}, Change.UNCHANGED),
        ({"LogFormat": "JSON"}, {"LogFormat": "Text", "LogGroup": "/aws/lambda/f"}, Change.UPDATE),
    ],
)
def test_of_a_map_only_what_the_template_mentions_counts(
    wanted: dict[str, str], stands: dict[str, str], change: Change
) -> None:
    """The rest is what the API filled in."""
    function = resource("F", "Function", **FUNCTION, LoggingConfig=wanted)
    assert steps(function, F=as_it_stands(LoggingConfig=stands))["F"].change is change


@pytest.mark.parametrize(
    ("here", "there", "differing"),
    [("sha256:a", "sha256:a", ()), ("sha256:a", "sha256:b", ("ImageId",)), (None, "sha256:b", ())],
)
def test_a_tag_that_moved_is_a_change_where_it_can_be_told(
    here: str | None, there: str, differing: tuple[str, ...]
) -> None:
    """Without docker here, the tag alone is compared."""
    assert steps(F, images={"f:1": here}, F=as_it_stands(ImageId=there))["F"].differing == differing


def test_a_new_function_is_created_with_one_call_and_what_has_operations_of_its_own() -> None:
    """Defaults are not sent."""
    function = resource(
        "F",
        "Function",
        **FUNCTION,
        MemorySize="256",
        Architectures=["arm64"],
        ReservedConcurrentExecutions="5",
        RecursiveLoop="Allow",
        Environment={"Variables": {"A": 1, "B": True}},
        Tags=[{"Key": "team", "Value": "a"}],
    )
    assert calls(function) == [
        (
            "CreateFunction",
            {
                "FunctionName": "f",
                "PackageType": "Image",
                "Code": {"ImageUri": "f:1"},
                "Role": "r",
                "MemorySize": 256,
                "Architectures": ["arm64"],
                "Environment": {"Variables": {"A": "1", "B": "true"}},
                "Tags": {"team": "a"},
            },
        ),
        ("PutFunctionConcurrency", {"FunctionName": "f", "ReservedConcurrentExecutions": 5}),
        ("PutFunctionRecursionConfig", {"FunctionName": "f", "RecursiveLoop": "Allow"}),
    ]


def test_a_function_gets_its_code_before_its_configuration_and_only_what_differs() -> None:
    """As `paddock deploy --image` does."""
    function = resource(
        "F", "Function", **{**FUNCTION, "Code": {"ImageUri": "f:2"}}, Timeout=9, Tags=[{"Key": "a", "Value": "b"}]
    )
    assert calls(function, F=as_it_stands(MemorySize=512)) == [
        ("UpdateFunctionCode", {"FunctionName": "f", "ImageUri": "f:2"}),
        ("UpdateFunctionConfiguration", {"FunctionName": "f", "Timeout": 9, "MemorySize": 128}),
        ("TagResource", {"Resource": ARN, "Tags": {"a": "b"}}),
    ]


def test_the_order_is_what_needs_what_and_not_the_templates() -> None:
    """An alias that stands first in the template still comes after its version, and that after its function."""
    assert list(steps(A, V, F)) == ["F", "V", "A"]


def test_a_function_comes_after_the_url_that_it_is_told() -> None:
    """Though functions come before URLs else."""
    url = resource("U", "Url", "F", TargetFunctionArn="f", AuthType="NONE")
    told = resource("B", "Function", "U", "F", **{**FUNCTION, "FunctionName": "b"})
    assert list(steps(told, url, F)) == ["F", "U", "B"]


@pytest.mark.parametrize(
    ("function", "version", "alias", "expected"),
    [
        (as_it_stands(), PUBLISHED, LIVE, ("unchanged", "unchanged", "unchanged")),
        (as_it_stands(), BEHIND, LIVE, ("unchanged", "update", "update")),
        (as_it_stands(), None, None, ("unchanged", "create", "create")),
        (as_it_stands(Timeout=9), PUBLISHED, LIVE, ("update", "update", "update")),
        (None, None, None, ("create", "create", "create")),
    ],
)
def test_a_version_is_published_where_something_changed_and_the_alias_follows(
    function: Any, version: Any, alias: Any, expected: tuple[str, ...]
) -> None:
    """And only there."""
    found = steps(F, V, A, F=function, V=version, A=alias)
    assert tuple(found[name].change.value for name in "FVA") == expected


def test_a_change_that_is_no_versions_publishes_none() -> None:
    """Tags and reserved concurrency are the function's."""
    function = resource("F", "Function", **FUNCTION, ReservedConcurrentExecutions=5)
    found = steps(function, V, A, F=as_it_stands(), V=PUBLISHED, A=LIVE)
    assert [found[name].change.value for name in "FVA"] == ["update", "unchanged", "unchanged"]


def test_a_version_that_is_unchanged_is_named_by_its_number() -> None:
    """One that will be published has none yet."""
    assert steps(F, V, F=as_it_stands(), V=PUBLISHED)["V"].name == "f:4"
    assert steps(F, V, F=as_it_stands(), V=BEHIND)["V"].name == "f:${V.Version}"


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (
            resource("V", "Version", FunctionName=ARN, Description="d"),
            [("PublishVersion", {"FunctionName": "f", "Description": "d"})],
        ),
        (
            resource(
                "A",
                "Alias",
                FunctionName="f",
                Name="live",
                FunctionVersion=2,
                RoutingConfig={"AdditionalVersionWeights": [{"FunctionVersion": "1", "FunctionWeight": "0.1"}]},
                ProvisionedConcurrencyConfig={"ProvisionedConcurrentExecutions": "2"},
            ),
            [
                (
                    "CreateAlias",
                    {
                        "FunctionName": "f",
                        "Name": "live",
                        "FunctionVersion": "2",
                        "RoutingConfig": {"AdditionalVersionWeights": {"1": 0.1}},
                    },
                ),
                (
                    "PutProvisionedConcurrencyConfig",
                    {"FunctionName": "f", "Qualifier": "live", "ProvisionedConcurrentExecutions": 2},
                ),
            ],
        ),
        (
            resource("U", "Url", TargetFunctionArn=f"{ARN}:live", AuthType="NONE", Cors={"MaxAge": "60"}),
            [
                (
                    "CreateFunctionUrlConfig",
                    {
                        "FunctionName": "f",
                        "Qualifier": "live",
                        "AuthType": "NONE",
                        "InvokeMode": "BUFFERED",
                        "Cors": {"MaxAge": 60},
                    },
                )
            ],
        ),
        (
            resource(
                "P",
                "Permission",
                FunctionName=f"{ARN}:live",
                Action="lambda:InvokeFunction",
                Principal="s3.amazonaws.com",
            ),
            [
                (
                    "AddPermission",
                    {
                        "FunctionName": "f",
                        "Qualifier": "live",
                        "StatementId": "shop-P",
                        "Action": "lambda:InvokeFunction",
                        "Principal": "s3.amazonaws.com",
                    },
                )
            ],
        ),
        (
            resource("E", "EventInvokeConfig", FunctionName="f", Qualifier="$LATEST", MaximumRetryAttempts="0"),
            [("PutFunctionEventInvokeConfig", {"FunctionName": "f", "MaximumRetryAttempts": 0})],
        ),
        (
            resource("M", "EventSourceMapping", FunctionName=f"{ARN}:live", EventSourceArn=QUEUE, BatchSize="5"),
            [
                (
                    "CreateEventSourceMapping",
                    {"FunctionName": "f:live", "EventSourceArn": QUEUE, "BatchSize": 5},
                )
            ],
        ),
    ],
    ids=lambda value: value.type if isinstance(value, Resource) else "",
)
def test_what_is_not_there_is_created_with(one: Resource, expected: list[Any]) -> None:
    """The API's names, and its types."""
    assert calls(one) == expected


URL = Standing(members={"AuthType": "NONE", "InvokeMode": "BUFFERED", "Cors": {"MaxAge": 60}}, values={})
STATEMENT = Standing(members={"Action": "lambda:InvokeFunction", "Principal": "*", "SourceAccount": "1"}, values={})
INVOKE_CONFIG = Standing(members={"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 60})
LIMITED = {"FunctionName": "f", "Qualifier": "live", "MaximumRetryAttempts": 2}
MAPPING = Standing(members={"BatchSize": 10, "Enabled": True, "StartingPosition": "LATEST"}, values={"UUID": "u"})


@pytest.mark.parametrize(
    ("one", "stands", "expected"),
    [
        (
            resource("A", "Alias", FunctionName="f", Name="live", FunctionVersion="5"),
            LIVE,
            [("UpdateAlias", {"FunctionName": "f", "Name": "live", "FunctionVersion": "5"})],
        ),
        (
            resource("U", "Url", TargetFunctionArn="f", AuthType="AWS_IAM"),
            URL,
            [("UpdateFunctionUrlConfig", {"FunctionName": "f", "AuthType": "AWS_IAM", "Cors": {}})],
        ),
        (
            resource("P", "Permission", FunctionName="f", Action="lambda:InvokeFunction", Principal="*"),
            STATEMENT,
            [
                ("RemovePermission", {"FunctionName": "f", "StatementId": "shop-P"}),
                (
                    "AddPermission",
                    {
                        "FunctionName": "f",
                        "StatementId": "shop-P",
                        "Action": "lambda:InvokeFunction",
                        "Principal": "*",
                    },
                ),
            ],
        ),
        (
            resource("E", "EventInvokeConfig", **LIMITED, MaximumEventAgeInSeconds=90),
            INVOKE_CONFIG,
            [("PutFunctionEventInvokeConfig", {**LIMITED, "MaximumEventAgeInSeconds": 90})],
        ),
        pytest.param(
            resource("E", "EventInvokeConfig", **LIMITED),
            INVOKE_CONFIG,
            [("PutFunctionEventInvokeConfig", LIMITED)],
            id="what the template no longer mentions",
        ),
        (
            resource(
                "M",
                "EventSourceMapping",
                FunctionName="f",
                EventSourceArn=QUEUE,
                BatchSize=5,
                Enabled="false",
                StartingPosition="TRIM_HORIZON",
            ),
            MAPPING,
            [("UpdateEventSourceMapping", {"UUID": "u", "BatchSize": 5, "Enabled": False})],
        ),
    ],
    ids=lambda value: value.type if isinstance(value, Resource) else "",
)
def test_what_stands_otherwise_is_changed_with(one: Resource, stands: Standing, expected: list[Any]) -> None:
    """Only what differs, where the API can."""
    assert calls(one, **{one.logical_id: stands}) == expected


@pytest.mark.parametrize(
    ("one", "stands"),
    [
        (resource("U", "Url", TargetFunctionArn="f", AuthType="NONE", Cors={"MaxAge": 60}), URL),
        (
            resource(
                "P", "Permission", FunctionName="f", Action="lambda:InvokeFunction", Principal="*", SourceAccount=1
            ),
            STATEMENT,
        ),
        (resource("E", "EventInvokeConfig", **LIMITED, MaximumEventAgeInSeconds="60"), INVOKE_CONFIG),
        (resource("M", "EventSourceMapping", FunctionName="f", EventSourceArn=QUEUE, BatchSize=10), MAPPING),
    ],
    ids=lambda value: value.type if isinstance(value, Resource) else "",
)
def test_what_stands_as_it_should_is_unchanged(one: Resource, stands: Standing) -> None:
    """Nothing is called."""
    assert calls(one, **{one.logical_id: stands}) == []


@pytest.mark.parametrize(
    ("statement", "members"),
    [
        (
            {
                "Principal": {"Service": "s3.amazonaws.com"},
                "Condition": {
                    "StringEquals": {"AWS:SourceAccount": "1", "lambda:FunctionUrlAuthType": "NONE"},
                    "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"},
                },
            },
            {
                "Principal": "s3.amazonaws.com",
                "SourceAccount": "1",
                "FunctionUrlAuthType": "NONE",
                "SourceArn": "arn:aws:s3:::b",
            },
        ),
        ({"Principal": {"AWS": "arn:aws:iam::123456789012:root"}}, {"Principal": "123456789012"}),
        ({"Principal": {"AWS": "arn:aws:iam::1:role/r"}}, {"Principal": "arn:aws:iam::1:role/r"}),
        (
            {"Principal": "*", "Condition": {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}},
            {"Principal": "*", "InvokedViaFunctionUrl": True},
        ),
        (
            {"Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}},
            {"Principal": "*", "PrincipalOrgID": "o-1"},
        ),
    ],
)
def test_a_statement_is_read_as_what_added_it(statement: dict[str, Any], members: dict[str, Any]) -> None:
    """So that a permission which stands is known again."""
    kind = kinds_of(STACK, Path("/nowhere"), {})["AWS::Lambda::Permission"]
    wanted = kind.wanted("P", {"FunctionName": "f", "Action": "lambda:InvokeFunction", "Principal": "*"})
    policy = {"Statement": [{"Sid": "other"}, {"Sid": "shop-P", "Action": "lambda:InvokeFunction", **statement}]}
    found = kind.standing(lambda operation, **_: {"Policy": json.dumps(policy)}, wanted)
    assert found is not None
    assert found.members == {"Action": "lambda:InvokeFunction", **members}


@pytest.mark.parametrize(
    "statement",
    [
        {"Effect": "Deny", "Principal": "*", "Action": "lambda:InvokeFunction"},
        {"Effect": "Allow", "NotPrincipal": "*", "NotAction": "lambda:InvokeFunction"},
        {"Principal": {"AWS": "123456789012", "Service": "s3.amazonaws.com"}, "Action": "lambda:InvokeFunction"},
        {"Principal": {"AWS": ["123456789012"]}, "Action": ["lambda:InvokeFunction"]},
    ],
)
def test_a_statement_that_no_permission_gave_is_replaced(statement: dict[str, Any]) -> None:
    """PutResourcePolicy takes any, also under a template's id."""
    kind = kinds_of(STACK, Path("/nowhere"), {})["AWS::Lambda::Permission"]
    wanted = kind.wanted("P", {"FunctionName": "f", "Action": "lambda:InvokeFunction", "Principal": "123456789012"})
    policy = {"Statement": [{"Sid": "shop-P", **statement}]}
    found = kind.standing(lambda operation, **_: {"Policy": json.dumps(policy)}, wanted)
    assert found is not None
    differing = kind.differing(wanted, found, False)
    made = [one.operation for one in kind.calls(wanted, found, differing)]
    assert (bool(differing), made) == (True, ["RemovePermission", "AddPermission"])


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (resource("Z", "Function", Runtime="python3.13"), "zip packages are not built in Paddock"),
        (resource("L", "LayerVersion", Content={"S3Bucket": "b"}), "its content is not a folder or zip file here"),
        (resource("L", "LayerVersion", Content="missing"), "its content is not a folder or zip file here"),
        (resource("C", "CodeSigningConfig"), "not read by `paddock deploy`"),
        (resource("A", "Alias", Name="live"), "it has no FunctionName, which it needs"),
    ],
)
def test_what_cannot_be_made_is_left_out_with_its_reason(one: Resource, reason: str) -> None:
    """And is no failure."""
    step = steps(one)[one.logical_id]
    assert step.change is Change.LEFT_OUT
    assert step.reason.startswith(reason)


def test_what_is_of_something_left_out_is_left_out_too() -> None:
    """But a function may know the name of another that is not there."""
    zipped = resource("F", "Function", FunctionName="f", Runtime="python3.13")
    other = resource("G", "Function", "F", **{**FUNCTION, "FunctionName": "g"}, Environment={"Variables": {"F": ARN}})
    found = steps(zipped, V, A, other)
    assert found["V"].reason == "F is left out"
    assert found["A"].reason == "F, V is left out"
    assert found["G"].change is Change.CREATE


def test_what_this_paddock_does_not_serve_is_left_out() -> None:
    """And so is what waits for it."""
    found = steps(F, V, A, F=as_it_stands(), V=NotServed("not built in this Paddock (ListVersionsByFunction)"))
    assert found["V"].reason == "not built in this Paddock (ListVersionsByFunction)"
    assert found["A"].reason == "V is left out"


def test_a_layer_whose_files_did_not_change_is_the_same_zip(tmp_path: Path) -> None:
    """Whenever they were written."""
    folder = tmp_path / "layer"
    (folder / "python").mkdir(parents=True)
    (folder / "python" / "a.py").write_text("a = 1")
    one = resource("L", "LayerVersion", Content="layer", CompatibleRuntimes=["python3.13"])

    def wanted() -> Wanted:
        (found,), _ = wanted_of([one], kinds_of(STACK, tmp_path, {}))
        return found

    first = wanted()
    (folder / "python" / "a.py").touch()
    assert wanted() == first
    (folder / "python" / "a.py").write_text("a = 2")
    assert wanted() != first
