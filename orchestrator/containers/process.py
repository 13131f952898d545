"""
The process that holds the Docker socket. It serves one control plane, over one connection, for one life; it parses
nothing that a stranger sent but the driver protocol's messages.

`paddock up` starts one as its child; where the control plane has a container of its own, `listening.py` does.
"""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import sys

import structlog

from orchestrator import logs
from orchestrator.clock import SystemClock
from orchestrator.containers.docker_driver import DockerDriver
from orchestrator.containers.identity import Identity
from orchestrator.containers.serving import serve
from orchestrator.driver.channel import Channel, hand_over_second_socket
from orchestrator.settings import Settings

log: structlog.stdlib.BoundLogger = structlog.get_logger()


async def serve_one(settings: Settings, connected: socket.socket) -> None:
    """
    Be the driver of the control plane at the other end until it has gone, which ends this process.

    Raises:
        FolderInUse: If another driver works in the same folder.
    """
    logs.configure(settings.log_format, settings.log_level)
    identity = await asyncio.to_thread(Identity, settings.driver_folder)
    try:
        second = await asyncio.to_thread(hand_over_second_socket, connected)
        driver = DockerDriver(settings, SystemClock(), identity.owner)
        gc.freeze()
        gc.enable()
        await serve(driver, await Channel.over(connected), await Channel.over(second))
    except OSError as error:
        log.info("driver.not-asked", reason=str(error))
    _leave()


def _leave() -> None:
    """
    End now, as a crash would: what was under way for a control plane that has gone is nobody's, and the next driver,
    which waits for the lock that ends with this process, removes what it left.
    """
    sys.stderr.flush()
    os._exit(0)
