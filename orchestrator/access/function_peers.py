"""
Which peers of the front port are functions, which have a door of their own. Pure.

It goes by addresses: a function cannot send from any but its own. Firewalls keep functions from the front port as well;
this holds where one was made before the control plane came to a network.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from ipaddress import IPv4Network, ip_address

_LOOPBACK = "127.0.0.1"
_MAPPED = "::ffff:"
"""Before the IPv4 address of a peer, where an IPv6 socket listens for both."""


class FunctionPeers:
    """
    Knows where functions are.

    Args:
        is_in_subnet: Has a function this address on the network of one of its subnets now? Others on such a network may
            call.
    """

    def __init__(self, is_in_subnet: Callable[[str], bool]) -> None:
        self._is_in_subnet = is_in_subnet
        self._network: IPv4Network | None = None
        self._earlier: frozenset[str] = frozenset()

    def are_on(self, network: IPv4Network, earlier: Collection[str] = ()) -> None:
        """
        It is known now, once, where functions are.

        Args:
            network: Theirs; nobody else is on it.
            earlier: The addresses of functions of an earlier life, which have gone.
        """
        self._network = network
        self._earlier = frozenset(earlier)

    def include(self, peer: str) -> bool:
        """Is the peer with this address a function?"""
        address = peer.removeprefix(_MAPPED)
        if address == _LOOPBACK:
            return False
        if self._is_in_subnet(address):
            return True
        if self._network is None:
            return False
        known = ip_address(address)
        # The first addresses are the gateway's and the control plane's own, which a host's own call comes from.
        return known in self._network and int(known) > int(self._network.network_address) + 2

    def included(self, peer: str) -> bool:
        """Was it, or is it, of a request that came before it was known where functions are, and waited?"""
        return peer.removeprefix(_MAPPED) in self._earlier or self.include(peer)
