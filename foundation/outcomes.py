"""What an attempt to help, and a whole conversation, comes to: the one list, from which all else is derived.

A mapping from one of these sets is annotated with it as its key and then holds every member; that, the
constraint of the database and the words of the docs are held to this list by tests/app/test_vocabulary.py.
"""

from typing import Literal, get_args

Outcome = Literal["verified", "assumed", "escalated", "abandoned", "failed", "reopened"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
"""`verified`: a second look at the state shows it. `assumed`: help was given, nothing proves that it helped.
`escalated`: a person took over. `abandoned`: the user did not go on. `failed`: it did not help. `reopened`:
it was assumed, and the user came back with it within 72 hours.
None, where it may stand, means that the attempt is still open: it waits for the user."""

ConversationOutcome = Literal[Outcome, "open"]
CONVERSATION_OUTCOMES: tuple[ConversationOutcome, ...] = get_args(ConversationOutcome)
"""`open`: it still waits for the user."""
