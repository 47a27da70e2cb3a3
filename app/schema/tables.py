"""All tables of all rooms, for migrations and tests: importing this completes `metadata`."""

from actions.attempts import storage as _actions
from actions.healing import tables as _healing
from actions.triggers import storage as _triggers
from bot.conversation import storage as _conversation
from bot.conversation import turn_storage as _turns
from escalation import storage as _escalation
from foundation.database import metadata
from foundation.jobs import storage as _jobs
from foundation.outbox import storage as _outbox
from kb_index.articles import images as _images
from kb_index.articles import storage as _knowledge
from kb_index.questions import storage as _questions
from security.audit import gaps as _audit_gaps
from security.audit import storage as _audit
from security.identity import devices as _devices
from security.identity import storage as _security

__all__ = ["metadata"]
_ = (
    _jobs,
    _outbox,
    _turns,
    _actions,
    _conversation,
    _security,
    _devices,
    _audit,
    _audit_gaps,
    _escalation,
    _knowledge,
    _images,
    _questions,
    _healing,
    _triggers,
)
