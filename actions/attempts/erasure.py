"""Erases a user from the attempt log; what is entered in the audit chain about it is returned."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from actions.attempts.log import attempt_content
from actions.attempts.storage import attempts, to_attempt
from foundation.erasure import ErasedUser
from security.audit.chain import ERASED, Change


async def erase_attempts(tx: AsyncConnection, user: ErasedUser) -> list[Change]:
    """Blank the user's attempts. What waited for them is abandoned.

    Returns one change for each attempt: the caller enters them, so that the chain says what was erased.
    """
    is_open = attempts.c.outcome.is_(None)
    statement = (
        attempts.update()
        .where(attempts.c.host == user.host, attempts.c.user_ref == user.ref)
        .values(
            user_ref=user.nobody, read={}, done={}, error=None,
            outcome=sa.func.coalesce(attempts.c.outcome, "abandoned"),
            finished_at=sa.case((is_open, user.at), else_=attempts.c.finished_at),
        )
        .returning(attempts)
    )  # fmt: skip
    blanked = [to_attempt(row) for row in await tx.execute(statement)]
    blanked.sort(key=lambda one: one.id)
    return [Change(ERASED, one.id, *attempt_content(one)) for one in blanked]
