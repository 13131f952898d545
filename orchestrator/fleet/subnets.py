"""
The subnets that functions are in: looked up when one is asked for, and sandboxes kept ready in each set of them as long
as a version is in it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import structlog

from orchestrator.domain.errors import InvalidParameterValue, PaddockError, ServiceFailure
from orchestrator.driver.protocol import Driver, EngineUnreachable, NotHardened, SubnetNotFound, SubnetUnusable
from orchestrator.loop import Tasks

SubnetIds = tuple[str, ...]

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class FunctionSubnets:
    """
    Asks the driver.

    Args:
        in_use: The sets of subnets that versions are in now.
    """

    def __init__(self, *, driver: Driver, in_use: Callable[[], set[SubnetIds]]) -> None:
        self._driver = driver
        self._in_use = in_use
        self._kept: set[SubnetIds] = set()
        self._tasks = Tasks("subnets")

    async def check(self, subnet_ids: SubnetIds) -> None:
        """
        May a function be in these?

        Raises:
            InvalidParameterValue: If one names no network, or none that can be joined.
            ServiceFailure: If the engine does not answer.
        AWS: https://docs.aws.amazon.com/lambda/latest/api/API_VpcConfig.html
        """
        if not subnet_ids:
            return
        try:
            await self._driver.check_subnets(subnet_ids)
        except SubnetNotFound as error:
            raise InvalidParameterValue(
                f"Error occurred while DescribeSubnets. EC2 Error Code: InvalidSubnetID.NotFound. "
                f"EC2 Error Message: {error}"
            ) from error
        except (SubnetUnusable, NotHardened) as error:
            raise InvalidParameterValue(str(error)) from error
        except EngineUnreachable as error:
            raise ServiceFailure(str(error)) from error

    def changed(self) -> None:
        """Versions came or went: have sandboxes ready for those there are."""
        in_use = self._in_use()
        if in_use != self._kept:
            self._kept = in_use
            self._tasks.start(self._keep(tuple(sorted(in_use))))

    async def close(self) -> None:
        """What the driver has not been told yet, it need not know."""
        await self._tasks.finish(timedelta(seconds=1))

    async def _keep(self, sets: tuple[SubnetIds, ...]) -> None:
        try:
            await self._driver.keep_subnets(sets)
        except PaddockError as error:
            # A driver that comes back is told by whoever reaches it; a function that is called meanwhile gets its
            # sandbox all the same, only later.
            log.warning("subnets.not-kept", reason=str(error))
