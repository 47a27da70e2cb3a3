"""Unlocks an account that locked itself after too many wrong passwords."""

from typing import ClassVar

from actions.framework.workflow import Diagnosis, Fact, Metadata, Seen, Verification, Workflow

BY_ITSELF = (None, "", "too_many_attempts", "failed_sign_ins")
"""Reasons for a lock that need nobody's judgement to lift."""


class UnlockAccount(Workflow):
    """Lifts a lock that the application put on by itself; one that a person put on stays."""

    meta: ClassVar[Metadata] = Metadata(
        id="unlock_account",
        title="Unlock account",
        done_title="Account unlocked",
        area="account",
        intents=("unlock_account",),
        reads=("account.locked", "account.lock_reason", "account.failed_sign_ins", "account.status"),
        operations=("unlock_account",),
        risk="low",
        symptoms=("sign_in",),
        likelihood=0.9,
        help_query="my account is locked",
    )

    def diagnose(self, seen: Seen) -> Diagnosis:
        """Locked by itself: applies. Locked by a person: blocked."""
        if not seen["account.locked"]:
            return Diagnosis("fine", "I looked at your account: it isn't locked.")
        if seen["account.lock_reason"] not in BY_ITSELF:
            return Diagnosis(
                "blocked",
                "Your account is locked, and the lock was set by our team, not by wrong passwords. "
                "Only a person can look into that and lift it.",
                code="locked_by_team",
            )
        return Diagnosis(
            "applies",
            f"Your account is locked{_after(seen['account.failed_sign_ins'])}. "
            "It does that by itself to keep others out.",
            question="Shall I unlock it now? Your password stays as it is.",
            yes="Yes, unlock it",
        )

    def verify(self, before: Seen, after: Seen) -> Verification:
        """Resolved when the account is seen to be open."""
        ok = after["account.locked"] is False
        now = "open" if ok else "locked"
        return Verification(
            ok,
            (Fact("Account", "locked", now),),
            "Your account is open again. Your password is as it was."
            if ok
            else "Your account still shows as locked.",
        )


def _after(failures: object) -> str:
    if isinstance(failures, int) and not isinstance(failures, bool) and failures > 1:
        return f" after {failures} sign-ins with a wrong password"
    return " after too many wrong passwords"
