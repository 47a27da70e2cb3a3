"""Validates the form that asks which order is meant."""

import re
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.forms import FormValidationAction

from actions.orders import NO_ORDER, Orders
from actions.rasa.reading import TurnReader

SLOT = "order_number"
_NUMBER = re.compile(r"(?i)(?<![a-z0-9-])(?:k[-\s]?)?\d{5,6}(?!\d)")
"""Five or six digits; fewer are an error code, a year or an amount."""
_MOST_WORDS = 5
"""Longer messages tell of something; they do not name an order."""


class ValidateOrderForm(FormValidationAction):  # type: ignore[misc]
    """Asks only where there is a choice, takes a number or words, and gives up after a few wrong ones."""

    def __init__(self, turns: TurnReader, orders: Orders, *, unknown_allowed: int) -> None:
        self._turns = turns
        self._orders = orders
        self._unknown_allowed = unknown_allowed

    def name(self) -> str:
        """The name by which the domain knows it."""
        return "validate_order_form"

    def domain_slots(self, domain: Any) -> list[str]:
        """Return the form's slots, which are known here: Rasa need not send the domain."""
        return [SLOT]

    async def required_slots(
        self, domain_slots: list[str], dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any
    ) -> list[str]:
        """Require the number; see `next_requested_slot` for when there is nothing to choose."""
        return [SLOT]

    async def next_requested_slot(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any
    ) -> dict[str, Any] | None:
        """End the form when the number is known or there is nothing to choose from; else let Rasa ask."""
        if tracker.slots.get(SLOT) is not None:
            return None
        if await self._orders.must_ask(await self._turns.read(tracker)):
            return None
        event: dict[str, Any] = SlotSet("requested_slot", None)
        return event

    async def extract_order_number(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any
    ) -> dict[str, Any]:
        """Take a number out of the message; in an answer to the question also words such as "the late one".

        Nothing extracted means that the user speaks of something else, which Rasa's rules then answer.
        """
        text = str(tracker.latest_message.get("text") or "")
        if tracker.slots.get(SLOT) is not None or text.startswith("/"):
            return {}
        if number := _NUMBER.search(text):
            return {SLOT: number[0]}
        if tracker.slots.get("requested_slot") != SLOT or not 1 <= len(text.split()) <= _MOST_WORDS:
            return {}
        turn = await self._turns.read(tracker)
        meant = await self._orders.mentioned(turn, text)
        return {SLOT: meant} if meant else {}

    async def validate_order_number(
        self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any
    ) -> dict[str, Any]:
        """Turn what the user gave into the number of one of their orders, or ask again."""
        if value is None:
            return {SLOT: None}
        turn = await self._turns.read(tracker)
        number, say = await self._orders.understand(turn, str(value)[:200])
        if number is not None:
            return {SLOT: number}
        if _asked_before(tracker) >= self._unknown_allowed:
            return {SLOT: NO_ORDER}
        if say is not None:
            dispatcher.utter_message(text=say.text)
        return {SLOT: None}


def _asked_before(tracker: Tracker) -> int:
    """How often the form has asked already since it began: it listens once each time."""
    asked = 0
    for event in reversed(tracker.events):
        if event.get("event") == "active_loop" and event.get("name"):
            break
        if event.get("event") == "user":
            asked += 1
    return asked
