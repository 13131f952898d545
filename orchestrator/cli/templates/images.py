"""
Images that a template has built, as `sam build` builds them: by the `docker` command of this machine.

Which command that is, is decided apart from running it.
AWS: https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-sam-cli-using-build.html
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.cli.failures import ExitCode, Failure, unusable

_PLATFORM_OF = {"x86_64": "linux/amd64", "arm64": "linux/arm64"}
_INSPECT_LIMIT_S = 20.0
_STDERR = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """One image to be built, under `tag`."""

    logical_id: str
    tag: str
    context: Path
    dockerfile: str = "Dockerfile"
    arguments: tuple[tuple[str, str], ...] = ()
    target: str | None = None
    platform: str | None = None

    def command(self) -> list[str]:
        """What builds it."""
        words = ["docker", "build", "--tag", self.tag, "--file", str(self.context / self.dockerfile)]
        for name, value in self.arguments:
            words += ["--build-arg", f"{name}={value}"]
        if self.target:
            words += ["--target", self.target]
        if self.platform:
            words += ["--platform", self.platform]
        return [*words, str(self.context)]


def build_of(logical_id: str, resource: Mapping[str, Any], folder: Path) -> Build | None:
    """
    The build that a function's Metadata describes, or None.

    Args:
        folder: The template's, which DockerContext is relative to.

    Raises: Failure: if Metadata names a Dockerfile, but no DockerContext.
    """
    metadata = resource.get("Metadata") or {}
    properties = resource.get("Properties") or {}
    if properties.get("PackageType") != "Image" or not {"Dockerfile", "DockerContext"} & set(metadata):
        return None
    if not metadata.get("DockerContext"):
        raise unusable(f"{logical_id}: its Metadata has a Dockerfile, but no DockerContext; write the folder it is in")
    architectures = properties.get("Architectures") or []
    return Build(
        logical_id=logical_id,
        tag=f"{logical_id.lower()}:{metadata.get('DockerTag', 'latest')}",
        context=(folder / str(metadata["DockerContext"])).resolve(),
        dockerfile=str(metadata.get("Dockerfile", "Dockerfile")),
        arguments=tuple((str(name), str(value)) for name, value in (metadata.get("DockerBuildArgs") or {}).items()),
        target=metadata.get("DockerBuildTarget"),
        platform=_PLATFORM_OF.get(str(architectures[0])) if architectures else None,
    )


def build_all(builds: Iterable[Build]) -> None:
    """
    Build them one after the other; what docker says goes to stderr.

    Raises: Failure: if there is no docker here, or a build fails.
    """
    for build in builds:
        if shutil.which("docker") is None:
            raise Failure(
                f"{build.logical_id}: there is no `docker` command here to build {build.tag}; "
                "build it elsewhere and say --no-build"
            )
        print(f"building {build.tag} from {build.context}", file=sys.stderr)
        ended = subprocess.run(build.command(), stdin=subprocess.DEVNULL, stdout=_STDERR, check=False)
        if ended.returncode != 0:
            raise Failure(
                f"{build.logical_id}: `docker build` of {build.tag} ended with {ended.returncode}; its output says why",
                ExitCode.OUR_FAILURE,
            )


def image_id(uri: str) -> str | None:
    """
    What a tag stands for on this machine, as `sha256:...`.

    Returns: None if it cannot be said: no docker, or not that image here.
    """
    if shutil.which("docker") is None:
        return None
    try:
        asked = subprocess.run(
            ["docker", "image", "inspect", "--format", "{{.Id}}", uri],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_INSPECT_LIMIT_S,
        )
    except subprocess.TimeoutExpired:
        return None
    return asked.stdout.strip() or None if asked.returncode == 0 else None
