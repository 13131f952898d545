"""Builds images from the text of a Dockerfile, with the files in reach that odd ones need."""

from __future__ import annotations

import io
import struct
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import docker

_RUNTIME = Path(__file__).parent.parent / "docker" / "functions" / "bare" / "runtime.c"
_E_MACHINE = 18
_AARCH64, _X86_64 = 183, 62


class Workshop:
    """
    Builds images.

    Args:
        folder: For what the compiler makes.
    """

    def __init__(self, engine: docker.DockerClient, folder: Path) -> None:
        self._engine = engine
        runtime = _compiled(folder / "runtime", "-static")
        script = b"#!/bin/sh\nexec /runtime\n"
        self._files: dict[str, tuple[bytes, int]] = {
            "runtime": (runtime, 0o755),
            "dynamic": (_compiled(folder / "dynamic"), 0o755),
            "other-machine": (_for_another_machine(runtime), 0o755),
            "half-a-program": (runtime[:500], 0o755),
            "not-executable": (script, 0o644),
            "without-first-line": (b"exec /runtime\n", 0o755),
            "without-interpreter": (b"#!/no/such/interpreter\n", 0o755),
            "empty": (b"", 0o755),
        }

    def build(
        self, tag: str, dockerfile: str, platform: str | None = None, environment: Mapping[str, str] | None = None
    ) -> str:
        """
        Build one.

        Args:
            dockerfile: Its text; COPY has the files above.
            platform: Of another machine than this.
            environment: Beside that of the Dockerfile.
        """
        context = io.BytesIO()
        with tarfile.open(fileobj=context, mode="w") as archive:
            for name, (content, mode) in {"Dockerfile": (dockerfile.encode(), 0o644), **self._files}.items():
                member = tarfile.TarInfo(name)
                member.size, member.mode = len(content), mode
                archive.addfile(member, io.BytesIO(content))
        context.seek(0)
        further = {"platform": platform} if platform else {}
        self._engine.images.build(fileobj=context, custom_context=True, tag=tag, rm=True, forcerm=True, **further)
        if environment:
            commit(self._engine, tag, tag, environment=dict(environment))
        return tag


def commit(engine: docker.DockerClient, base: str, tag: str, **configuration: Any) -> None:
    """
    Make an image of another one, by way of a container that never runs.

    Args:
        configuration: What the container, and so the image, has besides.
    """
    container = engine.containers.create(base, **configuration)
    try:
        repository, _, version = tag.rpartition(":")
        container.commit(repository, version)
    finally:
        container.remove()


def _compiled(target: Path, *options: str) -> bytes:
    subprocess.run(["gcc", "-D_GNU_SOURCE", "-O1", "-s", "-Wall", *options, "-o", target, _RUNTIME], check=True)
    return target.read_bytes()


def _for_another_machine(program: bytes) -> bytes:
    """The same ELF file, as one of a processor that this machine has not."""
    (machine,) = struct.unpack_from("<H", program, _E_MACHINE)
    changed = bytearray(program)
    struct.pack_into("<H", changed, _E_MACHINE, _X86_64 if machine == _AARCH64 else _AARCH64)
    return bytes(changed)
