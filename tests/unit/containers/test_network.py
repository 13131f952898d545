"""Which subnet the functions' network takes."""

from __future__ import annotations

from orchestrator.containers.network import free_subnets


def test_without_any_address_there_the_first_candidate_is_taken() -> None:
    """Always the same one on an ordinary host."""
    assert free_subnets(())[0] == "10.213.0.0/20"


def test_a_subnet_in_which_the_host_has_an_address_is_passed_over() -> None:
    """Another engine's networks are not in this engine's list, but their bridges are the host's addresses."""
    free = free_subnets(("127.0.0.1", "10.213.0.1", "10.213.31.254", "192.168.1.5"))
    assert free[0] == "10.213.32.0/20"
    assert "10.213.16.0/20" not in free
    assert len(free) == len(free_subnets(())) - 2


def test_where_every_candidate_is_taken_none_is_free() -> None:
    """Then PADDOCK_FUNCTIONS_SUBNET is asked for."""
    everywhere = tuple(f"10.{second}.{third}.7" for second in (213, 214, 215) for third in range(0, 256, 16))
    assert free_subnets(everywhere) == ()
