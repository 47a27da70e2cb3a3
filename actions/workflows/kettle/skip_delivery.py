"""Leaves out the next box."""

from typing import ClassVar

from actions.framework.workflow import Diagnosis, Fact, Metadata, Seen, Step, Verification, Workflow
from actions.workflows.kettle import _next_box as box


class SkipDelivery(Workflow):
    """Skips one box, and can take it back."""

    meta: ClassVar[Metadata] = Metadata(
        id="skip_delivery",
        title="Skip the next box",
        done_title="Next box skipped",
        area="orders",
        intents=("skip_next_box",),
        reads=box.READS,
        operations=("skip_delivery", "unskip_delivery"),
        risk="medium",
        reversible=True,
        help_query="skip just the next box",
        label="Skip the next box",
    )

    def diagnose(self, seen: Seen) -> Diagnosis:
        """A box is coming: applies."""
        none = box.no_box(seen)
        if none is not None:
            return none
        if box.skipped(seen):
            return Diagnosis(
                "fine",
                f"{_upper(box.called(seen)).rstrip(',')} is skipped already. You aren't charged for it.",
            )
        return Diagnosis(
            "applies",
            f"I can leave out {box.called(seen).rstrip(',')}. You aren't charged for it, and the one after "
            "comes as usual.",
            question="Shall I skip it?",
            yes="Yes, skip it",
        )

    def verify(self, before: Seen, after: Seen) -> Verification:
        """Resolved when the very box that was asked about shows as skipped."""
        ok = not box.skipped(before) and box.skipped(after) and box.same_box(before, after)
        return Verification(
            ok,
            (Fact("Next box", "coming", "skipped" if ok else "coming"),),
            "That box is skipped, and you aren't charged for it. Say \"undo that\" if you'd rather have it."
            if ok
            else "Your next box doesn't show as skipped.",
        )

    def undo(self, before: Seen, after: Seen) -> tuple[Step, ...]:
        """Have the box come after all."""
        return (Step("unskip_delivery"),)

    def restored(self, before: Seen, now: Seen) -> bool:
        """A box that comes is as before."""
        return not box.skipped(now)


def _upper(text: str) -> str:
    return text[0].upper() + text[1:]
