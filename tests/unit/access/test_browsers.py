"""A website must not drive the API on its visitor's machine; clients that are no browsers notice nothing."""

from __future__ import annotations

import pytest

from orchestrator.access.browsers import BrowserRules

Headers = list[tuple[bytes, bytes]]


def headers(host: str = "127.0.0.1:4574", **others: str) -> Headers:
    """Of a request; names with underscores for dashes."""
    return [
        (b"host", host.encode()),
        *((name.replace("_", "-").encode(), value.encode()) for name, value in others.items()),
    ]


def refused(rules: BrowserRules, given: Headers, method: str = "GET") -> str:
    """The refusal's words, or nothing."""
    refusal = rules.refusal(method, given)
    return refusal.message if refusal is not None else ""


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:4574",
        "localhost:4574",
        "LOCALHOST",
        "hello.localhost:4574",
        "[::1]:4574",
        "[::1]",
        "192.168.1.7:4574",
        "host.docker.internal:4574",
        "control-plane:4574",
        "paddock",
    ],
)
def test_loopback_literal_addresses_and_composes_names_are_let_in(host: str) -> None:
    """And again: what was let in once is remembered."""
    rules = BrowserRules()
    assert not refused(rules, headers(host))
    assert not refused(rules, headers(host))


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:4574",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.1.nip.io:4574",
        "evillocalhost",
        "",
        ":4574",
        "0x7f000001",
        "2130706433",
        "127.1",
        "a b",
        "\xff",
    ],
)
def test_a_name_that_is_not_ours_is_refused_with_the_remedy(host: str) -> None:
    """It is what a browser sends after DNS rebinding."""
    words = refused(BrowserRules(), [(b"host", host.encode("latin-1"))])
    assert "is no name this Paddock goes by" in words
    assert "PADDOCK_ALLOWED_HOSTS" in words


def test_names_can_be_added() -> None:
    """One, or all below one."""
    rules = BrowserRules(hosts=["lambda.example.com", ".functions.example.com"])
    assert not refused(rules, headers("lambda.example.com:443"))
    assert not refused(rules, headers("a.b.functions.example.com"))
    assert refused(rules, headers("example.com"))
    assert refused(rules, headers("functions.example.com.evil.example"))


def test_no_host_or_two_are_refused() -> None:
    """HTTP asks for one, and two may be read differently on the way."""
    assert refused(BrowserRules(), [])
    assert refused(BrowserRules(), headers() + headers("evil.example"))


@pytest.mark.parametrize(
    "origin",
    [
        *("https://evil.example", "null", "http://127.0.0.1:8080", "http://localhost:4574", "chrome-extension://abc"),
        *("", "http://", "http://[", "http://[::1", "http://é", "//127.0.0.1:4574", "http://127.0.0.1:4574/"),
    ],
)
def test_a_page_of_another_origin_is_refused(origin: str) -> None:
    """Another port of this machine is another origin; `null` is a sandboxed frame or a file; and so is what is none."""
    words = refused(BrowserRules(), headers(origin=origin))
    assert "PADDOCK_ALLOWED_ORIGINS" in words


def test_our_own_pages_are_let_in() -> None:
    """The console calls with its own origin."""
    assert not refused(BrowserRules(), headers(origin="http://127.0.0.1:4574", sec_fetch_site="same-origin"))
    assert not refused(BrowserRules(), headers("localhost:4574", origin="http://localhost:4574"))


def test_origins_can_be_added() -> None:
    """Of a console that is served elsewhere."""
    rules = BrowserRules(origins=["https://console.example.com"])
    assert not refused(rules, headers(origin="https://console.example.com", sec_fetch_site="cross-site"))
    assert refused(rules, headers(origin="https://console.example.com.evil.example"))


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_a_foreign_page_loads_without_an_origin_is_refused(site: str) -> None:
    """An image, a script, a style sheet: a GET without Origin."""
    assert refused(BrowserRules(), headers(sec_fetch_site=site, sec_fetch_mode="no-cors"))
    assert refused(BrowserRules(), headers(sec_fetch_site=site))


def test_a_link_may_lead_here_and_an_address_be_typed() -> None:
    """A navigation shows its answer to nobody but the user."""
    assert not refused(BrowserRules(), headers(sec_fetch_site="cross-site", sec_fetch_mode="navigate"))
    assert not refused(BrowserRules(), headers(sec_fetch_site="none", sec_fetch_mode="navigate"))


def test_a_posted_form_of_a_foreign_page_is_refused() -> None:
    """It is a navigation too, but no link; and it carries its Origin."""
    given = headers(sec_fetch_site="cross-site", sec_fetch_mode="navigate")
    assert refused(BrowserRules(), given, "POST")
    assert refused(BrowserRules(), [*given, (b"origin", b"https://evil.example")], "POST")
