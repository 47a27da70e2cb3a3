"""Gets e-mails to the user going again, where that is in our hands."""

from typing import ClassVar

from actions.framework.formatting import moment, own_address
from actions.framework.workflow import Diagnosis, Fact, Metadata, Seen, Verification, Workflow

_STATE = "notifications.email.state"
COMPLAINTS = ("complaint", "complained", "marked_as_spam", "spam", "spam_complaint", "unsubscribed")
"""Reasons that are the user's own: mail is not sent again without somebody who asks them."""


class ReactivateEmail(Workflow):
    """Lifts a hold on mail that the application put on by itself; a bounce is the user's to mend."""

    meta: ClassVar[Metadata] = Metadata(
        id="reactivate_email",
        title="Reactivate e-mails",
        done_title="E-mails reactivated",
        area="notifications",
        intents=("notifications_not_arriving",),
        reads=(
            "notifications.email.enabled",
            _STATE,
            "notifications.email.reason",
            "notifications.last_sent_at",
            "account.email",
        ),
        operations=("reactivate_email_delivery",),
        risk="low",
        symptoms=("notifications",),
        likelihood=0.8,
        help_query="mails from Kettle do not arrive",
        label="I get no e-mails",
        triggers=("drift",),
    )

    def diagnose(self, seen: Seen) -> Diagnosis:
        """On hold: applies. Bounced, switched off or complained of: says what the user must do."""
        state = seen[_STATE]
        if state == "bounced":
            return Diagnosis(
                "blocked",
                f"Our e-mails to {_address(seen)} come back to us: the mailbox is full or the address "
                "doesn't exist any more. Only you can change that. Please check that the mailbox takes "
                "mail, or enter another address under Security, and mails go out again.",
                code="address_bounces",
            )
        if state == "suppressed" and seen["notifications.email.reason"] in COMPLAINTS:
            return Diagnosis(
                "blocked",
                "Our e-mails to you are on hold because one of them was reported as spam from your mailbox. "
                "We don't lift that by machine, but a person will gladly do it for you.",
                code="complaint",
            )
        if seen["notifications.email.enabled"] is False:
            return Diagnosis(
                "fine",
                "I looked: e-mails are switched off in your settings. You can switch them on under "
                "Preferences.",
            )
        if state == "suppressed":
            return Diagnosis(
                "applies",
                f"Our e-mails to {_address(seen)} are on hold, "
                "because several could not be delivered a while ago.",
                question="Shall I lift that, so that mails reach you again?",
                yes="Yes, send me mails again",
            )
        last = moment(seen["notifications.last_sent_at"])
        sent = f" The last one was sent on {last}." if last else ""
        return Diagnosis(
            "fine",
            f"I looked: e-mails to {_address(seen)} aren't blocked on our side.{sent} Please look in your "
            "spam folder too.",
        )

    def verify(self, before: Seen, after: Seen) -> Verification:
        """Resolved when nothing holds mail back any more."""
        ok = before[_STATE] == "suppressed" and after[_STATE] == "ok"
        return Verification(
            ok,
            (Fact("E-mails", "on hold", "sent again" if ok else "on hold"),),
            f"E-mails go to {_address(after)} again. Those from the meantime aren't sent later."
            if ok
            else "E-mails to you still show as on hold.",
        )

    def refused_beforehand(self, reason: str | None) -> str:
        """Put the application's two reasons into words."""
        if reason == "address_bounces":
            return "The mailbox sends our mails back, so please enter another address under Security first."
        if reason == "not_suppressed":
            return "Nothing holds mails back any more."
        return super().refused_beforehand(reason)


def _address(seen: Seen) -> str:
    return own_address(seen["account.email"], "your address")
