"""Ends a pause of the subscription."""

from typing import ClassVar

from actions.framework.formatting import day
from actions.framework.workflow import Diagnosis, Fact, Metadata, Seen, Verification, Workflow


class ResumeSubscription(Workflow):
    """Lets boxes come again; that costs money again, so it is asked first."""

    meta: ClassVar[Metadata] = Metadata(
        id="resume_subscription",
        title="Resume the subscription",
        done_title="Subscription resumed",
        area="account",
        intents=("resume_subscription",),
        reads=("subscription.state", "subscription.paused_until"),
        operations=("resume_subscription",),
        risk="medium",
        help_query="pause my subscription for a while",
        label="Resume my subscription",
    )

    def diagnose(self, seen: Seen) -> Diagnosis:
        """Paused: applies."""
        state = seen["subscription.state"]
        if state == "active":
            return Diagnosis("fine", "I looked: your subscription isn't paused, so boxes come as usual.")
        if state != "paused":
            return Diagnosis(
                "blocked",
                "I can't see a paused subscription on your account. If it was cancelled, a person can bring "
                "it back.",
                code="not_paused",
            )
        until = day(seen["subscription.paused_until"])
        return Diagnosis(
            "applies",
            f"Your subscription is paused{f' until {until}' if until else ''}.",
            question="Shall I end the pause now? Boxes are packed and charged again from then on.",
            yes="Yes, resume it",
        )

    def verify(self, before: Seen, after: Seen) -> Verification:
        """Resolved when the subscription shows as active."""
        ok = before["subscription.state"] == "paused" and after["subscription.state"] == "active"
        return Verification(
            ok,
            (Fact("Subscription", "paused", "active" if ok else "paused"),),
            "Your subscription is active again." if ok else "Your subscription still shows as paused.",
        )
