"""Has a box come that was to be skipped."""

from typing import ClassVar

from actions.framework.workflow import Diagnosis, Fact, Metadata, Seen, Step, Verification, Workflow
from actions.workflows.kettle import _next_box as box


class UnskipDelivery(Workflow):
    """Takes a skip back, whenever it was made; it can be skipped again."""

    meta: ClassVar[Metadata] = Metadata(
        id="unskip_delivery",
        title="Send the skipped box after all",
        done_title="Next box is coming",
        area="orders",
        intents=("unskip_delivery",),
        reads=box.READS,
        operations=("unskip_delivery", "skip_delivery"),
        risk="medium",
        reversible=True,
        help_query="skip just the next box",
        label="Send the box that I skipped",
    )

    def diagnose(self, seen: Seen) -> Diagnosis:
        """The next box is skipped: applies."""
        none = box.no_box(seen)
        if none is not None:
            return none
        if not box.skipped(seen):
            called = box.called(seen)
            return Diagnosis("fine", f"I looked: {called} isn't skipped, so it comes as usual.")
        return Diagnosis(
            "applies",
            f"At the moment {box.called(seen)} is skipped.",
            question="Shall I have it sent after all? You are charged for it as usual.",
            yes="Yes, send it",
        )

    def verify(self, before: Seen, after: Seen) -> Verification:
        """Resolved when the very box that was asked about shows as coming."""
        ok = box.skipped(before) and not box.skipped(after) and box.same_box(before, after)
        return Verification(
            ok,
            (Fact("Next box", "skipped", "coming" if ok else "skipped"),),
            "That box comes as usual." if ok else "Your next box still shows as skipped.",
        )

    def undo(self, before: Seen, after: Seen) -> tuple[Step, ...]:
        """Skip it again."""
        return (Step("skip_delivery"),)

    def restored(self, before: Seen, now: Seen) -> bool:
        """A skipped box is as before."""
        return box.skipped(now)
