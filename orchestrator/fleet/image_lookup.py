"""Image look-up: what a version's tag is on this host now, or why it cannot run here."""

from __future__ import annotations

import asyncio

from orchestrator.clock import Clock
from orchestrator.domain.errors import InvalidParameterValue
from orchestrator.domain.functions import FunctionVersion, Image
from orchestrator.driver.protocol import Driver, EngineUnreachable
from orchestrator.store.functions import FunctionStore

_ENGINE_BACK_WITHIN_S = 30.0
_ASKS_AGAIN_AFTER_S = 0.2


class ImageLookup:
    """Asks the driver."""

    def __init__(self, *, functions: FunctionStore, driver: Driver, clock: Clock) -> None:
        self._functions = functions
        self._driver = driver
        self._clock = clock

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
                image = await self._driver.find_image(version.image_uri)
                await self._check_architecture(version, image)
            except EngineUnreachable:
                if self._clock.monotonic() >= deadline:
                    raise
            else:
                return image
            await asyncio.sleep(_ASKS_AGAIN_AFTER_S)
        return None

    async def _check_architecture(self, version: FunctionVersion, image: Image) -> None:
        facts = await self._driver.facts()
        host = {"x86_64": "x86_64", "aarch64": "arm64"}.get(facts.architecture, facts.architecture)
        if image.architecture not in (host, version.architecture) or image.architecture != host:
            raise InvalidParameterValue(
                f"image {version.image_uri} is for {image.architecture}, this host is {host}; "
                f"build it for this host: docker build --platform linux/{'amd64' if host == 'x86_64' else 'arm64'}"
            )
