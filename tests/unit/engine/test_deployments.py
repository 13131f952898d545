"""Deployments over crashes: what was pending is found again, and settles."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from datetime import timedelta

from orchestrator.domain.functions import Function, FunctionState, LastUpdateStatus
from orchestrator.domain.history import LifecycleEvent
from orchestrator.domain.publishing import published, unsettled
from orchestrator.fleet.deployments import Deployments
from tests.support.builders import KEY, a_version, an_image
from tests.support.engine import Engine, EngineMaker


def deployments_of(engine: Engine) -> Deployments:
    """As wired at a start."""
    numbers = itertools.count(1)
    return Deployments(
        functions=engine.store.functions,
        driver=engine.driver,
        journal=engine.journal,
        clock=engine.clock,
        retire=engine.fleet.retire_outdated,
        new_revision=lambda: f"fresh-{next(numbers)}",
        image_patience=timedelta(seconds=0.05),
    )


def stored(engine: Engine) -> Function:
    """The function of these tests."""
    function = engine.store.functions.get(KEY)
    assert function is not None
    return function


async def settled_after_a_start(engine: Engine) -> Function:
    """Resume, and wait until nothing is under way."""
    deployments = deployments_of(engine)
    deployments.resume()

    async def poll() -> None:
        while unsettled(stored(engine)):
            await engine.settle()

    await asyncio.wait_for(poll(), 5)
    await deployments.close()
    return stored(engine)


async def test_a_function_and_its_version_1_that_were_being_created_become_active(make_engine: EngineMaker) -> None:
    """Of the same image, each with a revision of its own, the version first."""
    engine = make_engine()
    pending = a_version(state=FunctionState.PENDING, image=None, revision_id="latest")
    one = published(pending, "1", None, revision_id="one", is_pending=True)
    await engine.store.functions.create(Function(key=KEY, latest=pending, versions={"1": one}, last_published=1))
    function = await settled_after_a_start(engine)
    for version, before in ((function.latest, pending), (function.versions["1"], one)):
        assert (version.state, version.state_reason, version.image) == (FunctionState.ACTIVE, None, an_image())
        assert version.revision_id != before.revision_id
    assert [entry.version for entry in engine.seen(LifecycleEvent.FUNCTION_ACTIVE)] == ["1", "$LATEST"]


async def test_a_version_that_alone_was_left_pending_becomes_active(make_engine: EngineMaker) -> None:
    """The crash came between: `$LATEST` is as it was."""
    engine = make_engine()
    latest = await engine.deploy()
    one = published(latest, "1", None, revision_id="one", is_pending=True)
    await engine.store.functions.publish(one, expected_last=0)
    function = await settled_after_a_start(engine)
    assert (function.versions["1"].state, function.latest) == (FunctionState.ACTIVE, latest)


async def test_an_update_that_was_published_settles_in_both(make_engine: EngineMaker) -> None:
    """And fails in both, if the image has gone meanwhile; the old one goes on serving."""
    engine = make_engine()
    latest = await engine.deploy()
    updating = replace(
        latest,
        image_uri="hello:gone",
        code_before=latest.code,
        revision_id="updating",
        last_update_status=LastUpdateStatus.IN_PROGRESS,
    )
    one = published(updating, "1", None, revision_id="one", is_pending=True)
    await engine.store.functions.publish(one, expected_last=0, latest=updating, expected_revision=latest.revision_id)
    function = await settled_after_a_start(engine)
    assert (function.latest.state, function.latest.last_update_status) == (
        FunctionState.ACTIVE,
        LastUpdateStatus.FAILED,
    )
    assert function.latest.image == latest.image
    assert function.versions["1"].state is FunctionState.FAILED
    assert function.versions["1"].image is None


async def test_what_is_known_when_the_control_plane_ends_is_not_looked_for_again(make_engine: EngineMaker) -> None:
    """Its tag may be another image by then, or gone."""
    engine = make_engine()
    latest = await engine.deploy()
    updating = replace(
        latest,
        image_uri="hello:gone",
        image=an_image("sha256:known"),
        revision_id="updating",
        last_update_status=LastUpdateStatus.IN_PROGRESS,
    )
    one = published(updating, "1", None, revision_id="one", is_pending=True)
    await engine.store.functions.publish(one, expected_last=0, latest=updating, expected_revision=latest.revision_id)
    function = await settled_after_a_start(engine)
    assert [version.state for version in function.every_version()] == [FunctionState.ACTIVE] * 2
    assert [version.image for version in function.every_version()] == [an_image("sha256:known")] * 2
    assert function.latest.last_update_status is LastUpdateStatus.SUCCESSFUL


async def test_an_update_that_failed_after_a_start_leaves_the_code_that_serves(make_engine: EngineMaker) -> None:
    """Which code that was is written down with the update."""
    engine = make_engine()
    latest = await engine.deploy()
    updating = replace(
        latest,
        image_uri="hello:gone",
        architecture="arm64",
        code_before=latest.code,
        revision_id="updating",
        last_update_status=LastUpdateStatus.IN_PROGRESS,
    )
    await engine.store.functions.replace_latest(updating, expected_revision=latest.revision_id)
    found = (await settled_after_a_start(engine)).latest
    assert found.last_update_status is LastUpdateStatus.FAILED
    assert (found.code, found.code_before, found.image) == (latest.code, None, latest.image)


async def test_a_late_look_up_leaves_the_version_of_a_function_created_again_alone(make_engine: EngineMaker) -> None:
    """The number is the same; the function that it was is gone, with its variables."""
    engine = make_engine()
    engine.driver.images["new:1"] = an_image()
    may_be_found = engine.driver.hold_finding("old:1")
    deployments = deployments_of(engine)
    old = a_version(image=None, image_uri="old:1", environment={"WHOSE": "old"}, state=FunctionState.PENDING)
    await deployments.create(Function(key=KEY, latest=old), publish=True)
    await deployments.delete(KEY)
    new = replace(old, image_uri="new:1", environment={"WHOSE": "new"})
    await deployments.create(Function(key=KEY, latest=new), publish=True)
    may_be_found.set()
    await deployments.close()
    function = stored(engine)
    assert [dict(version.environment) for version in function.every_version()] == [{"WHOSE": "new"}] * 2
    assert [version.image_uri for version in function.every_version()] == ["new:1"] * 2
