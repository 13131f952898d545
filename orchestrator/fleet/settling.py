"""Settling: what waits for its image gets it, or the reason why not, and says so in its state."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import structlog

from orchestrator.domain.errors import PaddockError
from orchestrator.domain.functions import FunctionState, FunctionVersion, Image, LastUpdateStatus
from orchestrator.domain.history import LifecycleEvent
from orchestrator.domain.names import LATEST, FunctionKey
from orchestrator.driver.protocol import EngineUnreachable
from orchestrator.fleet.image_lookup import ImageLookup
from orchestrator.fleet.journal import Journal
from orchestrator.store.functions import FunctionStore

INVALID_IMAGE = "InvalidImage"

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class Settling:
    """
    Pending → Active | Failed, and InProgress → Successful | Failed.

    Args:
        retire: Called when environments of a function may have become outdated.
        new_revision: Gives a fresh RevisionId: on AWS each of these moves has one.
    """

    def __init__(
        self,
        *,
        functions: FunctionStore,
        images: ImageLookup,
        journal: Journal,
        retire: Callable[[FunctionKey], None],
        new_revision: Callable[[], str],
    ) -> None:
        self._functions = functions
        self._images = images
        self._journal = journal
        self._retire = retire
        self._new_revision = new_revision

    async def settle(self, waiting: Sequence[FunctionVersion], looking: Awaitable[Image] | None = None) -> None:
        """
        Look for an image, if it is not known, and write down what came of it.

        Args:
            waiting: Versions of one function that were deployed from one tag, in the order in which they settle.
            looking: A look-up for it that is under way.
        """
        found, problem = None, ""
        awaiting = next((one for one in waiting if one.awaits_image), None)
        try:
            found = await self._found(awaiting, looking) if awaiting is not None else None
        except PaddockError as error:
            # Whatever it is: a function that stayed Pending would be looked at by nobody.
            problem = str(error)
        for version in waiting:
            image = found if version.awaits_image else version.image
            settled = _failed(version, problem) if image is None else _active(version, image)
            if not await self._replace(version, replace(settled, revision_id=self._new_revision())):
                log.info("deployment.overtaken", function=str(version.version_key))
                continue
            event = LifecycleEvent.FUNCTION_FAILED if image is None else LifecycleEvent.FUNCTION_ACTIVE
            reason = problem if image is None else f"{version.image_uri} is {image.image_id[:19]}"
            self._journal.function(event, settled, reason=reason)
        self._retire(waiting[0].key)

    async def _found(self, version: FunctionVersion, looking: Awaitable[Image] | None) -> Image | None:
        if looking is not None:
            with contextlib.suppress(EngineUnreachable):
                return await looking
        return await self._images.find(version)

    async def _replace(self, before: FunctionVersion, after: FunctionVersion) -> bool:
        if before.version == LATEST:
            return await self._functions.replace_latest(after, expected_revision=before.revision_id)
        return await self._functions.replace_version(after, expected_revision=before.revision_id)


def _active(version: FunctionVersion, image: Image) -> FunctionVersion:
    return replace(
        version,
        image=image,
        code_before=None,
        state=FunctionState.ACTIVE,
        state_reason=None,
        state_reason_code=None,
        last_update_status=LastUpdateStatus.SUCCESSFUL,
        last_update_status_reason=None,
        last_update_status_reason_code=None,
    )


def _failed(version: FunctionVersion, problem: str) -> FunctionVersion:
    left = version.code_before or version.code
    failed = replace(
        version,
        image_uri=left.image_uri,
        architecture=left.architecture,
        code_before=None,
        last_update_status=LastUpdateStatus.FAILED,
        last_update_status_reason=problem,
        last_update_status_reason_code=INVALID_IMAGE,
    )
    if version.state is FunctionState.PENDING:
        failed = replace(
            failed, image=None, state=FunctionState.FAILED, state_reason=problem, state_reason_code=INVALID_IMAGE
        )
    return failed
