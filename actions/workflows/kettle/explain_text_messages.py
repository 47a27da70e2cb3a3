"""Says why text messages do not arrive. Reads only: the number is the user's to confirm."""

from typing import ClassVar

from actions.framework.workflow import Diagnosis, Metadata, Seen, Workflow


class ExplainTextMessages(Workflow):
    """Looks at the mobile number; what is missing is a code that only its owner can type."""

    meta: ClassVar[Metadata] = Metadata(
        id="explain_text_messages",
        title="Why no text messages arrive",
        done_title="Text messages looked at",
        area="notifications",
        intents=("texts_not_arriving",),
        reads=("notifications.sms.enabled", "notifications.sms.number", "notifications.sms.state"),
        operations=(),
        risk="none",
        symptoms=("notifications",),
        likelihood=0.4,
        help_query="notices as text messages",
        label="I get no text messages",
    )

    def diagnose(self, seen: Seen) -> Diagnosis:
        """A number that is not confirmed is told, with what to do."""
        enabled, state = seen["notifications.sms.enabled"], seen["notifications.sms.state"]
        if state == "unverified" and seen["notifications.sms.number"]:
            return Diagnosis(
                "applies",
                f"Your mobile number{_ending(seen)} isn't confirmed yet, and we send texts only to confirmed "
                "numbers. I can't do that for you: please have a code sent to the phone under Preferences "
                "and type it there. Texts start right after.",
            )
        if not enabled or not seen["notifications.sms.number"]:
            return Diagnosis(
                "fine",
                "I looked: text messages aren't switched on for your account. You can switch them on under "
                "Preferences, with your mobile number.",
            )
        return Diagnosis("fine", f"I looked: texts to your number{_ending(seen)} aren't blocked on our side.")

    def explains(self, symptom: str, seen: Seen) -> bool:
        """Only for somebody who wants texts."""
        wanted = seen["notifications.sms.enabled"] is True
        return wanted and super().explains(symptom, seen)


def _ending(seen: Seen) -> str:
    digits = "".join(char for char in str(seen["notifications.sms.number"]) if char.isdigit())
    return f" ending in {digits[-2:]}" if len(digits) >= 6 else ""
