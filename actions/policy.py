"""The assistant's judgement in numbers, in one place, each with its reason."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AssistantPolicy:
    """Thresholds and limits. Scores are cosines, 0 to 1; times are seconds.

    The three answer thresholds were chosen on `data/kb/questions.yml`; `docs/workflows.md` has the figures.
    """

    answer_known_intent: float = 0.45
    """Answer when the intent is known to be a question: two signals agree, so it may be less near."""

    answer_unknown_intent: float = 0.60
    """Answer though the intent was not understood: the passage alone decides, and a wrong article annoys."""

    suggest_article: float = 0.35
    """Below that an article is not even worth a button."""

    clear_lead: float = 0.03
    """How far the best article must be ahead of the next one to be given alone when it is not confident."""

    suggest_intent: float = 0.08
    """Readings less likely than this are not offered as buttons: nobody chooses them."""

    offer_person_after: int = 2
    """Failures in a row after which a person is offered: a second "I didn't get that" already annoys."""

    hand_off_after: int = 3
    """Failures in a row after which the assistant stops asking and hands over."""

    articles_per_question: int = 2
    """Articles shown for one question before a person is offered."""

    state_timeout: float = 2.0
    """For one reading of the state: Rasa waits 12 s for an action; three readings and an operation fit."""

    operation_timeout: float = 4.0
    """For one operation. After that the state decides what became of it."""

    settle_pause: float = 0.6
    """Wait before the one repeated second look, for applications whose reads lag behind their writes."""

    search_timeout: float = 1.0
    """For one search of the knowledge base."""

    unknown_orders: int = 2
    """Order numbers that may be wrong before the assistant stops asking for one."""
