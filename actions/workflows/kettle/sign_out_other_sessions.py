"""Signs out all devices but the one in use."""

from typing import Any, ClassVar

from actions.framework.formatting import day, listed, named
from actions.framework.workflow import Diagnosis, Fact, Metadata, Seen, Verification, Workflow

_SHOWN = 4


class SignOutOtherSessions(Workflow):
    """Tells where the user is signed in, and signs out elsewhere; the application may ask for a step-up."""

    meta: ClassVar[Metadata] = Metadata(
        id="sign_out_other_sessions",
        title="Sign out other devices",
        done_title="Other devices signed out",
        area="sign-in",
        intents=("sign_out_others",),
        reads=("sessions",),
        operations=("sign_out_other_sessions",),
        risk="medium",
        help_query="sign out other devices I don't recognise",
        label="Where I am signed in",
    )

    def diagnose(self, seen: Seen) -> Diagnosis:
        """More than one session: applies, with what is known of the others."""
        others = _others(seen)
        if not others:
            return Diagnosis("fine", "I looked, and you're signed in on this device only.")
        names = [_called(row) for row in others[:_SHOWN]]
        more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
        elsewhere = "one other device" if len(others) == 1 else f"{len(others)} other devices"
        return Diagnosis(
            "applies",
            f"Besides this one you're signed in on {elsewhere}: {listed(names)}{more}.",
            question="Shall I sign out there? This device stays signed in.",
            yes="Yes, sign out there",
        )

    def verify(self, before: Seen, after: Seen) -> Verification:
        """Resolved when only the current session is left."""
        had, left = len(_others(before)), len(_others(after))
        ok = had > 0 and left == 0
        return Verification(
            ok,
            (Fact("Signed in elsewhere", _devices(had), _devices(left)),),
            "You're signed out everywhere but here. If one of those devices wasn't yours, please set a new "
            "password too."
            if ok
            else f"You still show as signed in on {_devices(left)} elsewhere.",
        )

    def refused_beforehand(self, reason: str | None) -> str:
        """Nobody else is signed in by now."""
        if reason == "no_other_session":
            return "There is no other device to sign out."
        return super().refused_beforehand(reason)


def _others(seen: Seen) -> list[dict[str, Any]]:
    rows = seen.rows("sessions")
    return [row for row in rows if not row.get("current")] if len(rows) > 1 else []


def _called(row: dict[str, Any]) -> str:
    name = named(row.get("device"), "a device")
    last = day(row.get("last_seen"))
    return f"{name} (last used on {last})" if last else name


def _devices(count: int) -> str:
    return "none" if count == 0 else "1 device" if count == 1 else f"{count} devices"
