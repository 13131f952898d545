"""The firewall's rules, as text."""

from __future__ import annotations

from orchestrator.containers.firewall import Reach, ruleset

REACH = Reach(control_plane="10.216.0.1", runtime_port=9001, host_addresses=("127.0.0.1", "192.168.4.2", "203.0.113.7"))


def test_a_public_address_of_the_host_is_dropped_and_private_ones_with_their_range() -> None:
    """Each network that the engine makes gives the host one more, and is no reason for other rules."""
    rules = [line.strip() for line in ruleset(REACH).splitlines()]
    assert "ip daddr 203.0.113.7 drop" in rules
    (ranges,) = [line for line in rules if line.startswith("ip daddr {")]
    assert "127.0.0.0/8" in ranges
    assert "192.168.0.0/16" in ranges
    assert not [line for line in rules if "192.168.4.2" in line or "127.0.0.1" in line]
