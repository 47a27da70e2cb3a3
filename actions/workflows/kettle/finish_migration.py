"""Finishes a change of plan that stopped half way."""

from typing import ClassVar

from actions.framework.workflow import Diagnosis, Fact, Metadata, Seen, Verification, Workflow

_STATE = "subscription.migration.state"
_DONE = "subscription.migration.steps_done"
_ALL = "subscription.migration.steps"


class FinishMigration(Workflow):
    """Has the application run the steps that are left of a change that the user had asked for."""

    meta: ClassVar[Metadata] = Metadata(
        id="finish_migration",
        title="Finish the change of plan",
        done_title="Change of plan finished",
        area="account",
        intents=("migration_unfinished",),
        reads=(_STATE, _DONE, _ALL),
        operations=("finish_migration",),
        risk="low",
        symptoms=("plan",),
        likelihood=0.7,
        help_query="my change of plan stopped half way",
        label="My change of plan is stuck",
        triggers=("drift",),
    )

    def diagnose(self, seen: Seen) -> Diagnosis:
        """Half applied: applies."""
        state = seen[_STATE]
        if state == "half_applied":
            return Diagnosis(
                "applies",
                f"Your change of plan stopped half way{_progress(seen)}.",
                question="Shall I finish it? Nothing else changes.",
                yes="Yes, finish it",
            )
        if state == "done":
            return Diagnosis("fine", "I looked: your change of plan went through completely.")
        return Diagnosis("fine", "I looked, and there is no change of plan that is unfinished.")

    def verify(self, before: Seen, after: Seen) -> Verification:
        """Resolved when the application shows the change as done."""
        ok = before[_STATE] == "half_applied" and after[_STATE] == "done"
        fact = Fact("Change of plan", "stopped half way", "finished" if ok else "not finished")
        return Verification(
            ok, (fact,), "Your change of plan is complete now." if ok else "It still shows as unfinished."
        )


def _progress(seen: Seen) -> str:
    done, steps = _count(seen[_DONE]), _count(seen[_ALL])
    return f", after {done} of {steps} steps" if done is not None and steps and done <= steps else ""


def _count(value: object) -> int | None:
    """Applications give the steps themselves, or how many there are."""
    if isinstance(value, list):
        return len(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1000 else None
