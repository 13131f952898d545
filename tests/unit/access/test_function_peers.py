"""Which peers of the front port are functions."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from orchestrator.access.function_peers import FunctionPeers

_NETWORK = IPv4Network("10.213.0.0/20")


def peers(*in_subnets: str, earlier: tuple[str, ...] = ()) -> FunctionPeers:
    """Where functions have these addresses in subnets."""
    found = FunctionPeers(lambda address: address in in_subnets)
    found.are_on(_NETWORK, earlier)
    return found


@pytest.mark.parametrize(
    ("peer", "is_one"),
    [
        ("10.213.8.1", True),
        ("10.213.0.3", True),
        ("10.213.0.1", False),
        ("10.213.0.2", False),
        ("10.214.0.9", False),
        ("127.0.0.1", False),
    ],
)
@pytest.mark.parametrize("mapped", ["", "::ffff:"])
def test_whoever_is_on_the_functions_network_is_one_but_for_the_gateway_and_the_control_plane(
    peer: str, is_one: bool, mapped: str
) -> None:
    """Also where one socket listens for IPv6 and IPv4, which tells addresses of IPv4 as mapped ones."""
    assert peers().include(mapped + peer) is is_one


@pytest.mark.parametrize("mapped", ["", "::ffff:"])
def test_on_a_subnet_s_network_a_function_is_told_from_others(mapped: str) -> None:
    """They may call: somebody put the control plane there for them."""
    assert peers("10.217.0.9").include(f"{mapped}10.217.0.9")
    assert not peers("10.217.0.9").include(f"{mapped}10.217.0.8")


def test_functions_of_an_earlier_life_are_some_only_for_what_has_waited_since() -> None:
    """Somebody else may have that address by now, and comes later."""
    found = peers(earlier=("10.217.0.9",))
    assert found.included("10.217.0.9")
    assert found.included("10.213.8.1")
    assert not found.included("10.217.0.8")
    assert not found.include("10.217.0.9")


def test_functions_have_no_ipv6() -> None:
    """Whoever comes by it is none."""
    assert not peers().include("fe80::1")


def test_before_it_is_known_where_functions_are_nobody_is_one() -> None:
    """Who comes then waits, and is looked at again."""
    assert not FunctionPeers(lambda _address: False).include("10.213.8.1")
