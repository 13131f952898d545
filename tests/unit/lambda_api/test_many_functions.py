"""ListFunctions with thousands of functions, while more are created."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.many_functions import Create, Creation, every_name, listings_during, names_of
from tests.unit.lambda_api.served_api import ROLE, ServedApi

pytestmark = pytest.mark.slow

FUNCTIONS = 1_000
EARLIER = 850
_CREATORS = 6


@pytest.fixture
def served(tmp_path: Path) -> Iterator[ServedApi]:
    """An API of its own: so many functions are nobody else's business."""
    api = ServedApi(tmp_path)
    yield api
    api.end()


def _creator(api: ServedApi, afterwards: contextlib.ExitStack) -> Create:
    """On a connection of its own, without boto3: that would take most of the time."""
    connection = afterwards.enter_context(contextlib.closing(api.connect()))

    def create(name: str) -> None:
        asked = {"FunctionName": name, "Role": ROLE, "PackageType": "Image", "Code": {"ImageUri": "hello:latest"}}
        connection.request("POST", "/2015-03-31/functions", json.dumps(asked))
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 201, body

    return create


def test_pages_are_stable_while_functions_are_created(served: ServedApi) -> None:
    """What was there before a listing began is in it once, whatever comes between its pages; at last all are."""
    names = names_of(FUNCTIONS)
    earlier, later = names[:EARLIER], names[EARLIER:]
    client = served.client()
    with contextlib.ExitStack() as afterwards:
        creators = [_creator(served, afterwards) for _ in range(_CREATORS)]
        with Creation(creators, earlier):
            pass
        with Creation(creators, later) as creation:
            listings = list(listings_during(creation, earlier, client))
    assert sum(1 for one in listings if one.meanwhile) >= 2, "nothing was created between the pages"
    assert not [wrong for one in listings for wrong in one.wrong()]
    assert all(set(one.listed) <= set(names) for one in listings)
    assert every_name(client) == sorted(names)
