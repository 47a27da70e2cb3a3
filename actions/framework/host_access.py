"""Calls of the supported application with a time limit on each, whatever its adapter does."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

import structlog

from actions.host import HostRefused, HostUnavailable, Operation, OperationResult, UserState
from actions.policy import AssistantPolicy
from actions.ports import HostApplication, TurnContext
from foundation.errors import NotFound

log = structlog.get_logger(__name__)
T = TypeVar("T")

HostByName = Callable[[str], HostApplication | None]
"""Gives the application of a name; None or `NotFound` when none is connected under it."""


class HostAccess:
    """Reads and acts for the signed-in user of a turn, and for nobody else."""

    def __init__(self, hosts: HostByName, policy: AssistantPolicy) -> None:
        self._hosts = hosts
        self._policy = policy

    async def state(self, context: TurnContext, parts: Sequence[str]) -> UserState:
        """Read parts of the user's state.

        Raises:
            HostUnavailable, HostRefused, UnknownUser: as the port says; also when it takes too long.
        """
        host = self._host(context)
        return await _within(self._policy.state_timeout, host.state(context.user_ref, tuple(parts)))

    async def look(
        self, context: TurnContext, parts: Sequence[str]
    ) -> tuple[UserState, Mapping[str, Operation] | None]:
        """Read state and permitted operations at once; None for the operations when they are not told."""
        state, operations = await asyncio.gather(self.state(context, parts), self._operations(context))
        return state, operations

    async def _operations(self, context: TurnContext) -> Mapping[str, Operation] | None:
        host = self._host(context)
        try:
            listed = await _within(self._policy.state_timeout, host.operations(context.user_ref))
        except (HostUnavailable, HostRefused) as error:
            # The operation itself is refused by the application if need be.
            log.info("operations_unknown", host=context.host, reason=error.code)
            return None
        return {operation.name: operation for operation in listed}

    async def run(
        self, context: TurnContext, operation: str, parameters: Mapping[str, Any], key: str
    ) -> OperationResult:
        """Run an operation. A refused call comes back as a result of status `refused`.

        Raises:
            HostUnavailable: when it is not known whether it was done.
        """
        host = self._host(context)
        call = host.run(context.user_ref, operation, parameters, idempotency_key=key)
        try:
            return await _within(self._policy.operation_timeout, call)
        except HostRefused as error:
            return OperationResult("refused", error.reason_code, error.message)

    def _host(self, context: TurnContext) -> HostApplication:
        try:
            host = self._hosts(context.host) if context.user_ref else None
        except NotFound:
            host = None
        if host is None:
            raise HostUnavailable(reason="not_connected")
        return host


async def _within(seconds: float, call: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(seconds):
            return await call
    except TimeoutError:
        raise HostUnavailable("The application does not answer in time.", reason="timeout") from None


def idempotency_key(conversation_id: str, turn_key: str, workflow_id: str, step: int) -> str:
    """Make the key of one act: the same for the same turn run again, another one for any other act.

    A SHA-256, since the parts are ours and the key goes to another system.
    """
    parts = "\n".join((conversation_id, turn_key, workflow_id, str(step)))
    return f"fl-{hashlib.sha256(parts.encode()).hexdigest()[:40]}"
