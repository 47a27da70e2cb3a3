"""Waits out a cache that starts anew. Needs nothing of Rasa."""

from __future__ import annotations

import asyncio
from typing import Any, Awaitable, Callable, Tuple, Type

PATIENCE = 2.5
"""Seconds: less than one time-out of a call, so that a server that hangs is not waited for twice."""
PAUSE = 0.1


async def patiently(
    call: Callable[[], Awaitable[Any]],
    errors: Tuple[Type[BaseException], ...],
    patience: float = PATIENCE,
    pause: float = PAUSE,
) -> Any:
    """Do `call`, again while it raises one of `errors` and `patience` seconds have not passed.

    Without it Rasa goes on with an empty dialogue when it cannot read the one that is kept, and then saves
    that in its place.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + patience
    while True:
        try:
            return await call()
        except errors:
            if loop.time() >= until:
                raise
            await asyncio.sleep(pause)
