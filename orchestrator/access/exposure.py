"""Who can reach the front port, and so whether requests must be signed. Pure."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Literal

from orchestrator.domain.errors import PaddockError


class NoAccessKey(PaddockError):
    """The front port is reached from beyond this host, and nobody could be told apart; the message has the remedies."""


def beyond_loopback(addresses: Iterable[str]) -> tuple[str, ...]:
    """Those of these listening addresses that other machines reach; an empty one is all of them."""
    return tuple(address for address in addresses if not _is_loopback(address))


def must_be_signed(access: Literal["auto", "open", "keys"], addresses: Iterable[str], has_keys: bool) -> bool:
    """
    Must every request be signed with a key of ours?

    Args:
        addresses: Where the front port is reached.
        has_keys: Is there any access key?

    Raises:
        NoAccessKey: If `auto` says yes and there is none: whoever reaches the port could run anything.
    """
    if access != "auto":
        return access == "keys"
    beyond = beyond_loopback(addresses)
    if beyond and not has_keys:
        raise NoAccessKey(
            f"the front port is reached on {', '.join(beyond)}, beyond this host, and there is no access key: make one "
            "(`paddock keys create`; with compose: `docker compose run --rm control-plane keys create`), or publish "
            "the port on 127.0.0.1 only, or let everyone in who reaches it with PADDOCK_ACCESS=open"
        )
    return bool(beyond)


class Decision:
    """Whether requests must be signed, once that is known; until then they wait."""

    def __init__(self) -> None:
        self._is_made = asyncio.Event()
        self._signed = True

    def make(self, signed: bool) -> None:
        """It is known now."""
        self._signed = signed
        self._is_made.set()

    @property
    def lets_everyone_in(self) -> bool:
        """Known, and nothing needs a signature: the one question of the hot path."""
        return not self._signed

    async def needs_signature(self) -> bool:
        """Wait until it is known."""
        await self._is_made.wait()
        return self._signed


def _is_loopback(address: str) -> bool:
    if address == "localhost":
        return True
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
