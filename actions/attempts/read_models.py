"""What other rooms may read of the attempt log, as a relation for their queries; nobody writes through it."""

import sqlalchemy as sa

from actions.attempts.model import ASKED_IN, QUESTION
from actions.attempts.storage import attempts

attempt_rows = sa.select(
    attempts.c.id,
    attempts.c.conversation_id,
    attempts.c.kind,
    attempts.c.outcome,
    attempts.c.article_id,
    attempts.c.created_at,
    attempts.c.read[QUESTION].astext.label("question"),
    attempts.c.read[ASKED_IN].astext.label("asked_in"),
    attempts.c.done["helped"].astext.label("helped"),
).subquery("attempt_rows")
"""Every attempt: `id`, `conversation_id`, `kind`, `outcome` (None while it waits), `article_id`,
`created_at`; of answers `question` (masked), `asked_in` (the turn that asked) and `helped` ("true", "false",
None)."""
