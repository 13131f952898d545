"""Containers that do one small thing and are removed: the only way to see or touch the host from a container."""

from __future__ import annotations

import asyncio
from typing import Any

from orchestrator.containers.engine import Engine
from orchestrator.containers.output_streams import FrameReader, read_frames

_PATIENCE_S = 20.0


async def output_of(engine: Engine, specification: dict[str, Any], name: str) -> str:
    """
    Run a container to its end; what it wrote.

    Raises:
        docker.errors.APIError: If it cannot be created or started.
        TimeoutError: If it does not end.
    """
    written = bytearray()
    ended = asyncio.Event()
    reader: FrameReader | None = None
    container_id = await engine.create(specification, name)
    try:
        raw = await engine.attach(container_id)
        reader = await read_frames(raw, lambda _stream, content: written.extend(content), ended.set)
        await engine.call("start", container_id)
        await asyncio.wait_for(ended.wait(), _PATIENCE_S)
    finally:
        if reader is not None:
            reader.close()
        await engine.call_if_there("remove_container", container_id, force=True, v=True)
    return written.decode(errors="replace")
