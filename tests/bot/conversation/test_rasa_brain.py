"""Rasa as the brain, when Rasa dies in the middle of saying something."""

import asyncio
import json
from datetime import UTC, datetime

import aiohttp
import pytest

from bot.conversation.domain import Turn
from bot.conversation.errors import BrainUnavailable
from bot.conversation.rasa_brain import RasaBrain
from foundation.ids import ConversationId, TurnId

pytestmark = pytest.mark.enable_socket
TURN = Turn(
    TurnId("trn_1"), ConversationId("cnv_1"), 1, 0, "running", "hi", None, None, None, [], None, None,
    datetime(2026, 1, 1, tzinfo=UTC), None, None, None,
)  # fmt: skip
WHOLE = json.dumps({"status": "ok", "messages": [{"text": "Hello"}], "model": "m"}).encode()
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(WHOLE)


async def ask(*answers: bytes) -> tuple[str, int]:
    """Ask a Rasa that gives one answer after the other and hangs up; returns its words and how often."""
    asked = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))
        writer.write(answers[min(asked, len(answers) - 1)])
        asked += 1
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        async with aiohttp.ClientSession() as session, asyncio.timeout(20):
            answer = await RasaBrain(session, lambda: url, "token").answer(TURN)
    finally:
        server.close()
    return str(answer.messages[0]["text"]), asked


@pytest.mark.parametrize("cut", [b"", HEAD[:20], HEAD, HEAD + WHOLE[:10]])
async def test_an_answer_that_breaks_off_is_asked_for_again(cut: bytes) -> None:
    assert await ask(cut, HEAD + WHOLE) == ("Hello", 2)


@pytest.mark.parametrize("body", [b"{}", b"nonsense", b'{"status":"failed","reason":"paused"}'])
async def test_an_answer_that_is_none_is_not_asked_for_again(body: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    with pytest.raises(BrainUnavailable) as refused:
        await ask(head + body, HEAD + WHOLE)
    assert refused.value.reason in ("malformed", "paused")
