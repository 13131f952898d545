"""Requests signed by AWS's own clients are let in; tampered ones get AWS's errors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from orchestrator.administration.data_directory import opened
from orchestrator.clock import SystemClock
from orchestrator.domain.access import AccessKey
from orchestrator.settings import Settings
from orchestrator.store.access_keys import add_key, remove_key
from tests.support.signed_requests import TAMPERED, Signed, refused
from tests.support.waiting import until
from tests.unit.lambda_api.served_api import ROLE, ServedApi
from tests.unit.lambda_api.test_layers import archive

KEY = AccessKey(
    access_key_id="AKIAIOSFODNN7EXAMPLE",
    secret="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    account="111122223333",
    description="of the tests",
    created_at=datetime(2026, 11, 23, tzinfo=UTC),
)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with one access key."""
    folder = tmp_path_factory.mktemp("signed")
    with opened(Settings(data_dir=folder)) as (connection, sealer):
        add_key(connection, sealer, KEY)
    return folder


@pytest.fixture(scope="module")
def api(data_dir: Path) -> Iterator[ServedApi]:
    """The API, for signed requests alone."""
    served = ServedApi(data_dir, signed=True, clock=SystemClock())
    yield served
    served.end()


@pytest.fixture
def client(api: ServedApi) -> Any:
    """boto3 with the key."""
    return api.client(KEY.access_key_id, secret=KEY.secret)


def signed_for(api: ServedApi) -> Signed:
    """A request that is to be signed with the key."""
    return Signed(api.port, KEY.access_key_id, KEY.secret)


def test_boto3_is_let_in_and_speaks_for_the_accounts_key(client: Any) -> None:
    """Control and invoke; names with characters that are encoded."""
    created = client.create_function(FunctionName="hello", Role=ROLE, PackageType="Image", Code={"ImageUri": "a:b"})
    assert created["FunctionArn"] == "arn:aws:lambda:us-east-1:111122223333:function:hello"
    by_arn = client.get_function_configuration(FunctionName=created["FunctionArn"])
    assert by_arn["FunctionName"] == "hello"
    answer = client.invoke(FunctionName=created["FunctionArn"], Qualifier="$LATEST", Payload=b'{"a": "\xc3\xa4"}')
    assert json.loads(answer["Payload"].read()) == {"a": "ä"}
    client.tag_resource(Resource=created["FunctionArn"], Tags={"a b": "c/d+e"})
    client.untag_resource(Resource=created["FunctionArn"], TagKeys=["none of it", "+/="])
    assert client.list_tags(Resource=created["FunctionArn"])["Tags"] == {"a b": "c/d+e"}


def test_the_aws_command_line_is_let_in(api: ServedApi, client: Any) -> None:
    """It signs by itself, with its own copy of botocore."""
    answered = subprocess.run(
        [
            Path(sys.executable).with_name("aws"),
            "lambda",
            "list-functions",
            "--region=eu-central-1",
            f"--endpoint-url=http://127.0.0.1:{api.port}",
        ],
        env={
            "PATH": os.environ["PATH"],
            "AWS_ACCESS_KEY_ID": KEY.access_key_id,
            "AWS_SECRET_ACCESS_KEY": KEY.secret,
            "AWS_CONFIG_FILE": "/nowhere",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert answered.returncode == 0, answered.stderr
    assert json.loads(answered.stdout) == {"Functions": []}


def test_a_layer_is_published_signed_and_had_from_its_location_without_a_signature(api: ServedApi, client: Any) -> None:
    """Its archive is larger than other requests may be; who was told the location may have it."""
    content = archive("x" * 9_000_000)
    published = client.publish_layer_version(LayerName="tools", Content={"ZipFile": content})
    location = urlsplit(published["Content"]["Location"])
    assert api.send("GET", location.path).body == content
    assert api.send("GET", "/2018-10-31/layers").status == 403
    large = signed_for(api)
    large.body = b"x" * 6_300_000
    large.sign()
    assert large.send().status == 413


def test_a_presigned_url_is_let_in_until_it_expires(api: ServedApi) -> None:
    """As SDKs make them: everything in the query."""
    fresh = AWSRequest("GET", f"http://127.0.0.1:{api.port}/2016-08-19/account-settings/")
    SigV4QueryAuth(Credentials(KEY.access_key_id, KEY.secret), "lambda", "us-east-1", expires=60).add_auth(fresh)
    parts = urlsplit(fresh.url)
    answer = api.send("GET", f"{parts.path}?{parts.query}")
    assert answer.status == 200, answer.body

    late = signed_for(api)
    late.presign(expires=60, at=datetime.now(UTC) - timedelta(seconds=61))
    assert refused(late) == ("InvalidSignatureException", late.answer.content["message"])
    assert "Signature expired: " in late.answer.content["message"]
    assert "- 1 min.)" in late.answer.content["message"]


def test_an_unsigned_payload_is_let_in_if_the_signature_says_so(api: ServedApi, client: Any) -> None:
    """The rest is signed all the same."""
    signed = signed_for(api)
    signed.headers["X-Amz-Content-SHA256"] = "UNSIGNED-PAYLOAD"
    signed.sign()
    signed.body = b'{"another": "body"}'
    assert signed.send().status != 403


def test_a_date_header_does_instead_of_x_amz_date(api: ServedApi) -> None:
    """Older clients send that."""
    signed = signed_for(api)
    signed.headers["Date"] = "replaced by the signer"
    signed.sign()
    assert "X-Amz-Date" not in signed.headers
    assert signed.send().status != 403


def test_a_removed_key_is_refused_within_a_second(api: ServedApi, data_dir: Path) -> None:
    """Also while the control plane runs: the command writes beside it."""
    key = AccessKey(
        access_key_id="AKIAREMOVEDSOONXXXXX",
        secret="s" * 40,
        account="000000000000",
        description="",
        created_at=datetime(2026, 11, 23, tzinfo=UTC),
    )
    with opened(Settings(data_dir=data_dir)) as (connection, sealer):
        add_key(connection, sealer, key)
    client = api.client(key.access_key_id, secret=key.secret)

    def refusal() -> str:
        try:
            client.list_functions()
        except ClientError as error:
            code: str = error.response["Error"]["Code"]
            return code
        return ""

    until(lambda: refusal() == "", "the new key works", patience_s=3)
    with opened(Settings(data_dir=data_dir)) as (connection, _):
        assert remove_key(connection, key.access_key_id)
    until(lambda: refusal() == "UnrecognizedClientException", "the removed key is refused", patience_s=3)


def test_health_needs_no_signature(api: ServedApi) -> None:
    """Load balancers and Compose ask without one."""
    assert api.send("GET", "/healthz").status == 200
    assert api.send("GET", "/readyz").status == 200


def test_everything_else_does(api: ServedApi) -> None:
    """Lambda's paths, the console's, and what is neither."""
    for path in ("/2015-03-31/functions/", "/_paddock/openapi.json", "/_paddock/environments", "/", "/favicon.ico"):
        answer = api.send("GET", path)
        assert answer.status == 403, path
        assert answer.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"
        assert answer.content["message"] == "Missing Authentication Token"


@pytest.mark.parametrize("name", TAMPERED)
def test_a_tampered_request_is_refused_in_awss_words(api: ServedApi, name: str) -> None:
    """And nothing of it reaches the front desk."""
    tamper, (code, words) = TAMPERED[name]
    api.front_desk.asked.clear()
    signed = signed_for(api)
    tamper(signed)
    found_code, message = refused(signed)
    assert found_code == code
    assert message.startswith(words), message
    assert not api.front_desk.asked


def test_the_same_request_untouched_is_let_in(api: ServedApi) -> None:
    """Else the table above would show nothing."""
    signed = signed_for(api)
    signed.sign()
    assert signed.send().status != 403
    presigned = signed_for(api)
    presigned.presign()
    assert presigned.send().status == 200
