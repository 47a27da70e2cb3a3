"""Lets a running search change over to another encoder when one was chosen."""

import asyncio
from typing import Protocol

import structlog

from foundation.errors import FirstlineError
from kb_index.encoder.onnx_encoder import EncoderManifest, OnnxEncoder
from kb_index.encoder.store import EncoderStore

POLL = 3.0
"""Seconds between looks at which encoder is to be used; a look reads three small files."""
log = structlog.get_logger(__name__)


class UsesEncoder(Protocol):
    """The search, which makes its index anew beside the one in use and then changes over."""

    async def use_encoder(self, encoder: OnnxEncoder) -> None:
        """Search with this encoder as soon as every passage has its vector; returns then."""
        ...


class EncoderFollower:
    """Looks which encoder is to be used, in a task of its own, and hands it to the search."""

    def __init__(
        self, shelf: EncoderStore, search: UsesEncoder, fingerprint: str, *, poll: float = POLL
    ) -> None:
        self._shelf = shelf
        self._search = search
        self._used = fingerprint
        self._poll = poll
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        """Stop looking; a change that is not finished is made again at the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def look(self) -> bool:
        """Change over if another encoder is to be used; tell whether it was done.

        Raises:
            FirstlineError: when that encoder cannot be loaded; the one in use goes on.
        """
        fingerprint = await asyncio.to_thread(self._wanted)
        if fingerprint == self._used:
            return False
        encoder = await asyncio.to_thread(self._shelf.load)
        if encoder.fingerprint != self._used:
            await self._search.use_encoder(encoder)
            log.info("search_uses_encoder", fingerprint=encoder.fingerprint)
        # What is wanted, even where a broken folder made us load another: it is not tried again and again.
        self._used = fingerprint
        return True

    def _wanted(self) -> str:
        return EncoderManifest.read(self._shelf.current()).fingerprint

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(self._poll)
            try:
                await self.look()
            except FirstlineError as error:
                log.warning("encoder_not_changed", reason=str(error))
            except Exception as error:
                log.warning("encoder_not_changed", reason=type(error).__name__)
