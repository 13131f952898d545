"""The Lambda API behind a real uvicorn and on a real store, with stand-ins for the Docker engine and the front desk."""

from __future__ import annotations

import asyncio
import http.client
import threading
import uuid
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import uvloop
from botocore.config import Config

from orchestrator.access.browsers import BrowserRules
from orchestrator.access.exposure import Decision
from orchestrator.access.function_peers import FunctionPeers
from orchestrator.clock import Clock
from orchestrator.domain.functions import Image
from orchestrator.domain.names import FunctionKey, VersionKey
from orchestrator.domain.provisioned_concurrency import Provisioned
from orchestrator.driver.protocol import EngineUnreachable, ImageNotFound, SubnetNotFound
from orchestrator.fleet.deployments import Deployments
from orchestrator.fleet.journal import Journal
from orchestrator.front_door import FrontDoor
from orchestrator.http_bounds import DEFAULT_BOUNDS, Bounds
from orchestrator.invocations.requests import InvokeRequest, InvokeResult
from orchestrator.lambda_api.api import LambdaApi
from orchestrator.lambda_api.bodies import BodyRoom
from orchestrator.lambda_api.catalogue import Parts, handlers_of
from orchestrator.lambda_api.invoke import InvokeApp
from orchestrator.lambda_api.layer_downloads import LayerDownloads
from orchestrator.lambda_api.model import ServiceModel
from orchestrator.lambda_api.signed import SignedOnly
from orchestrator.listeners import Listener
from orchestrator.settings import Settings
from orchestrator.store.store import Store
from tests.support.builders import an_image
from tests.support.fake_clock import FakeClock
from tests.support.ports import free_port
from tests.support.signed_requests import RawAnswer, send

HOST_ARCHITECTURE = "x86_64"
REQUEST_ID = "11111111-2222-8333-8444-555555555555"
ROLE = "arn:aws:iam::000000000000:role/any"
_PATIENCE_S = 10
_IMAGE_PATIENCE = timedelta(seconds=0.2)
"""Of calls for a tag that is held; any other is found without waiting."""


class ScriptedEngine:
    """What a deployment asks of Docker. Knows every tag, except those a test speaks of."""

    def __init__(self) -> None:
        self.images: dict[str, Image | Exception] = {}
        self.asked: list[str] = []
        self.subnets: dict[str, Exception | None] = {}
        self.kept: list[tuple[tuple[str, ...], ...]] = []
        self._held: dict[str, threading.Event] = {}

    def has_not(self, uri: str) -> None:
        """This tag is not found, in the words of the driver."""
        self.images[uri] = ImageNotFound(f"image {uri} is not on this host; build it: docker build -t {uri} .")

    def is_away(self, uri: str) -> None:
        """The engine does not answer when asked for this tag."""
        self.images[uri] = EngineUnreachable("Docker does not answer at unix:///var/run/docker.sock; start it")

    def is_back(self, uri: str) -> None:
        """It answers again, and has this tag."""
        del self.images[uri]

    def hold(self, uri: str) -> threading.Event:
        """Look-ups of this tag last until the event is set."""
        return self._held.setdefault(uri, threading.Event())

    def let_go(self) -> None:
        """No look-up is held any more."""
        for held in self._held.values():
            held.set()
        self._held.clear()

    async def find_image(self, uri: str) -> Image:
        """As the driver does."""
        self.asked.append(uri)
        if (held := self._held.get(uri)) is not None:
            await asyncio.to_thread(held.wait, _PATIENCE_S)
        found = self.images.get(uri, an_image())
        if isinstance(found, Exception):
            raise found
        return found

    async def check_subnets(self, subnet_ids: tuple[str, ...]) -> None:
        """As the driver does."""
        for subnet_id in subnet_ids:
            found = self.subnets.get(subnet_id, SubnetNotFound(f"The subnet ID '{subnet_id}' does not exist"))
            if found is not None:
                raise found

    async def keep_subnets(self, sets: tuple[tuple[str, ...], ...]) -> None:
        """As the driver does."""
        self.kept.append(sets)

    async def facts(self) -> SimpleNamespace:
        """As the driver does."""
        return SimpleNamespace(architecture=HOST_ARCHITECTURE)


class ScriptedProvisioning:
    """How far versions are, as a test says; nothing yet, if it says nothing."""

    def __init__(self) -> None:
        self.versions: dict[VersionKey, Provisioned] = {}
        self.anew: list[FunctionKey] = []

    def found(self, key: VersionKey) -> Provisioned:
        """As a test says."""
        return self.versions.get(key, Provisioned())

    def begin_anew(self, function: FunctionKey) -> None:
        """Note it."""
        self.anew.append(function)


Script = Callable[[InvokeRequest], Any]


class ScriptedFrontDesk:
    """Keeps what it was asked, and answers as a test says; without a script it echoes."""

    def __init__(self) -> None:
        self.asked: list[InvokeRequest] = []
        self.script: Script | None = None

    async def invoke(self, request: InvokeRequest) -> InvokeResult:
        """As the front desk does."""
        self.asked.append(request)
        if self.script is not None:
            result: InvokeResult = await self.script(request)
            return result
        return InvokeResult(status_code=200, request_id=REQUEST_ID, payload=request.payload, executed_version="$LATEST")


class ServedApi:
    """
    The API on a port of its own, in a thread with a loop of its own; tests call it as any client does.

    Args:
        data_dir: For its databases.
        signed: Must requests be signed?
        clock: Of everything in it.
        bounds: How large and how slow requests may be.
        body_room_bytes: For the bodies of requests under way.
        keep_alive_s: How long an idle connection is kept.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        signed: bool = False,
        clock: Clock | None = None,
        bounds: Bounds = DEFAULT_BOUNDS,
        body_room_bytes: int = 64 * 1_048_576,
        keep_alive_s: int = 5,
    ) -> None:
        self._keep_alive_s = keep_alive_s
        self._body_room_bytes = body_room_bytes
        self._bounds = bounds
        self._signed = signed
        self.clock = clock or FakeClock()
        self.engine = ScriptedEngine()
        self.front_desk = ScriptedFrontDesk()
        self.provisioning = ScriptedProvisioning()
        self.retired: list[Any] = []
        self._data_dir = data_dir
        self._session = boto3.Session()
        self._begun = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=lambda: uvloop.run(self._serve()), name="served api")
        self._thread.start()
        assert self._begun.wait(_PATIENCE_S), "the API did not begin to listen"
        if self._failure is not None:
            raise self._failure

    def end(self) -> None:
        """Stop listening and close the store."""
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(_PATIENCE_S)

    def client(self, access_key: str = "test", region: str = "us-east-1", secret: str = "test") -> Any:
        """A boto3 client that tries once, and leaves it to the server to check parameters."""
        return self._session.client(
            "lambda",
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name=region,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret,
            config=Config(retries={"max_attempts": 0}, read_timeout=20, parameter_validation=False),
        )

    def connect(self) -> http.client.HTTPConnection:
        """A plain connection."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE_S)

    def send(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] = {}) -> RawAnswer:
        """One request by hand."""
        return send(self.port, method, path, body, headers)

    async def _serve(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        clock = self.clock
        try:
            store = await Store.open(Settings(data_dir=self._data_dir), clock)
            deployments = Deployments(
                functions=store.functions,
                driver=self.engine,  # type: ignore[arg-type]
                journal=Journal(clock),
                clock=clock,
                retire=self.retired.append,
                new_revision=lambda: str(uuid.uuid4()),
                image_patience=_IMAGE_PATIENCE,
            )
            self.port = free_port()
            listener = self._listener(store, deployments, clock)
            await listener.start()
        except BaseException as error:  # noqa: BLE001  (raised again in the test's thread)
            self._failure = error
            return
        finally:
            self._begun.set()
        await self._ended.wait()
        await listener.stop()
        await deployments.close()
        await store.close()

    def _listener(self, store: Store, deployments: Deployments, clock: Clock) -> Listener:
        model, region, bodies = ServiceModel(), "us-east-1", BodyRoom(self._body_room_bytes)
        api = LambdaApi(
            invoke=InvokeApp(
                invoker=self.front_desk,
                model=model,
                region=region,
                new_request_id=lambda: str(uuid.uuid4()),
                bodies=bodies,
            ),
            handlers=handlers_of(
                Parts(
                    functions=store.functions,
                    documents=store.documents,
                    layer_archives=store.layer_archives,
                    provisioned=store.provisioned,
                    deployments=deployments,
                    provisioning=self.provisioning,  # type: ignore[arg-type]
                    clock=clock,
                    account_limit=1000,
                    retire=self.retired.append,
                    new_id=lambda: str(uuid.uuid4()),
                    url_authority="localhost:4574",
                )
            ),
            model=model,
            region=region,
            new_request_id=lambda: str(uuid.uuid4()),
            control_from_functions=False,
            bodies=bodies,
        )
        signing = Decision()
        signing.make(self._signed)
        door = FrontDoor(
            lambda_api=api,
            console=api,
            is_ready=lambda: True,
            functions=FunctionPeers(lambda _address: False),
            browsers=BrowserRules(),
            downloads=LayerDownloads(store.documents, store.layer_archives),
            signing=signing,
            signed_only=lambda app: SignedOnly(
                app,
                keys=store.access_keys,
                clock=clock,
                model=model,
                new_request_id=lambda: str(uuid.uuid4()),
                bodies=bodies,
            ),
            model=model,
            new_request_id=lambda: str(uuid.uuid4()),
        )
        return Listener(
            door,
            name="the served API",
            host="127.0.0.1",
            port=self.port,
            keep_alive_s=self._keep_alive_s,
            bounds=self._bounds,
        )
