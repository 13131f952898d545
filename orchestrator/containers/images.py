"""
Images as the engine has them: found by tag or pulled, and what of them a container's specification needs to know.

Docker's VOLUMEs would be writable, and larger than /tmp: each is one volume of the image for all its environments, with
the content that the image has there, never written again. And names of users are looked up in `/etc/passwd` by Python,
Node and Java alike, so the function's user is written into a copy of the image's own.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import re
import shutil
import tarfile
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docker.errors import APIError, NotFound

from orchestrator.containers.accounts import GROUP, PASSWD, with_function_group, with_function_user
from orchestrator.containers.engine import Engine
from orchestrator.containers.own_container import OwnContainer, on_host
from orchestrator.containers.spec import NO_PROXY, OWNER, TMP, OfTheImage, image_volumes
from orchestrator.domain.functions import Image
from orchestrator.domain.start_failures import no_such_directory
from orchestrator.driver.protocol import ImageNotFound, ImageUnusable, StartFailed

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?:[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]+)?/)?{_COMPONENT}(?:/{_COMPONENT})*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?|sha256:[0-9a-f]{64}"
)
"""A name that the engine would take for an image: https://pkg.go.dev/github.com/distribution/reference"""
_ARCHITECTURES = {"amd64": "x86_64", "arm64": "arm64"}
_MOST_BYTES = 1_048_576
VOLUME_PREFIX = "paddock-"
"""Of the names of images' volumes; an environment's own have none but the engine's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageTraits:
    """
    What of an image a container's specification needs.

    Args:
        volumes: The name of the volume for each of its VOLUMEs, by its place in the container.
        accounts: The file for each of /etc/passwd and /etc/group, by its place in the container.
        working_directory: Its WORKDIR; an empty text is none.
        no_proxy: Its variables that name who is reached without a proxy.
    """

    volumes: dict[str, str]
    accounts: dict[str, Path]
    working_directory: str
    no_proxy: dict[str, str]


class Images:
    """
    The engine's images.

    Args:
        owner: On the label of what is created to look into one.
        folder: Where the account files are kept, by image.
    """

    def __init__(self, engine: Engine, owner: str, folder: Path) -> None:
        self._engine = engine
        self._owner = owner
        self._folder = folder
        self._traits: dict[str, ImageTraits] = {}
        self._directories: dict[tuple[str, str], bool] = {}

    async def find(self, reference: str) -> Image:
        """
        Look up an image; the local one wins, else it is pulled.

        Raises:
            ImageNotFound: If neither works, or the reference is none.
        """
        if not _REFERENCE.fullmatch(reference):
            # It becomes part of a path of the engine's API.
            raise ImageNotFound(f"there is no image {reference!r}: that is no reference, such as name:tag, to one")
        try:
            found: dict[str, Any] = await self._engine.call("inspect_image", reference)
        except NotFound:
            found = await self._pull(reference)
        configuration = found.get("Config") or {}
        return Image(
            image_id=found["Id"],
            architecture=_ARCHITECTURES.get(found["Architecture"], found["Architecture"]),
            size_bytes=found["Size"],
            entry_point=tuple(configuration.get("Entrypoint") or ()),
            command=tuple(configuration.get("Cmd") or ()),
            working_directory=configuration.get("WorkingDir") or "",
        )

    async def traits(self, image_id: str) -> ImageTraits:
        """
        What a container of this image needs; looked up once.

        Raises:
            docker.errors.ImageNotFound: If it is no longer there.
            ImageUnusable: If no container can be made of it.
        """
        known = self._traits.get(image_id)
        if known is None:
            found: dict[str, Any] = await self._engine.call("inspect_image", image_id)
            configuration = found.get("Config") or {}
            paths = sorted(configuration.get("Volumes") or ())
            _check_volumes(image_id, paths)
            digest = image_id.removeprefix("sha256:")
            prefix = self._volumes_of(digest)
            folder = self._folder / digest
            known = ImageTraits(
                volumes={path: f"{prefix}-{number}" for number, path in enumerate(paths) if path.rstrip("/") != TMP},
                accounts={PASSWD: folder / "passwd", GROUP: folder / "group"},
                working_directory=configuration.get("WorkingDir") or "",
                no_proxy=_no_proxy(configuration.get("Env") or ()),
            )
            await self._prepare(image_id, known)
            self._traits[image_id] = known
            await self._forget_removed()
        return known

    async def check_working_directory(self, image_id: str, asked_for: str | None) -> None:
        """
        The engine would make one that the image has not; AWS does not.

        Args:
            asked_for: Instead of the image's WORKDIR.

        Raises:
            StartFailed: If the image has it not.
            docker.errors.ImageNotFound: If the image is no longer there.
        """
        path = asked_for if asked_for is not None else (await self.traits(image_id)).working_directory
        if not await self._has_directory(image_id, path):
            failure = no_such_directory(path)
            raise StartFailed(failure.error_type, failure.message, failure.diagnosis)

    async def _has_directory(self, image_id: str, path: str) -> bool:
        if path in ("", "/", TMP) or not path.startswith("/"):
            # What is relative is refused by the engine.
            return True
        known = self._directories.get((image_id, path))
        if known is None:
            # What the image has in /tmp is not seen: that is a disk.
            known = not path.startswith(f"{TMP}/")
            if known:
                async with self._looked_into(image_id, {}) as container_id:
                    known = await self._engine.has_path(container_id, path)
            self._directories[image_id, path] = known
        return known

    async def for_specification(self, image_id: str, own: OwnContainer | None) -> OfTheImage:
        """
        What a specification has because of an image.

        Args:
            own: The container we run in, if we do.
        """
        traits = await self.traits(image_id)
        files = {place: on_host(own, file) for place, file in traits.accounts.items()}
        return OfTheImage(
            volumes=traits.volumes,
            files={place: file for place, file in files.items() if file is not None},
            no_proxy=traits.no_proxy,
        )

    async def remove_volumes(self, prefix: str = "") -> None:
        """Remove the volumes whose names begin so; no container uses one any more."""
        found = await self._engine.call("volumes", filters={"label": f"{OWNER}={self._owner}"})
        for volume in found.get("Volumes") or ():
            if volume["Name"].startswith(prefix):
                await self._engine.call_if_there("remove_volume", volume["Name"])

    def _volumes_of(self, digest: str) -> str:
        return f"{VOLUME_PREFIX}{self._owner[:12]}-{digest[:12]}"

    async def _prepare(self, image_id: str, traits: ImageTraits) -> None:
        """Fill the volumes and write the account files, from a container that is never started."""
        has_files = all([await asyncio.to_thread(file.exists) for file in traits.accounts.values()])
        if has_files and not traits.volumes:
            return
        try:
            async with self._looked_into(image_id, traits.volumes) as container_id:
                texts = {
                    PASSWD: with_function_user(await self._file_of(container_id, PASSWD)),
                    GROUP: with_function_group(await self._file_of(container_id, GROUP)),
                }
        except NotFound:
            raise
        except APIError as error:
            raise ImageUnusable(
                f"no container can be made of image {image_id}: {error.explanation or error}"
            ) from error
        for place, file in traits.accounts.items():
            await asyncio.to_thread(_write, file, texts[place])

    async def _forget_removed(self) -> None:
        """Whoever deploys a new image often removes old ones: what was kept for these goes, too."""
        there = set(await self._engine.call("images", quiet=True, all=True))
        kept = await asyncio.to_thread(lambda: [f"sha256:{folder.name}" for folder in self._folder.iterdir()])
        for image_id in kept:
            if image_id in there or await self._engine.call_if_there("inspect_image", image_id) is not None:
                continue
            self._traits.pop(image_id, None)
            digest = image_id.removeprefix("sha256:")
            await asyncio.to_thread(shutil.rmtree, self._folder / digest, True)
            await self.remove_volumes(self._volumes_of(digest))

    @contextlib.asynccontextmanager
    async def _looked_into(self, image_id: str, volumes: dict[str, str]) -> AsyncGenerator[str]:
        """The id of a container of the image that is never started. The engine fills empty volumes at its creation."""
        body = {
            "Image": image_id,
            "Entrypoint": ["-"],
            "Labels": {OWNER: self._owner},
            "HostConfig": {"Mounts": image_volumes(volumes, self._owner)},
        }
        container_id = await self._engine.create(body, f"paddock-look-{image_id[7:19]}-{os.urandom(3).hex()}")
        try:
            yield container_id
        finally:
            await self._engine.call_if_there("remove_container", container_id, force=True, v=True)

    async def _file_of(self, container_id: str, path: str) -> str:
        found = await self._engine.call_if_there("get_archive", container_id, path)
        if found is None:
            return ""
        pieces, _ = found
        return await asyncio.to_thread(_unpacked, pieces)

    async def _pull(self, reference: str) -> dict[str, Any]:
        remedy = f"build it (`docker build -t {reference} .`) or load it (`docker load`), then deploy again"
        if reference.startswith("sha256:"):
            raise ImageNotFound(f"image {reference} is not on this engine; {remedy}")
        repository, tag = _split_tag(reference)
        try:
            await self._engine.pull(repository, tag)
            inspected: dict[str, Any] = await self._engine.call("inspect_image", reference)
        except APIError as error:
            reason = error.explanation or error
            raise ImageNotFound(
                f"image {reference} is not on this engine and could not be pulled ({reason}); {remedy}"
            ) from error
        return inspected


def _no_proxy(variables: Sequence[str]) -> dict[str, str]:
    pairs = (one.partition("=") for one in variables)
    return {name: value for name, _, value in pairs if name in NO_PROXY}


def _check_volumes(image_id: str, paths: Sequence[str]) -> None:
    """The engine would mount a relative one where nothing shadows it."""
    for path in paths:
        if not path.startswith("/"):
            raise ImageUnusable(
                f"no container can be made of image {image_id}: its VOLUME {path} is no absolute path; write /{path}"
            )


def _unpacked(pieces: Any) -> str:
    """The one file of an archive the engine sends. A link, which it does not follow, and a folder count as none."""
    received = bytearray()
    for piece in pieces:
        received += piece
        if len(received) > _MOST_BYTES:
            return ""
    try:
        with tarfile.open(fileobj=io.BytesIO(bytes(received))) as archive:
            member = archive.next()
            content = archive.extractfile(member) if member is not None and member.isreg() else None
            return content.read().decode(errors="replace") if content is not None else ""
    except tarfile.TarError:
        return ""


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    # Read by the function's user: the folders above are ours alone, but a mount shows the file itself.
    unfinished = file.with_name(file.name + ".new")
    unfinished.write_text(text)
    unfinished.chmod(0o644)
    unfinished.rename(file)


def _split_tag(reference: str) -> tuple[str, str | None]:
    """`repository` and `tag` of a reference; a digest stays with its repository."""
    if "@" in reference:
        return reference, None
    head, _, tail = reference.rpartition(":")
    return (head, tail) if head and "/" not in tail else (reference, "latest")
