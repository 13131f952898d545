"""
Deployments: a function's tag becomes an image that is pinned, or a reason why not. Pending → Active | Failed.

The image is looked for in the call, as AWS does, and the answer has its hash. An engine that does not answer in time,
as while it pulls, does not hold the call up: what is pending then survives a crash, and is found again at start; an
update keeps the old image serving until the new one is known. When a version is published, and what it is, is decided
in `domain/publishing.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from orchestrator.clock import Clock
from orchestrator.domain.errors import ChangedMeanwhile, ResourceNotFound
from orchestrator.domain.functions import Function, FunctionState, FunctionVersion, Image, LastUpdateStatus
from orchestrator.domain.history import LifecycleEvent
from orchestrator.domain.names import FunctionKey
from orchestrator.domain.publishing import (
    BEING_CREATED,
    CREATING,
    check_code,
    check_may_be_published,
    check_may_change,
    check_revision,
    is_as_published,
    last_version,
    next_number,
    published,
    unsettled,
)
from orchestrator.driver.protocol import Driver
from orchestrator.fleet.image_lookup import IMAGE_PATIENCE, ImageLookup
from orchestrator.fleet.journal import Journal
from orchestrator.fleet.settling import Settling
from orchestrator.fleet.subnets import FunctionSubnets, SubnetIds
from orchestrator.loop import Tasks
from orchestrator.store.functions import FunctionStore


class Deployments:
    """
    Creates, updates, publishes and deletes functions.

    Args:
        retire: Called when environments of a function may have become outdated.
        new_revision: Gives a fresh RevisionId.
        image_patience: As long a call waits for its image; then it is answered without, and the look-up goes on.
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
        image_patience: timedelta = IMAGE_PATIENCE,
    ) -> None:
        self._functions = functions
        self._subnets = FunctionSubnets(driver=driver, in_use=self._subnets_in_use)
        self._images = ImageLookup(functions=functions, driver=driver, clock=clock, patience=image_patience)
        self._journal = journal
        self._clock = clock
        self._retire = retire
        self._new_revision = new_revision
        self._settling = Settling(
            functions=functions, images=self._images, journal=journal, retire=retire, new_revision=new_revision
        )
        self._tasks = Tasks("deployments")

    async def create(self, function: Function, *, publish: bool = False) -> FunctionVersion:
        """
        Save a function as Pending. It becomes Active at once if its image is known by then, else when it is found.

        Args:
            publish: Save its version 1 with it, Pending too.

        Returns: `$LATEST`, or version 1.
        Raises:
            ResourceConflict: If it exists.
            InvalidParameterValue: If there is no such image, or not for this host; or if one of its subnets cannot be
                joined.
        """
        self._functions.check_is_new(function.key)
        await self._subnets.check(function.latest.options.subnet_ids)
        async with self._images.looked_for(function.latest) as look:
            pending = replace(
                function.latest,
                image=look.image,
                state=FunctionState.PENDING,
                state_reason=BEING_CREATED,
                state_reason_code=CREATING,
                revision_id=self._new_revision(),
                last_modified=self._clock.now(),
            )
            created = replace(function, latest=pending)
            if publish:
                version = published(pending, "1", None, revision_id=self._new_revision(), is_pending=True)
                created = replace(created, versions={"1": version}, last_published=1)
            await self._functions.create(created)
            self._tasks.start(self._settling.settle(unsettled(created), look.taken()))
        self._subnets.changed()
        return created.versions.get("1", pending)

    async def update(
        self,
        key: FunctionKey,
        change: Callable[[FunctionVersion], FunctionVersion],
        revision_id: str | None,
        *,
        publish: bool = False,
    ) -> FunctionVersion:
        """
        Change code or configuration.

        Args:
            change: From the version as it is to as it shall be; a changed `image_uri` or a new code look-up is
                asked for by setting `image` to None.
            revision_id: Must be the current one, if given.
            publish: Publish a version of the new code.

        Returns: `$LATEST`, or the version.
        Raises:
            ResourceNotFound: If there is no such function.
            ResourceConflict: If an update is under way.
            ChangedMeanwhile: If anything else of it was changed; nothing is written.
            PreconditionFailed: If the revision is another.
            InvalidParameterValue: If there is no such image, or not for this host; or if one of its subnets cannot be
                joined.
        """
        current = self.latest(key)
        check_revision(revision_id, current.revision_id)
        check_may_change(current)
        asked = change(current)
        if asked.options.subnet_ids != current.options.subnet_ids:
            await self._subnets.check(asked.options.subnet_ids)
        async with self._images.looked_for(asked) as look:
            changed = self._updated(current, asked, look.image)
            waiting = [] if asked.image is not None else [changed]
            if publish:
                version = await self._published_with(current, changed)
                waiting = [version, changed]
            elif not await self._functions.replace_latest(changed, expected_revision=current.revision_id):
                raise ChangedMeanwhile(
                    f"The operation cannot be performed at this time. {key.arn} was changed meanwhile; try again"
                )
            if waiting:
                self._tasks.start(self._settling.settle(waiting, look.taken()))
            else:
                self._retire(key)
        self._subnets.changed()
        return waiting[0] if publish else changed

    async def tried_out(
        self, key: FunctionKey, change: Callable[[FunctionVersion], FunctionVersion], revision_id: str | None
    ) -> FunctionVersion:
        """
        What an update would make of a function; nothing changes.

        Args:
            change, revision_id: As of `update`.

        Raises:
            ResourceNotFound: If there is no such function.
            PreconditionFailed: If the revision is another.
            InvalidParameterValue: If there is no such image, or not for this host.
        """
        current = self.latest(key)
        check_revision(revision_id, current.revision_id)
        async with self._images.looked_for(change(current)) as look:
            return replace(change(current), image=look.image)

    async def publish(
        self, key: FunctionKey, *, description: str | None, code_sha256: str | None, revision_id: str | None
    ) -> FunctionVersion:
        """
        Make a version of what `$LATEST` is.

        Args:
            description: Of the version; None takes that of `$LATEST`.
            code_sha256, revision_id: Must be those of `$LATEST`, if given.

        Returns: It, or the last one if there was no update since.
        Raises:
            ResourceNotFound: If there is no such function.
            ResourceConflict: If it is not Active, or is being updated.
            ChangedMeanwhile: If anything of it was changed; nothing is written.
            PreconditionFailed: If the revision is another.
            InvalidParameterValue: If the code is another.
        """
        latest = self.latest(key)
        check_revision(revision_id, latest.revision_id)
        check_code(code_sha256, latest)
        check_may_be_published(latest)
        function = self._function(key)
        last = last_version(function)
        if last is not None and is_as_published(latest, last):
            return last
        version = published(
            latest, next_number(function), description, revision_id=self._new_revision(), is_pending=False
        )
        await self._functions.publish(
            version,
            expected_last=function.last_published,
            latest=replace(latest, revision_id=self._new_revision()),
            expected_revision=latest.revision_id,
        )
        self._journal.function(LifecycleEvent.VERSION_PUBLISHED, version)
        return version

    async def delete_version(self, key: FunctionKey, number: str) -> None:
        """
        Delete one published version; its environments end. That there is none of this number is no error, as on AWS.

        Raises:
            ResourceNotFound: If there is no such function.
            ResourceConflict: If an alias leads to it.
        """
        version = self._function(key).versions.get(number)
        if version is None:
            return
        await self._functions.delete_version(key, number)
        self._journal.function(LifecycleEvent.VERSION_DELETED, version)
        self._retire(key)
        self._subnets.changed()

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
        self._subnets.changed()

    def latest(self, key: FunctionKey) -> FunctionVersion:
        """
        The function's $LATEST.

        Raises:
            ResourceNotFound: If there is none.
        """
        return self._function(key).latest

    def resume(self) -> None:
        """
        Look again for the images that were being looked for when the control plane ended, and have sandboxes ready in
        the subnets of those functions that are in some.
        """
        self._subnets.changed()
        for function in self._functions.all():
            if waiting := unsettled(function):
                self._tasks.start(self._settling.settle(waiting))

    async def close(self) -> None:
        """Stop looking; what is pending is found again at the next start."""
        await self._tasks.finish(timedelta(seconds=1))
        await self._subnets.close()

    # -- inside

    def _subnets_in_use(self) -> set[SubnetIds]:
        versions = (version for function in self._functions.all() for version in function.every_version())
        return {version.options.subnet_ids for version in versions} - {()}

    def _function(self, key: FunctionKey) -> Function:
        function = self._functions.get(key)
        if function is None:
            raise ResourceNotFound(f"Function not found: {key.arn}")
        return function

    def _updated(self, current: FunctionVersion, asked: FunctionVersion, image: Image | None) -> FunctionVersion:
        """
        Args:
            image: That of `asked`; None if it is not known yet: the one that there is goes on serving.
        """
        settles_later = asked.image is None
        return replace(
            asked,
            image=image or current.image,
            code_before=None if image is not None else current.code,
            updates=current.updates + 1,
            revision_id=self._new_revision(),
            last_modified=self._clock.now(),
            last_update_status=LastUpdateStatus.IN_PROGRESS if settles_later else LastUpdateStatus.SUCCESSFUL,
            last_update_status_reason=BEING_CREATED if settles_later else None,
            last_update_status_reason_code=CREATING if settles_later else None,
        )

    async def _published_with(self, current: FunctionVersion, latest: FunctionVersion) -> FunctionVersion:
        """A version of what `$LATEST` becomes, saved with it."""
        function = self._function(current.key)
        version = published(latest, next_number(function), None, revision_id=self._new_revision(), is_pending=True)
        await self._functions.publish(
            version,
            expected_last=function.last_published,
            latest=latest,
            expected_revision=current.revision_id,
        )
        self._journal.function(LifecycleEvent.VERSION_PUBLISHED, version)
        return version
