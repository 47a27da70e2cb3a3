"""Sends the mail with a link to set a new password."""

from typing import ClassVar

from actions.framework.formatting import moment, own_address
from actions.framework.workflow import Diagnosis, Fact, Metadata, Seen, Verification, Workflow


class ResetPassword(Workflow):
    """Has the application send its reset link to the address on the account, never anywhere else."""

    meta: ClassVar[Metadata] = Metadata(
        id="reset_password",
        title="Send a password reset link",
        done_title="Password reset link sent",
        area="sign-in",
        intents=("reset_password",),
        reads=(
            "account.email",
            "account.password_expired",
            "account.password_reset_sent_at",
            "account.locked",
        ),
        operations=("send_password_reset",),
        risk="low",
        symptoms=("sign_in",),
        likelihood=0.7,
        help_query="reset my password link does not arrive",
        cool_down=60.0,
    )

    def diagnose(self, seen: Seen) -> Diagnosis:
        """A user may always have a link; an expired password is said to be the cause."""
        address = _address(seen)
        if seen["account.password_expired"]:
            text = "Your password has expired, so it has to be replaced before you can sign in."
        elif seen["account.locked"]:
            text = (
                "I can send you a link to set a new password. Your account is locked as well: if a new "
                'password doesn\'t let you in, tell me "unlock my account".'
            )
        else:
            text = "I can send you a link to set a new password."
        return Diagnosis(
            "applies", text, question=f"Shall I send the link to {address}?", yes="Yes, send the link"
        )

    def explains(self, symptom: str, seen: Seen) -> bool:
        """Only an expired password explains trouble with signing in."""
        return symptom in self.meta.symptoms and bool(seen["account.password_expired"])

    def verify(self, before: Seen, after: Seen) -> Verification:
        """Resolved when the application has noted a newer mail than before."""
        sent = after["account.password_reset_sent_at"]
        ok = bool(sent) and sent != before["account.password_reset_sent_at"]
        earlier = moment(before["account.password_reset_sent_at"]) or "none sent"
        return Verification(
            ok,
            (Fact("Reset link", earlier, moment(sent) or "none sent"),),
            f"The link is on its way to {_address(after)}. Open it and choose a new password; "
            "if it isn't there in a few minutes, look in your spam folder."
            if ok
            else "No new reset e-mail shows on your account.",
        )

    def refused_beforehand(self, reason: str | None) -> str:
        """A mail just sent is the usual reason."""
        if reason and ("rate" in reason or "minute" in reason):
            return (
                "A reset link was sent to you less than a minute ago. Please look in your inbox and your "
                "spam folder first, then ask me again."
            )
        return super().refused_beforehand(reason)


def _address(seen: Seen) -> str:
    return own_address(seen["account.email"], "the e-mail address on your account")
