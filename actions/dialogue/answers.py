"""Answers from the knowledge base, questions back when unsure, and what follows a "that didn't help"."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

import structlog

from actions.attempts.log import AttemptLog
from actions.attempts.model import Attempt, Ending
from actions.dialogue.article_search import Candidate, Library
from actions.dialogue.handoff import Handovers
from actions.dialogue.replies import (
    HELPED,
    NOT_HELPED,
    OFFER,
    PERSON,
    SOMETHING_ELSE,
    Button,
    Result,
    Say,
    Tally,
)
from actions.dialogue.turn import ActionTurn
from actions.dialogue.words import Words, same_question
from actions.framework.intents import IntentCatalogue, IntentLabel
from actions.policy import AssistantPolicy
from actions.ports import HitView
from foundation.errors import FirstlineError

log = structlog.get_logger(__name__)

NOT_FOUND = "I couldn't find anything about that in our help articles."
NO_LIBRARY = "I can't look into our help articles at the moment."
OFFER_TEXT = "Would you like to talk to a person instead?"


@dataclass(frozen=True)
class FoundArticles:
    """What a search came to: articles worth showing, best first.

    `confident`: the first may be given as the answer. `alone`: it is far enough ahead of the next.
    """

    candidates: Sequence[Candidate] = ()
    confident: bool = False
    alone: bool = False
    failed: bool = False


class Answers:
    """Gives articles and asks back."""

    def __init__(
        self,
        library: Library,
        intents: IntentCatalogue,
        log: AttemptLog,
        handovers: Handovers,
        policy: AssistantPolicy,
        words: Words,
    ) -> None:
        self._words = words
        self._library = library
        self._intents = intents
        self._log = log
        self._handovers = handovers
        self.policy = policy

    async def answer(self, turn: ActionTurn) -> Result:
        """Answer a question whose intent is known: by the user's words, else by what the intent asks for."""
        label = self._intents.get(turn.intent)
        if not turn.typed and (label is None or not label.question):
            return Result((Say("Sure. What would you like to know? A few words are enough."),))
        started = monotonic()
        question = turn.typed or (label.question if label else "")
        attempt = await self._attempt(turn, question)
        found = await self._find(question, label, turn.confidence or 0.0)
        return await self._give(turn, attempt, found, started)

    async def clarify(self, turn: ActionTurn) -> Result:
        """Make something of a message that was not understood."""
        started = monotonic()
        found = await self._find(turn.typed, None, None)
        if found.confident and found.alone:
            attempt = await self._attempt(turn, turn.typed)
            return await self._give(turn, attempt, found, started)
        return await self._ask_back(turn, found, started)

    async def give_article(self, turn: ActionTurn, article_id: str, question: str, intro: str) -> Result:
        """Give the article of this id after `intro`; without one, say so and offer a person."""
        started = monotonic()
        attempt = await self._attempt(turn, turn.typed or question)
        label = IntentLabel("", "", "answer", question, article_id)
        found = await self._find(question, label, 1.0)
        meant = next((one for one in found.candidates if one.hit.article_id == article_id), None)
        if meant is None:
            return await self._nothing(turn, attempt, found, started, intro)
        done = {"shown": article_id, "score": round(meant.hit.score, 3)}
        await self._finish(turn, attempt, meant.hit, done, started)
        say = Say(f"{intro}Did this help?", (HELPED, NOT_HELPED), self._library.card(meant.hit))
        return Result((say,), attempt_id=attempt.id, tally="reset")

    async def helped(self, turn: ActionTurn) -> Result:
        """The user says that the answer helped."""
        attempt = await self.last_answer(turn)
        if attempt is not None:
            await self._log.feedback(attempt.id, helped=True)
        text = "Great, glad that helped. Is there anything else?"
        return Result((Say(text),), attempt_id=attempt.id if attempt else None, tally="reset")

    async def not_helped(self, turn: ActionTurn) -> Result:
        """The user says that it did not: one more article, then a person."""
        last = await self.last_answer(turn)
        if last is None:
            return Result((Say(f"Sorry about that. {OFFER_TEXT}", OFFER),), tally="count", offers_person=True)
        await self._log.feedback(last.id, helped=False)
        question = await self._words.of(last)
        shown = await self._shown_for(turn, last)
        if len(shown) < self.policy.articles_per_question:
            started = monotonic()
            found = await self._find(question, self._intents.get(last.name), last.confidence or 0.0)
            rest = [one for one in found.candidates if one.hit.article_id not in shown]
            if rest:
                new = turn.attempt("answer", last.name, step="next", read=last.read)
                attempt = await self._log.record(new)
                return await self._give_next(turn, attempt, rest[0], started)
        text = "Sorry that this didn't solve it. A person can look into it with you. Shall I get one?"
        return Result((Say(text, OFFER),), attempt_id=last.id, tally="count", offers_person=True)

    async def last_answer(self, turn: ActionTurn) -> Attempt | None:
        """Return the latest answer of the conversation that was given, or None."""
        attempts = await self._log.for_conversation(turn.conversation_id)
        given = [a for a in attempts if a.kind == "answer" and a.article_id and a.turn_id != turn.key]
        return given[-1] if given else None

    async def _shown_for(self, turn: ActionTurn, last: Attempt) -> set[str]:
        attempts = await self._log.for_conversation(turn.conversation_id)
        same = [
            a
            for a in attempts
            if a.kind == "answer" and same_question(a.read, last.read) and a.turn_id != turn.key
        ]
        shown = {a.article_id for a in same if a.article_id}
        return shown | {str(other) for a in same for other in a.done.get("also", [])}

    async def _find(
        self, question: str, label: IntentLabel | None, confidence: float | None
    ) -> FoundArticles:
        """Search; `confidence` is the intent's, None when the message was not understood."""
        policy = self.policy
        known = confidence is not None
        try:
            ranked = await self._library.ranked(
                question,
                usual=label.article if label else None,
                usual_question=label.question if label else "",
                confidence=confidence or 0.0,
            )
        except FirstlineError as error:
            log.warning("knowledge_base_unavailable", reason=error.code)
            return FoundArticles(failed=True)
        worth = [one for one in ranked if one.probability >= policy.suggest_article]
        if not worth:
            return FoundArticles()
        enough = policy.answer_known_intent if known else policy.answer_unknown_intent
        clear = policy.clear_lead if known else policy.clear_lead_unknown
        lead = worth[0].strength - (ranked[1].strength if len(ranked) > 1 else 0.0)
        return FoundArticles(worth, confident=worth[0].probability >= enough, alone=lead >= clear)

    async def _give(self, turn: ActionTurn, attempt: Attempt, found: FoundArticles, started: float) -> Result:
        if not found.candidates:
            return await self._nothing(turn, attempt, found, started)
        shown = [one.hit for one in found.candidates[: 1 if found.alone else 2]]
        cards = [self._library.card(hit) for hit in shown]
        if len(shown) == 1:
            text = "Here's what I found." if found.confident else "This is the closest I found."
            says = [_asking(turn, text, "Did this help?", cards[0])]
        else:
            says = [
                Say("I'm not sure which of these you mean.", card=cards[0]),
                _asking(turn, "Or this one.", "Is it one of these?", cards[1]),
            ]
        done = {
            "shown": shown[0].article_id,
            "score": round(shown[0].score, 3),
            "probability": round(found.candidates[0].probability, 3),
            "strength": round(found.candidates[0].strength, 3),
            "also": [hit.article_id for hit in shown[1:]],
        }
        await self._finish(turn, attempt, shown[0], done, started)
        tally: Tally = "reset" if found.confident else "keep"
        return Result(tuple(says), attempt_id=attempt.id, tally=tally)

    async def _give_next(
        self, turn: ActionTurn, attempt: Attempt, candidate: Candidate, started: float
    ) -> Result:
        hit = candidate.hit
        done = {
            "shown": hit.article_id,
            "score": round(hit.score, 3),
            "probability": round(candidate.probability, 3),
            "strength": round(candidate.strength, 3),
        }
        await self._finish(turn, attempt, hit, done, started)
        text = "Sorry about that. This one may fit better. Did it help?"
        say = Say(text, (HELPED, NOT_HELPED), self._library.card(hit))
        return Result((say,), attempt_id=attempt.id, tally="count")

    async def _nothing(
        self, turn: ActionTurn, attempt: Attempt, found: FoundArticles, started: float, intro: str = ""
    ) -> Result:
        error = "knowledge_base_unavailable" if found.failed else "no_article"
        await self._log.finish(
            attempt.id, Ending(turn.key, "failed", error=error, duration_ms=_since(started))
        )
        text = f"{intro}{NO_LIBRARY if found.failed else NOT_FOUND}"
        if turn.waits:
            return Result((Say(text, (PERSON,)),), attempt_id=attempt.id, tally="count")
        text = f"{text} {OFFER_TEXT}"
        return Result((Say(text, OFFER),), attempt_id=attempt.id, tally="count", offers_person=True)

    async def _ask_back(self, turn: ActionTurn, found: FoundArticles, started: float) -> Result:
        failures = turn.memory.failures + 1
        new = turn.attempt("fallback", "clarify", read=self._words.reference(turn, ""))
        attempt = await self._log.record(new)
        offered = self._intents.suggestions(turn.ranking, least=self.policy.suggest_intent)
        choices = tuple(Button(label.label, f"/{label.name}") for label in offered)
        handing_off = failures >= self.policy.hand_off_after
        done = {"offered": [label.name for label in offered], "failures": failures}
        outcome: Any = "escalated" if handing_off else "failed"
        ending = Ending(turn.key, outcome, done=done, error="not_understood", duration_ms=_since(started))
        await self._log.finish(attempt.id, ending)
        if handing_off:
            text = "Sorry, I keep missing the point, and I don't want to waste your time."
            return await self._handovers.hand_off(turn, "repeated_failure", opening=text)
        if failures >= self.policy.offer_person_after:
            text = "Sorry, I still don't get it. Shall I pass you to a person? They'll see what you wrote."
            return Result(
                (Say(text, (PERSON, *choices)),), attempt_id=attempt.id, tally="count", offers_person=True
            )
        if choices:
            text = "I'm not sure I understood. Did you mean one of these?"
            buttons = (*choices, SOMETHING_ELSE, PERSON)
        else:
            text = "I didn't understand that. Could you say it in other words?"
            buttons = (SOMETHING_ELSE, PERSON)
        article = self._near(found)
        says = (Say(text, buttons),) if article is None else (article, Say(text, buttons))
        return Result(says, attempt_id=attempt.id, tally="count")

    def _near(self, found: FoundArticles) -> Say | None:
        """An article that is near, though not near enough to be called the answer."""
        if not found.candidates or found.candidates[0].probability < self.policy.mention_article:
            return None
        return Say("This may be about it.", card=self._library.card(found.candidates[0].hit))

    async def _attempt(self, turn: ActionTurn, question: str) -> Attempt:
        read = self._words.reference(turn, question)
        return await self._log.record(turn.attempt("answer", turn.intent or "question", read=read))

    async def _finish(
        self, turn: ActionTurn, attempt: Attempt, hit: HitView, done: dict[str, Any], started: float
    ) -> None:
        ending = Ending(
            turn.key,
            "assumed",
            done=done,
            duration_ms=_since(started),
            article_id=hit.article_id,
            article_version=hit.version,
        )
        await self._log.finish(attempt.id, ending)


def _asking(turn: ActionTurn, text: str, question: str, card: Mapping[str, Any]) -> Say:
    """An article and whether it helped; not the latter where another question waits for a yes or a no."""
    return Say(text, card=card) if turn.waits else Say(f"{text} {question}", (HELPED, NOT_HELPED), card)


def _since(started: float) -> int:
    return int((monotonic() - started) * 1000)
