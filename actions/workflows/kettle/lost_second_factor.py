"""Says why a lost second factor is not lifted in a chat, and gets a person who can."""

from typing import ClassVar

from actions.framework.workflow import Diagnosis, Metadata, Seen, Workflow

_METHODS = {
    "email_code": "a code by e-mail",
    "email": "a code by e-mail",
    "totp": "an authenticator app",
    "authenticator": "an authenticator app",
    "sms": "a code by text message",
    "sms_code": "a code by text message",
}


class LostSecondFactor(Workflow):
    """Cannot be mended automatically: whoever asks might be the one whom the second step keeps out."""

    meta: ClassVar[Metadata] = Metadata(
        id="lost_second_factor",
        title="Lost second factor",
        done_title="Second factor looked at",
        area="sign-in",
        intents=("lost_second_factor",),
        reads=(
            "account.second_factor.enabled",
            "account.second_factor.method",
            "account.second_factor.lost_device",
        ),
        operations=(),
        risk="none",
        symptoms=("sign_in",),
        likelihood=0.3,
        help_query="second step at sign-in six-digit code",
        label="I lost my second factor",
    )

    def diagnose(self, seen: Seen) -> Diagnosis:
        """With a second step on, a person gets it at once; without one there is nothing to lose."""
        if not seen["account.second_factor.enabled"]:
            return Diagnosis(
                "fine", "I looked: your account has no second step at sign-in, so your password is enough."
            )
        method = _METHODS.get(str(seen["account.second_factor.method"]))
        by = f" ({method})" if method else ""
        return Diagnosis(
            "blocked",
            f"Your account has the second step at sign-in switched on{by}. I can't switch it off or move it "
            "from a chat: it is there to stop anybody who has only your password, and I couldn't tell the "
            "difference. A person can check who you are in another way, so I'm passing this on.",
            code="lost_second_factor",
            hand_off=True,
        )

    def explains(self, symptom: str, seen: Seen) -> bool:
        """Only a device that was reported lost explains trouble with signing in."""
        lost = seen["account.second_factor.lost_device"] is True
        return symptom in self.meta.symptoms and lost and bool(seen["account.second_factor.enabled"])
