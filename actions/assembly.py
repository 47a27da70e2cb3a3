"""Puts the actions room together from its ports; bootstrap calls it once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rasa_sdk.executor import ActionExecutor

from actions.attempts.act_limits import ActLimits
from actions.attempts.api import AttemptsApi
from actions.attempts.log import AttemptLog
from actions.dialogue.act import Actor
from actions.dialogue.answers import Answers
from actions.dialogue.article_search import Library
from actions.dialogue.error_catalogue import ErrorCatalogue
from actions.dialogue.error_codes import ErrorCodes
from actions.dialogue.handoff import Handovers
from actions.dialogue.open_offers import OpenOffers
from actions.dialogue.queued_requests import Besides
from actions.dialogue.recovery import Recovery
from actions.dialogue.undo import Undo
from actions.dialogue.words import Words
from actions.dialogue.workflow_dialogue import Engine
from actions.framework.executor import Procedure
from actions.framework.host_access import HostAccess, HostByName
from actions.framework.intents import IntentCatalogue
from actions.framework.registry import Registry
from actions.policy import AssistantPolicy
from actions.ports import ConversationContext, Journal, KnowledgeBase
from actions.rasa.actions import ACTIONS, Services
from actions.rasa.server import ActionServer
from actions.rasa.tracker import TurnReader
from actions.rasa.workflow_form import ValidateWorkflowForm
from foundation.clock import Clock
from foundation.database import Database
from foundation.http import Endpoint


@dataclass(frozen=True)
class ActionsRoom:
    """The room, ready to serve."""

    log: AttemptLog
    registry: Registry
    server: ActionServer
    api: AttemptsApi
    access: HostAccess
    actor: Actor

    def endpoints(self) -> list[Endpoint]:
        """Return all endpoints of the room."""
        return [*self.server.endpoints(), *self.api.endpoints()]


def build_actions(
    *,
    database: Database,
    clock: Clock,
    mask: Callable[[Any], Any],
    hosts: HostByName,
    knowledge: KnowledgeBase,
    context: ConversationContext,
    intents: IntentCatalogue,
    policy: AssistantPolicy | None = None,
    registry: Registry | None = None,
    errors: ErrorCatalogue | None = None,
    journal: Journal | None = None,
) -> ActionsRoom:
    """Build the room. `mask` is `security.privacy.masking.mask_json`; `hosts` finds one by its name."""
    policy = policy or AssistantPolicy()
    registry = registry or Registry.load()
    known = errors or ErrorCatalogue(())
    log = AttemptLog(database, clock, mask, journal)
    host = HostAccess(hosts, policy)
    library = Library(knowledge, policy)
    words = Words(context, mask)
    handovers = Handovers(log, registry, intents, words)
    turns = TurnReader(context)
    procedure = Procedure(host, policy)
    actor = Actor(procedure, log, library)
    limits = ActLimits(database, clock, policy)
    engine = Engine(registry, procedure, log, actor, limits, handovers)
    besides = Besides(engine, registry, log)
    answers = Answers(library, intents, log, handovers, policy, words)
    services = Services(
        turns=turns,
        registry=registry,
        engine=engine,
        besides=besides,
        offers=OpenOffers(engine, registry, procedure, log, besides),
        undo=Undo(registry, procedure, log, clock, policy),
        codes=ErrorCodes(known, registry, engine, answers),
        answers=answers,
        handovers=handovers,
        library=library,
        log=log,
        recovery=Recovery(log, registry, context),
        policy=policy,
    )
    executor = ActionExecutor()
    for make in ACTIONS:
        executor.register_action(make(services))
    executor.register_action(ValidateWorkflowForm(turns, engine, unknown_allowed=policy.unknown_answers))
    return ActionsRoom(
        log, registry, ActionServer(executor), AttemptsApi(log, registry, known.codes_for), host, actor
    )
