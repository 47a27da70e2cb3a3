"""Words about cases that the transcript tells of too: why a person is wanted, how urgently, how it ended.

They stand below the desk because the assistant, the desk and the transcript all use them. A mapping from one
of these sets is annotated with it as its key and then holds every member (tests/app/test_vocabulary.py).
"""

from typing import Literal, TypeGuard, get_args

Reason = Literal[
    "user_asked",
    "repeated_failure",
    "workflow_failed",
    "no_answer",
    "policy",
    "assistant_unavailable",
    "self_healing_stopped",
]
"""`assistant_unavailable`: the assistant gave no answer; `self_healing_stopped`: a fix stopped itself."""
REASONS: tuple[Reason, ...] = get_args(Reason)

Priority = Literal["urgent", "high", "normal", "low"]
PRIORITIES: tuple[Priority, ...] = get_args(Priority)
"""Most urgent first; the place in this tuple is the rank in the queue."""

CaseOutcome = Literal["solved", "answered", "not_solved", "spam"]
CASE_OUTCOMES: tuple[CaseOutcome, ...] = get_args(CaseOutcome)


def is_reason(word: str) -> TypeGuard[Reason]:
    """Tell whether a word is a reason for a case; what is stored may be older or newer than this list."""
    return word in REASONS
