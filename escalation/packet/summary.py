"""Plain words about a case: one paragraph for the agent, and for the user what was handed over."""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any

from bot.conversation.case_words import Reason, is_reason
from escalation.domain import (
    ArticleShown,
    AttemptSummary,
    StateSnapshot,
    TranscriptLine,
    TurnReading,
)
from foundation.outcomes import Outcome

MAX_QUOTE = 160
_MAX_FACTS = 4
_REASONS: Mapping[Reason, str] = {
    "user_asked": "They asked for a person.",
    "repeated_failure": "The assistant did not understand them several times in a row.",
    "workflow_failed": "A fix did not work.",
    "no_answer": "The assistant found no answer.",
    "policy": "This is nothing the assistant may do.",
    "assistant_unavailable": "The assistant did not answer.",
    "self_healing_stopped": "A fix stopped itself.",
}
_OUTCOMES: Mapping[Outcome | None, str] = {
    "verified": "worked, and a second look showed it",
    "assumed": "was done, without proof that it helped",
    "escalated": "was passed on",
    "abandoned": "was not finished",
    "failed": "failed",
    "reopened": "was done, but the user came back with it",
    None: "is not finished",
}
TROUBLE = """
failed past_due stuck delayed locked expired overdue suspended blocked error disabled pending refused
"""
_BAD_WORDS = frozenset(TROUBLE.split())
"""Values of a status that stand out; the console marks the same (`web/src/console/snapshot.ts`)."""
_STATUS_FIELDS = frozenset({"status", "state"})
_BAD_FLAGS = {"locked": True, "password_expired": True, "email_verified": False}


def wants(
    name: str,
    reason: str,
    transcript: Sequence[TranscriptLine],
    turns: Sequence[TurnReading],
    labels: Mapping[str, str],
    control: Set[str],
    mask: Callable[[str], str],
) -> str:
    """Say what the user wants, in their words, and why a person is to take over.

    `control` are intents that steer the conversation and tell of no matter, such as a greeting.
    A quote is masked before it is cut short, since half a card number is not recognised any more.
    """
    intent = next(
        (turn.intent for turn in reversed(turns) if turn.intent not in control and turn.intent), None
    )
    topic = labels.get(intent, humanise(intent)) if intent else None
    silent = {turn.seq for turn in turns if turn.intent in control}
    said = [line for line in transcript if line.author == "user" and line.type == "message" and line.text]
    telling = [line for line in said if line.seq not in silent] or said
    quote = f"“{_short(mask(telling[-1].text))}”" if telling else None
    about = f"{name} wrote {quote}" if quote else f"{name} wrote nothing yet"
    topic_words = f" (read as: {topic})" if topic and quote else ""
    why = _REASONS[reason] if is_reason(reason) else f"Handed over: {humanise(reason)}."
    return f"{about}{topic_words}. {why}"


def tried(attempts: Sequence[AttemptSummary], articles: Sequence[ArticleShown]) -> str:
    """Say what was tried and shown, and what came of it."""
    done = [attempt for attempt in attempts if attempt.kind in ("workflow", "trigger")]
    parts = []
    if done:
        words = [f"{humanise(attempt.name)} {_OUTCOMES[attempt.outcome]}" for attempt in done]
        parts.append(f"Tried: {'; '.join(words[-_MAX_FACTS:])}.")
    if articles:
        titles = [
            f"{article.title}{' (did not help)' if article.helpful is False else ''}" for article in articles
        ]
        parts.append(f"Shown: {'; '.join(dict.fromkeys(titles[-_MAX_FACTS:]))}.")
    return " ".join(parts) or "Nothing was tried yet."


def seen(state: StateSnapshot) -> str:
    """Say what stands out in the application's state."""
    if state.parts is None:
        return state.problem or "What the application knows was not read."
    facts = list(notable(state.parts))
    if not facts:
        return "The application shows nothing unusual."
    return f"The application shows: {'; '.join(facts[:6])}."


def notable(parts: Mapping[str, Any]) -> Iterable[str]:
    """Yield what stands out in a user's state, such as "billing status past due", in the order found.

    Looks at fields named status or state, and at flags for a locked account, an expired password and an
    unconfirmed address; what they mean beyond that is the application's business.
    """
    for part, value in parts.items():
        yield from _notable(str(part), value, depth=0)


def _notable(where: str, value: Any, depth: int) -> Iterable[str]:
    if depth > 3:
        return
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key in _STATUS_FIELDS and str(item).lower() in _BAD_WORDS:
                yield f"{_name(where, value)} {key} {humanise(str(item))}"
            elif key in _BAD_FLAGS and item is _BAD_FLAGS[key]:
                yield f"{where} {'not ' if item is False else ''}{humanise(str(key))}"
            elif isinstance(item, (Mapping, list)):
                yield from _notable(f"{where} {humanise(str(key))}", item, depth + 1)
    elif isinstance(value, list):
        for item in value[:20]:
            yield from _notable(where, item, depth + 1)


def _name(where: str, value: Mapping[str, Any]) -> str:
    label = next((value[key] for key in ("number", "id", "kind") if isinstance(value.get(key), str)), None)
    return f"{where} {label}" if label else where


def shared_with_person(
    transcript: Sequence[TranscriptLine],
    attempts: Sequence[AttemptSummary],
    articles: Sequence[ArticleShown],
    state: StateSnapshot,
    page: Mapping[str, Any],
) -> tuple[str, ...]:
    """Say to the user, in short sentences, what the person will see."""
    steps = sum(attempt.kind in ("workflow", "trigger") for attempt in attempts)
    sentences = ["This conversation." if transcript else ""]
    if state.parts:
        sentences.append(f"Your account's state: {', '.join(str(part) for part in state.parts)}.")
    if steps:
        sentences.append(f"What was tried: {steps} {'step' if steps == 1 else 'steps'}, with the results.")
    if articles:
        count = len({article.article_id for article in articles})
        sentences.append(f"The {'help article' if count == 1 else f'{count} help articles'} you were shown.")
    if page.get("url") or page.get("title"):
        sentences.append("The page you are on.")
    return tuple(sentence for sentence in sentences if sentence)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_QUOTE else f"{line[: MAX_QUOTE - 1].rstrip()}…"


def humanise(name: str) -> str:
    """A name from code as words."""
    return name.replace("_", " ").strip()
