"""Brings saved preferences to where they take effect."""

from typing import Any, ClassVar

from actions.framework.formatting import listed, value_text, word
from actions.framework.workflow import Diagnosis, Fact, Metadata, Seen, Verification, Workflow


class ResyncPreferences(Workflow):
    """Has the application synchronise again when what was saved is not what applies."""

    meta: ClassVar[Metadata] = Metadata(
        id="resync_preferences",
        title="Apply saved preferences",
        done_title="Preferences applied",
        area="preferences",
        intents=("preferences_not_saved",),
        reads=("preferences.saved", "preferences.applied", "preferences.sync.state"),
        operations=("resync_preferences",),
        risk="low",
        symptoms=("preferences",),
        help_query="my preferences are not saved",
        triggers=("drift",),
    )

    def diagnose(self, seen: Seen) -> Diagnosis:
        """Saved and applied differ, or the last synchronisation failed: applies."""
        differing = _differing(seen)
        if not differing and seen["preferences.sync.state"] in ("in_sync", None):
            return Diagnosis(
                "fine", "I compared your saved preferences with the ones in use, and they are the same."
            )
        if differing:
            names = listed([word(name, "a setting") for name in differing[:4]])
            more = " and more" if len(differing) > 4 else ""
            text = f"Your changes were saved, but they haven't taken effect yet: {names}{more}."
        else:
            text = "Your preferences are saved, but the last synchronisation didn't finish."
        return Diagnosis("applies", text, question="Shall I synchronise them again?", yes="Yes, synchronise")

    def verify(self, before: Seen, after: Seen) -> Verification:
        """Resolved when what applies is what was saved, and the synchronisation says so too."""
        left = _differing(after)
        ok = not left and after["preferences.sync.state"] == "in_sync"
        facts = tuple(
            Fact(
                word(name, "a setting").capitalize(),
                value_text(before.mapping("preferences.applied").get(name)),
                value_text(after.mapping("preferences.applied").get(name)),
            )
            for name in _differing(before)[:6]
        )
        status = Fact("Synchronisation", "failed", "finished" if ok else "not finished")
        return Verification(
            ok,
            (*facts, status),
            "Your saved preferences are in use now." if ok else "Your saved preferences still aren't in use.",
        )


def _differing(seen: Seen) -> list[str]:
    saved: dict[str, Any] = seen.mapping("preferences.saved")
    applied: dict[str, Any] = seen.mapping("preferences.applied")
    return [name for name, value in saved.items() if applied.get(name) != value]
