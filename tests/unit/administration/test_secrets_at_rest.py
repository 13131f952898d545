"""No secret is in any file, while it is written and after, nor in a backup: the raw bytes are searched."""

from __future__ import annotations

import base64
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from orchestrator.__main__ import app
from orchestrator.settings import Settings
from orchestrator.store.store import Store
from tests.support.builders import a_function
from tests.support.fake_clock import FakeClock

VALUE = "correct-horse-battery-staple"
NAME = "DATABASE_PASSWORD_OF_THE_TEST"


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory of the test's own."""
    monkeypatch.setenv("PADDOCK_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def paddock(*arguments: str | Path) -> Result:
    """Run the command."""
    return CliRunner().invoke(app, [str(one) for one in arguments])


def forms(secret: str) -> list[bytes]:
    """What it could look like: as it is, in base64 at each offset, in hexadecimal, in UTF-16."""
    raw = secret.encode()
    encoded = [base64.b64encode(b"x" * offset + raw)[4:-4] for offset in range(3)]
    return [raw, raw.hex().encode(), secret.encode("utf-16-le"), *encoded]


def written(folder: Path) -> dict[str, bytes]:
    """Every file but the key's own."""
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != "secret.key"}


def unpacked(archive: Path) -> Iterator[bytes]:
    """The archive as it is, and everything in it."""
    yield archive.read_bytes()
    with tarfile.open(archive) as opened:
        for member in opened.getmembers():
            content = opened.extractfile(member)
            assert content is not None
            yield content.read()


def leaks(content: bytes, *secrets: str) -> list[str]:
    """Those of the secrets that can be read in it."""
    return [secret for secret in secrets if any(form in content for form in forms(secret))]


async def test_no_secret_is_readable_in_a_file_or_a_backup(data_dir: Path, tmp_path: Path) -> None:
    """Names and values of variables, and the secret of an access key; with a log of writes that holds them all."""
    store = await Store.open(Settings(), FakeClock())
    await store.functions.create(a_function(environment={NAME: VALUE}))
    key = json.loads(paddock("keys", "create", "--description", "seen-in-the-clear", "--json").stdout)
    secrets = (NAME, VALUE, key["SecretAccessKey"])
    files = written(data_dir)
    assert files["paddock.db-wal"], "what was written is in the log of writes, and nowhere else yet"
    assert b"seen-in-the-clear" in files["paddock.db-wal"], "what is no secret is found by this search"
    assert {name: leaks(content, *secrets) for name, content in files.items() if leaks(content, *secrets)} == {}

    assert paddock("backup", tmp_path / "running.tgz").exit_code == 0
    await store.close()
    assert paddock("backup", tmp_path / "stopped.tgz").exit_code == 0
    for archive in (tmp_path / "running.tgz", tmp_path / "stopped.tgz"):
        contents = list(unpacked(archive))
        assert any(b"seen-in-the-clear" in content for content in contents)
        assert [leaks(content, *secrets) for content in contents if leaks(content, *secrets)] == []
    files = written(data_dir)
    assert b"seen-in-the-clear" in files["paddock.db"]
    assert {name: leaks(content, *secrets) for name, content in files.items() if leaks(content, *secrets)} == {}


def test_the_search_finds_a_secret_in_each_form() -> None:
    """Else the test above would show nothing."""
    for form in (VALUE.encode(), base64.b64encode(b"ab" + VALUE.encode() + b"cd"), VALUE.encode().hex().encode()):
        assert leaks(b"...." + form + b"....", VALUE) == [VALUE]
