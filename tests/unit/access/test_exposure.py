"""Who can reach the front port decides whether requests must be signed."""

from __future__ import annotations

import pytest

from orchestrator.access.exposure import NoAccessKey, must_be_signed


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_on_loopback_any_key_will_do(address: str) -> None:
    """As users of local emulators expect: `test`/`test`."""
    assert not must_be_signed("auto", [address], has_keys=False)
    assert not must_be_signed("auto", [address], has_keys=True)


def test_a_port_that_is_not_published_is_not_beyond_loopback() -> None:
    """Only other containers of the same host reach it."""
    assert not must_be_signed("auto", [], has_keys=False)


@pytest.mark.parametrize("addresses", [["0.0.0.0"], ["127.0.0.1", "192.168.1.7"], ["::"], [""], ["example.com"]])
def test_beyond_loopback_requests_must_be_signed(addresses: list[str]) -> None:
    """One address beyond is enough."""
    assert must_be_signed("auto", addresses, has_keys=True)


def test_beyond_loopback_without_keys_it_does_not_start() -> None:
    """Whoever reached it could run anything; the remedies are named."""
    with pytest.raises(NoAccessKey) as refused:
        must_be_signed("auto", ["0.0.0.0"], has_keys=False)
    for words in ("0.0.0.0", "paddock keys create", "127.0.0.1 only", "PADDOCK_ACCESS=open"):
        assert words in str(refused.value)


def test_what_is_said_explicitly_holds() -> None:
    """Open to everybody, or signed even on loopback."""
    assert not must_be_signed("open", ["0.0.0.0"], has_keys=False)
    assert must_be_signed("keys", ["127.0.0.1"], has_keys=False)
