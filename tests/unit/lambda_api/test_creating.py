"""CreateFunction and what becomes of a new function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.domain.functions import Image
from orchestrator.driver.protocol import ImageUnusable
from tests.support.fake_clock import FakeClock
from tests.support.waiting import until
from tests.unit.lambda_api.served_api import ROLE, ScriptedEngine, ServedApi

Create = Callable[..., dict[str, Any]]
Refused = Callable[..., tuple[str, str]]


def test_a_new_function_is_pending_until_its_image_is_known(
    create: Create, settled: Create, client: Any, engine: ScriptedEngine
) -> None:
    """201 at once, with the state AWS's waiters know."""
    found = engine.hold("slow:latest")
    created = create("slow", Code={"ImageUri": "slow:latest"})
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert (created["State"], created["StateReasonCode"]) == ("Pending", "Creating")
    assert "LastUpdateStatus" not in created
    assert client.get_function_configuration(FunctionName="slow")["State"] == "Pending"
    found.set()
    configuration = settled("slow")
    assert (configuration["State"], configuration["LastUpdateStatus"]) == ("Active", "Successful")
    assert "StateReason" not in configuration


def test_aws_waiters_see_the_function_become_active(create: Create, client: Any) -> None:
    """What deployment tools wait for."""
    create()
    client.get_waiter("function_active_v2").wait(FunctionName="hello", WaiterConfig={"Delay": 1, "MaxAttempts": 5})
    client.get_waiter("function_updated_v2").wait(FunctionName="hello", WaiterConfig={"Delay": 1, "MaxAttempts": 5})


def test_a_new_function_has_awss_defaults(active: Create, api: ServedApi, account: str) -> None:
    """128 MB, 3 s, 512 MB of /tmp, $LATEST, no environment."""
    configuration = active()
    expected = {
        "FunctionName": "hello",
        "FunctionArn": f"arn:aws:lambda:us-east-1:{account}:function:hello",
        "Role": ROLE,
        "CodeSize": 0,
        "CodeSha256": "a" * 64,
        "Description": "",
        "Timeout": 3,
        "MemorySize": 128,
        "Version": "$LATEST",
        "PackageType": "Image",
        "Architectures": ["x86_64"],
        "EphemeralStorage": {"Size": 512},
        "TracingConfig": {"Mode": "PassThrough"},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/hello"},
        "LastModified": api.clock.now().strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
    }
    assert {name: configuration[name] for name in expected} == expected
    assert "Environment" not in configuration
    assert "ImageConfigResponse" not in configuration


def test_every_member_that_was_given_is_kept(active: Create) -> None:
    """All that CreateFunction takes and Paddock does."""
    given: dict[str, Any] = {
        "Description": "says hello",
        "Timeout": 900,
        "MemorySize": 10_240,
        "Environment": {"Variables": {"GREETING": "grüß Gott"}},
        "EphemeralStorage": {"Size": 10_240},
        "Architectures": ["x86_64"],
    }
    image_config = {"EntryPoint": ["/bin/x"], "Command": ["a", "b"], "WorkingDirectory": "/srv"}
    configuration = active(ImageConfig=image_config, **given)
    assert {name: configuration[name] for name in given} == given
    assert configuration["ImageConfigResponse"] == {"ImageConfig": image_config}


def test_members_that_ask_for_nothing_are_accepted(active: Create) -> None:
    """Deployment tools send them with their neutral values."""
    active(
        Publish=False,
        VpcConfig={"SubnetIds": [], "SecurityGroupIds": []},
        DeadLetterConfig={},
        KMSKeyArn="",
        TracingConfig={"Mode": "PassThrough"},
        FileSystemConfigs=[],
        SnapStart={"ApplyOn": "None"},
        LoggingConfig={"LogFormat": "Text"},
        Layers=[],
    )


def test_the_answer_says_which_image_the_function_has(create: Create, client: Any) -> None:
    """So that a version can be published of just that."""
    created = create(Publish=True)
    assert (created["State"], created["CodeSha256"]) == ("Pending", "a" * 64)
    client.get_waiter("function_active_v2").wait(FunctionName="hello", WaiterConfig={"Delay": 0.01, "MaxAttempts": 500})
    assert client.publish_version(FunctionName="hello", CodeSha256=created["CodeSha256"])["Version"] == "1"


def test_a_missing_image_is_refused_and_nothing_is_created(
    create: Create, refused: Refused, client: Any, engine: ScriptedEngine
) -> None:
    """In AWS's words, and with the driver's remedy."""
    engine.has_not("missing:latest")
    assert refused(create, Code={"ImageUri": "missing:latest"}) == (
        "InvalidParameterValueException",
        (
            "Source image missing:latest does not exist. Provide a valid source image. "
            "(image missing:latest is not on this host; build it: docker build -t missing:latest .)"
        ),
    )
    assert refused(client.get_function, FunctionName="hello")[0] == "ResourceNotFoundException"


def test_an_image_of_which_no_container_can_be_made_is_refused(
    create: Create, refused: Refused, engine: ScriptedEngine
) -> None:
    """AWS's text for an image that is none."""
    engine.images["odd:latest"] = ImageUnusable("its VOLUME data is no absolute path; write /data")
    assert refused(create, Code={"ImageUri": "odd:latest"}) == (
        "InvalidParameterValueException",
        (
            "Source image odd:latest is not valid. Provide a valid source image. "
            "(its VOLUME data is no absolute path; write /data)"
        ),
    )


def test_a_function_that_is_there_is_a_conflict_whatever_the_image(
    active: Create, create: Create, refused: Refused, engine: ScriptedEngine
) -> None:
    """Nothing is looked for."""
    active()
    engine.has_not("missing:again")
    code, message = refused(create, Code={"ImageUri": "missing:again"})
    assert (code, message) == ("ResourceConflictException", "Function already exist: hello")
    assert "missing:again" not in engine.asked


def test_a_missing_image_that_is_looked_for_longer_fails_the_function_and_says_what_helps(
    create: Create, settled: Create, engine: ScriptedEngine
) -> None:
    """As while the engine asks a registry: Failed, InvalidImage, and the driver's sentence."""
    looked_for = engine.hold("missing:pulled")
    engine.has_not("missing:pulled")
    created = create(Code={"ImageUri": "missing:pulled"})
    assert (created["State"], created["CodeSha256"]) == ("Pending", "")
    looked_for.set()
    configuration = settled()
    assert (configuration["State"], configuration["StateReasonCode"]) == ("Failed", "InvalidImage")
    assert configuration["StateReason"].startswith("image missing:pulled is not on this host; build it")
    assert (configuration["LastUpdateStatus"], configuration["CodeSha256"]) == ("Failed", "")


def test_an_image_for_another_architecture_is_refused_and_it_says_what_helps(
    create: Create, refused: Refused, engine: ScriptedEngine
) -> None:
    """It would die with 'exec format error' at its first start."""
    engine.images["arm:latest"] = Image(image_id="sha256:b", architecture="arm64", size_bytes=1)
    code, reason = refused(create, Code={"ImageUri": "arm:latest"})
    assert code == "InvalidParameterValueException"
    assert "is for arm64, this host is x86_64" in reason
    assert "docker build --platform linux/amd64" in reason


def test_an_engine_that_stays_away_fails_the_function_with_its_remedy(
    create: Create, settled: Create, engine: ScriptedEngine, api: ServedApi
) -> None:
    """The sentence of the driver reaches the caller."""
    engine.is_away("hello:away")
    create(Code={"ImageUri": "hello:away"})
    until(lambda: engine.asked.count("hello:away") > 1, "it was asked again after the call")
    assert isinstance(api.clock, FakeClock)
    api.clock.advance(60)
    assert "start it" in settled()["StateReason"]


def test_an_engine_that_is_being_started_again_is_waited_for(
    create: Create, settled: Create, engine: ScriptedEngine
) -> None:
    """Else a function created in that second would be useless for ever."""
    engine.is_away("hello:restarted")
    create(Code={"ImageUri": "hello:restarted"})
    until(lambda: engine.asked.count("hello:restarted") > 1, "it was asked again")
    engine.is_back("hello:restarted")
    assert settled()["State"] == "Active"


def test_creating_twice_is_a_conflict(create: Create, refused: Refused, account: str) -> None:
    """AWS's code and text."""
    create()
    code, message = refused(create)
    assert code == "ResourceConflictException"
    assert message == "Function already exist: hello"


def test_a_name_that_was_deleted_may_be_used_again(active: Create, client: Any) -> None:
    """With nothing left of the first one."""
    active(Tags={"old": "yes"}, Description="the first")
    client.delete_function(FunctionName="hello")
    assert active()["Description"] == ""
    assert "Tags" not in client.get_function(FunctionName="hello")


def test_variables_are_measured_as_json(active: Create, create: Create, refused: Refused) -> None:
    """4,096 bytes of it are the most; the refusal shows what was measured, as AWS's does."""
    most = "x" * (4096 - len('{"LARGE_VAR":""}'))
    assert active(Environment={"Variables": {"LARGE_VAR": most}})["Environment"]["Variables"] == {"LARGE_VAR": most}
    said = (
        "Lambda was unable to configure your environment variables because the environment variables you have "
        "provided exceeded the 4KB limit. String measured: "
    )
    assert refused(create, name="other", Environment={"Variables": {"LARGE_VAR": most + "x"}}) == (
        "InvalidParameterValueException",
        f'{said}{{"LARGE_VAR":"{most}x"}}',
    )
    many = {f"VAR_{number}": "ä" * 500 for number in range(5)}
    code, message = refused(create, name="other", Environment={"Variables": many})
    assert (code, message[: len(said) + 12]) == ("InvalidParameterValueException", said + '{"VAR_0":"ää')


def test_what_is_refused_as_too_large_does_not_get_into_the_log(
    create: Create, refused: Refused, capfd: pytest.CaptureFixture[str]
) -> None:
    """Variables are secrets."""
    refused(create, Environment={"Variables": {"PASSWORD": "secret" * 1000}})
    assert "secretsecret" not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("members", "code", "words"),
    [
        ({"PackageType": "Zip", "Code": {"ZipFile": b"PK"}}, "NotImplementedException", "PackageType Zip is not built"),
        ({"PackageType": "Zip"}, "InvalidParameterValueException", "PackageType Image"),
        ({"Code": {"S3Bucket": "bucket", "S3Key": "key"}}, "InvalidParameterValueException", "provide ImageUri"),
        ({"Handler": "a.b"}, "InvalidParameterValueException", "don't provide Handler or Runtime"),
        ({"Runtime": "python3.12"}, "InvalidParameterValueException", "don't provide Handler or Runtime"),
        ({"MemorySize": 10_241}, "InvalidParameterValueException", "less than or equal to 10240"),
        ({"Timeout": 901}, "InvalidParameterValueException", "less than or equal to 900"),
        (
            {"Environment": {"Variables": {"AB": "x" * 4095}}},
            "InvalidParameterValueException",
            "exceeded the 4KB limit",
        ),
        ({"Environment": {"Variables": {"AWS_REGION": "x"}}}, "InvalidParameterValueException", "AWS_REGION"),
        ({"Environment": {"Variables": {"LAMBDA_TASK_ROOT": "x"}}}, "InvalidParameterValueException", "reserved keys"),
        ({"EphemeralStorage": {"Size": 10_241}}, "InvalidParameterValueException", "less than or equal to 10240"),
        ({"name": "x" * 65}, "InvalidParameterValueException", "length less than or equal to 64"),
        ({"Tags": {f"t{n}": "" for n in range(51)}}, "InvalidParameterValueException", "exceeds resource tag limit"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_cannot_be_is_refused(
    create: Create, refused: Refused, client: Any, members: dict[str, Any], code: str, words: str
) -> None:
    """With AWS's exception, and nothing is created."""
    found, message = refused(create, **members)
    assert (found, words in message) == (code, True), message
    assert refused(client.get_function, FunctionName="hello")[0] == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("SnapStart", {"ApplyOn": "PublishedVersions"}),
        ("PublishTo", "LATEST_PUBLISHED"),
        ("DurableConfig", {"ExecutionTimeout": 60}),
        (
            "CapacityProviderConfig",
            {
                "LambdaManagedInstancesCapacityProviderConfig": {
                    "CapacityProviderArn": "arn:aws:lambda:us-east-1:000000000000:capacity-provider:a"
                }
            },
        ),
        ("AcceleratorConfig", {"AcceleratorMemorySize": 1}),
    ],
)
def test_a_member_that_would_be_ignored_is_refused_by_name(
    create: Create, refused: Refused, member: str, value: object
) -> None:
    """501, never accepted and forgotten."""
    code, message = refused(create, **{member: value})
    assert code == "NotImplementedException"
    assert message.startswith(f"{member} is not built yet in Paddock")


def test_a_key_for_the_code_is_refused_by_name(create: Create, refused: Refused) -> None:
    """The image is kept by the engine, under no key of ours."""
    key = "arn:aws:kms:us-east-1:000000000000:key/1"
    code, message = refused(create, Code={"ImageUri": "hello:latest", "SourceKMSKeyArn": key})
    assert (code, message[:15]) == ("NotImplementedException", "SourceKMSKeyArn")
