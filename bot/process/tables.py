"""All tables of all rooms, for migrations and tests: importing this completes `metadata`."""

from bot.conversation import storage as _conversation
from bot.foundation.database import metadata
from security import storage as _security

__all__ = ["metadata"]
_ = (_conversation, _security)
