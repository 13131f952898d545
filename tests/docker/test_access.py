"""Beyond loopback only signed requests are served, to real clients and on real containers."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import docker
import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.support.paddock_process import PaddockProcess, deploy
from tests.support.signed_requests import TAMPERED, Signed, refused

_TAMPERED = 30
"""At least so many."""
_PADDOCK = [sys.executable, "-m", "orchestrator"]


def run(paddock: PaddockProcess, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the `paddock` command on its data directory, with its endpoint."""
    return subprocess.run(
        [*_PADDOCK, *arguments],
        env={**paddock.variables, "PADDOCK_ENDPOINT_URL": paddock.endpoint, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=Path(__file__).parent.parent.parent,
    )


def test_beyond_loopback_without_a_key_it_does_not_start_and_leaves_nothing(
    engine: docker.DockerClient, tmp_path: Path
) -> None:
    """The remedies are named."""
    paddock = PaddockProcess(tmp_path, host="0.0.0.0", network_pool_size=1)
    ended = run(paddock, "up")
    assert ended.returncode == 1
    assert "there is no access key" in ended.stderr
    assert "paddock keys create" in ended.stderr
    owner = (tmp_path / "driver" / "owner").read_text().strip()
    assert not engine.containers.list(all=True, filters={"label": f"paddock.owner={owner}"})
    assert not engine.networks.list(filters={"label": f"paddock.owner={owner}"})


@pytest.fixture
def beyond_loopback(tmp_path: Path) -> Any:
    """A control plane on every address, and a key for it."""
    paddock = PaddockProcess(tmp_path, host="0.0.0.0", network_pool_size=2)
    key = json.loads(run(paddock, "keys", "create", "--json").stdout)
    paddock.start()
    yield paddock, key["AccessKeyId"], key["SecretAccessKey"]
    assert paddock.terminate() == 0, paddock.log()[-4000:]


def test_beyond_loopback_signed_requests_are_served_and_others_refused(
    beyond_loopback: tuple[PaddockProcess, str, str], images: dict[str, str]
) -> None:
    """boto3, the `aws` CLI, our own command line, and a presigned URL."""
    paddock, key_id, secret = beyond_loopback
    client = paddock.client(key_id, secret)
    deploy(client, "behaviours", images["behaviours"])
    answer = client.invoke(FunctionName="behaviours", Payload=b'{"a": 1}')
    assert answer["StatusCode"] == 200
    assert "FunctionError" not in answer

    with pytest.raises(ClientError) as refused:
        paddock.client().invoke(FunctionName="behaviours", Payload=b"{}")
    assert refused.value.response["Error"]["Code"] == "UnrecognizedClientException"
    with pytest.raises(ClientError) as refused:
        paddock.client(key_id, "x" * 40).invoke(FunctionName="behaviours", Payload=b"{}")
    assert refused.value.response["Error"]["Code"] == "InvalidSignatureException"
    with pytest.raises(urllib.error.HTTPError) as unsigned:
        urllib.request.urlopen(f"{paddock.endpoint}/_paddock/environments", timeout=10)
    with unsigned.value:
        assert unsigned.value.code == 403

    credentials = {"AWS_ACCESS_KEY_ID": key_id, "AWS_SECRET_ACCESS_KEY": secret}
    listed = subprocess.run(
        [Path(sys.executable).with_name("aws"), "lambda", "list-functions", "--endpoint-url", paddock.endpoint],
        env={**paddock.variables, **credentials, "AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "behaviours" in listed.stdout, listed.stderr
    environments = json.loads(run(paddock, "ps", "--json", **credentials).stdout)
    assert [one["function_name"] for one in environments["environments"]] == ["behaviours"]
    without = run(paddock, "ps")
    assert without.returncode == 1
    assert "security token" in without.stderr

    presigned = AWSRequest("GET", f"{paddock.endpoint}/2015-03-31/functions/behaviours")
    SigV4QueryAuth(Credentials(key_id, secret), "lambda", "us-east-1", expires=60).add_auth(presigned)
    assert urlsplit(presigned.url).query
    with urllib.request.urlopen(presigned.url, timeout=10) as found:
        assert json.load(found)["Configuration"]["FunctionName"] == "behaviours"


def test_each_tampered_request_is_refused_in_awss_words_at_the_front_port(
    beyond_loopback: tuple[PaddockProcess, str, str], figures: Callable[[str], None]
) -> None:
    """The same request untouched gets past that door: there is no such function behind it."""
    paddock, key_id, secret = beyond_loopback
    lines, wrong = [], []
    for name, (tamper, (code, words)) in TAMPERED.items():
        signed = Signed(paddock.port, key_id, secret)
        tamper(signed)
        found, message = refused(signed)
        is_right = found == code and message.startswith(words)
        lines.append(f"{name:42} 403 {found:36} {message[:60]}{'' if is_right else '  WRONG'}")
        wrong += [] if is_right else [name]
    figures("\n".join([f"{len(lines)} tampered requests at the front port:", *lines]))
    assert len(lines) >= _TAMPERED
    assert not wrong
    untouched = Signed(paddock.port, key_id, secret)
    untouched.sign()
    assert untouched.send().status == 404
    presigned = Signed(paddock.port, key_id, secret)
    presigned.presign()
    assert presigned.send().status == 200
