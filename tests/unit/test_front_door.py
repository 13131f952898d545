"""The front port is not for functions, whichever of their networks they come by, and whenever."""

from __future__ import annotations

import asyncio
from ipaddress import IPv4Network
from typing import Any

from orchestrator.access.browsers import BrowserRules
from orchestrator.access.exposure import Decision
from orchestrator.access.function_peers import FunctionPeers
from orchestrator.front_door import FrontDoor
from orchestrator.lambda_api.answers import Receive, Scope, Send, send_raw
from orchestrator.lambda_api.model import ServiceModel

_IN_SUBNET = "10.217.0.9"
_BESIDE_IT = "10.217.0.8"


class Door:
    """A front door that lets everybody in whom it takes for no function, without a signature."""

    def __init__(self) -> None:
        self.in_subnets: set[str] = set()
        self.served: list[str] = []
        self.peers = FunctionPeers(self.in_subnets.__contains__)
        self.signing = Decision()
        self.door = FrontDoor(
            lambda_api=self._serve,
            console=self._serve,
            downloads=self._serve,
            is_ready=lambda: True,
            functions=self.peers,
            browsers=BrowserRules(),
            signing=self.signing,
            signed_only=lambda app: app,
            model=ServiceModel(),
            new_request_id=lambda: "id",
        )

    def opens(self, *, earlier: tuple[str, ...] = ()) -> None:
        """It is known where functions are, and who signs."""
        self.peers.are_on(IPv4Network("10.213.0.0/20"), earlier)
        self.signing.make(False)

    async def status(self, peer: str) -> int:
        """What a call from there gets."""
        sent: list[dict[str, Any]] = []

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        scope = {
            "type": "http",
            "method": "GET",
            "path": "/2015-03-31/functions",
            "headers": [(b"host", b"127.0.0.1:4574")],
            "client": (peer, 40_000),
        }
        await self.door(scope, receive, send)  # type: ignore[arg-type]
        status: int = sent[0]["status"]
        return status

    async def _serve(self, scope: Scope, _receive: Receive, send: Send) -> None:
        self.served.append(scope["client"][0])
        await send_raw(send, 200, [], b"{}")


async def test_a_function_is_refused_that_comes_by_the_network_of_its_subnet() -> None:
    """Whatever its firewall says: the control plane may have come to that network since. Others there may call."""
    door = Door()
    door.opens()
    door.in_subnets.add(_IN_SUBNET)
    assert [await door.status(peer) for peer in (_IN_SUBNET, "10.213.8.1", _BESIDE_IT)] == [403, 403, 200]
    assert door.served == [_BESIDE_IT]


async def test_what_a_function_of_an_earlier_life_asked_for_while_paddock_started_is_refused() -> None:
    """It has gone when its request's turn comes; after that, its address may be anybody's."""
    door = Door()
    waiting = [asyncio.create_task(door.status(peer)) for peer in (_IN_SUBNET, "10.213.8.1", _BESIDE_IT)]
    await asyncio.sleep(0)
    door.opens(earlier=(_IN_SUBNET, "10.213.8.1"))
    assert await asyncio.gather(*waiting) == [403, 403, 200]
    assert await door.status(_IN_SUBNET) == 200
