"""The actions that the assistant's rules name. Each is a few lines: the work is done by the use cases."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import structlog
from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.attempts.log import AttemptLog
from actions.dialogue.answers import Answers
from actions.dialogue.article_search import Library
from actions.dialogue.error_codes import ErrorCodes
from actions.dialogue.handoff import Handovers
from actions.dialogue.open_offers import OpenOffers
from actions.dialogue.queued_requests import Besides
from actions.dialogue.recovery import Recovery
from actions.dialogue.replies import PERSON, Button, Result, Say
from actions.dialogue.turn import ActionTurn
from actions.dialogue.undo import Undo
from actions.dialogue.workflow_dialogue import Engine
from actions.framework.registry import Registry
from actions.framework.workflow import Workflow
from actions.policy import AssistantPolicy
from actions.rasa.tracker import ANSWER, Event, TurnReader, emit, pressed_value
from foundation.errors import FirstlineError

log = structlog.get_logger(__name__)
CANNOT_ASK = "I can't look at your account at the moment. Try again in a minute, or I can get a person."
CAPABILITIES = (
    "I can look into your account and fix things right away: unlock it, send a password reset or a "
    "confirmation e-mail, apply preferences that got stuck, retry a payment, restart an export, or find an "
    "order. I also answer questions, and I get you a person whenever you like."
)
CHOICE_CLOSED = "That choice is no longer open. Tell me again what you need, and we start afresh."
WHAT_NEXT = "All right. What would you like me to do?"
EXAMPLES = (
    Button("I can't sign in", "/sign_in_trouble"),
    Button("My payment failed", "/payment_failed"),
    Button("Where is my order?", "/order_status"),
    PERSON,
)


@dataclass(frozen=True)
class Services:
    """The use cases that actions call."""

    turns: TurnReader
    registry: Registry
    engine: Engine
    offers: OpenOffers
    besides: Besides
    undo: Undo
    codes: ErrorCodes
    answers: Answers
    handovers: Handovers
    library: Library
    log: AttemptLog
    recovery: Recovery
    policy: AssistantPolicy


class FirstlineAction(Action):  # type: ignore[misc]
    """Reads the turn, works, says the result. What waits for a yes is dropped when the user moves on."""

    action_name = ""
    moves_on = True
    aside = False
    """Whether what waits for a yes is asked again behind this, as after a question on the way."""
    reads_answers = True
    """Whether the words of the message may be the answer to what waits for a yes."""
    takes_codes = False
    """Whether an error code in the message goes before what the message was read as."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def name(self) -> str:
        """The name by which the domain knows it."""
        return self.action_name

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> list[Event]:
        """Run for the turn at hand."""
        turn = await self.services.recovery.restore(await self.services.turns.read(tracker))
        answered = await self._answered(turn, tracker) if self.reads_answers else None
        result = answered if answered is not None else await self._result(turn)
        result = await self.services.besides.follow(turn, result)
        return emit(result, turn, dispatcher) + self.more_events()

    async def _answered(self, turn: ActionTurn, tracker: Tracker) -> Result | None:
        if turn.lost:
            resumed = await self.services.offers.resumed(turn, pressed_value(tracker) or turn.typed)
            if resumed is not None:
                return resumed
        return await self.services.offers.answered(turn)

    async def _result(self, turn: ActionTurn) -> Result:
        if turn.waits and self.moves_on and not self.aside:
            await self._drop(turn)
        told = await self.services.codes.explain(turn) if self.takes_codes else None
        result = told if told is not None else await self.work(turn)
        return await self._back(turn, result) if turn.waits and self.aside else result

    async def _drop(self, turn: ActionTurn, keep: str | None = None) -> None:
        await self.services.log.close_open(turn.conversation_id, "abandoned", turn_id=turn.key, keep=keep)

    async def _back(self, turn: ActionTurn, result: Result) -> Result:
        """Come back to what waits, unless something else waits for an answer now."""
        open_now = result.pending or result.offers_person or result.handoff
        again = None if open_now else await self.services.offers.ask_again(turn, result)
        if again is None:
            await self._drop(turn, result.attempt_id)
        return again or result

    async def work(self, turn: ActionTurn) -> Result:
        """Do the work."""
        raise NotImplementedError

    def more_events(self) -> list[Event]:
        """Return slots that only this action sets."""
        return []


class StartWorkflow(FirstlineAction):
    """Starts the workflow that the latest intent reaches; when it finds nothing wrong, an article follows."""

    action_name = "action_start_workflow"
    aside = True
    takes_codes = True

    async def work(self, turn: ActionTurn) -> Result:
        """Start it; an intent that reaches none is answered like a question."""
        workflow = self.services.registry.for_intent(turn.intent)
        if workflow is None:
            return await self.services.answers.answer(turn)
        return await _start_or_inform(self.services, turn, workflow)


class ConfirmWorkflow(FirstlineAction):
    """A yes: to what waits for one, to a person, or to "Did this help?"."""

    action_name = "action_confirm_workflow"
    moves_on = False

    async def work(self, turn: ActionTurn) -> Result:
        """Take the yes for what it was said to."""
        done = await self.services.engine.confirm(turn)
        if done is not None:
            return done
        if turn.memory.offered_person:
            return await self.services.handovers.hand_off(turn)
        if await _asked_whether_it_helped(self.services, turn):
            return await self.services.answers.helped(turn)
        return Result((Say(WHAT_NEXT, EXAMPLES),))


class DeclineWorkflow(FirstlineAction):
    """A no, or "stop"."""

    action_name = "action_decline_workflow"
    moves_on = False

    async def work(self, turn: ActionTurn) -> Result:
        """Take the no for what it was said to."""
        dropped = await self.services.engine.decline(turn)
        if dropped is not None:
            return dropped
        asked = not turn.memory.offered_person and turn.intent == "deny"
        if asked and await _asked_whether_it_helped(self.services, turn):
            return await self.services.answers.not_helped(turn)
        return await self.services.handovers.declined(turn)


class DiagnoseSignIn(FirstlineAction):
    """Finds out why signing in fails."""

    action_name = "action_diagnose_sign_in"
    aside = True
    takes_codes = True

    async def work(self, turn: ActionTurn) -> Result:
        """Look at the account once and start what fits."""
        return await self.services.engine.diagnose(turn, "sign_in")


class AnswerQuestion(FirstlineAction):
    """Answers from the knowledge base, unless a workflow mends what the question is about."""

    action_name = "action_answer_question"
    aside = True
    takes_codes = True

    async def work(self, turn: ActionTurn) -> Result:
        """Answer, or start the workflow."""
        workflow = self.services.registry.for_intent(turn.intent)
        if workflow is None:
            return await self.services.answers.answer(turn)
        return await _start_or_inform(self.services, turn, workflow)


class Clarify(FirstlineAction):
    """Makes something of a message that was not understood."""

    action_name = "action_clarify"
    aside = True
    takes_codes = True

    async def work(self, turn: ActionTurn) -> Result:
        """Answer when sure, else ask back."""
        return await self.services.answers.clarify(turn)


class HandOff(FirstlineAction):
    """Hands over, always."""

    action_name = "action_hand_off"
    moves_on = False
    reads_answers = False

    async def work(self, turn: ActionTurn) -> Result:
        """Hand over."""
        return await self.services.handovers.hand_off(turn)


class OfferPerson(FirstlineAction):
    """Offers a person."""

    action_name = "action_offer_person"
    takes_codes = True

    async def work(self, turn: ActionTurn) -> Result:
        """Offer."""
        return await self.services.handovers.offer(turn)


class Capabilities(FirstlineAction):
    """Says what the assistant can do."""

    action_name = "action_capabilities"
    aside = True

    async def work(self, turn: ActionTurn) -> Result:
        """Say it."""
        return Result((Say(CAPABILITIES, EXAMPLES),))


class FeedbackHelped(FirstlineAction):
    """The answer helped."""

    action_name = "action_feedback_helped"

    async def work(self, turn: ActionTurn) -> Result:
        """Note it; words that only sound like it, when no answer was given, are not understood."""
        services = self.services
        sure = (turn.confidence or 0.0) >= services.answers.policy.sure_of_thanks
        if turn.typed and not sure and not await _asked_whether_it_helped(services, turn):
            return await services.answers.clarify(turn)
        return await services.answers.helped(turn)


class FeedbackNotHelped(FirstlineAction):
    """The answer did not help."""

    action_name = "action_feedback_not_helped"

    async def work(self, turn: ActionTurn) -> Result:
        """Give the next best, or offer a person."""
        return await self.services.answers.not_helped(turn)


class ContinueWorkflow(FirstlineAction):
    """Goes on with the answer that the user gave in the form."""

    action_name = "action_continue_workflow"
    moves_on = False
    reads_answers = False

    async def work(self, turn: ActionTurn) -> Result:
        """Go on; without a workflow that waits, ask what is wanted."""
        done = await self.services.engine.answered(turn)
        return done if done is not None else Result((Say(WHAT_NEXT, EXAMPLES),))

    def more_events(self) -> list[Event]:
        """Forget the answer, so that the next question asks again."""
        return [SlotSet(ANSWER, None)]


class TakeChoice(FirstlineAction):
    """A choice was pressed outside the form: of a question that is closed, or whose dialogue was lost."""

    action_name = "action_take_choice"
    aside = True

    async def work(self, turn: ActionTurn) -> Result:
        """Say that it is closed; one that is still open on record was taken before."""
        return Result((Say(CHOICE_CLOSED),))


class AskWorkflowAnswer(FirstlineAction):
    """Asks what the workflow at work still has to be told; Rasa's form calls it."""

    action_name = f"action_ask_{ANSWER}"
    moves_on = False

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> list[Event]:
        """Ask; the slots stay as they are."""
        turn = await self.services.turns.read(tracker)
        try:
            question = await self.services.engine.question(turn)
        except FirstlineError as error:
            log.warning("question_not_asked", reason=error.code)
            question = None
        if question is None:
            emit(Result((Say(CANNOT_ASK, (PERSON,)),)), turn, dispatcher)
            return []
        buttons = tuple(
            Button(choice.title, f"/inform{json.dumps({ANSWER: choice.value})}")
            for choice in question.choices
        )
        emit(Result((Say(question.text, buttons, question.card),)), turn, dispatcher)
        return []


class UndoLast(FirstlineAction):
    """Takes back the latest change of this conversation."""

    action_name = "action_undo_last"

    async def work(self, turn: ActionTurn) -> Result:
        """Take it back, or say why not."""
        return await self.services.undo.undo_last(turn)


async def _start_or_inform(services: Services, turn: ActionTurn, workflow: Workflow) -> Result:
    result = await services.engine.start(turn, workflow)
    if result.pending or result.offers_person or result.handoff or result.verified:
        return result
    hit = await services.library.best(turn.typed or workflow.meta.help_query)
    if hit is None or hit.probability < services.policy.answer_known_intent:
        return result
    # The article goes first: the question at the end of the other message waits for an answer.
    article = Say("This article is about it.", card=services.library.card(hit))
    return replace(result, says=(article, *result.says))


async def _asked_whether_it_helped(services: Services, turn: ActionTurn) -> bool:
    last = await services.answers.last_answer(turn)
    return last is not None and last.id == turn.memory.attempt_id and "helped" not in last.done


ACTIONS: tuple[Callable[[Services], FirstlineAction], ...] = (
    StartWorkflow,
    ConfirmWorkflow,
    DeclineWorkflow,
    DiagnoseSignIn,
    AnswerQuestion,
    Clarify,
    HandOff,
    OfferPerson,
    Capabilities,
    FeedbackHelped,
    FeedbackNotHelped,
    ContinueWorkflow,
    TakeChoice,
    AskWorkflowAnswer,
    UndoLast,
)
