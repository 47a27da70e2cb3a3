"""The assistant's judgement in numbers, in one place, each with its reason."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AssistantPolicy:
    """Thresholds and limits. Probabilities are the search's calibrated ones, of an article answering the
    question, with what the intent adds; scores are in the measure of a cosine; times are seconds.

    What concerns articles was chosen on `data/kb/questions.yml`; `docs/workflows.md` has the figures.
    """

    intent_prior: float = 0.15
    """Added, times the intent's confidence, to the score of the article that usually answers an intent:
    terse messages ("return policy") say more to the classifier than to the search. Best of 0 to 0.6 on 52
    questions: the right article comes first in 87 % of cases instead of 81 %."""

    intent_odds: float = 2.9
    """What the same does to the odds that the article answers: times this, to the power of the confidence.
    With the calibration that comes with the search it is what the score's 0.15 is worth."""

    answer_known_intent: float = 0.15
    """Give an article when the intent is known to be a question: two signals agree, and the user is asked
    whether it helped."""

    answer_unknown_intent: float = 0.27
    """Give an article though the intent was not understood: the passage alone decides, and a wrong one
    annoys. None of the foreign messages that were tried comes as near as that."""

    mention_article: float = 0.17
    """Mention an article beside the question back, when the intent was not understood."""

    suggest_article: float = 0.08
    """Below that an article is not even the closest one found."""

    clear_lead: float = 0.06
    """How far the best article's score must be ahead for it to be given alone; else the user gets the choice
    of two. The median lead is 0.11 where the best article is the right one, and 0.04 where it is not."""

    clear_lead_unknown: float = 0.10
    """The same when the intent was not understood."""

    suggest_intent: float = 0.08
    """Readings less likely than this are not offered as buttons: nobody chooses them."""

    sure_of_thanks: float = 0.85
    """Take "that fixed it" at its word from here on though no answer was asked about; "ugh nothing works" is
    read as thanks too, at 0.6."""

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

    unknown_answers: int = 2
    """Answers to a workflow's question that may make no sense before it stops asking."""

    acts_per_user_hour: int = 12
    """Changes for one user in an hour, whatever they ask for: more is not a person in need."""

    acts_per_workflow_hour: int = 3000
    """Changes by one workflow in an hour, for all users: a stop for what runs wild, not for a busy day."""

    undo_within: float = 1800.0
    """Seconds after which a change is no longer taken back on request: much may rest on it by then."""
