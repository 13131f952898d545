"""Image look-up: what a version's tag is on this host now, or why it cannot run here."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable
from dataclasses import dataclass, field
from datetime import timedelta

from orchestrator.clock import Clock
from orchestrator.domain.errors import InvalidParameterValue
from orchestrator.domain.functions import FunctionVersion, Image
from orchestrator.driver.protocol import Driver, EngineUnreachable, ImageNotFound, ImageUnusable
from orchestrator.store.functions import FunctionStore

IMAGE_PATIENCE = timedelta(seconds=2)
"""As long a call waits for its image: an engine that has it answers in a fraction, a pull may take minutes."""
_ENGINE_BACK_WITHIN_S = 30.0
_ASKS_AGAIN_AFTER_S = 0.2


@dataclass(slots=True, kw_only=True)
class Look:
    """
    What a call has learned of its image.

    Args:
        image: None if that took longer than the call's patience, or the engine does not answer.
    """

    image: Image | None
    _asking: asyncio.Task[Image] | None = None
    _is_taken: bool = field(default=False, init=False)

    def taken(self) -> Awaitable[Image] | None:
        """The look-up, which goes on after the call for whoever took it; None if there is nothing to wait for."""
        self._is_taken = True
        return self._asking

    def end(self) -> None:
        """Give up what goes on, unless it was taken."""
        if self._asking is None or self._is_taken or self._asking.cancel():
            return
        if not self._asking.cancelled():
            # Asked for, so that it is not told as a failure that nobody heard of.
            self._asking.exception()


class ImageLookup:
    """
    Asks the driver.

    Args:
        patience: Of calls.
    """

    def __init__(self, *, functions: FunctionStore, driver: Driver, clock: Clock, patience: timedelta) -> None:
        self._functions = functions
        self._driver = driver
        self._clock = clock
        self._patience = patience

    @contextlib.asynccontextmanager
    async def looked_for(self, version: FunctionVersion) -> AsyncGenerator[Look]:
        """
        Look, for a call, for the image of a version whose `image` is None; that of another is known.

        Raises:
            InvalidParameterValue: If there is no such image, or it cannot run on this host; the message says what
                helps.
        """
        if version.image is not None:
            yield Look(image=version.image)
            return
        asking = asyncio.create_task(self._ask(version), name=f"look for {version.image_uri}")
        look = Look(image=None, _asking=asking)
        try:
            await asyncio.wait((asking,), timeout=self._patience.total_seconds())
            if asking.done():
                look.image = _found(version, asking)
            yield look
        finally:
            look.end()

    async def find(self, version: FunctionVersion) -> Image | None:
        """
        The image of a version; None if its function was deleted meanwhile.

        While the engine, or the driver, is being started again, that is waited for.

        Raises:
            EngineUnreachable: If it was waited for in vain.
            PaddockError: If there is no such image, or it cannot run on this host; the message says what helps.
        """
        deadline = self._clock.monotonic() + _ENGINE_BACK_WITHIN_S
        while self._functions.get(version.key) is not None:
            try:
                image = await self._ask(version)
            except EngineUnreachable:
                if self._clock.monotonic() >= deadline:
                    raise
            else:
                return image
            await asyncio.sleep(_ASKS_AGAIN_AFTER_S)
        return None

    async def _ask(self, version: FunctionVersion) -> Image:
        image = await self._driver.find_image(version.image_uri)
        facts = await self._driver.facts()
        host = {"x86_64": "x86_64", "aarch64": "arm64"}.get(facts.architecture, facts.architecture)
        if image.architecture not in (host, version.architecture) or image.architecture != host:
            raise InvalidParameterValue(
                f"image {version.image_uri} is for {image.architecture}, this host is {host}; "
                f"build it for this host: docker build --platform linux/{'amd64' if host == 'x86_64' else 'arm64'}"
            )
        return image


def _found(version: FunctionVersion, asked: asyncio.Task[Image]) -> Image | None:
    """
    What was found. What says nothing about the image is left to whoever asks again.

    Raises:
        InvalidParameterValue: With AWS's text, and what helps here.
    """
    match asked.exception():
        case None:
            return asked.result()
        case ImageNotFound() as error:
            raise InvalidParameterValue(
                f"Source image {version.image_uri} does not exist. Provide a valid source image. ({error})"
            ) from error
        case ImageUnusable() as error:
            raise InvalidParameterValue(
                f"Source image {version.image_uri} is not valid. Provide a valid source image. ({error})"
            ) from error
        case InvalidParameterValue() as error:
            raise error
        case _:
            return None
