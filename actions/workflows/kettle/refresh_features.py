"""Switches on what the plan includes and the application has not switched on."""

from typing import ClassVar

from actions.framework.formatting import listed, word
from actions.framework.workflow import Diagnosis, Fact, Metadata, Seen, Verification, Workflow

_SHOWN = 6


class RefreshFeatures(Workflow):
    """Has the application read its features anew when one that is paid for is not on."""

    meta: ClassVar[Metadata] = Metadata(
        id="refresh_features",
        title="Switch on what the plan includes",
        done_title="Features switched on",
        area="features",
        intents=("feature_missing",),
        reads=("features", "entitlements"),
        operations=("refresh_features",),
        risk="low",
        symptoms=("features",),
        help_query="labs turn a new feature on",
        label="A feature is missing",
        triggers=("drift",),
    )

    def diagnose(self, seen: Seen) -> Diagnosis:
        """Entitled and off: applies."""
        missing = _missing(seen)
        if missing:
            names = listed([_called(name) for name in missing[:_SHOWN]])
            are = "is" if len(missing) == 1 else "are"
            return Diagnosis(
                "applies",
                f"Your plan includes {names}, but {'it' if len(missing) == 1 else 'they'} {are} switched off "
                "in your account.",
                question="Shall I switch that on?",
                yes="Yes, switch it on",
            )
        included = [
            _called(name) for name, entitled in seen.mapping("entitlements").items() if entitled is True
        ]
        without = [
            _called(name) for name, entitled in seen.mapping("entitlements").items() if entitled is False
        ]
        text = "I compared your plan with your account, and everything it includes is switched on"
        text += f": {listed(included[:_SHOWN])}." if included else "."
        return Diagnosis(
            "fine", f"{text} It doesn't include {listed(without[:_SHOWN])}." if without else text
        )

    def verify(self, before: Seen, after: Seen) -> Verification:
        """Resolved when everything that is included is on."""
        missing, left = _missing(before), _missing(after)
        now = after.mapping("features")
        facts = tuple(
            Fact(_called(name).capitalize(), "off", "on" if now.get(name) is True else "off")
            for name in missing[:_SHOWN]
        )
        ok = bool(missing) and not left and all(now.get(name) is True for name in missing)
        return Verification(
            ok,
            facts,
            "It's switched on now; reload the page to see it."
            if ok
            else "It still doesn't show as switched on.",
        )


def _called(name: str) -> str:
    return word(name, "a feature")


def _missing(seen: Seen) -> list[str]:
    on = seen.mapping("features")
    return [name for name, entitled in seen.mapping("entitlements").items() if entitled is True
            and on.get(name) is not True]  # fmt: skip
