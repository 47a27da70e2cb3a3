"""Puts the actions room together from its ports; bootstrap calls it once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rasa_sdk.executor import ActionExecutor

from actions.acting import Actor
from actions.answers import Answers
from actions.api import AttemptsApi
from actions.asking_again import OpenOffers
from actions.attempt_log import AttemptLog
from actions.besides import Besides
from actions.engine import Engine
from actions.error_entry import ErrorCodes
from actions.errors_catalogue import ErrorCatalogue
from actions.handovers import Handovers
from actions.host_access import HostAccess, HostByName
from actions.intents import IntentCatalogue
from actions.library import Library
from actions.limits import ActLimits
from actions.policy import AssistantPolicy
from actions.ports import ConversationContext, Journal, KnowledgeBase
from actions.procedure import Procedure
from actions.rasa.handlers import ACTIONS, Services
from actions.rasa.reading import TurnReader
from actions.rasa.server import ActionServer
from actions.rasa.workflow_form import ValidateWorkflowForm
from actions.recovery import Recovery
from actions.registry import Registry
from actions.undoing import Undo
from actions.words import Words
from bot.foundation.clock import Clock
from bot.foundation.database import Database
from bot.foundation.http import Endpoint


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
    """Build the room. `mask` is `security.masking.mask_json`; `hosts` finds an application by its name."""
    policy = policy or AssistantPolicy()
    registry = registry or Registry.load()
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
        codes=ErrorCodes(errors or ErrorCatalogue(()), registry, engine, answers),
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
    return ActionsRoom(log, registry, ActionServer(executor), AttemptsApi(log, registry), host, actor)
