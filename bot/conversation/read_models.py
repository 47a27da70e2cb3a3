"""What other rooms may read of this one, as relations for their queries.

A relation is a promise: its columns stay while the tables behind it change. PostgreSQL puts the tables in
their places, so that a query on relations has the plan of one on tables. Nobody writes through them.
"""

import sqlalchemy as sa

from bot.conversation.storage import contacts, conversations, events
from bot.conversation.turn_storage import turns

conversation_rows = sa.select(
    conversations.c.id,
    conversations.c.contact_id,
    conversations.c.channel,
    conversations.c.created_at,
    conversations.c.updated_at,
).subquery("conversation_rows")
"""Every conversation: `id`, `contact_id`, `channel`, `created_at`, `updated_at`."""

contact_rows = sa.select(contacts.c.id, contacts.c.host, contacts.c.ref).subquery("contact_rows")
"""Every contact: `id`, and the application's `host` and `ref` of the user."""

participant_rows = (
    sa.select(conversations.c.id.label("conversation_id"), contacts.c.name)
    .join(contacts, contacts.c.id == conversations.c.contact_id)
    .subquery("participant_rows")
)
"""The user of each conversation: `conversation_id` and `name`, not masked."""

turn_rows = sa.select(turns.c.id, turns.c.text).subquery("turn_rows")
"""What the assistant was to answer: `id` and `text`, not masked."""

message_rows = (
    sa.select(
        events.c.id,
        events.c.conversation_id,
        events.c.seq,
        events.c.author_kind,
        events.c.author_name,
        events.c.payload["text"].astext.label("text"),
        events.c.at,
    )
    .where(events.c.type == "message")
    .subquery("message_rows")
)
"""Messages of all authors, not masked: `id`, `conversation_id`, `seq`, `author_kind`, `author_name`, `text`,
`at`."""
