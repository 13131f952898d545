"""
What Terraform's AWS provider would do with Paddock: a plan after an apply shows no difference, whatever was configured.

Its calls are replayed with boto3 (`tests/support/terraform`); the provider itself cannot be had here.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.terraform.functions import Function
from tests.support.terraform.resource import Managed, Resource
from tests.support.waiting import until
from tests.unit.lambda_api.served_api import ROLE, ScriptedEngine

Terraform = Callable[[type[Resource]], Managed]
QUEUE, TOPIC = "arn:aws:sqs:us-east-1:000000000000:dead", "arn:aws:sns:us-east-1:000000000000:dead"
KEY = "arn:aws:kms:us-east-1:000000000000:key/1"
LEAST = {"function_name": "hello", "role": ROLE, "image_uri": "hello:1", "package_type": "Image"}
JSON_LOGS = {"log_format": "JSON", "application_log_level": "DEBUG", "system_log_level": "WARN", "log_group": "ours"}
WHOLE = LEAST | {
    "publish": True,
    "architectures": ["x86_64"],
    "dead_letter_config": {"target_arn": QUEUE},
    "description": "greets",
    "environment": {"variables": {"LEVEL": "debug", "EMPTY": ""}},
    "ephemeral_storage": {"size": 1024},
    "image_config": {"command": ["app.handler"], "entry_point": ["/bin/run", "-v"], "working_directory": "/srv"},
    "kms_key_arn": KEY,
    "logging_config": JSON_LOGS,
    "memory_size": 512,
    "reserved_concurrent_executions": 5,
    "tags": {"team": "shop", "stage": "dev"},
    "timeout": 30,
    "tracing_config": {"mode": "Active"},
    "vpc_config": {"subnet_ids": {"subnet-1"}, "security_group_ids": {"sg-1"}},
}
NOTHING_IN_IT = LEAST | {
    "environment": {"variables": {}},
    "image_config": {},
    "vpc_config": {"subnet_ids": set(), "security_group_ids": set()},
    "tags": {},
}


@pytest.fixture
def terraform(client: Any) -> Terraform:
    """Gives a resource into Terraform's hands."""
    return lambda resource: Managed(resource(client))


@pytest.fixture(autouse=True)
def _subnets(engine: ScriptedEngine) -> None:
    engine.subnets |= {"subnet-1": None, "subnet-2": None}


@pytest.mark.parametrize(
    "configured",
    [
        LEAST,
        WHOLE,
        NOTHING_IN_IT,
        LEAST | {"logging_config": {"log_format": "JSON"}},
        LEAST | {"logging_config": {"log_format": "Text", "log_group": "ours"}},
        LEAST | {"reserved_concurrent_executions": 0},
        LEAST | {"image_config": {"command": ["app.handler"]}},
    ],
    ids=["the least", "the whole", "empty blocks", "json", "log group", "reserved nothing", "one override"],
)
def test_a_function_stands_as_configured(terraform: Terraform, configured: dict[str, Any]) -> None:
    """Each refresh finds it so; only what nobody said has come from the API."""
    function = terraform(Function)
    function.apply(configured)
    assert function.plan(configured) == {}
    assert function.plan(configured) == {}
    function.destroy()


CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "more memory and time": ({}, {"memory_size": 256, "timeout": 9}),
    "another description": ({"description": "old"}, {"description": "new"}),
    "no description": ({"description": "old"}, {}),
    "another role": ({}, {"role": "arn:aws:iam::000000000000:role/other"}),
    "another image": ({}, {"image_uri": "hello:2"}),
    "variables": ({}, {"environment": {"variables": {"LEVEL": "1"}}}),
    "other variables": ({"environment": {"variables": {"LEVEL": "1"}}}, {"environment": {"variables": {"STAGE": "2"}}}),
    "no environment": ({"environment": {"variables": {"LEVEL": "1"}}}, {}),
    "an empty environment": ({"environment": {"variables": {"LEVEL": "1"}}}, {"environment": {"variables": {}}}),
    "another dead letter queue": (
        {"dead_letter_config": {"target_arn": QUEUE}},
        {"dead_letter_config": {"target_arn": TOPIC}},
    ),
    "no dead letter queue": ({"dead_letter_config": {"target_arn": QUEUE}}, {}),
    "other overrides": ({"image_config": {"command": ["a"]}}, {"image_config": {"entry_point": ["/b"]}}),
    "no overrides": ({"image_config": {"command": ["a"], "working_directory": "/srv"}}, {}),
    "no key": (
        {"kms_key_arn": KEY, "environment": {"variables": {"LEVEL": "1"}}},
        {"environment": {"variables": {"LEVEL": "1"}}},
    ),
    "a larger disk": ({}, {"ephemeral_storage": {"size": 2048}}),
    "logs in JSON": ({"logging_config": {"log_format": "Text"}}, {"logging_config": {"log_format": "JSON"}}),
    "logs in text": ({"logging_config": JSON_LOGS}, {"logging_config": {"log_format": "Text"}}),
    "another log group": ({"logging_config": JSON_LOGS}, {"logging_config": JSON_LOGS | {"log_group": "theirs"}}),
    "another log level": (
        {"logging_config": JSON_LOGS},
        {"logging_config": JSON_LOGS | {"application_log_level": "ERROR"}},
    ),
    "tracing": ({}, {"tracing_config": {"mode": "Active"}}),
    "into a VPC": ({}, {"vpc_config": {"subnet_ids": {"subnet-1"}, "security_group_ids": {"sg-1"}}}),
    "another subnet": (
        {"vpc_config": {"subnet_ids": {"subnet-1"}, "security_group_ids": {"sg-1"}}},
        {"vpc_config": {"subnet_ids": {"subnet-2", "subnet-1"}, "security_group_ids": {"sg-1"}}},
    ),
    "out of the VPC": ({"vpc_config": {"subnet_ids": {"subnet-1"}, "security_group_ids": {"sg-1"}}}, {}),
    "reserved concurrency": ({}, {"reserved_concurrent_executions": 3}),
    "nothing reserved": ({"reserved_concurrent_executions": 3}, {}),
    "tags": ({"tags": {"gone": "1", "kept": "2", "changed": "3"}}, {"tags": {"kept": "2", "changed": "4", "new": "5"}}),
    "no tags": ({"tags": {"gone": "1"}}, {}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_function_is_changed_in_place(terraform: Terraform, change: str) -> None:
    """Only what was changed is planned, and nothing is left to be done afterwards."""
    before, after = ({**LEAST, **members} for members in CHANGES[change])
    changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    function = terraform(Function)
    function.apply(before)
    assert set(function.apply(after)) == changed
    assert function.plan(after) == {}


def test_everything_of_a_function_is_taken_away_at_once(terraform: Terraform) -> None:
    """What the API chooses where nobody says stays as it was."""
    function = terraform(Function)
    function.apply(WHOLE)
    least = LEAST | {"publish": True}
    function.apply(least)
    assert function.plan(least) == {}
    assert function.state is not None
    assert function.state["logging_config"] == JSON_LOGS
    assert function.state["ephemeral_storage"] == {"size": 1024}


def test_a_function_that_publishes_has_a_version_for_each_change_of_it(terraform: Terraform, client: Any) -> None:
    """One, also where code and configuration change together; none for what is not of a version."""
    function = terraform(Function)
    versions = []
    for members in (
        {"publish": False},
        {"publish": True},
        {"publish": True, "memory_size": 256},
        {"publish": True, "memory_size": 512, "image_uri": "hello:2", "description": "both"},
        {"publish": True, "memory_size": 512, "image_uri": "hello:2", "description": "both", "tags": {"a": "b"}},
    ):
        function.apply(LEAST | members)
        assert function.state is not None
        versions.append(function.state["version"])
        assert function.state["qualified_arn"] == f"{function.state['arn']}:{versions[-1]}"
    assert versions == ["$LATEST", "1", "2", "3", "3"]


def test_the_newest_of_many_versions_is_found(terraform: Terraform, client: Any) -> None:
    """On the last page of them; the provider asks for 10,000 at once and gets fewer."""
    function = terraform(Function)
    configured = LEAST | {"publish": True}
    function.apply(configured)
    for number in range(2, 53):
        client.update_function_configuration(FunctionName="hello", Description=str(number))
        client.publish_version(FunctionName="hello")
    assert function.plan(configured) == {"description": ("52", "")}
    assert function.state is not None
    assert function.state["version"] == "52"


def test_a_function_that_is_gone_is_planned_anew_and_destroyed_all_the_same(terraform: Terraform, client: Any) -> None:
    """Somebody else removed it."""
    function = terraform(Function)
    function.apply(LEAST)
    client.delete_function(FunctionName="hello")
    assert {"function_name", "image_uri", "role"} <= set(function.plan(LEAST))
    function.destroy()


def test_what_changed_meanwhile_is_planned_back(terraform: Terraform, client: Any) -> None:
    """A refresh sees it."""
    function = terraform(Function)
    function.apply(LEAST)
    client.update_function_configuration(FunctionName="hello", Timeout=7)
    client.tag_resource(Resource=function.state["arn"] if function.state else "", Tags={"by": "hand"})
    assert function.plan(LEAST) == {"timeout": (7, 3), "tags": ({"by": "hand"}, {})}


@pytest.mark.parametrize(
    "members", [{"memory_size": 256}, {"publish": True}], ids=["UpdateFunctionConfiguration", "PublishVersion"]
)
def test_a_call_during_an_update_is_repeated_until_it_goes_through(
    terraform: Terraform, client: Any, engine: ScriptedEngine, members: dict[str, Any]
) -> None:
    """The refusal is the one that the provider waits for."""
    function = terraform(Function)
    function.apply(LEAST)
    slow = f"hello:slow-{next(iter(members))}"
    held = engine.hold(slow)
    client.update_function_code(FunctionName="hello", ImageUri=slow)
    configured = LEAST | {"image_uri": slow} | members
    with ThreadPoolExecutor() as threads:
        applied = threads.submit(function.apply, configured)
        try:
            until(lambda: function.resource.refusals or applied.done(), "the call is refused")
        finally:
            held.set()
        assert set(applied.result()) == set(members)
    assert set(function.resource.refusals) == {"ResourceConflictException"}
    assert function.plan(configured) == {}


def test_a_function_whose_image_is_missing_is_not_created(
    terraform: Terraform, engine: ScriptedEngine, client: Any
) -> None:
    """The provider tells the refusal."""
    engine.has_not("gone:1")
    with pytest.raises(ClientError, match="Source image gone:1 does not exist"):
        terraform(Function).apply(LEAST | {"image_uri": "gone:1"})
    assert client.list_functions()["Functions"] == []


def test_a_function_whose_image_is_looked_for_in_vain_is_never_active(
    terraform: Terraform, engine: ScriptedEngine, client: Any
) -> None:
    """The provider's waiter gives up at the state that it does not expect."""
    looked_for = engine.hold("lost:1")
    engine.has_not("lost:1")
    function = terraform(Function)
    with ThreadPoolExecutor() as threads:
        applied = threads.submit(function.apply, LEAST | {"image_uri": "lost:1"})
        try:
            until(lambda: client.list_functions()["Functions"], "it is created")
        finally:
            looked_for.set()
        with pytest.raises(AssertionError, match="'Failed' is neither one of"):
            applied.result()
