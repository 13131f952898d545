"""Whose address is whose: how an environment is known to those that it connects to, until it is confirmed gone."""

from __future__ import annotations

from orchestrator.fleet.live import LiveEnvironment


class Addresses:
    """
    Those of the live environments: the hostnames that their sandboxes have for the control plane, and their IPv4
    addresses on the functions' network and on the networks of their subnets.
    """

    def __init__(self) -> None:
        self._by_hostname: dict[str, LiveEnvironment] = {}
        self._by_address: dict[str, LiveEnvironment] = {}
        self._in_subnets: dict[str, LiveEnvironment] = {}

    def taken(self, live: LiveEnvironment) -> None:
        """It has a sandbox now: nothing has run in it yet."""
        assert live.sandbox is not None, "it was just taken"
        self._by_address[live.sandbox.address] = live
        self._in_subnets.update((address, live) for address in live.sandbox.in_subnets)
        if not live.environment.is_ending:
            self._by_hostname[live.sandbox.hostname] = live

    def find(self, hostname: str, address: str) -> LiveEnvironment | None:
        """The environment of this hostname, if the address is its own (D1)."""
        live = self._by_hostname.get(hostname)
        if live is None or live.sandbox is None or live.sandbox.address != address:
            return None
        return live

    def at(self, address: str) -> LiveEnvironment | None:
        """The environment with this address on the functions' network; also one that is ending."""
        return self._by_address.get(address)

    def is_in_subnet(self, address: str) -> bool:
        """Has an environment this address on the network of one of its subnets? Also one that is ending."""
        return address in self._in_subnets

    def ends(self, live: LiveEnvironment) -> None:
        """Its hostname means nobody from now on; its program may still run."""
        if live.sandbox is not None:
            self._by_hostname.pop(live.sandbox.hostname, None)

    def gone(self, live: LiveEnvironment) -> None:
        """It is confirmed gone: its addresses are others', or soon will be."""
        if live.sandbox is None:
            return
        self.ends(live)
        _forget(self._by_address, (live.sandbox.address,), live)
        _forget(self._in_subnets, live.sandbox.in_subnets, live)


def _forget(known: dict[str, LiveEnvironment], addresses: tuple[str, ...], live: LiveEnvironment) -> None:
    for address in addresses:
        # The engine may have given it to another since.
        if known.get(address) is live:
            del known[address]
