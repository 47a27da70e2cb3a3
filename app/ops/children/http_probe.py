"""One question over HTTP, asked to find out whether a server serves."""

from collections.abc import Mapping

import aiohttp


async def answers(url: str, headers: Mapping[str, str] | None = None, seconds: float = 2.5) -> bool:
    """Whether `url` answers with a status below 400; redirects count, and are not followed."""
    timeout = aiohttp.ClientTimeout(total=seconds)
    async with (
        aiohttp.ClientSession(timeout=timeout, headers=headers) as session,
        session.get(url, allow_redirects=False) as response,
    ):
        return response.status < 400
