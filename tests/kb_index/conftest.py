"""The knowledge base on real PostgreSQL with the real encoder; a second room stands for a second process."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from app.permissions import house_rules
from foundation.clock import FixedClock
from foundation.database import Database
from foundation.errors import Forbidden
from foundation.http import Caller
from foundation.http.server import build_http
from foundation.wakeups import Wakeups
from insights.question_log import LoggedQuestions
from kb_index.articles.api import KnowledgeApi
from kb_index.articles.maintenance import Maintenance
from kb_index.articles.service import Articles
from kb_index.articles.transfer_api import TransferApi
from kb_index.domain import Draft
from kb_index.encoder.onnx_encoder import OnnxEncoder
from kb_index.evaluation.what_if import WhatIf
from kb_index.help.pack import HelpPack
from kb_index.help.pages import HelpPages
from kb_index.index.faiss_index import FaissFiles
from kb_index.index.passage_builder import PassageBuilder
from kb_index.index.pgvector_index import PgvectorTables
from kb_index.index.synchroniser import SynchronisedIndexes
from kb_index.ports import Purpose, VectorIndexes, Vectors
from kb_index.questions.api import QuestionsApi
from kb_index.questions.publish_gate import PublishGate
from kb_index.questions.unanswered import Unanswered
from kb_index.search.api import SearchApi
from kb_index.search.service import ArticleSearch
from kb_index.text.terms import Normaliser

NOW = datetime(2026, 4, 2, 9, 30, tzinfo=UTC)
RESET = Draft(
    "Reset your password",
    "sign-in",
    "en",
    """You can set a new password from the sign-in page. You need no help from us.

## Ask for a link

1. Open **Sign in** and choose [Forgot password](/forgot)
2. Enter your e-mail address
3. Open the e-mail and follow the link

The link works for 30 minutes &amp; only once.

## When no e-mail comes

Look into the *spam* folder first. Some companies hold mail back for an hour.
""",
)
REFUND = Draft(
    "Refunds and returns",
    "billing",
    "en",
    "You get your money back within 14 days of a delivery. The amount goes to the card that paid.\n",
)
PAUSE = Draft(
    "Pause your subscription",
    "plans",
    "en-GB",
    "Going on holiday? Pause for up to three months under Plan. Nothing is sent or charged in a pause.\n",
)


@dataclass
class CountingEncoder:
    """The real encoder, telling how many texts it was given; `alias` makes it pass for another one."""

    encoder: OnnxEncoder
    alias: str = ""
    encoded: int = 0

    @property
    def fingerprint(self) -> str:
        return self.alias or self.encoder.fingerprint

    @property
    def dimension(self) -> int:
        return self.encoder.dimension

    def encode(self, texts: Sequence[str], *, purpose: Purpose | None = None) -> Vectors:
        self.encoded += len(texts)
        return self.encoder.encode(texts, purpose=purpose)

    def count_tokens(self, text: str) -> int:
        return self.encoder.count_tokens(text)


@dataclass
class Room:
    """One process's knowledge base."""

    search: ArticleSearch
    articles: Articles
    encoder: CountingEncoder
    snapshot: Path
    database: Database

    @property
    def indexes(self) -> SynchronisedIndexes:
        return self.search.indexes

    async def write(self, article_id: str, draft: Draft) -> None:
        """Create and publish."""
        await self.articles.create(article_id, draft, by="Erin")
        await self.articles.publish(article_id, by="Erin")

    async def found(self, question: str, limit: int = 3) -> list[str]:
        return [str(hit.article_id) for hit in await self.search.search(question, limit=limit)]


@dataclass
class House:
    """Opens rooms on one database; `stop` before the test's end is fine."""

    database: Database
    encoder: OnnxEncoder
    home: Path
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def open(
        self, name: str = "a", *, wakeups: Wakeups | None = None, alias: str = "", pgvector: bool = False
    ) -> Room:
        encoder = CountingEncoder(self.encoder, alias)
        snapshot = self.home / name / "passages.faiss"
        maker = PassageBuilder(encoder, Normaliser())
        kept: VectorIndexes = PgvectorTables(self.database) if pgvector else FaissFiles(snapshot)
        indexes = SynchronisedIndexes(self.database, maker, wakeups or Wakeups(None), kept, poll=3600)
        search = ArticleSearch(self.database, indexes)
        await search.start()
        self.stack.push_async_callback(search.stop)
        return Room(
            search, Articles(self.database, indexes, FixedClock(NOW)), encoder, snapshot, self.database
        )


@pytest.fixture(scope="session")
def encoder(encoder_dir: Path) -> OnnxEncoder:
    return OnnxEncoder(encoder_dir)


@pytest.fixture
async def house(database: Database, encoder: OnnxEncoder, tmp_path: Path) -> AsyncIterator[House]:
    house = House(database, encoder, tmp_path)
    async with house.stack:
        yield house


@pytest.fixture
async def room(house: House) -> Room:
    return await house.open()


async def fill(room: Room) -> None:
    """Publish the three sample articles."""
    await room.write("reset-password", RESET)
    await room.write("refunds", REFUND)
    await room.write("pause", PAUSE)


class NothingShown:
    """No answer has shown an article."""

    async def shown(self, since: timedelta) -> Mapping[str, int]:
        return {}


class WhoeverItSays:
    """Believes the header X-Caller (`user`, or a staff role); stands in for sign-in, which security tests."""

    async def user(self, request: web.Request) -> Caller | None:
        return Caller("user", id="demo:1", name="Ada") if request.headers.get("X-Caller") == "user" else None

    async def user_from_token(self, token: str) -> Caller:
        raise NotImplementedError

    async def staff(self, request: web.Request) -> Caller | None:
        role = request.headers.get("X-Caller", "")
        known = role in ("agent", "editor", "admin")
        return (
            Caller("staff", id=f"stf_{role}", name=role.title(), roles=frozenset({role})) if known else None
        )

    async def check_origin(self, request: web.Request) -> None: ...

    async def service(self, request: web.Request) -> Caller | None:
        return None

    async def check_csrf(self, request: web.Request, caller: Caller) -> None:
        if "X-CSRF-Token" not in request.headers:
            raise Forbidden("No token.")


@pytest.fixture
async def client(room: Room) -> AsyncIterator[TestClient[Any, Any]]:
    care = Maintenance(room.database, room.articles, NothingShown(), room.articles._clock)
    endpoints = TransferApi(room.database, room.articles, care).endpoints()
    clock = room.articles._clock
    gate = PublishGate(room.database, room.articles, WhatIf(room.search), clock)
    log = LoggedQuestions(room.database)
    in_vain = Unanswered(room.database, room.articles, room.search, log, clock)
    endpoints += QuestionsApi(room.articles, gate, in_vain, log, room.search.ranking).endpoints()
    endpoints += SearchApi(room.search).endpoints()
    endpoints += KnowledgeApi(room.articles).endpoints()
    endpoints += HelpPages(room.articles, room.search, "https://help.example").endpoints()
    endpoints += HelpPack(room.articles).endpoints()
    app = build_http(endpoints, WhoeverItSays(), house_rules(), allowed_origins=lambda: frozenset())
    async with TestClient(TestServer(app)) as client:
        yield client
