"""Starts an export again that got stuck."""

from typing import Any, ClassVar

from actions.framework.formatting import moment, word
from actions.framework.workflow import Diagnosis, Fact, Metadata, Seen, Verification, Workflow


class RestartExport(Workflow):
    """Has the application start stuck exports again; resolved when they are seen to run, or to be ready."""

    meta: ClassVar[Metadata] = Metadata(
        id="restart_export",
        title="Restart the export",
        done_title="Export started again",
        area="exports",
        intents=("export_stuck",),
        reads=("exports",),
        operations=("restart_export",),
        risk="low",
        symptoms=("export",),
        help_query="my export is stuck",
        triggers=("drift",),
    )

    def diagnose(self, seen: Seen) -> Diagnosis:
        """A stuck export: applies."""
        stuck = _in_state(seen, "stuck")
        if stuck:
            since = moment(stuck[0].get("requested_at"))
            asked = f" You asked for it on {since}." if since else ""
            return Diagnosis(
                "applies",
                f"Your {_kind(stuck[0])} export got stuck.{asked}",
                question="Shall I start it again?",
                yes="Yes, start it again",
            )
        running = _in_state(seen, "running")
        if running:
            return Diagnosis(
                "fine", f"I looked: your {_kind(running[0])} export is running, so it should be ready soon."
            )
        return Diagnosis("fine", "I looked at your exports, and none of them is stuck.")

    def verify(self, before: Seen, after: Seen) -> Verification:
        """Resolved when every export that was stuck is running or ready."""
        now = {row.get("id"): row.get("state") for row in after.rows("exports")}
        stuck = _in_state(before, "stuck")
        ok = bool(stuck) and all(now.get(row.get("id")) in ("running", "ready") for row in stuck)
        facts = tuple(
            Fact(
                f"{_kind(row).capitalize()} export",
                "stuck",
                word(now.get(row.get("id")), "stuck"),
            )
            for row in stuck[:4]
        )
        done = "It's running again; you'll find it under Exports when it is ready."
        return Verification(ok, facts, done if ok else "The export still shows as stuck.")


def _in_state(seen: Seen, state: str) -> list[dict[str, Any]]:
    return [row for row in seen.rows("exports") if row.get("state") == state]


def _kind(row: dict[str, Any]) -> str:
    kind = row.get("kind")
    return word(kind, "data")
