"""Layers: published, read, listed and deleted as recorded of AWS; their archives can be had again."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import io
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest

from orchestrator.lambda_api.bodies import largest_body_bytes
from tests.unit.lambda_api.served_api import ServedApi

Publish = Callable[..., dict[str, Any]]
Refused = Callable[..., tuple[str, str]]

INVALID = "InvalidParameterValueException"
MISSING = ("ResourceNotFoundException", "The resource you requested does not exist.")


def archive(text: str = "hello") -> bytes:
    """A zip with one file."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as opened:
        opened.writestr(zipfile.ZipInfo("python/said.txt"), text)
    return written.getvalue()


def a_zip_that_says_it_has(size_bytes: int) -> bytes:
    """Its directory says how large its only file is; the file itself is small."""
    content = bytearray(archive())
    at = content.index(b"PK\x01\x02")
    content[at + 24 : at + 28] = size_bytes.to_bytes(4, "little")
    return bytes(content)


EMPTY_ZIP = b"PK\x05\x06" + bytes(18)


@pytest.fixture
def publish(client: Any) -> Publish:
    """Publish a version; what is not said is ordinary."""

    def publish(name: str = "tools", **members: Any) -> dict[str, Any]:
        values: dict[str, Any] = {"Content": {"ZipFile": archive()}} | members
        answer: dict[str, Any] = client.publish_layer_version(LayerName=name, **values)
        return answer

    return publish


def downloaded(api: ServedApi, version: dict[str, Any]) -> Any:
    """What is at a version's Location, asked for without a signature."""
    location = urlsplit(version["Content"]["Location"])
    assert location.netloc == f"127.0.0.1:{api.port}"
    return api.send("GET", location.path)


def test_a_version_is_published_and_read_by_name_and_arn(
    api: ServedApi, client: Any, publish: Publish, account: str
) -> None:
    """Every member as recorded; what was not said is not there."""
    published = publish(
        CompatibleRuntimes=["python3.12"],
        CompatibleArchitectures=["x86_64"],
        Description="of ours",
        LicenseInfo="MIT",
    )
    assert published.pop("ResponseMetadata")["HTTPStatusCode"] == 201
    arn = f"arn:aws:lambda:us-east-1:{account}:layer:tools"
    assert published == {
        "LayerArn": arn,
        "LayerVersionArn": f"{arn}:1",
        "Version": 1,
        "Description": "of ours",
        "LicenseInfo": "MIT",
        "CompatibleRuntimes": ["python3.12"],
        "CompatibleArchitectures": ["x86_64"],
        "CreatedDate": api.clock.now().strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
        "Content": {
            "CodeSha256": base64.b64encode(hashlib.sha256(archive()).digest()).decode(),
            "CodeSize": len(archive()),
            "Location": published["Content"]["Location"],
        },
    }
    for got in (
        client.get_layer_version(LayerName="tools", VersionNumber=1),
        client.get_layer_version(LayerName=arn, VersionNumber=1),
        client.get_layer_version_by_arn(Arn=f"{arn}:1"),
    ):
        assert got.pop("ResponseMetadata")["HTTPStatusCode"] == 200
        assert got == published
    plain = publish()
    assert plain["Description"] == ""
    assert not {"LicenseInfo", "CompatibleRuntimes", "CompatibleArchitectures"} & set(plain)
    empty = publish(CompatibleRuntimes=[], CompatibleArchitectures=[])
    assert (empty["CompatibleRuntimes"], empty["CompatibleArchitectures"]) == ([], [])


def test_the_archive_can_be_had_from_its_location_until_the_version_is_deleted(
    api: ServedApi, client: Any, publish: Publish
) -> None:
    """Two versions of one content share a file, which stays while one of them needs it."""
    first, second = publish(), publish()
    assert first["Content"]["Location"] != second["Content"]["Location"]
    answer = downloaded(api, first)
    assert (answer.status, answer.headers["content-type"], answer.body) == (200, "application/zip", archive())
    client.delete_layer_version(LayerName="tools", VersionNumber=1)
    assert downloaded(api, first).status == 404
    assert downloaded(api, second).body == archive()
    client.delete_layer_version(LayerName="tools", VersionNumber=2)
    assert downloaded(api, second).status == 404


def test_what_follows_a_download_on_its_connection_is_answered(api: ServedApi, publish: Publish) -> None:
    """Also at once, and be it no HTTP: the answer is over with its last byte, for both sides."""
    path = urlsplit(publish()["Content"]["Location"]).path
    for _ in range(20):
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", api.port, timeout=10)) as connection:
            connection.request("GET", path)
            assert connection.getresponse().read() == archive()
            connection.request("get", path)
            with connection.getresponse() as answer:
                assert answer.status == 400


def test_nobody_can_guess_a_location(api: ServedApi, publish: Publish) -> None:
    """A path that is nearly right is nobody's."""
    path = urlsplit(publish()["Content"]["Location"]).path
    for wrong in (path[:-5], f"{path[:-36]}{'0' * 32}.zip", f"{path}/x", path.replace("/0000", "/x"), path + "%C3%A4"):
        assert api.send("GET", wrong).status == 404, wrong
    assert api.send("POST", path).status == 404


def test_numbers_are_given_once_also_to_those_who_publish_at_once(client: Any, publish: Publish) -> None:
    """Not after a version, nor after all of them, were deleted."""
    assert [publish()["Version"] for _ in range(2)] == [1, 2]
    for number in (1, 2):
        client.delete_layer_version(LayerName="tools", VersionNumber=number)
    assert client.list_layer_versions(LayerName="tools")["LayerVersions"] == []
    assert client.list_layers()["Layers"] == []
    with ThreadPoolExecutor(4) as threads:
        published = [threads.submit(publish, Content={"ZipFile": archive(str(number))}) for number in range(4)]
    assert sorted(one.result()["Version"] for one in published) == [3, 4, 5, 6]


def test_versions_are_listed_newest_first_by_what_they_are_for_and_in_pages(client: Any, publish: Publish) -> None:
    """A layer that does not exist has none."""
    publish(CompatibleRuntimes=["python3.12"])
    publish(CompatibleRuntimes=["nodejs22.x"], CompatibleArchitectures=["arm64"])
    for _ in range(8):
        publish()
    publish("tools-2")

    def listed(**arguments: Any) -> list[int]:
        found = client.list_layer_versions(**({"LayerName": "tools"} | arguments))["LayerVersions"]
        return [one["Version"] for one in found]

    assert listed() == [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]
    assert listed(CompatibleRuntime="python3.12") == [1]
    assert listed(CompatibleArchitecture="arm64", CompatibleRuntime="nodejs22.x") == [2]
    assert listed(CompatibleArchitecture="x86_64") == []
    assert listed(LayerName="nothing") == []
    pages = client.get_paginator("list_layer_versions").paginate(LayerName="tools", PaginationConfig={"PageSize": 4})
    assert [[one["Version"] for one in page["LayerVersions"]] for page in pages] == [
        [10, 9, 8, 7],
        [6, 5, 4, 3],
        [2, 1],
    ]


def test_layers_are_listed_with_their_newest_version_that_fits(client: Any, publish: Publish, account: str) -> None:
    """In the order of their names."""
    publish("b", CompatibleRuntimes=["python3.12"])
    publish("b")
    publish("a", CompatibleRuntimes=["python3.12"])
    publish("c")

    def listed(**arguments: Any) -> list[tuple[str, int]]:
        layers = client.list_layers(**arguments)["Layers"]
        return [(one["LayerName"], one["LatestMatchingVersion"]["Version"]) for one in layers]

    assert listed() == [("a", 1), ("b", 2), ("c", 1)]
    assert listed(CompatibleRuntime="python3.12") == [("a", 1), ("b", 1)]
    pages = client.get_paginator("list_layers").paginate(PaginationConfig={"PageSize": 2})
    assert [[one["LayerArn"] for one in page["Layers"]] for page in pages] == [
        [f"arn:aws:lambda:us-east-1:{account}:layer:{name}" for name in names] for names in ("ab", "c")
    ]


def test_a_layer_is_not_reached_from_another_region(
    api: ServedApi, client: Any, publish: Publish, account: str, refused: Refused
) -> None:
    """Also with its whole ARN; one of the same name there is another layer."""
    arn = publish()["LayerArn"]
    there = api.client(account, "eu-west-1")
    assert refused(there.get_layer_version_by_arn, Arn=f"{arn}:1") == MISSING
    assert refused(there.get_layer_version, LayerName=arn, VersionNumber=1) == MISSING
    assert refused(there.list_layer_versions, LayerName=arn) == MISSING
    assert refused(there.publish_layer_version, LayerName=arn, Content={"ZipFile": archive()}) == MISSING
    assert refused(there.delete_layer_version, LayerName=arn, VersionNumber=1) == MISSING
    assert there.list_layers()["Layers"] == []
    other = there.publish_layer_version(LayerName="tools", Content={"ZipFile": archive()})
    assert (other["Version"], other["LayerArn"]) == (1, arn.replace("us-east-1", "eu-west-1"))
    assert client.get_layer_version(LayerName="tools", VersionNumber=1)["LayerVersionArn"] == f"{arn}:1"


def test_what_does_not_exist_is_not_found_and_deleted_without_complaint(
    client: Any, publish: Publish, account: str, refused: Refused
) -> None:
    """As recorded."""
    publish()
    arn = f"arn:aws:lambda:us-east-1:{account}:layer:tools"
    assert refused(client.get_layer_version, LayerName="nothing", VersionNumber=1) == MISSING
    assert refused(client.get_layer_version, LayerName="tools", VersionNumber=2) == MISSING
    assert refused(client.get_layer_version_by_arn, Arn=f"{arn}:2") == MISSING
    assert refused(client.get_layer_version_by_arn, Arn=f"{arn.replace('us-east-1', 'eu-west-1')}:1") == MISSING
    for number in (1, 1, 2):
        deleted = client.delete_layer_version(LayerName="tools", VersionNumber=number)
        assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
    for number in (0, -1):
        for call in (client.get_layer_version, client.delete_layer_version, client.get_layer_version_policy):
            assert refused(call, LayerName="tools", VersionNumber=number) == (
                INVALID,
                "Layer Version Cannot be less than 1",
            )


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        ({"ZipFile": b""}, INVALID, "Uploaded file must be a non-empty zip"),
        ({"ZipFile": EMPTY_ZIP}, INVALID, "Uploaded file must be a non-empty zip"),
        (
            {"ZipFile": b"no zip"},
            INVALID,
            "Could not unzip uploaded file. Please check your file, then try to upload again.",
        ),
        (
            {"ZipFile": a_zip_that_says_it_has(262_144_000)},
            INVALID,
            "Unzipped size must be smaller than 262144000 bytes",
        ),
        ({}, INVALID, "Please provide a ZipFile in Content."),
        (
            {"S3Bucket": "bucket", "S3Key": "key"},
            "NotImplementedException",
            "S3Bucket is not built yet in Paddock, which has no S3; give the layer's zip as Content.ZipFile",
        ),
    ],
    ids=["nothing", "no files", "no zip", "large", "no content", "S3"],
)
def test_content_that_cannot_be_a_layer_is_refused(
    client: Any, publish: Publish, refused: Refused, content: dict[str, Any], code: str, message: str
) -> None:
    """And gives no number away."""
    assert refused(publish, Content=content) == (code, message)
    assert publish()["Version"] == 1


def test_an_archive_of_more_files_than_can_be_looked_through_is_refused(publish: Publish, refused: Refused) -> None:
    """Before its directory is read: a million entries fit in fifty megabytes."""
    crowded = archive() + b"PK\x01\x02" * 100_000
    assert refused(publish, Content={"ZipFile": crowded}) == (INVALID, "Paddock takes archives of at most 100000 files")


def test_all_versions_count_against_the_code_that_an_account_may_keep(
    client: Any, publish: Publish, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also two of one archive; what is deleted no longer counts."""
    one_bytes = len(archive())
    monkeypatch.setattr("orchestrator.domain.quotas.MAX_CODE_BYTES", 2 * one_bytes)
    publish()
    publish("others")
    assert client.get_account_settings()["AccountUsage"]["TotalCodeSize"] == 2 * one_bytes
    assert refused(publish) == ("CodeStorageExceededException", "Code storage limit exceeded.")
    client.delete_layer_version(LayerName="others", VersionNumber=1)
    assert client.get_account_settings()["AccountUsage"]["TotalCodeSize"] == one_bytes
    assert publish()["Version"] == 2


def test_an_archive_just_small_enough_is_a_layer(publish: Publish) -> None:
    """The limit itself is too much."""
    assert publish(Content={"ZipFile": a_zip_that_says_it_has(262_143_999)})["Version"] == 1


@pytest.mark.parametrize(
    "members",
    [
        {"name": "a b"},
        {"name": "a" * 141},
        {"CompatibleRuntimes": ["cobol"]},
        {"CompatibleRuntimes": ["python3.12"] * 16},
        {"CompatibleArchitectures": ["riscv"]},
        {"LicenseInfo": "x" * 513},
        {"Description": "x" * 257},
    ],
    ids=["name", "long name", "runtime", "runtimes", "architecture", "license", "description"],
)
def test_members_that_the_model_forbids_are_refused(
    publish: Publish, refused: Refused, members: dict[str, Any]
) -> None:
    """Before the archive is looked at."""
    assert refused(publish, **members)[0] == "ValidationException"


def test_a_layer_may_be_larger_than_other_requests(api: ServedApi, publish: Publish) -> None:
    """Up to AWS's own limit of a request with an archive in it."""
    content = archive("x" * 4_800_000)
    assert len(base64.b64encode(content)) > 6_291_456
    assert downloaded(api, publish(Content={"ZipFile": content})).body == content
    assert largest_body_bytes("PublishLayerVersion") == 70_167_211


def test_a_function_of_an_image_has_no_layers(
    client: Any, active: Callable[..., Any], publish: Publish, refused: Refused
) -> None:
    """Neither when it is created nor later: in AWS's words."""
    layer = publish()["LayerVersionArn"]
    refusal = (
        INVALID,
        "Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image.",
    )
    assert refused(active, Layers=[layer]) == refusal
    active()
    assert refused(client.update_function_configuration, FunctionName="hello", Layers=[layer]) == refusal
    assert "Layers" not in client.update_function_configuration(FunctionName="hello", Layers=[])
