"""What other rooms may read of the cases, as a relation for their queries; nobody writes through it."""

import sqlalchemy as sa

from escalation.storage import cases

case_rows = sa.select(
    cases.c.conversation_id,
    cases.c.opened_at,
    (sa.func.extract("epoch", cases.c.resolved_at - cases.c.claimed_at) / 60).label("minutes"),
).subquery("case_rows")
"""Every case: `conversation_id`, `opened_at`, and the `minutes` that an agent had it; None while one has
it or none did."""
