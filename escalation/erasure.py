"""Erases a user from the cases: contact, packet, summary and note."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from escalation.storage import cases
from foundation.erasure import GONE, NAMELESS, ErasedUser
from foundation.errors import Conflict


class CaseErasure:
    """The desk's `Erasing`."""

    async def check(self, tx: AsyncConnection, user: ErasedUser) -> None:
        """Refuse while one of their cases is open."""
        own = cases.c.conversation_id.in_(user.conversations)
        waiting = sa.select(cases.c.id).where(own, cases.c.status != "resolved").limit(1)
        if (await tx.execute(waiting)).first() is not None:
            raise Conflict("A case of this user is open.", hint="Resolve it, then erase.")

    async def erase(self, tx: AsyncConnection, user: ErasedUser) -> Mapping[str, int]:
        """Blank the `cases`; that they were, when, why and with what outcome stays."""
        person = sa.cast({"name": NAMELESS, "email": None, "ref": ""}, JSONB)
        blank: Mapping[str, Any] = {
            "page": {}, "client": {}, "transcript": [], "attempts": [], "articles": [], "turns": [],
            "shared": [], "state": {"as_of": None, "parts": None, "problem": "Erased."},
            "summary": {"wants": GONE, "tried": "", "seen": "", "assistant": ""},
        }  # fmt: skip
        packet = cases.c.packet.op("||")(sa.cast(blank, JSONB)).op("||")(
            sa.func.jsonb_build_object("contact", cases.c.packet["contact"].op("||")(person))
        )
        values = {
            "contact": cases.c.contact.op("||")(person),
            "packet": packet,
            "summary": GONE,
            "note": None,
        }
        own = cases.c.conversation_id.in_(user.conversations)
        return {"cases": (await tx.execute(cases.update().where(own).values(**values))).rowcount}
