"""`paddock keys`: made, listed and removed on the data directory, with or without a control plane that runs on it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from orchestrator.__main__ import app
from orchestrator.settings import Settings
from orchestrator.store.store import Store
from tests.support.fake_clock import FakeClock


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory of the test's own."""
    monkeypatch.setenv("PADDOCK_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def paddock(*arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(app, list(arguments))


def test_a_key_is_made_listed_and_removed(data_dir: Path) -> None:
    """Its secret is shown once, and is in no file."""
    made = json.loads(paddock("keys", "create", "--account", "111122223333", "--description", "ci", "--json").stdout)
    assert len(made["AccessKeyId"]) == 20
    assert made["AccessKeyId"].startswith("AKIA")
    assert len(made["SecretAccessKey"]) == 40

    listed = paddock("keys", "ls")
    assert made["AccessKeyId"] in listed.stdout
    assert "111122223333" in listed.stdout
    assert "ci" in listed.stdout
    assert made["SecretAccessKey"] not in listed.stdout
    written = b"".join(path.read_bytes() for path in data_dir.iterdir())
    assert made["AccessKeyId"].encode() in written
    assert made["SecretAccessKey"].encode() not in written

    removed = paddock("keys", "rm", made["AccessKeyId"], "--json")
    assert json.loads(removed.stdout) == {"removed": made["AccessKeyId"]}
    assert json.loads(paddock("keys", "ls", "--json").stdout) == []
    again = paddock("keys", "rm", made["AccessKeyId"])
    assert again.exit_code == 1
    assert "there is no access key" in again.stderr


def test_it_prints_what_a_shell_can_take_over() -> None:
    """`export $(paddock keys create)`: nothing else is on stdout."""
    lines = paddock("keys", "create").stdout.splitlines()
    assert [line.partition("=")[0] for line in lines] == ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]


def test_an_account_is_twelve_digits() -> None:
    """A usage error says so."""
    refused = paddock("keys", "create", "--account", "me")
    assert refused.exit_code == 2
    assert "12 digits" in refused.stderr


async def test_it_works_beside_a_control_plane_which_sees_the_key_a_second_later(data_dir: Path) -> None:
    """The command writes with a connection of its own."""
    clock = FakeClock()
    store = await Store.open(Settings(), clock)
    assert not await store.access_keys.any()
    made = json.loads(paddock("keys", "create", "--json").stdout)
    assert await store.access_keys.find(made["AccessKeyId"]) is None
    clock.advance(1.1)
    found = await store.access_keys.find(made["AccessKeyId"])
    assert found is not None
    assert found.secret == made["SecretAccessKey"]
    paddock("keys", "rm", made["AccessKeyId"])
    clock.advance(1.1)
    assert await store.access_keys.find(made["AccessKeyId"]) is None
    await store.close()
