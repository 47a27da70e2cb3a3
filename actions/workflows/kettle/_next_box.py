"""What the workflows on the next box share."""

from actions.framework.formatting import day
from actions.framework.workflow import Diagnosis, Seen

READS = ("subscription.state", "subscription.paused_until", "subscription.next_delivery")


def skipped(seen: Seen) -> bool:
    """Whether the next box is left out."""
    return seen.mapping("subscription.next_delivery").get("skipped") is True


def same_box(before: Seen, after: Seen) -> bool:
    """Whether both looks are about the same box."""
    old, new = (seen.mapping("subscription.next_delivery") for seen in (before, after))
    return (
        bool(old)
        and bool(new)
        and old.get("number") == new.get("number")
        and old.get("date") == new.get("date")
    )


def called(seen: Seen) -> str:
    """Call the next box by its day."""
    on = day(seen.mapping("subscription.next_delivery").get("date"))
    return f"your next box, due on {on}," if on else "your next box"


def no_box(seen: Seen) -> Diagnosis | None:
    """Say why there is no next box, or None when there is one."""
    state = seen["subscription.state"]
    if state == "paused":
        until = day(seen["subscription.paused_until"])
        return Diagnosis(
            "fine",
            f"Your subscription is paused{f' until {until}' if until else ''}, so no box comes before that.",
        )
    if state != "active" or not seen.mapping("subscription.next_delivery"):
        return Diagnosis("blocked", "I can't see a next box on your account.", code="no_next_box")
    return None
