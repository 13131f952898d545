"""Settings are checked before anything is started with them."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from orchestrator.settings import Settings


def test_addresses_to_open_may_be_networks_and_may_have_a_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """Separated by commas."""
    monkeypatch.setenv("PADDOCK_OPEN_ADDRESSES", "10.0.0.5, 10.1.0.0/16:443,192.168.1.7:5432,")
    assert Settings().open_addresses == ("10.0.0.5", "10.1.0.0/16:443", "192.168.1.7:5432")


@pytest.mark.parametrize(
    "wrong",
    ["db.example.com", "10.0.0.5:postgres", "10.0.0.5:0", "10.0.0.5:65536", "10.0.0.5/8", "::1", "1.2.3.4 } accept #"],
)
def test_an_address_to_open_that_is_none_is_refused_with_what_one_looks_like(
    monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    """It would stand in the firewall's rules: none is set that does not mean what it says."""
    monkeypatch.setenv("PADDOCK_OPEN_ADDRESSES", wrong)
    with pytest.raises(ValidationError, match=r"write 10\.0\.0\.5, 10\.0\.0\.0/24 or 10\.0\.0\.5:5432"):
        Settings()


def test_subnets_name_docker_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Separated by commas; a network's name may have what the engine allows."""
    monkeypatch.setenv("PADDOCK_SUBNETS", "subnet-1=my-network, subnet-0abc=project_default,")
    assert Settings().subnets == {"subnet-1": "my-network", "subnet-0abc": "project_default"}


@pytest.mark.parametrize("wrong", ["my-network", "subnet-1", "subnet-1=", "subnet-A=x", "net-1=x", "=x", "subnet-=x"])
def test_a_subnet_that_is_none_is_refused_with_what_one_looks_like(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    """A mistake is told at the start, not when a function is created."""
    monkeypatch.setenv("PADDOCK_SUBNETS", f"subnet-2=fine,{wrong}")
    with pytest.raises(ValidationError, match="write subnet-1=my-network"):
        Settings()


def test_a_subnet_that_is_named_twice_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which of them was meant is nobody's guess."""
    monkeypatch.setenv("PADDOCK_SUBNETS", "subnet-1=a,subnet-1=b")
    with pytest.raises(ValidationError, match="named twice"):
        Settings()
