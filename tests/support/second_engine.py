"""A Docker engine of a test's own, so that restarting it disturbs nobody. Needs root and dockerd."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
from pathlib import Path

import docker

from tests.support.waiting import until

SECOND_SUBNET = "10.216.0.0/20"
"""For the functions of a Paddock on it: it does not know which networks the first engine has made on this host."""
_START_TIMEOUT_S = 60
_STOP_TIMEOUT_S = 60


class SecondEngine:
    """
    A dockerd beside the machine's: its own data, socket, containerd and bridge, and no iptables rule.

    Args:
        folder: Where everything of it is; a short path, for it holds sockets.
        bridge: Its default bridge. (With none it would remove the first engine's.)
    """

    def __init__(self, folder: Path, bridge: str) -> None:
        self._folder = folder
        self._bridge = bridge
        self._process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def is_possible() -> bool:
        """Can one be started here?"""
        return os.geteuid() == 0 and shutil.which("dockerd") is not None

    @property
    def host(self) -> str:
        """For DOCKER_HOST."""
        return f"unix://{self._folder}/docker.sock"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        arguments = ["--data-root", "data", "--exec-root", "exec", "--pidfile", "docker.pid"]
        with (self._folder / "dockerd.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    "dockerd",
                    *(f"{self._folder}/{one}" if not one.startswith("--") else one for one in arguments),
                    f"--host={self.host}",
                    f"--bridge={self._bridge}",
                    "--iptables=false",
                    "--ip-forward=false",
                    "--containerd-namespace=paddock-second",
                    "--containerd-plugins-namespace=paddock-second-plugins",
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until(self._answers, "the second engine answers", patience_s=_START_TIMEOUT_S)

    def stop(self) -> None:
        """End it, and its containers with it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(_STOP_TIMEOUT_S)
            self._process = None

    def close(self) -> None:
        """End it for good: what it left mounted is released, so that its folder can be removed."""
        self.stop()
        mounted = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        for place in sorted((one for one in mounted if one.startswith(f"{self._folder}/")), reverse=True):
            subprocess.run(["umount", place], check=True)

    def restart(self) -> None:
        """As `systemctl restart docker` does it."""
        self.stop()
        self.start()

    def load(self, engine: docker.DockerClient, *tags: str) -> None:
        """Copy images from another engine."""
        with contextlib.closing(self.client()) as own:
            for tag in tags:
                own.images.load(b"".join(engine.images.get(tag).save(named=True)))

    def client(self) -> docker.DockerClient:
        """The SDK's client of it."""
        return docker.DockerClient(base_url=self.host, timeout=120)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "dockerd.log").read_text()[-3000:]
        # Without the SDK, whose client leaks its socket when its first question fails.
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            try:
                connection.connect(self.host.removeprefix("unix://"))
                connection.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
                return b" 200 " in connection.recv(64)
            except OSError:
                return False
