"""Articles as HTML, made once for each version: readers are many and anonymous."""

import asyncio
from collections import OrderedDict

from kb_index.articles.rendering import to_html
from kb_index.domain import Version

MOST = 32_000_000
"""Characters that are kept; what was not read for longest goes first."""


class RenderedArticles:
    """Renders off the event loop, one article at a time; the same version asked for by many is made once."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: OrderedDict[tuple[str, int], str] = OrderedDict()
        self._size = 0
        self._making = asyncio.Lock()

    async def html(self, version: Version) -> str:
        """Return the HTML of an article's version; a version never changes."""
        key = (version.article_id, version.version)
        if key not in self._kept:
            async with self._making:
                if key not in self._kept:
                    self._keep(key, await asyncio.to_thread(to_html, version.draft.body))
        self._kept.move_to_end(key)
        return self._kept[key]

    def _keep(self, key: tuple[str, int], html: str) -> None:
        self._kept[key] = html
        self._size += len(html)
        while self._size > self._most and len(self._kept) > 1:
            self._size -= len(self._kept.popitem(last=False)[1])
