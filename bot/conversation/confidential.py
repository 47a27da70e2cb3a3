"""What is taken out of what clients send beside their messages, before anything of it is kept."""

import asyncio
import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

_CHOSEN_AT_RANDOM = re.compile(
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|(?:[a-z]{2,8}_)?[0-9A-HJKMNP-TV-Z]{26}|auto-[0-9a-f]{24}"
)

MaskJson = Callable[[Any, Sequence[str]], Any]
"""Takes personal data out of a JSON value; the second argument has names that belong to people."""


class ClientKeys:
    """Idempotency keys as they are kept: a UUID or ULID as it is, any other as a keyed hash of itself.

    Clients make keys of what they have at hand, an order, an address, the text. The same key gives the same
    hash, so sending again stays harmless; without this installation's secret nobody can try out what it was.
    """

    def __init__(self, secret: str) -> None:
        self._secret = hashlib.sha256(b"client keys\n" + secret.encode()).digest()

    def kept(self, key: str) -> str:
        """Return what is stored of a key, and shown in events."""
        if _CHOSEN_AT_RANDOM.fullmatch(key):
            return key
        return f"k-{hmac.new(self._secret, key.encode(), hashlib.sha256).hexdigest()[:40]}"


@dataclass(frozen=True)
class Confidential:
    """Keeps confidences out of what is not the transcript. `url` masks an address, `text` a JSON value."""

    keys: ClientKeys
    url: Callable[[str], str]
    text: MaskJson

    async def page(self, page: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
        """Return a page's address and title as they may be kept."""
        title = await self.free(page.get("title") or "", names)
        return {**page, "url": self.url(str(page.get("url") or "")), "title": title}

    async def free(self, value: Any, names: Sequence[str]) -> Any:
        """Return a text, or any JSON value, without personal data; aside, since it takes milliseconds."""
        if not value:
            return value
        return await asyncio.to_thread(self.text, value, names)
