"""Where people's own words are kept on purpose; everywhere else there are none, and a test searches for them.

`docs/security.md` has the same list in words, and a test compares the two.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kept:
    """A place (table and column, with the type of event in brackets), what is there, and for whom."""

    place: str
    what: str
    why: str


KEPT: tuple[Kept, ...] = (
    Kept("events.payload[message]", "the transcript", "the user and the person who helps read it"),
    Kept("turns.text", "a message, as the assistant is asked", "a turn that is interrupted is run again"),
    Kept("cases.packet", "the context of a case", "the agent who handles the case works with it"),
    Kept("cases.contact", "name and address of the user", "the agent who handles the case writes to them"),
    Kept("contacts.email", "the address that the application gave", "a person has to be able to answer"),
    Kept("contacts.name", "the name that the application gave", "staff and the assistant use it"),
    Kept("GET cases[contact]", "name and address beside each case", "agents choose a case by it"),
)
