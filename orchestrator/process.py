"""
The control plane's process: from its start to the signal that ends it, or to a failure of its store.

A full disk is no reason to end: what could not be written was not accepted, and what was is in the store. Callers are
refused until there is room again, and then everything is started anew, as after a crash.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal

import structlog

from orchestrator import logs
from orchestrator.clock import SystemClock
from orchestrator.driver.remote import Connector, RemoteDriver
from orchestrator.random_bytes import RandomBytes
from orchestrator.settings import Settings
from orchestrator.store.free_space import wait_for_room
from orchestrator.store.store import Store
from orchestrator.store.writer import StoreFailed
from orchestrator.wiring import ControlPlane

log: structlog.stdlib.BoundLogger = structlog.get_logger()


async def serve(settings: Settings, driver: Connector) -> None:
    """
    Run the control plane until SIGTERM or SIGINT, or until its store fails for good.

    Args:
        driver: Reaches the process that holds the Docker socket.

    Raises:
        AddressInUse: If a port is taken.
        EngineUnreachable: If there is no Docker engine.
        StoreFailed: If the store could not be written, and not for want of space.
        PaddockError: If the data directory is in use, or of a newer Paddock.
    """
    process = _Process(settings, driver, logs.configure(settings.log_format, settings.log_level))
    _allow_many_connections()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, process.told_to_end.set)
    failure = await process.run()
    while failure is not None and not process.told_to_end.is_set():
        if not failure.is_full:
            raise failure
        log.warning("starting-again", reason="there is room on the disk again")
        failure = await process.run(blames_events=False)


class _Process:
    """
    One control plane after the other.

    Args:
        lifecycle_log: Writes lifecycle entries to the log.
    """

    def __init__(self, settings: Settings, driver: Connector, lifecycle_log: logs.Sink) -> None:
        self._settings = settings
        self._driver = driver
        self._lifecycle_log = lifecycle_log
        self._control_plane: ControlPlane | None = None
        self._failed: asyncio.Future[StoreFailed] | None = None
        self.told_to_end = asyncio.Event()

    async def run(self, *, blames_events: bool = True) -> StoreFailed | None:
        """
        Run one control plane to its end; what its store failed of, if that was the reason.

        After a failure for want of space it goes on to answer, with that, until there is room.
        """
        self._failed = failed = asyncio.get_running_loop().create_future()
        # Its steady time begins with it, and is wall time then.
        clock = SystemClock()
        store = await Store.open(self._settings, clock, self._store_failed)
        try:
            driver = RemoteDriver(self._driver, clock)
            self._control_plane = control_plane = ControlPlane(
                self._settings, store, driver, clock, self._lifecycle_log, RandomBytes()
            )
            starting = asyncio.create_task(control_plane.start(blames_events=blames_events))
            told = asyncio.create_task(self.told_to_end.wait())
            try:
                await asyncio.wait((starting, told, failed), return_when=asyncio.FIRST_COMPLETED)
                if not starting.done():
                    starting.cancel()
                with contextlib.suppress(asyncio.CancelledError, StoreFailed):
                    await starting
                await asyncio.wait((told, failed), return_when=asyncio.FIRST_COMPLETED)
                if failed.done() and failed.result().is_full:
                    room = asyncio.create_task(wait_for_room(store.path))
                    await asyncio.wait((told, room), return_when=asyncio.FIRST_COMPLETED)
                    room.cancel()
            finally:
                told.cancel()
                await control_plane.stop()
        finally:
            self._control_plane = None
            with contextlib.suppress(StoreFailed):
                await store.close()
        return failed.result() if failed.done() else None

    def _store_failed(self, failure: StoreFailed) -> None:
        log.critical("store.failed", error=str(failure))
        if self._control_plane is not None:
            self._control_plane.fail(failure)
        if self._failed is not None and not self._failed.done():
            self._failed.set_result(failure)


def _allow_many_connections() -> None:
    """As many open files as this process may have; many systems begin with 1,024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
