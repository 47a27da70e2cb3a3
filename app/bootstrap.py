"""Wires the product: the one place where adapters are constructed.

`open_firstline` gives the services (the CLI uses them too); `build_app` puts the HTTP application around
them.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import redis.asyncio as redis
import structlog
from aiohttp import web

from actions.assembly import ActionsRoom, build_actions
from actions.dialogue.conversation_context import ConversationLookup
from actions.dialogue.error_catalogue import ErrorCatalogue
from actions.framework.intents import IntentCatalogue
from actions.framework.registry import Registry
from actions.healing.assembly import HealingRoom
from actions.triggers.api import TriggersApi
from actions.triggers.service import Triggers
from app.adapters.recorded_handoffs import RecordedHandoffs
from app.backlog import BacklogFigures
from app.housekeeping import CheckpointNotes, schedules
from app.lanes import on_their_lanes
from app.operations_api import OperationsApi, Probe
from app.ops.parts import Parts
from app.permissions import house_rules
from app.settings import Settings
from app.wiring.encoder import encoder_shelf, follow_encoder
from app.wiring.healing import wire_healing
from app.wiring.hosts import connect_known_hosts
from app.wiring.knowledge import knowledge_endpoints, seed_gate, vector_indexes
from app.wiring.single_services import audit_keys, checkpoint_file, host_keys, limit_policy
from app.wiring.triggers import wire_triggers
from bot.conversation.api import ConversationApi
from bot.conversation.confidential import ClientKeys, Confidential
from bot.conversation.event_stream import EventStream
from bot.conversation.limits import UserLimits
from bot.conversation.rasa_brain import RasaBrain
from bot.conversation.service import Conversations
from bot.conversation.turn_runner import TurnRunner
from bot.conversation.user_access import UserAccess
from bot.conversation.websocket import LiveSocket
from bot.training.review_api import ReviewApi
from connectors.hosts.http import HttpHostApplication, open_session
from connectors.hosts.registry import HostRegistry
from escalation.agent_access import AgentAccess
from escalation.api import CaseApi
from escalation.desk import CaseDesk
from escalation.packet.collector import ContextCollector
from foundation.authorization import Authorizer
from foundation.clock import Clock, SystemClock
from foundation.database import Database, Lane, on_lane
from foundation.http import Endpoint
from foundation.http.openapi import openapi_document
from foundation.http.server import build_http
from foundation.jobs import JobRunner
from foundation.rates import Rates
from foundation.wakeups import Wakeups
from insights.api import InsightsApi
from insights.metrics import Metrics
from insights.outcomes import Outcomes
from kb_index.articles.importing import ImportReport, import_folder
from kb_index.articles.service import Articles
from kb_index.evaluation.what_if import WhatIf
from kb_index.help.pack import HelpPack
from kb_index.help.pages import HelpPages
from kb_index.index.passage_builder import PassageBuilder
from kb_index.index.synchroniser import SynchronisedIndexes
from kb_index.ports import Encoder
from kb_index.questions.publish_gate import PublishGate
from kb_index.search.ranking import Ranking
from kb_index.search.service import ArticleSearch
from kb_index.text.terms import Normaliser, read_vocabulary
from security.audit.log import AuditLog, AuditProbe, Checkpoints
from security.identity.api import SecurityApi
from security.identity.authentication import HttpAuthenticator
from security.identity.directory import StaffDirectory
from security.identity.domain import OneTimePassword
from security.identity.passwords import Passwords
from security.identity.rate_limit import SignInLimits
from security.identity.sessions import Sessions
from security.identity.user_tokens import UserTokens
from security.privacy.confidences import mask_confidences
from security.privacy.masking import mask, mask_json
from security.privacy.masking_personal import mask_personal
from security.privacy.masking_urls import mask_url

VERSION = "0.1.0"
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Firstline:
    """The services of a running or opened installation."""

    settings: Settings
    database: Database
    cache: "redis.Redis"
    wakeups: Wakeups
    clock: Clock
    conversations: Conversations
    hosts: HostRegistry
    actions: ActionsRoom
    desk: CaseDesk
    confidential: Confidential
    articles: Articles
    search: ArticleSearch
    gate: PublishGate
    staff: StaffDirectory
    sessions: Sessions
    authenticator: HttpAuthenticator
    brain: RasaBrain
    healing: HealingRoom
    triggers: Triggers
    limits: UserLimits
    rules: Authorizer

    async def seed(self) -> ImportReport:
        """Import the articles that come with the product; what an editor changed stays."""
        folder = self.settings.root / "data" / "kb"
        report = await import_folder(self.articles, folder)
        await seed_gate(self.gate, folder / "questions.yml")
        return report

    async def bootstrap_admin(self) -> OneTimePassword | None:
        """Create the first admin on the very first start; the password is told once."""
        return await self.staff.bootstrap_admin()


@asynccontextmanager
async def open_firstline(settings: Settings, parts: Parts) -> AsyncIterator[Firstline]:
    """Open the services on migrated servers; the search is loaded and follows PostgreSQL."""
    async with AsyncExitStack() as stack:
        database = Database.open(parts.database_url)
        stack.push_async_callback(database.close)
        cache = redis.Redis.from_url(parts.redis_url, socket_timeout=5, socket_connect_timeout=2)
        stack.push_async_callback(cache.aclose)
        wakeups = Wakeups(cache)
        await wakeups.start()
        stack.push_async_callback(wakeups.stop)
        outside = await stack.enter_async_context(open_session())
        inside = await stack.enter_async_context(
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        )
        encoder = encoder_shelf(settings).load()
        firstline = assemble(settings, parts, database, cache, wakeups, outside, inside, encoder)
        await firstline.search.start()
        stack.push_async_callback(firstline.search.stop)
        yield firstline


def assemble(
    settings: Settings,
    parts: Parts,
    database: Database,
    cache: "redis.Redis",
    wakeups: Wakeups,
    outside: aiohttp.ClientSession,
    inside: aiohttp.ClientSession,
    encoder: Encoder,
) -> Firstline:
    """Put the services together; nothing is connected to and nothing is started."""
    clock = SystemClock()
    rules = house_rules(settings.metrics)
    conversations = Conversations(database, wakeups, clock)
    hosts = connect_known_hosts(settings, outside, clock)
    policies = settings.root / "data" / "policies"
    maker = PassageBuilder(encoder, Normaliser(read_vocabulary(policies / "vocabulary.yml")))
    indexes = SynchronisedIndexes(database, maker, wakeups, vector_indexes(settings, database))
    search = ArticleSearch(database, indexes, Ranking.read(settings.home / "index" / "ranking.json"))
    brain = RasaBrain(inside, parts.rasa_url, parts.secrets.service_token)
    registry = Registry.load()
    known = IntentCatalogue.load(policies / "intents.yml")
    intents = known.including(registry.labels())
    actions = build_actions(
        database=database,
        clock=clock,
        mask=mask_json,
        hosts=_by_name(hosts),
        knowledge=search,
        context=ConversationLookup(conversations),
        intents=intents,
        registry=registry,
        journal=AuditLog(audit_keys(settings), clock),
        errors=ErrorCatalogue.load(policies / "errors.yml"),
    )
    collector = ContextCollector(
        conversations,
        actions.log,
        _by_name(hosts),
        lambda: brain.model,
        clock,
        mask,
        quote=mask_personal,
        labels={intent.name: intent.label for intent in intents},
        control=intents.without_matter,
    )
    passwords = Passwords()
    sessions = Sessions(
        database,
        passwords,
        SignInLimits(cache),
        clock,
        own_words=(urlsplit(settings.public_url).hostname or "",),
    )
    tokens = UserTokens(host_keys(settings, hosts, clock), clock)
    limits = UserLimits(limit_policy(settings), Rates(cache))
    confidential = Confidential(ClientKeys(parts.secrets.session_secret), mask_url, mask_confidences)
    desk = CaseDesk(
        database,
        conversations,
        collector,
        wakeups,
        clock,
        confidential,
        rules,
        open_cases=limits.policy.persons.open_cases,
    )
    articles = Articles(database, indexes, clock)
    return Firstline(
        settings=settings,
        database=database,
        cache=cache,
        wakeups=wakeups,
        clock=clock,
        conversations=conversations,
        hosts=hosts,
        actions=actions,
        desk=desk,
        confidential=confidential,
        articles=articles,
        search=search,
        gate=PublishGate(database, articles, WhatIf(search), clock),
        staff=StaffDirectory(database, passwords, clock),
        sessions=sessions,
        authenticator=HttpAuthenticator(
            tokens, sessions, service_token=parts.secrets.service_token, public_url=settings.public_url
        ),
        brain=brain,
        healing=wire_healing(settings, database, clock, actions, hosts, conversations, desk),
        triggers=wire_triggers(
            settings,
            database,
            clock,
            actions,
            conversations,
            articles,
            frozenset(one.name for one in intents),
        ),
        limits=limits,
        rules=rules,
    )


def _by_name(hosts: HostRegistry) -> Callable[[str], HttpHostApplication | None]:
    return lambda name: hosts.get(name) if name in set(hosts) else None


Opening = Callable[[Settings, Parts], AbstractAsyncContextManager[Firstline]]
"""What opens the services and closes them."""


async def build_app(settings: Settings, parts: Parts, opening: Opening = open_firstline) -> web.Application:
    """Make the HTTP application; its services open when it starts and close when it stops."""
    stack = AsyncExitStack()
    firstline = await stack.enter_async_context(opening(settings, parts))
    metrics = Metrics()
    handoffs = RecordedHandoffs(firstline.desk, firstline.actions.log, firstline.conversations)
    runner = TurnRunner(
        firstline.database,
        firstline.conversations,
        firstline.brain,
        handoffs,
        firstline.clock,
        observer=metrics,
    )
    follower = EventStream(firstline.conversations, firstline.desk, firstline.wakeups)
    line = UserAccess(
        firstline.conversations,
        runner,
        handoffs,
        firstline.confidential,
        firstline.rules,
        firstline.triggers.offered,
        limits=firstline.limits,
    )
    agents = AgentAccess(firstline.desk, firstline.conversations, firstline.rules)
    live = LiveSocket(line, agents, follower, firstline.authenticator, firstline.clock)
    endpoints: list[Endpoint] = [
        *ConversationApi(line, firstline.conversations, follower, live, firstline.clock).endpoints(),
        *_staff_endpoints(firstline),
        *firstline.actions.endpoints(),
        *firstline.healing.endpoints(),
        *TriggersApi(firstline.triggers, firstline.clock).endpoints(),
        *HelpPages(firstline.articles, firstline.search, settings.public_url).endpoints(),
        *HelpPack(firstline.articles).endpoints(),
    ]
    operations = OperationsApi(
        version=VERSION,
        probes=_probes(firstline),
        metrics=metrics,
        figures=BacklogFigures(firstline.database, firstline.clock, metrics),
        metrics_access=settings.metrics,
        dist=settings.web_dist,
        demo_url=settings.demo_url,
        document=lambda: openapi_document(endpoints, firstline.rules, version=VERSION),
    )
    endpoints += operations.endpoints()
    app = build_http(
        on_their_lanes(endpoints),
        firstline.authenticator,
        firstline.rules,
        allowed_origins=firstline.hosts.allowed_origins,
        observe=metrics.request_answered,
        trusted_proxies=settings.trusted_proxies,
        by_https=settings.public_url.startswith("https:"),
    )
    app[FIRSTLINE] = firstline
    checkpoints = Checkpoints(checkpoint_file(settings), firstline.database, audit_keys(settings))
    notes = CheckpointNotes(checkpoints)
    kinds = schedules(
        firstline.actions.log, checkpoints, firstline.triggers, firstline.articles, firstline.healing.service
    )
    jobs = JobRunner(firstline.database, firstline.clock, kinds, observer=metrics.job_ended)

    encoders = follow_encoder(settings, firstline.search)

    async def run(_: web.Application) -> AsyncIterator[None]:
        async with stack:
            await runner.start()
            with on_lane(Lane.TURNS):
                await notes.start()
                await jobs.start()
                await firstline.healing.service.start()
                await encoders.start()
            yield
            await encoders.stop()
            await firstline.healing.service.stop()
            await jobs.stop()
            await notes.stop()
            await runner.stop()

    async def hang_up(_: web.Application) -> None:
        await live.close_all()

    app.cleanup_ctx.append(run)
    app.on_shutdown.append(hang_up)
    return app


FIRSTLINE: web.AppKey[Firstline] = web.AppKey("firstline", Firstline)


def _staff_endpoints(firstline: Firstline) -> list[Endpoint]:
    authenticator, conversations = firstline.authenticator, firstline.conversations
    outcomes = Outcomes(firstline.database, firstline.clock)
    return [
        *SecurityApi(firstline.sessions, firstline.staff, authenticator).endpoints(),
        *CaseApi(
            firstline.desk, conversations, authenticator, firstline.wakeups, firstline.clock
        ).endpoints(),
        *knowledge_endpoints(
            firstline.database, firstline.articles, firstline.search, firstline.gate, firstline.clock
        ),
        *ReviewApi(conversations, firstline.actions.log, outcomes, mask_confidences).endpoints(),
        *InsightsApi(outcomes).endpoints(),
    ]


def _probes(firstline: Firstline) -> dict[str, Probe]:
    async def database() -> bool:
        await firstline.database.ping()
        return True

    async def cache() -> bool:
        answer: Any = firstline.cache.ping()
        return bool(await answer)

    return {
        "database": database,
        "cache": cache,
        "rasa": firstline.brain.ready,
        "index": firstline.search.indexes.ready,
        "encoder": firstline.search.encoder_works,
        "audit": AuditProbe(firstline.database, audit_keys(firstline.settings)),
    }
