"""
/tmp on a disk of its own size: empty ext4 filesystems in sparse files, attached to loop devices ahead of need.

A tmpfs would be charged to the function's memory, and a plain directory has no end. Each environment gets one disk for
its life; the engine mounts it. A disk is used again only after its container is confirmed gone, written anew.
Where loop devices cannot be had (rootless, no such module), `take` gives None: /tmp is then a volume without a bound of
its own, and `unavailable` says why.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog
from docker.errors import APIError

from orchestrator.containers.engine import Engine
from orchestrator.containers.one_shots import output_of
from orchestrator.containers.scratch_files import attached, file_bytes, is_attached, set_size, write_anew
from orchestrator.containers.spec import scratch_container
from orchestrator.driver.protocol import EngineUnreachable, Limitation, StartFailed

DEFAULT_SIZE_MIB = 512
_MIB = 1_048_576
_MADE_AT_ONCE = 8
_LEAST_READY = 2
_KEPT_FREE_MIB = 256
_LOOK_FOR_ENGINE_AGAIN_S = 1.0
_FIRST_PAUSE_S = 10.0
_LONGEST_PAUSE_S = 600.0
_BLOCK_BYTES = 512
"""`st_blocks` counts in these, whatever the filesystem."""

log: structlog.stdlib.BoundLogger = structlog.get_logger()


@dataclass(slots=True, eq=False)
class ScratchDisk:
    """
    One disk.

    Args:
        file: The sparse file behind it.
        device: The loop device, as the engine's host names it.
    """

    file: Path
    device: str
    size_mib: int


class ScratchDisks:
    """
    Keeps disks ready.

    Args:
        image: The sandbox image, which has what attaches them.
        folder: Where their files are.
        folder_on_host: The same folder for the engine; None if it is not the host's.
        random: Returns that many random bytes.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        owner: str,
        image: str,
        folder: Path,
        folder_on_host: str | None,
        random: Callable[[int], bytes],
    ) -> None:
        self._engine = engine
        self._owner = owner
        self._image = image
        self._folder = folder
        self._folder_on_host = folder_on_host
        self._random = random
        # Files of an earlier start may still be mounted somewhere: none is ever used again.
        self._generation = random(4).hex()
        self._made = 0
        self._ready: defaultdict[int, list[ScratchDisk]] = defaultdict(list)
        self._used: set[ScratchDisk] = set()
        # Attached, but not (yet) empty: their last write failed.
        self._worn: list[ScratchDisk] = []
        self._growing: dict[int, asyncio.Task[None]] = {}
        self._settled = asyncio.Event()
        self._not_before = 0.0
        self._pause_s = _FIRST_PAUSE_S
        self.unavailable: str | None = None

    async def start(self) -> None:
        """Detach what an earlier start left and make the first disks, or find out that there can be none."""
        while True:
            try:
                await self._begin()
            except EngineUnreachable as error:
                # Nothing starts without it either.
                log.warning("scratch-disks.wait", reason=str(error))
                await asyncio.sleep(_LOOK_FOR_ENGINE_AGAIN_S)
            else:
                break
        self._settled.set()

    async def tick(self) -> None:
        """Where there were none, there may be some now: it was the engine that failed, or somebody made room."""
        await self._renew()
        if self.unavailable is None or asyncio.get_running_loop().time() < self._not_before:
            return
        with contextlib.suppress(EngineUnreachable):
            await self._begin()

    async def _begin(self) -> None:
        try:
            if self._folder_on_host is None:
                raise _Refused("the data directory is not on the engine's host")
            await asyncio.to_thread(self._folder.mkdir, 0o700, True, True)
            # What an earlier try attached is detached with all the rest.
            self._worn.clear()
            await self._make(DEFAULT_SIZE_MIB, "--forget")
            await asyncio.to_thread(self._remove_old)
        except (_Refused, APIError, TimeoutError, OSError) as error:
            reason = str(getattr(error, "explanation", None) or error)
            if reason != self.unavailable:
                consequence = "/tmp has no size of its own: a function may fill the engine's disk"
                log.warning("scratch-disks.unavailable", reason=reason, consequence=consequence)
            self.unavailable = reason
            self._not_before = asyncio.get_running_loop().time() + self._pause_s
            self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
        else:
            if self.unavailable is not None:
                log.info("scratch-disks.available")
            self.unavailable = None

    @property
    def limitation(self) -> Limitation | None:
        """What cannot be guaranteed without disks."""
        if self.unavailable is None:
            return None
        return Limitation(
            fact=f"/tmp has no size of its own, a function may fill the engine's disk ({self.unavailable})",
            remedy="give the host of the engine loop devices (modprobe loop), and a data directory that is on it",
        )

    async def take(self, size_mib: int) -> ScratchDisk | None:
        """
        A disk that is empty; made now if none is ready. None where there are no disks at all.

        Raises:
            StartFailed: If the host's disk could not hold what all of them may still write, or none can be made.
        """
        await self._settled.wait()
        if self.unavailable is not None:
            return None
        await self._admit(size_mib)
        await self._renew()
        ready = self._ready[size_mib]
        disk: ScratchDisk | None = None
        while disk is None:
            while not ready:
                await asyncio.shield(self._grow(size_mib))
            disk = ready.pop()
            if not is_attached(disk.file, disk.device):
                _lose(disk, "its loop device was detached, or is another file's")
                disk = None
        self._used.add(disk)
        if len(ready) < _LEAST_READY:
            self._grow(size_mib)
        return disk

    async def give_back(self, disk: ScratchDisk) -> None:
        """Its container is gone: empty it for the next."""
        if disk not in self._used:
            return
        self._used.discard(disk)
        self._worn.append(disk)
        await self._renew()

    async def close(self) -> None:
        """Detach and remove all; no container uses one any more."""
        if not self._settled.is_set() or self.unavailable is not None:
            return
        for growing in list(self._growing.values()):
            await asyncio.wait([growing])
        with contextlib.suppress(_Refused, APIError, EngineUnreachable, TimeoutError):
            await self._helped("--forget")
        self._generation = "-"
        await asyncio.to_thread(self._remove_old)

    # -- inside

    def _template(self, size_mib: int) -> Path:
        return self._folder / f"{self._generation}-{size_mib}.template"

    def _grow(self, size_mib: int) -> asyncio.Task[None]:
        growing = self._growing.get(size_mib)
        if growing is None or growing.done():
            growing = self._growing[size_mib] = asyncio.create_task(self._make_or_fail(size_mib))
            # Nobody may wait for it: what went wrong is told to whoever finds none ready.
            growing.add_done_callback(lambda task: task.cancelled() or task.exception())
        return growing

    async def _make_or_fail(self, size_mib: int) -> None:
        try:
            await self._make(size_mib)
        except (_Refused, APIError, TimeoutError, OSError) as error:
            reason = getattr(error, "explanation", None) or error
            log.error("scratch-disks.not-made", reason=str(reason))
            raise StartFailed("Sandbox.Failure", f"no disk for /tmp could be made: {reason}") from error

    async def _make(self, size_mib: int, *first: str) -> None:
        template = self._template(size_mib)
        arguments = [*first]
        is_made = not template.exists()
        if is_made:
            await asyncio.to_thread(set_size, template, file_bytes(size_mib))
            arguments += ["--make", template.name]
        files: list[Path] = []
        devices: dict[str, str] = {}
        # Those that only wait to be emptied are no reason to attach more.
        while len(files) + sum(disk.size_mib == size_mib for disk in self._worn) < _MADE_AT_ONCE:
            self._made += 1
            files.append(self._folder / f"{self._generation}-{size_mib}-{self._made}.disk")
        for file in files:
            await asyncio.to_thread(set_size, file, file_bytes(size_mib))
        arguments += [file.name for file in files]
        try:
            devices = await self._helped(*arguments) if arguments else {}
            if missing := [file.name for file in files if file.name not in devices]:
                raise _Refused(f"loop devices cannot be attached ({', '.join(missing)}: nothing was said)")
        except BaseException:
            # What came of it before it failed is used, or would be attached for nobody.
            devices = await asyncio.to_thread(attached)
            if is_made:
                template.unlink(missing_ok=True)
            raise
        finally:
            for file in files:
                if file.name in devices:
                    self._worn.append(ScratchDisk(file=file, device=devices[file.name], size_mib=size_mib))
                else:
                    file.unlink(missing_ok=True)
        await self._renew()
        if not self._ready[size_mib]:
            raise _Refused(f"none could be written in {self._folder}")

    async def _renew(self) -> None:
        """Empty the disks that wait for it; they go on waiting while the host's disk has no room for that."""
        for _ in range(len(self._worn)):
            if not self._worn:
                return
            disk = self._worn.pop()
            if not disk.file.exists():
                _lose(disk, "its file was removed")
                continue
            try:
                await asyncio.to_thread(write_anew, disk.file, self._template(disk.size_mib))
            except OSError as error:
                self._worn.append(disk)
                log.warning("scratch-disks.not-emptied", reason=str(error), waiting=len(self._worn))
                return
            self._ready[disk.size_mib].append(disk)

    async def _helped(self, *arguments: str) -> dict[str, str]:
        """Run the one-shot; the device of each file it attached."""
        assert self._folder_on_host is not None
        specification = scratch_container(
            image=self._image, owner=self._owner, folder=self._folder_on_host, arguments=arguments
        )
        said = await output_of(self._engine, specification, f"paddock-scratch-{self._random(6).hex()}")
        pairs = [line.split() for line in said.splitlines()]
        wrong = [" ".join(pair) for pair in pairs if len(pair) != 2 or not pair[1].startswith("/dev/loop")]
        if wrong:
            raise _Refused("; ".join(wrong))
        return dict(pairs)

    async def _admit(self, size_mib: int) -> None:
        """Refuse what could fill the disk that the databases are on, too."""
        owed, free = await asyncio.to_thread(self._owed_and_free)
        if owed + (size_mib + _KEPT_FREE_MIB) * _MIB > free:
            raise StartFailed(
                "Sandbox.Failure",
                f"the disk of {self._folder} has {free // _MIB} MiB left, and the functions that run may still write "
                f"{owed // _MIB} of them to /tmp: no room for {size_mib} MiB more; free some space",
            )

    def _owed_and_free(self) -> tuple[int, int]:
        self._folder.mkdir(0o700, parents=True, exist_ok=True)
        owed = 0
        for disk in tuple(self._used):
            with contextlib.suppress(OSError):
                owed += max(0, disk.size_mib * _MIB - disk.file.stat().st_blocks * _BLOCK_BYTES)
        found = os.statvfs(self._folder)
        return owed, found.f_bavail * found.f_frsize

    def _remove_old(self) -> None:
        for file in self._folder.iterdir():
            if not file.name.startswith(self._generation):
                file.unlink(missing_ok=True)


class _Refused(Exception):
    """The host cannot, and said why."""


def _lose(disk: ScratchDisk, reason: str) -> None:
    log.warning("scratch-disks.lost", file=disk.file.name, device=disk.device, reason=reason)
