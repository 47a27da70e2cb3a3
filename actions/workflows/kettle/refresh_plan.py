"""Makes the application show the plan that the user really has."""

from typing import ClassVar

from actions.framework.formatting import named
from actions.framework.workflow import Diagnosis, Fact, Metadata, Seen, Verification, Workflow


class RefreshPlan(Workflow):
    """Has a stale cache refreshed when the plan that is shown is not the plan that is held."""

    meta: ClassVar[Metadata] = Metadata(
        id="refresh_plan",
        title="Show the right plan",
        done_title="Plan shown correctly",
        area="features",
        intents=("plan_not_updated",),
        reads=("subscription.plan", "subscription.shown_plan", "subscription.migration.state"),
        operations=("refresh_cache",),
        risk="low",
        symptoms=("plan",),
        likelihood=0.6,
        help_query="the page shows the wrong plan",
        label="The wrong plan is shown",
        triggers=("drift",),
    )

    def diagnose(self, seen: Seen) -> Diagnosis:
        """Shown and held differ: applies."""
        plan, shown = seen["subscription.plan"], seen["subscription.shown_plan"]
        if not plan or not shown or plan == shown:
            on = f": you're on {_name(plan)}, and that is what the page shows" if plan and shown else ""
            return Diagnosis("fine", f"I compared your plan with what the page shows{on}.")
        if seen["subscription.migration.state"] == "half_applied":
            # What is shown follows when the change is finished, which another workflow sees to.
            return Diagnosis(
                "fine",
                f"The page still shows {_name(shown)}, because your change to {_name(plan)} isn't complete.",
            )
        return Diagnosis(
            "applies",
            f"Your plan is {_name(plan)}, but the page still shows {_name(shown)}: an old copy that wasn't "
            "refreshed.",
            question="Shall I refresh it?",
            yes="Yes, refresh it",
        )

    def verify(self, before: Seen, after: Seen) -> Verification:
        """Resolved when the page shows the plan that is held, and the plan is the same as before."""
        plan = after["subscription.plan"]
        ok = (
            bool(plan)
            and plan == before["subscription.plan"]
            and after["subscription.shown_plan"] == plan
            and before["subscription.shown_plan"] != plan
        )
        fact = Fact(
            "Plan shown", _name(before["subscription.shown_plan"]), _name(after["subscription.shown_plan"])
        )
        return Verification(
            ok,
            (fact,),
            f"The page shows {_name(plan)} now; reload it once."
            if ok
            else "The page still shows the old plan.",
        )


def _name(plan: object) -> str:
    """A plan's name when it can be read out."""
    return named(plan, "another plan")
