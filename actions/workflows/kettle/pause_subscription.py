"""Pauses the subscription for as long as the user says."""

import re
from typing import ClassVar

from actions.framework.formatting import day
from actions.framework.workflow import (
    Choice,
    Diagnosis,
    Fact,
    Metadata,
    Question,
    Seen,
    Step,
    Verification,
    Workflow,
)

WEEKS = "weeks"
OFFERED = (1, 2, 4, 8)
_CHOICES = tuple(Choice(str(n), "1 week" if n == 1 else f"{n} weeks") for n in OFFERED)
_NUMBERS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "couple": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "twelve": 12,
}  # fmt: skip
_COUNT = rf"(\d{{1,2}}|{'|'.join(_NUMBERS)})"
_SPAN = re.compile(
    rf"\b(?:{_COUNT}\s*(?:of\s+|or\s+so\s+)?)?(?:full\s+|whole\s+)?(w(?:ee)?ks?|wks?|months?|fortnights?)\b",
    re.IGNORECASE,
)
_WEEKS_IN = {"w": 1, "m": 4, "f": 2}
_MOST_WORDS = 10


class PauseSubscription(Workflow):
    """Asks for how long, pauses, and can take it back."""

    meta: ClassVar[Metadata] = Metadata(
        id="pause_subscription",
        title="Pause the subscription",
        done_title="Subscription paused",
        area="account",
        intents=("pause_now",),
        reads=("subscription.state", "subscription.paused_until"),
        operations=("pause_subscription", "resume_subscription"),
        risk="medium",
        reversible=True,
        help_query="pause my subscription for a while",
        label="Pause my subscription",
    )

    def diagnose(self, seen: Seen) -> Diagnosis:
        """Active: ask for how long, then it applies."""
        state = seen["subscription.state"]
        if state == "paused":
            until = day(seen["subscription.paused_until"])
            return Diagnosis(
                "fine",
                f"Your subscription is paused already{f' until {until}' if until else ''}. If you want boxes "
                'again earlier, say "resume my subscription".',
            )
        if state != "active":
            return Diagnosis(
                "blocked",
                "I can't see an active subscription on your account, so there is nothing to pause.",
                code="not_active",
            )
        wanted = seen.answers.get(WEEKS)
        if wanted not in {str(n) for n in OFFERED}:
            return Diagnosis("asks", _sorry(wanted), ask=_question())
        return Diagnosis(
            "applies",
            f"I'll pause your subscription for {_weeks(wanted)}: nothing is packed or charged meanwhile, and "
            "your plan and price stay.",
            question="Shall I pause it?",
            yes=f"Yes, pause {_weeks(wanted)}",
        )

    def plan(self, seen: Seen) -> tuple[Step, ...]:
        """One operation, with the number of weeks."""
        return (Step("pause_subscription", {"weeks": seen.answers.get(WEEKS, "")}),)

    def read_answer(self, question: Question, text: str, seen: Seen) -> str | None:
        """Take weeks or months; lengths that are not offered too, to be told so."""
        if len(text.split()) > _MOST_WORDS:
            return None
        return _length(text) or _bare(text) or super().read_answer(question, text, seen)

    def find_answer(self, question: Question, text: str, seen: Seen) -> str | None:
        """ "Pause it for two weeks" says it already."""
        return _length(text)

    def verify(self, before: Seen, after: Seen) -> Verification:
        """Resolved when the application shows the pause and its end."""
        until = day(after["subscription.paused_until"])
        ok = (
            before["subscription.state"] == "active"
            and after["subscription.state"] == "paused"
            and bool(until)
        )
        fact = Fact("Subscription", "active", f"paused until {until}" if ok else "active")
        return Verification(
            ok,
            (fact,),
            f'Your subscription is paused until {until}; then boxes come again by themselves. Say "undo '
            "that\" if you'd rather not."
            if ok
            else "Your subscription doesn't show as paused.",
        )

    def undo(self, before: Seen, after: Seen) -> tuple[Step, ...]:
        """End the pause."""
        return (Step("resume_subscription"),)

    def restored(self, before: Seen, now: Seen) -> bool:
        """Active again is as before."""
        return bool(now["subscription.state"] == before["subscription.state"])


def _question() -> Question:
    return Question(WEEKS, "For how long shall I pause your subscription: 1, 2, 4 or 8 weeks?", _CHOICES)


def _sorry(wanted: str | None) -> str:
    said = wanted is not None and wanted.isdigit() and len(wanted) < 4
    return f"I can't pause it for exactly {_weeks(wanted)}." if said else ""


def _weeks(count: str | None) -> str:
    return "1 week" if count == "1" else f"{count} weeks"


def _length(text: str) -> str | None:
    """Read a length out of a sentence, in weeks; a month counts four."""
    found = _SPAN.search(text)
    if found is None:
        return None
    said, unit = found[1], found[2][0].casefold()
    if said is None:
        if unit == "f" or re.search(rf"\b(?:next|this|the)\s+{found[2]}\b", text, re.IGNORECASE):
            return str(_WEEKS_IN[unit])
        return None
    count = int(said) if said.isdigit() else _NUMBERS[said.casefold()]
    return str(count * _WEEKS_IN[unit]) if count else None


def _bare(text: str) -> str | None:
    """A bare number is one of weeks."""
    word = text.strip().rstrip(".!").casefold()
    count = int(word) if word.isdigit() and len(word) < 3 else _NUMBERS.get(word)
    return str(count) if count else None
