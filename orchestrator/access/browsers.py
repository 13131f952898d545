"""
What browsers may do (D17): a website must not drive the API on its visitor's loopback, nor read what is there.

- The Host must be one we go by. A website that points its own name at 127.0.0.1 (DNS rebinding) sends that name.
- A request that a page of another origin makes carries its Origin, or says `cross-site` in Sec-Fetch-Site: refused.
  Clients that are no browsers send neither.
Pure: headers in, a refusal or None out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from ipaddress import ip_address

from orchestrator.domain.errors import AccessDenied

_OWN_NAMES = frozenset({"localhost", "host.docker.internal", "paddock", "control-plane"})
_OUR_OWN_PAGE = (b"same-origin", b"none")
_LONGEST_NAME = 260
"""Of DNS, with a port."""


class BrowserRules:
    """
    Which hosts and origins are let in.

    Args:
        hosts: Names beside loopback's, literal addresses and the ones Compose and Docker give us; without a port. One
            that begins with a dot stands for all below it.
        origins: Origins of pages that may call, like `https://console.example.com`.
    """

    def __init__(self, hosts: Collection[str] = (), origins: Collection[str] = ()) -> None:
        self._hosts = _OWN_NAMES | {name.lower() for name in hosts if not name.startswith(".")}
        self._below = (".localhost", *(name.lower() for name in hosts if name.startswith(".")))
        self._origins = frozenset(origin.lower().encode() for origin in origins)
        self._known: set[bytes] = set()

    def refusal(self, method: str, headers: Iterable[tuple[bytes, bytes]]) -> AccessDenied | None:
        """Why a request of this method with these headers is not let in; None if it is."""
        host = origin = site = mode = None
        for name, value in headers:
            if name == b"host":
                if host is not None:
                    return AccessDenied("the request has two Host headers")
                host = value
            elif name == b"origin":
                origin = value
            elif name == b"sec-fetch-site":
                site = value
            elif name == b"sec-fetch-mode":
                mode = value
        if host is None:
            return AccessDenied("the request has no Host header")
        if host not in self._known:
            if not self._is_ours(host.decode("latin-1")):
                return AccessDenied(
                    f"{host.decode('latin-1')!r} is no name this Paddock goes by: a web page may have sent you here. "
                    "If the name is yours, add it to PADDOCK_ALLOWED_HOSTS"
                )
            # Only names that were let in, and of a name's length: nobody can fill this with others.
            if len(self._known) < 1024 and len(host) <= _LONGEST_NAME:
                self._known.add(host)
        if origin is not None and not self._may(origin, host):
            return AccessDenied(
                f"pages of {origin.decode('latin-1')!r} may not call this Paddock; add the origin to "
                "PADDOCK_ALLOWED_ORIGINS if they shall"
            )
        # A link may lead here: what it shows, it shows to the user alone.
        is_link = method == "GET" and mode == b"navigate"
        if site is not None and site not in _OUR_OWN_PAGE and origin is None and not is_link:
            return AccessDenied("a page of another site asked for this; nothing is answered to those")
        return None

    def _is_ours(self, host: str) -> bool:
        name = _without_port(host).lower()
        if name in self._hosts or name.endswith(self._below):
            return True
        try:
            # Rebinding needs a name: an address in the Host header is one that the caller itself chose.
            ip_address(name)
        except ValueError:
            return False
        return True

    def _may(self, origin: bytes, host: bytes) -> bool:
        small = origin.lower()
        if small in self._origins:
            return True
        return small in (b"http://" + host.lower(), b"https://" + host.lower())


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if host.count(":") == 1 else host
