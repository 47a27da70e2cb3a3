"""A chat in the terminal, over the same HTTP API that the widget uses."""

import asyncio
import contextlib
from datetime import UTC, datetime
from typing import Any

import aiohttp
from rich.markup import escape

from app.cli.output import console, print_json
from app.ops import home_lock
from app.settings import Settings
from connectors.hosts.http import open_session
from foundation.clock import SystemClock
from foundation.errors import FirstlineError, NotFound, Unavailable
from foundation.ids import new_id
from security.identity.keyring import HostKeys, KeyRing
from security.identity.user_tokens import mint

_ANSWER_SECONDS = 45
_QUIET_SECONDS = 1
_REFUSED = 400


class Refused(FirstlineError):
    """The API refused a call; the text is the API's own."""

    code = "refused"


class Line:
    """One user's line to one conversation."""

    def __init__(self, session: aiohttp.ClientSession, url: str, ring: KeyRing, ref: str, email: str) -> None:
        self._session = session
        self._url = f"{url}/api/v1/conversations"
        self._ring = ring
        self._ref = ref
        self._email = email
        self.conversation = ""
        self.seen = 0

    async def open(self, conversation: str | None) -> None:
        """Begin a conversation, or go on in one."""
        if conversation:
            found = await self._call("GET", f"/{conversation}")
            self.seen = int(found["last_seq"])
        else:
            found = await self._call("POST", "", json={"client": {"name": "firstline chat"}})
        self.conversation = str(found["id"])

    async def send(self, text: str, choice: str | None = None) -> dict[str, Any]:
        """Post a message; posting it again after a broken connection does not double it."""
        key = {"Idempotency-Key": new_id("key")}
        body = {"text": text} | ({"choice": choice} if choice else {})
        return await self._call("POST", f"/{self.conversation}/messages", json=body, headers=key)

    async def events(self, wait: int) -> list[dict[str, Any]]:
        """Wait up to `wait` seconds for events that were not seen yet."""
        found = await self._call(
            "GET", f"/{self.conversation}/events?after={self.seen}&limit=500&wait={wait}"
        )
        events: list[dict[str, Any]] = found["events"]
        if events:
            self.seen = int(events[-1]["seq"])
        return events

    async def turn(self, text: str) -> list[dict[str, Any]]:
        """Send a message and return it with all that follows, until it is quiet after an answer."""
        posted = await self.send(text)
        self.seen = max(self.seen, int(posted["seq"]) - 1)
        events: list[dict[str, Any]] = []
        deadline = asyncio.get_running_loop().time() + _ANSWER_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            answered = any(event["author"]["kind"] != "user" for event in events)
            new = await self.events(_QUIET_SECONDS if answered else 10)
            if answered and not new:
                return events
            events += new
        if any(event["author"]["kind"] != "user" for event in events):
            return events
        raise Unavailable("The assistant did not answer in time.", hint="Run `firstline doctor`.")

    async def _call(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        token = mint(self._ring, sub=self._ref, email=self._email,
                     name=self._email.partition("@")[0].title(), now=datetime.now(UTC))  # fmt: skip
        headers = {"Authorization": f"Bearer {token}", **more.pop("headers", {})}
        try:
            async with self._session.request(method, self._url + path, headers=headers, **more) as response:
                body: dict[str, Any] = await response.json(content_type=None)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise Unavailable(
                f"Firstline did not answer ({type(error).__name__}).", hint="Is `make run` running?"
            ) from None
        if response.status >= _REFUSED:
            raise Refused(str(body.get("detail") or body.get("title")), hint=body.get("hint"))
        return body


async def chat(
    email: str, once: str | None, conversation: str | None, host: str | None, *, as_json: bool
) -> None:
    """Talk as the user with this e-mail."""
    settings = Settings.from_env()
    if home_lock.running(settings.home) is None:
        raise Unavailable("Firstline is not running.", hint="Start it with `make run` in another terminal.")
    name, ref = await _find_user(settings, email, host)
    ring = HostKeys(settings.host_keys).ring(name)
    if ring is None:
        raise NotFound("There is no key ring of that host.", hint="Run `firstline doctor`.")
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=40)) as session:
        line = Line(session, settings.local_url, ring, ref, email)
        await line.open(conversation)
        if once is None:
            await _interactive(line)
            return
        events = await line.turn(once)
        if as_json:
            print_json({"conversation": line.conversation, "events": events})
        else:
            for event in events:
                _show(event)


async def _find_user(settings: Settings, email: str, host: str | None) -> tuple[str, str]:
    """Ask the host application for its id of the user; returns the host's name and that id."""
    from app.wiring.hosts import connect_known_hosts

    async with open_session() as session:
        hosts = connect_known_hosts(settings, session, SystemClock())
        for name in [host] if host else list(hosts):
            ref = await hosts.get(name).lookup(email)
            if ref is not None:
                return name, ref
    raise NotFound(
        "No host application knows a user with that e-mail.",
        hint="The sign-in page of the demo application lists its users; ada@kettle.example is one.",
    )


async def _interactive(line: Line) -> None:
    screen = console()
    screen.print(f"Conversation {line.conversation}. Type a number for a button; Ctrl-D ends.", style="dim")
    buttons: dict[str, tuple[str, str]] = {}

    async def listen() -> None:
        while True:
            for event in await line.events(20):
                if event["author"]["kind"] != "user":
                    buttons.clear()
                    for number, button in enumerate(event["data"].get("buttons") or [], 1):
                        buttons[str(number)] = (button["title"], button["payload"])
                    _show(event)

    listening = asyncio.create_task(listen())
    try:
        while True:
            typed = (await asyncio.to_thread(screen.input, "")).strip()
            if listening.done():
                listening.result()
            if typed in buttons:
                title, payload = buttons[typed]
                await line.send(title, payload)
            elif typed:
                await line.send(typed)
    except EOFError:
        return
    finally:
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError, FirstlineError):
            await listening


def _show(event: dict[str, Any]) -> None:
    screen, data, author = console(), event["data"], event["author"]
    who = {"bot": "Assistant", "user": "You", "system": "Firstline"}.get(
        author["kind"], author["name"] or "Agent"
    )
    if event["type"] == "message":
        screen.print(f"[bold]{escape(str(who))}[/bold]  {escape(str(data.get('text') or ''))}")
        _show_card(data.get("card") or {})
        for number, button in enumerate(data.get("buttons") or [], 1):
            screen.print(f"  [{number}] {button['title']}", markup=False, style="cyan")
    elif event["type"] == "handoff":
        screen.print(f"Handed over to a person (case {data.get('case')}).", style="yellow", markup=False)
    elif event["type"] == "case_resolved":
        screen.print(f"The case is closed: {data.get('outcome')}.", style="yellow", markup=False)


def _show_card(card: dict[str, Any]) -> None:
    screen = console()
    if card.get("type") == "article":
        screen.print(
            f"  | {card.get('title')}: {card.get('quote')} ({card.get('url')})", markup=False, style="dim"
        )
    elif card.get("type") == "resolution":
        for fact in card.get("facts") or []:
            text = f"  | {fact.get('label')}: {fact.get('before')} -> {fact.get('after')}"
            screen.print(text, markup=False, style="green")
