"""Deliveries to others: written in the transaction that causes them, sent at least once, in order by key."""

from foundation.outbox.model import Busy, Deliver, Delivery, Limits, Refused, Unanswered
from foundation.outbox.sender import Outbox
from foundation.outbox.storage import add

__all__ = ["Busy", "Deliver", "Delivery", "Limits", "Outbox", "Refused", "Unanswered", "add"]
