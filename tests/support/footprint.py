"""What a control plane, its driver and everything of theirs take of the host, at one moment."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import docker

from tests.support.paddock_process import PaddockProcess, children

_MIB = 1_048_576
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """
    One process.

    Args:
        age_s: Since its start.
    """

    pid: int
    age_s: float
    memory_mib: float
    files: int
    threads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """
    Everything at one moment.

    Args:
        loops: Loop devices that are attached to files of ours.
        disks: Those files, with templates.
        main_mib: The main database, its log apart; the history the same.
        logs_mib: Both databases' logs of writes.
        calls: Of the load so far.
    """

    control_plane: Process
    driver: Process
    containers: int
    volumes: int
    networks: int
    loops: int
    disks: int
    main_mib: float
    history_mib: float
    logs_mib: float
    calls: int


def footprint(paddock: PaddockProcess, engine: docker.DockerClient, calls: int) -> Footprint:
    """Look now."""
    owner = f"paddock.owner={owner_of(paddock)}"
    scratch = paddock.data_dir / "driver" / "scratch"
    (driver,) = children(paddock.pid)
    return Footprint(
        control_plane=process(paddock.pid),
        driver=process(driver),
        containers=len(engine.api.containers(all=True, filters={"label": owner})),
        volumes=len(engine.api.volumes(filters={"label": owner})["Volumes"] or ()),
        networks=len(engine.api.networks(filters={"label": owner})),
        loops=len(attached(scratch)),
        disks=len(list(scratch.iterdir())),
        main_mib=_size_mib(paddock.data_dir / "paddock.db"),
        history_mib=_size_mib(paddock.data_dir / "history.db"),
        logs_mib=_size_mib(paddock.data_dir / "paddock.db-wal") + _size_mib(paddock.data_dir / "history.db-wal"),
        calls=calls,
    )


def owner_of(paddock: PaddockProcess) -> str:
    """The owner on the label of everything it creates."""
    return (paddock.data_dir / "driver" / "owner").read_text().strip()


def process(pid: int) -> Process:
    """One process, from /proc."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    # The name may have spaces; what follows it in brackets has none.
    started = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]) / _TICKS_A_SECOND
    up_s = float(Path("/proc/uptime").read_text().split()[0])
    return Process(
        pid=pid,
        age_s=up_s - started,
        memory_mib=int(status["VmRSS"].split()[0]) / 1024,
        files=len(os.listdir(f"/proc/{pid}/fd")),
        threads=int(status["Threads"]),
    )


def attached(folder: Path) -> list[str]:
    """
    The loop devices whose files are in this folder, and any whose file was removed: that is nobody's any more.

    What a killed run of others left on this machine is among them: compare with what there was before.
    """
    listed = subprocess.run(
        ["losetup", "--list", "--noheadings", "--output", "NAME,BACK-INO,BACK-FILE"],
        capture_output=True,
        check=True,
        text=True,
    )
    inodes = {str(file.stat().st_ino) for file in folder.iterdir()} if folder.is_dir() else set()
    rows = (line.split(maxsplit=2) for line in listed.stdout.splitlines())
    return [device for device, inode, file in rows if inode in inodes or file.endswith("(deleted)")]


def table(samples: Sequence[Footprint]) -> str:
    """A line for each, with a head."""
    others = [field.name for field in fields(Footprint) if field.name not in ("control_plane", "driver")]
    head = ["", *(f"{whose} {what}" for whose in ("cp", "driver") for what in ("age", "MiB", "files", "threads"))]
    rows = [[*head, *(name.replace("_mib", " MiB") for name in others)]]
    for number, sample in enumerate(samples, 1):
        row = [str(number)]
        for one in (sample.control_plane, sample.driver):
            row += [f"{one.age_s:.0f}", f"{one.memory_mib:.1f}", str(one.files), str(one.threads)]
        rows.append([*row, *(_shown(getattr(sample, name)) for name in others)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def _shown(value: Any) -> str:
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def _size_mib(file: Path) -> float:
    return file.stat().st_size / _MIB if file.exists() else 0.0
