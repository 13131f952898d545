"""What tests of the Lambda API share: one served API, and an account of its own for each test."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import structlog
from botocore.config import Config

from orchestrator.cli.templates.deploying import deploy_template
from tests.support.waiting import until
from tests.unit.lambda_api.served_api import ROLE, ScriptedEngine, ScriptedFrontDesk, ServedApi

# What a case expected and what it got is to be seen.
pytest.register_assert_rewrite("tests.unit.lambda_api.operations.playing")

Deploy = Callable[..., dict[str, Any]]
_session = boto3.Session()
_accounts = itertools.count(100_000_000_001)


@pytest.fixture(scope="session")
def one_api_for_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedApi]:
    """Tests do not see each other's functions: each has an account of its own."""
    api = ServedApi(tmp_path_factory.mktemp("lambda-api"))
    yield api
    api.end()


@pytest.fixture
def api(one_api_for_all: ServedApi) -> Iterator[ServedApi]:
    """The API, with stand-ins that know nothing yet."""
    yield one_api_for_all
    one_api_for_all.engine.let_go()
    one_api_for_all.engine.images.clear()
    one_api_for_all.engine.subnets.clear()
    one_api_for_all.front_desk.script = None
    one_api_for_all.front_desk.asked.clear()
    one_api_for_all.retired.clear()
    one_api_for_all.provisioning.versions.clear()
    one_api_for_all.provisioning.anew.clear()


@pytest.fixture
def engine(api: ServedApi) -> ScriptedEngine:
    """The Docker engine's stand-in."""
    return api.engine


@pytest.fixture
def front_desk(api: ServedApi) -> ScriptedFrontDesk:
    """The front desk's stand-in."""
    return api.front_desk


@pytest.fixture
def account() -> str:
    """Twelve digits that no other test has."""
    return str(next(_accounts))


@pytest.fixture
def client(api: ServedApi, account: str) -> Any:
    """boto3, in this test's account."""
    return api.client(account)


@pytest.fixture
def create(client: Any) -> Callable[..., dict[str, Any]]:
    """Create a function; what is not said is ordinary."""

    def create(name: str = "hello", **members: Any) -> dict[str, Any]:
        values = {"Role": ROLE, "PackageType": "Image", "Code": {"ImageUri": "hello:latest"}}
        answer: dict[str, Any] = client.create_function(FunctionName=name, **(values | members))
        return answer

    return create


@pytest.fixture
def settled(client: Any) -> Callable[..., dict[str, Any]]:
    """Wait until a function is no longer being created or updated; its configuration then."""

    def settled(name: str = "hello") -> dict[str, Any]:
        def configuration() -> dict[str, Any] | None:
            found: dict[str, Any] = client.get_function_configuration(FunctionName=name)
            is_moving = found["State"] == "Pending" or found["LastUpdateStatus"] == "InProgress"
            return None if is_moving else found

        found = until(configuration, f"{name} settles")
        assert found is not None
        return found

    return settled


@pytest.fixture
def active(create: Callable[..., Any], settled: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
    """Create a function and wait until it is active."""

    def active(name: str = "hello", **members: Any) -> dict[str, Any]:
        create(name, **members)
        configuration: dict[str, Any] = settled(name)
        assert configuration["State"] == "Active", configuration
        return configuration

    return active


@pytest.fixture
def refused() -> Callable[..., tuple[str, str]]:
    """Call, and return the refusal's code and message."""
    from botocore.exceptions import ClientError

    def refused(call: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
        with pytest.raises(ClientError) as caught:
            call(**arguments)
        error = caught.value.response["Error"]
        return error["Code"], error["Message"]

    return refused


@pytest.fixture
def deploy(
    api: ServedApi, account: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Deploy:
    """Deploy a template as stack `shop`, on a machine without docker; each resource by its logical id."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    ours = _session.client(
        "lambda",
        endpoint_url=f"http://127.0.0.1:{api.port}",
        region_name="us-east-1",
        aws_access_key_id=account,
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )

    def deploy(path: Path, *overrides: str, build: bool = False) -> dict[str, Any]:
        # The API of tests runs in this process: what it logs would stand among what the command prints.
        with structlog.testing.capture_logs():
            deploy_template(
                ours, path, overrides=overrides, stack_name="shop", only_plan=False, build=build, as_json=True
            )
        document = json.loads(capsys.readouterr().out)
        return {one["logical_id"]: one for one in document["resources"]}

    return deploy
