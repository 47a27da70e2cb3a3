"""Where an order is: which one is meant, and what is known of it."""

from time import monotonic
from typing import Any

from actions.attempt_log import AttemptLog
from actions.attempts import Ending
from actions.engine import CANNOT_LOOK, milliseconds
from actions.host_access import HostAccess
from actions.policy import AssistantPolicy
from actions.replies import OFFER, PERSON, Button, Result, Say
from actions.turn import ActionTurn
from actions.workflow import Seen
from actions.workflows.order_status import OrderStatus, card_row, in_order, match, report, title
from bot.foundation.errors import FirstlineError

NO_ORDER = "none"
"""The value of the order slot when the form must end without one."""
_SHOWN = 5


class Orders:
    """Asks which order is meant and reports on it."""

    def __init__(self, host: HostAccess, log: AttemptLog, policy: AssistantPolicy) -> None:
        self._host = host
        self._log = log
        self._policy = policy
        self._workflow = OrderStatus()

    async def read(self, turn: ActionTurn) -> list[dict[str, Any]]:
        """Return the user's orders, those in most need of a word first. Raises as `HostAccess.state`."""
        state = await self._host.state(turn.context, self._workflow.meta.parts)
        return in_order(Seen.of(state, self._workflow.meta.reads).rows("orders"))

    async def must_ask(self, turn: ActionTurn) -> bool:
        """Tell whether there are several orders to choose from; not so when they cannot be read."""
        try:
            return len(await self.read(turn)) > 1
        except FirstlineError:
            return False

    async def understand(self, turn: ActionTurn, wanted: str) -> tuple[str | None, Say | None]:
        """Find the order that `wanted` means: its number, or None with what to say about that."""
        if wanted == NO_ORDER:
            return NO_ORDER, None
        try:
            orders = await self.read(turn)
        except FirstlineError:
            return NO_ORDER, None
        order = match(orders, wanted)
        if order is not None:
            return str(order.get("number")), None
        return None, Say("I can't find that one among your orders.")

    async def mentioned(self, turn: ActionTurn, text: str) -> str | None:
        """Return the number of the one order that the words fit, or None."""
        try:
            order = match(await self.read(turn), text)
        except FirstlineError:
            return None
        return None if order is None else str(order.get("number"))

    async def ask(self, turn: ActionTurn) -> Result:
        """Show the orders and ask which one is meant."""
        try:
            orders = (await self.read(turn))[:_SHOWN]
        except FirstlineError:
            return Result((Say(f"{CANNOT_LOOK} Which order do you mean?"),))
        buttons = tuple(
            Button(title(order), f'/order_status{{"order_number":"{order.get("number")}"}}')
            for order in orders
        )
        card = {"type": "orders", "orders": [card_row(order) for order in orders]}
        return Result((Say("Which order do you mean?", buttons, card),))

    async def status(self, turn: ActionTurn, number: str | None) -> Result:
        """Report on one order, or on the only one; a late one comes with the offer of a person."""
        started = monotonic()
        attempt = await self._log.record(turn.attempt("workflow", self._workflow.meta.id))
        try:
            orders = await self.read(turn)
        except FirstlineError as error:
            ending = Ending(turn.key, "failed", error=error.code, duration_ms=milliseconds(started))
            await self._log.finish(attempt.id, ending)
            text = f"{CANNOT_LOOK} You can try again in a minute, or I can get a person."
            return Result((Say(text, OFFER),), attempt_id=attempt.id, tally="count", offers_person=True)
        chosen = match(orders, number) if number and number != NO_ORDER else None
        if chosen is None and len(orders) == 1 and number != NO_ORDER:
            chosen = orders[0]
        if chosen is None:
            return await self._none(turn, attempt.id, orders, number, started)
        finding = report(chosen)
        late = finding.verdict == "blocked"
        await self._log.note(attempt.id, turn.key, read={"order": card_row(chosen)}, done={})
        ending = Ending(
            turn.key,
            "failed" if late else "assumed",
            done={"told": card_row(chosen)["status"]},
            error=finding.code,
            duration_ms=milliseconds(started),
        )
        await self._log.finish(attempt.id, ending)
        card = {"type": "orders", "orders": [card_row(chosen)]}
        if late:
            says = (Say(finding.text, card=card), Say("Shall I get a person to take care of it?", OFFER))
            return Result(says, attempt_id=attempt.id, offers_person=True)
        text = f"{finding.text} Is there anything else?"
        return Result((Say(text, card=card),), attempt_id=attempt.id, tally="reset")

    async def _none(
        self,
        turn: ActionTurn,
        attempt_id: str,
        orders: list[dict[str, Any]],
        number: str | None,
        started: float,
    ) -> Result:
        await self._log.note(attempt_id, turn.key, read={"orders": len(orders)}, done={})
        spent = milliseconds(started)
        if not orders:
            await self._log.finish(attempt_id, Ending(turn.key, "assumed", duration_ms=spent))
            text = (
                "I looked, and there are no orders on your account yet. Did you order with another address?"
            )
            return Result((Say(text, (PERSON,)),), attempt_id=attempt_id)
        ending = Ending(turn.key, "failed", error="unknown_order", duration_ms=spent)
        await self._log.finish(attempt_id, ending)
        card = {"type": "orders", "orders": [card_row(order) for order in orders[:_SHOWN]]}
        text = "I couldn't tell which order you mean. These are the ones I see. Shall I get a person?"
        say = Say(text, OFFER, card)
        return Result((say,), attempt_id=attempt_id, tally="count", offers_person=True)
