"""`VpcConfig` through the API: subnets that there are, and what is kept and shown of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.driver.protocol import EngineUnreachable, NotHardened, SubnetUnusable
from tests.support.waiting import until
from tests.unit.lambda_api.served_api import ScriptedEngine

Active = Callable[..., dict[str, Any]]
Refused = Callable[..., tuple[str, str]]

_NONE: dict[str, list[str]] = {"SubnetIds": [], "SecurityGroupIds": []}


@pytest.fixture
def ids(account: str) -> tuple[str, str]:
    """Two subnets that functions of no other test are in."""
    return f"subnet-{account}a", f"subnet-{account}b"


@pytest.fixture
def engine(api: Any, ids: tuple[str, str]) -> ScriptedEngine:
    """One with the networks of both."""
    engine: ScriptedEngine = api.engine
    engine.subnets |= dict.fromkeys(ids)
    return engine


@pytest.fixture
def vpc(ids: tuple[str, str]) -> dict[str, list[str]]:
    """Both, not in their order."""
    return {"SubnetIds": [ids[1], ids[0]], "SecurityGroupIds": ["sg-1"]}


def keeps(engine: ScriptedEngine, *subnet_ids: str) -> bool:
    """Was the driver told last to have sandboxes ready in these?"""
    return bool(engine.kept) and subnet_ids in engine.kept[-1]


def test_subnets_and_security_groups_are_kept_and_shown_with_a_vpc(
    active: Active, client: Any, engine: ScriptedEngine, vpc: dict[str, list[str]], ids: tuple[str, str]
) -> None:
    """As they were given; the VPC is the one of the account and region."""
    shown = active(VpcConfig=vpc)["VpcConfig"]
    assert (shown["SubnetIds"], shown["SecurityGroupIds"]) == (vpc["SubnetIds"], vpc["SecurityGroupIds"])
    assert (shown["VpcId"][:4], len(shown["VpcId"]), shown["Ipv6AllowedForDualStack"]) == ("vpc-", 21, False)
    other = active("other", VpcConfig={"SubnetIds": [ids[0]], "SecurityGroupIds": ["sg-2"]})["VpcConfig"]
    assert other["VpcId"] == shown["VpcId"]
    assert client.get_function_configuration(FunctionName="hello")["VpcConfig"] == shown


def test_sandboxes_are_kept_ready_from_the_creation_on_until_nobody_is_in_the_subnets(
    active: Active, client: Any, engine: ScriptedEngine, vpc: dict[str, list[str]], ids: tuple[str, str]
) -> None:
    """A version that was published is in them as well, whatever becomes of `$LATEST`."""
    active(VpcConfig=vpc, Publish=True)
    until(lambda: keeps(engine, *ids), "they are kept")
    client.update_function_configuration(
        FunctionName="hello", VpcConfig={"SubnetIds": [ids[0]], "SecurityGroupIds": ["sg-1"]}
    )
    until(lambda: keeps(engine, ids[0]), "those of the update are kept, too")
    assert keeps(engine, *ids)
    client.delete_function(FunctionName="hello", Qualifier="1")
    until(lambda: not keeps(engine, *ids), "the version's are let go of")
    client.delete_function(FunctionName="hello")
    until(lambda: not keeps(engine, ids[0]), "all are let go of")


def test_a_function_leaves_its_subnets(
    active: Active, client: Any, engine: ScriptedEngine, vpc: dict[str, list[str]], ids: tuple[str, str]
) -> None:
    """AWS then shows an empty configuration."""
    active(VpcConfig=vpc)
    changed = client.update_function_configuration(FunctionName="hello", VpcConfig=_NONE)
    assert changed["VpcConfig"] == _NONE | {"VpcId": "", "Ipv6AllowedForDualStack": False}
    until(lambda: not keeps(engine, *ids), "they are let go of")


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    "given", [{}, {"Ipv6AllowedForDualStack": True}, {"SecurityGroupIds": ["sg-2"]}, {"SubnetIds": ["other"]}], ids=str
)
def test_what_is_left_out_of_a_vpc_config_stays(
    active: Active, client: Any, vpc: dict[str, list[str]], ids: tuple[str, str], given: dict[str, Any]
) -> None:
    """Terraform replaces the security groups alone before it destroys a function."""
    before = active(VpcConfig=vpc)["VpcConfig"]
    if "SubnetIds" in given:
        given = {"SubnetIds": [ids[0]]}
    assert client.update_function_configuration(FunctionName="hello", VpcConfig=given)["VpcConfig"] == before | given


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("given", [{"SubnetIds": []}, {"SecurityGroupIds": []}], ids=str)
def test_one_empty_list_does_not_take_a_function_out_of_its_vpc(
    active: Active, client: Any, refused: Refused, vpc: dict[str, list[str]], given: dict[str, list[str]]
) -> None:
    """It takes both."""
    active(VpcConfig=vpc)
    assert refused(client.update_function_configuration, FunctionName="hello", VpcConfig=given) == (
        "InvalidParameterValueException",
        "SubnetIds and SecurityIds must coexist or be both empty list.",
    )


@pytest.mark.parametrize("call", ["create", "update"])
def test_a_subnet_that_is_not_there_is_refused_in_awss_words(
    active: Active, create: Any, client: Any, engine: ScriptedEngine, refused: Refused, call: str, ids: tuple[str, str]
) -> None:
    """And nothing is created or changed."""
    absent = {"SubnetIds": [ids[0], "subnet-nowhere"], "SecurityGroupIds": ["sg-1"]}
    message = (
        "Error occurred while DescribeSubnets. EC2 Error Code: InvalidSubnetID.NotFound. "
        "EC2 Error Message: The subnet ID 'subnet-nowhere' does not exist"
    )
    if call == "create":
        assert refused(create, VpcConfig=absent) == ("InvalidParameterValueException", message)
        assert refused(client.get_function, FunctionName="hello")[0] == "ResourceNotFoundException"
        return
    before = active()
    found = refused(client.update_function_configuration, FunctionName="hello", VpcConfig=absent)
    assert found == ("InvalidParameterValueException", message)
    assert client.get_function_configuration(FunctionName="hello")["RevisionId"] == before["RevisionId"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SubnetUnusable("2 networks are labelled"), "InvalidParameterValueException"),
        (NotHardened("functions do not join host"), "InvalidParameterValueException"),
        (EngineUnreachable("Docker does not answer; start it"), "ServiceException"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_subnet_that_cannot_be_joined_is_refused_with_the_reason(
    create: Any,
    engine: ScriptedEngine,
    refused: Refused,
    error: Exception,
    code: str,
    vpc: dict[str, list[str]],
    ids: tuple[str, str],
) -> None:
    """As the driver tells it."""
    engine.subnets[ids[0]] = error
    assert refused(create, VpcConfig=vpc) == (code, str(error))


def test_an_update_of_something_else_does_not_ask_for_the_subnets_again(
    active: Active, client: Any, engine: ScriptedEngine, vpc: dict[str, list[str]]
) -> None:
    """Its network may be gone by now; that is told to whoever calls."""
    active(VpcConfig=vpc)
    engine.subnets.clear()
    assert client.update_function_configuration(FunctionName="hello", Timeout=9)["Timeout"] == 9


@pytest.mark.parametrize("groups", [["sg-1"], []])
def test_it_is_said_in_the_log_that_security_groups_filter_nothing(
    active: Active,
    client: Any,
    engine: ScriptedEngine,
    capsys: pytest.CaptureFixture[str],
    groups: list[str],
    ids: tuple[str, str],
) -> None:
    """Only where some were asked for."""
    active()
    capsys.readouterr()
    subnets = [ids[0]] if groups else []
    client.update_function_configuration(
        FunctionName="hello", VpcConfig={"SubnetIds": subnets, "SecurityGroupIds": groups}
    )
    assert ("security_groups.filter_nothing" in capsys.readouterr().out) is bool(groups)
