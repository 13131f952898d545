"""
Concurrency as leases: taken at admission, given back at the environment's next `/next` or its confirmed end.

Counted, never a counter: what is held is a set of request ids, so that nothing can be given back twice (D16).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from orchestrator.domain.concurrency import ConcurrencySnapshot, throttle
from orchestrator.domain.errors import ThrottleReason
from orchestrator.domain.names import FunctionKey


class Leases:
    """
    Who runs.

    Args:
        reservation: A function's reserved concurrency, or None.
        reserved_in_all: The sum of the reservations of the account and region of a function, and of what is
            provisioned for functions without.
        account_limit: AWS's concurrent executions.
        provisioned: What is provisioned for a function.
        returned: Called when one was given back.
    """

    def __init__(
        self,
        *,
        reservation: Callable[[FunctionKey], int | None],
        reserved_in_all: Callable[[FunctionKey], int],
        account_limit: int,
        provisioned: Callable[[FunctionKey], int] = lambda _: 0,
        returned: Callable[[], None] = lambda: None,
    ) -> None:
        self._returned = returned
        self._provisioned = provisioned
        self._reservation = reservation
        self._reserved_in_all = reserved_in_all
        self._account_limit = account_limit
        self._held: dict[FunctionKey, set[str]] = {}
        self._all: set[str] = set()
        self._waiters: dict[FunctionKey, list[asyncio.Future[None]]] = {}

    def take(self, function: FunctionKey, request_id: str) -> ThrottleReason | None:
        """Take a lease; the reason if there is none to take."""
        held = self._held.get(function, ())
        reserved = self._reservation(function)
        reserved_in_all = self._reserved_in_all(function)
        reason = None
        # Where all that is held leaves room, nobody needs to know whose it is.
        if reserved is not None or len(self._all) >= self._account_limit - reserved_in_all:
            reason = throttle(
                ConcurrencySnapshot(
                    of_function=len(held),
                    # A reservation stands by itself: what the others hold does not matter to it.
                    unreserved=self._unreserved(function) if reserved is None else 0,
                    reserved=reserved,
                    reserved_in_all=reserved_in_all,
                    account_limit=self._account_limit,
                    provisioned=self._provisioned(function) if reserved is None else 0,
                )
            )
        if reason is None:
            self._held.setdefault(function, set()).add(request_id)
            self._all.add(request_id)
        return reason

    def give_back(self, function: FunctionKey, request_id: str) -> None:
        """Give a lease back; giving back what is not held is no error."""
        held = self._held.get(function)
        if held is None or request_id not in held:
            return
        held.discard(request_id)
        self._all.discard(request_id)
        if not held:
            del self._held[function]
        for waiter in self._waiters.pop(function, []):
            if not waiter.done():
                waiter.set_result(None)
        self._returned()

    def held(self, function: FunctionKey) -> int:
        """How many are held."""
        return len(self._held.get(function, ()))

    async def wait_for_return(self, function: FunctionKey, patience_s: float) -> None:
        """Wait until one is given back, or for this long."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.setdefault(function, []).append(waiter)
        try:
            await asyncio.wait((waiter,), timeout=patience_s)
        finally:
            waiter.cancel()
            self._leave(function, waiter)

    def _leave(self, function: FunctionKey, waiter: asyncio.Future[None]) -> None:
        waiting = self._waiters.get(function, [])
        if waiter in waiting:
            waiting.remove(waiter)
            if not waiting:
                del self._waiters[function]

    def _unreserved(self, function: FunctionKey) -> int:
        return sum(
            max(0, len(held) - self._provisioned(key))
            for key, held in self._held.items()
            if key.account == function.account and key.region == function.region and self._reservation(key) is None
        )
