"""Sends the mail that confirms an e-mail address once more."""

from typing import ClassVar

from actions.framework.formatting import moment, own_address
from actions.framework.workflow import Diagnosis, Fact, Metadata, Seen, Verification, Workflow


class ResendVerification(Workflow):
    """Has the application send its confirmation mail again, while the address is unconfirmed."""

    meta: ClassVar[Metadata] = Metadata(
        id="resend_verification",
        title="Resend the confirmation e-mail",
        done_title="Confirmation e-mail sent",
        area="account",
        intents=("resend_verification",),
        reads=("account.email", "account.email_verified", "account.verification_sent_at"),
        operations=("resend_verification",),
        risk="low",
        symptoms=("sign_in", "notifications"),
        likelihood=0.5,
        help_query="confirmation e-mail does not arrive",
        cool_down=60.0,
    )

    def diagnose(self, seen: Seen) -> Diagnosis:
        """An unconfirmed address: applies."""
        if seen["account.email_verified"]:
            return Diagnosis("fine", f"I looked at your account: {_address(seen)} is confirmed already.")
        last = moment(seen["account.verification_sent_at"])
        before = f" The last confirmation e-mail went out on {last}." if last else ""
        return Diagnosis(
            "applies",
            f"Your e-mail address isn't confirmed yet.{before}",
            question=f"Shall I send the confirmation e-mail to {_address(seen)} again?",
            yes="Yes, send it again",
        )

    def verify(self, before: Seen, after: Seen) -> Verification:
        """Resolved when the application has noted a newer mail, or the address is confirmed by now."""
        if after["account.email_verified"]:
            return Verification(
                True,
                (Fact("E-mail address", "not confirmed", "confirmed"),),
                "Your e-mail address is confirmed now.",
            )
        sent = after["account.verification_sent_at"]
        ok = bool(sent) and sent != before["account.verification_sent_at"]
        earlier = moment(before["account.verification_sent_at"]) or "none sent"
        return Verification(
            ok,
            (Fact("Confirmation e-mail", earlier, moment(sent) or "none sent"),),
            f"The confirmation e-mail is on its way to {_address(after)}. "
            "Open the link in it and your address is confirmed; it can land in the spam folder."
            if ok
            else "No new confirmation e-mail shows on your account.",
        )

    def refused_beforehand(self, reason: str | None) -> str:
        """A mail just sent is the usual reason."""
        if reason and ("rate" in reason or "minute" in reason):
            return (
                "A confirmation e-mail was sent to you less than a minute ago. Please look in your inbox "
                "and your spam folder first, then ask me again."
            )
        return super().refused_beforehand(reason)


def _address(seen: Seen) -> str:
    return own_address(seen["account.email"], "the e-mail address on your account")
