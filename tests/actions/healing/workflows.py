"""Workflows for tests of self-healing: the real one for preferences, and some that bring out its rules."""

from dataclasses import replace
from typing import ClassVar

from actions.framework.registry import Registry
from actions.framework.workflow import Diagnosis, Metadata, Seen, Step, Verification
from actions.workflows.kettle.restart_export import RestartExport
from actions.workflows.kettle.resync_preferences import ResyncPreferences


class Resync(ResyncPreferences):
    """The product's workflow, run by drift whatever the product's own triggers are."""

    meta: ClassVar[Metadata] = replace(ResyncPreferences.meta, triggers=("drift",), retry_limit=3)


class Restart(RestartExport):
    """The same for exports."""

    meta: ClassVar[Metadata] = replace(RestartExport.meta, triggers=("drift",), retry_limit=3)


class PausePlan(ResyncPreferences):
    """Too much to do by itself."""

    meta: ClassVar[Metadata] = replace(
        ResyncPreferences.meta, id="pause_plan", intents=(), triggers=("drift",), risk="medium"
    )


class NotByItself(ResyncPreferences):
    """Has no trigger."""

    meta: ClassVar[Metadata] = replace(ResyncPreferences.meta, id="not_by_itself", intents=(), triggers=())


class NeverProven(ResyncPreferences):
    """Changes the preferences and is never content with it, so that it has to be taken back."""

    meta: ClassVar[Metadata] = replace(
        ResyncPreferences.meta,
        id="never_proven",
        intents=(),
        triggers=("drift",),
        reversible=True,
        operations=("resync_preferences", "unsync_preferences"),
    )

    def plan(self, seen: Seen) -> tuple[Step, ...]:
        return (Step("resync_preferences"),)

    def verify(self, before: Seen, after: Seen) -> Verification:
        return Verification(False, (), "It is not what it should be.")

    def undo(self, before: Seen, after: Seen) -> tuple[Step, ...]:
        return (Step("unsync_preferences", {"applied": before.mapping("preferences.applied")}),)


class Stumbles(ResyncPreferences):
    """Has a fault of its own."""

    meta: ClassVar[Metadata] = replace(
        ResyncPreferences.meta, id="stumbles", intents=(), triggers=("drift",), symptoms=()
    )

    def diagnose(self, seen: Seen) -> Diagnosis:
        raise ZeroDivisionError


REGISTRY = Registry([Resync(), Restart(), PausePlan(), NotByItself(), NeverProven(), Stumbles()])
