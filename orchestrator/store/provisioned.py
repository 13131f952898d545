"""
What is provisioned: for which versions and aliases, and how much concurrency that keeps free.

Read from memory, written to the disk first, like all documents; gone with the version or alias.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping

from orchestrator.domain.names import FunctionKey, VersionKey
from orchestrator.domain.provisioned_concurrency import ProvisionedConfig, wanted_of
from orchestrator.store.documents import Documents, Kind, Place
from orchestrator.store.functions import FunctionStore

_KIND = Kind("provisioned-concurrency", ProvisionedConfig)


class ProvisionedConfigs:
    """
    The provisioned concurrency of this data directory.

    `turn` is held by whoever checks one thing against another and then writes: configurations, where their aliases
    lead, and what functions reserve.
    """

    def __init__(self, documents: Documents, functions: FunctionStore) -> None:
        documents.know(_KIND)
        self._documents = documents
        self._functions = functions
        self.turn = asyncio.Lock()

    def get(self, key: FunctionKey, qualifier: str) -> ProvisionedConfig | None:
        """The one of a version or alias."""
        return self._documents.get(_KIND, Place.on(key, qualifier))

    def of(self, key: FunctionKey, after: str = "") -> Iterator[tuple[str, ProvisionedConfig]]:
        """
        Those of a function by qualifier, in order.

        Args:
            after: Only those whose qualifiers come after this one.
        """
        for place, config in self._documents.under(_KIND, key.account, key.region, key.name):
            if place.name > after:
                yield place.name, config

    def requested(self, key: FunctionKey) -> int:
        """All that is provisioned for a function; asked at each admission."""
        if not self._documents.count(_KIND):
            return 0
        return sum(config.requested for _, config in self.of(key))

    def set_aside(self, account: str, region: str) -> int:
        """The concurrency of an account that is kept free for some: what is reserved, and provisioned beyond that."""
        beyond = 0
        for place, config in self._documents.under(_KIND, account, region):
            function = self._functions.get(FunctionKey(account, region, place.owner))
            if function is not None and function.reserved_concurrency is None:
                beyond += config.requested
        return self._functions.reserved_in_all(account, region) + beyond

    def set_aside_for(self, key: FunctionKey) -> int:
        """This function's part of it."""
        function = self._functions.get(key)
        reserved = function.reserved_concurrency if function is not None else None
        return self.requested(key) if reserved is None else reserved

    def wanted(self) -> Mapping[VersionKey, int]:
        """How many environments there shall be of each version that has some."""
        wanted: dict[VersionKey, int] = defaultdict(int)
        for place, config in self._documents.every(_KIND):
            function = self._functions.get(FunctionKey(place.account, place.region, place.owner))
            if function is None:
                continue
            for version, count in wanted_of(config.requested, function.shares(place.name)).items():
                wanted[VersionKey(function.key, version)] += count
        return wanted

    async def put(self, key: FunctionKey, qualifier: str, config: ProvisionedConfig) -> None:
        """
        Save one, in place of what there was.

        Raises:
            ResourceConflict: If it was changed meanwhile.
            ResourceNotFound: If the version or alias was deleted meanwhile.
        """
        place, along = Place.on(key, qualifier), self._functions.standing(key, qualifier)
        await self._documents.put(_KIND, place, config, before=self._documents.get(_KIND, place), along=along)

    async def remove(self, key: FunctionKey, qualifier: str) -> None:
        """Remove one; that there is none is no error."""
        await self._documents.remove(_KIND, Place.on(key, qualifier))
