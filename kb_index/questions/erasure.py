"""Erases a user's questions from those that got no answer."""

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.erasure import ErasedUser
from kb_index.questions.storage import vain_questions


class QuestionErasure:
    """The knowledge base's `Erasing`."""

    async def check(self, tx: AsyncConnection, user: ErasedUser) -> None:
        """Nothing is under way for a user here."""

    async def erase(self, tx: AsyncConnection, user: ErasedUser) -> Mapping[str, int]:
        """Delete the `questions` of their conversations."""
        own = vain_questions.delete().where(vain_questions.c.conversation_id.in_(user.conversations))
        return {"questions": (await tx.execute(own)).rowcount}
