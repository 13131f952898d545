"""
Deployments: a function's tag becomes an image that is pinned, or a reason why not. Pending → Active | Failed.

What is pending survives a crash: it is found again at start. An update keeps the old image serving until the new
one is known. When a version is published, and what it is, is decided in `domain/publishing.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from orchestrator.clock import Clock
from orchestrator.domain.errors import (
    ChangedMeanwhile,
    InvalidParameterValue,
    PaddockError,
    ResourceNotFound,
    ServiceFailure,
)
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
from orchestrator.driver.protocol import Driver, EngineUnreachable
from orchestrator.fleet.image_lookup import ImageLookup
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
        self._subnets = FunctionSubnets(driver=driver, in_use=self._subnets_in_use)
        self._images = ImageLookup(functions=functions, driver=driver, clock=clock)
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
        Save a function as Pending, and look for its image meanwhile.

        Args:
            publish: Save its version 1 with it, Pending too.

        Returns: `$LATEST`, or version 1.
        Raises:
            ResourceConflict: If it exists.
            InvalidParameterValue: If one of its subnets cannot be joined.
        """
        await self._subnets.check(function.latest.options.subnet_ids)
        pending = replace(
            function.latest,
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
        self._subnets.changed()
        self._tasks.start(self._settling.settle(unsettled(created)))
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
            publish: Publish a version of the new code. The image is looked up first.

        Returns: `$LATEST`, or the version.
        Raises:
            ResourceNotFound: If there is no such function.
            ResourceConflict: If an update is under way.
            ChangedMeanwhile: If anything else of it was changed; nothing is written.
            PreconditionFailed: If the revision is another.
            InvalidParameterValue: If it is to be published and there is no such image, or not for this host; or if one
                of its subnets cannot be joined.
            ServiceFailure: If it is to be published and the engine does not answer.
        """
        current = self._checked(key, revision_id)
        changed = change(current)
        if publish:
            image = await self._image_to_publish(changed)
            current = self._checked(key, revision_id)
            changed = change(current)
            return await self._update_and_publish(current, changed, image)
        if changed.options.subnet_ids != current.options.subnet_ids:
            await self._subnets.check(changed.options.subnet_ids)
            current = self._checked(key, revision_id)
            changed = change(current)
        looks_up = changed.image is None
        changed = self._updated(current, changed, looks_up=looks_up)
        await self._replace(current, changed)
        if looks_up:
            self._tasks.start(self._settling.settle([changed]))
        else:
            self._retire(key)
        self._subnets.changed()
        return changed

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

    def _checked(self, key: FunctionKey, revision_id: str | None) -> FunctionVersion:
        current = self.latest(key)
        check_revision(revision_id, current.revision_id)
        check_may_change(current)
        return current

    def _updated(self, current: FunctionVersion, changed: FunctionVersion, *, looks_up: bool) -> FunctionVersion:
        return replace(
            changed,
            image=current.image,
            code_before=current.code if looks_up else None,
            updates=current.updates + 1,
            revision_id=self._new_revision(),
            last_modified=self._clock.now(),
            last_update_status=LastUpdateStatus.IN_PROGRESS if looks_up else LastUpdateStatus.SUCCESSFUL,
            last_update_status_reason=BEING_CREATED if looks_up else None,
            last_update_status_reason_code=CREATING if looks_up else None,
        )

    async def _image_to_publish(self, changed: FunctionVersion) -> Image | None:
        try:
            return await self._images.find(changed)
        except EngineUnreachable as error:
            raise ServiceFailure(str(error)) from error
        except PaddockError as error:
            raise InvalidParameterValue(str(error)) from error

    async def _update_and_publish(
        self, current: FunctionVersion, changed: FunctionVersion, image: Image | None
    ) -> FunctionVersion:
        function = self._function(current.key)
        latest = self._updated(current, changed, looks_up=True)
        as_it_will_be = replace(latest, image=image)
        number, revision = next_number(function), self._new_revision()
        version = published(as_it_will_be, number, None, revision_id=revision, is_pending=True)
        await self._functions.publish(
            version, expected_last=function.last_published, latest=latest, expected_revision=current.revision_id
        )
        self._journal.function(LifecycleEvent.VERSION_PUBLISHED, version)
        self._tasks.start(self._settling.settle([version, latest]))
        return version

    async def _replace(self, before: FunctionVersion, after: FunctionVersion) -> None:
        if not await self._functions.replace_latest(after, expected_revision=before.revision_id):
            raise ChangedMeanwhile(
                f"The operation cannot be performed at this time. {before.key.arn} was changed meanwhile; try again"
            )
