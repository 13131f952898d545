"""
Deployments: a function's tag becomes an image that is pinned, or a reason why not. Pending → Active | Failed.

What is pending survives a crash: it is found again at start. An update keeps the old image serving until the new
one is known.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import structlog

from orchestrator.clock import Clock
from orchestrator.domain.errors import PaddockError, PreconditionFailed, ResourceConflict, ResourceNotFound
from orchestrator.domain.functions import Function, FunctionState, FunctionVersion, Image, LastUpdateStatus
from orchestrator.domain.history import LifecycleEvent
from orchestrator.domain.names import FunctionKey
from orchestrator.driver.protocol import Driver, EngineUnreachable
from orchestrator.fleet.journal import Journal
from orchestrator.loop import Tasks
from orchestrator.store.functions import FunctionStore

INVALID_IMAGE = "InvalidImage"
_ENGINE_BACK_WITHIN_S = 30.0
_ASKS_AGAIN_AFTER_S = 0.2

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class Deployments:
    """
    Creates, updates and deletes functions.

    Args:
        retire: Called when environments of a function may have become outdated.
        new_revision: Gives a fresh RevisionId.
    """

    def __init__(
        self,
        *,
        functions: FunctionStore,
        driver: Driver,
        journal: Journal,
        clock: Clock,
        retire: Callable[[FunctionKey], None],
        new_revision: Callable[[], str],
    ) -> None:
        self._functions = functions
        self._driver = driver
        self._journal = journal
        self._clock = clock
        self._retire = retire
        self._new_revision = new_revision
        self._tasks = Tasks("deployments")

    async def create(self, function: Function) -> FunctionVersion:
        """
        Save a function as Pending, and look for its image meanwhile.

        Raises:
            ResourceConflict: If it exists.
        """
        pending = replace(
            function.latest,
            state=FunctionState.PENDING,
            state_reason="The function is being created.",
            state_reason_code="Creating",
            revision_id=self._new_revision(),
            last_modified=self._clock.now(),
        )
        await self._functions.create(replace(function, latest=pending))
        self._tasks.start(self._resolve(pending))
        return pending

    async def update(
        self, key: FunctionKey, change: Callable[[FunctionVersion], FunctionVersion], revision_id: str | None
    ) -> FunctionVersion:
        """
        Change code or configuration.

        Args:
            change: From the version as it is to as it shall be; a changed `image_uri` or a new code look-up is
                asked for by setting `image` to None.
            revision_id: Must be the current one, if given.

        Raises:
            ResourceNotFound: If there is no such function.
            ResourceConflict: If an update is under way.
            PreconditionFailed: If the revision is another.
        """
        current = self.latest(key)
        if revision_id is not None and revision_id != current.revision_id:
            raise PreconditionFailed(
                "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to "
                "retrieve the latest Revision Id"
            )
        if current.state is FunctionState.PENDING or current.last_update_status is LastUpdateStatus.IN_PROGRESS:
            what = "Pending" if current.state is FunctionState.PENDING else "InProgress"
            raise ResourceConflict(
                "The operation cannot be performed at this time. An update is in progress for resource: "
                f"{key.arn} ({what})"
            )
        changed = change(current)
        looks_up = changed.image is None
        changed = replace(
            changed,
            image=current.image,
            revision_id=self._new_revision(),
            last_modified=self._clock.now(),
            last_update_status=LastUpdateStatus.IN_PROGRESS if looks_up else LastUpdateStatus.SUCCESSFUL,
            last_update_status_reason="The function is being created." if looks_up else None,
            last_update_status_reason_code="Creating" if looks_up else None,
        )
        await self._replace(current, changed)
        if looks_up:
            self._tasks.start(self._resolve(changed))
        else:
            self._retire(key)
        return changed

    async def delete(self, key: FunctionKey) -> None:
        """
        Delete a function; its environments end.

        Raises:
            ResourceNotFound: If there is none.
        """
        latest = self.latest(key)
        await self._functions.delete(key)
        self._journal.function(LifecycleEvent.FUNCTION_DELETED, latest)
        self._retire(key)

    def latest(self, key: FunctionKey) -> FunctionVersion:
        """
        The function's $LATEST.

        Raises:
            ResourceNotFound: If there is none.
        """
        function = self._functions.get(key)
        if function is None:
            raise ResourceNotFound(f"Function not found: {key.arn}")
        return function.latest

    def resume(self) -> None:
        """Look again for the images that were being looked for when the control plane ended."""
        for function in self._functions.all():
            latest = function.latest
            if latest.state is FunctionState.PENDING or latest.last_update_status is LastUpdateStatus.IN_PROGRESS:
                self._tasks.start(self._resolve(latest))

    async def close(self) -> None:
        """Stop looking; what is pending is found again at the next start."""
        await self._tasks.finish(timedelta(seconds=1))

    async def _resolve(self, version: FunctionVersion) -> None:
        found = await self._find(version)
        if found is None:
            return
        image, problem = found
        is_new = version.state is FunctionState.PENDING
        if image is not None and problem is None:
            resolved = self._resolved(version, image)
            event, detail = LifecycleEvent.FUNCTION_ACTIVE, f"{version.image_uri} is {image.image_id[:19]}"
        else:
            resolved = self._failed(version, problem or "", is_new=is_new)
            event, detail = LifecycleEvent.FUNCTION_FAILED, problem or ""
        try:
            await self._replace(version, resolved)
        except (ResourceConflict, ResourceNotFound):
            log.info("deployment.overtaken", function=version.key.name)
            return
        self._journal.function(event, resolved, reason=detail)
        self._retire(version.key)

    async def _find(self, version: FunctionVersion) -> tuple[Image | None, str | None] | None:
        """
        Its image, and what is wrong with it; None if the function was deleted meanwhile.

        While the engine, or the driver, is being started again, that is waited for.
        """
        deadline = self._clock.monotonic() + _ENGINE_BACK_WITHIN_S
        while self._functions.get(version.key) is not None:
            try:
                image = await self._driver.find_image(version.image_uri)
                return image, await self._problem(version, image)
            except EngineUnreachable as error:
                if self._clock.monotonic() >= deadline:
                    return None, str(error)
            except PaddockError as error:
                # Whatever it is: a function that stayed Pending would be looked at by nobody.
                return None, str(error)
            await asyncio.sleep(_ASKS_AGAIN_AFTER_S)
        return None

    async def _problem(self, version: FunctionVersion, image: Image) -> str | None:
        facts = await self._driver.facts()
        host = {"x86_64": "x86_64", "aarch64": "arm64"}.get(facts.architecture, facts.architecture)
        if image.architecture not in (host, version.architecture) or image.architecture != host:
            return (
                f"image {version.image_uri} is for {image.architecture}, this host is {host}; "
                f"build it for this host: docker build --platform linux/{'amd64' if host == 'x86_64' else 'arm64'}"
            )
        return None

    @staticmethod
    def _resolved(version: FunctionVersion, image: Image) -> FunctionVersion:
        return replace(
            version,
            image=image,
            state=FunctionState.ACTIVE,
            state_reason=None,
            state_reason_code=None,
            last_update_status=LastUpdateStatus.SUCCESSFUL,
            last_update_status_reason=None,
            last_update_status_reason_code=None,
        )

    @staticmethod
    def _failed(version: FunctionVersion, problem: str, *, is_new: bool) -> FunctionVersion:
        failed = replace(
            version,
            last_update_status=LastUpdateStatus.FAILED,
            last_update_status_reason=problem,
            last_update_status_reason_code=INVALID_IMAGE,
        )
        if is_new:
            failed = replace(failed, state=FunctionState.FAILED, state_reason=problem, state_reason_code=INVALID_IMAGE)
        return failed

    async def _replace(self, before: FunctionVersion, after: FunctionVersion) -> None:
        if not await self._functions.replace_latest(after, expected_revision=before.revision_id):
            raise ResourceConflict(
                "The operation cannot be performed at this time. An update is in progress for resource: "
                f"{before.key.arn}"
            )
