"""An error code that the user quotes is told in plain words, and then mended or explained."""

from actions.dialogue.answers import Answers
from actions.dialogue.error_catalogue import ErrorCatalogue, ErrorEntry
from actions.dialogue.replies import Result
from actions.dialogue.turn import ActionTurn
from actions.dialogue.workflow_dialogue import Engine
from actions.framework.registry import Registry


class ErrorCodes:
    """Takes a message that holds a known code, whatever else it says."""

    def __init__(
        self, catalogue: ErrorCatalogue, registry: Registry, engine: Engine, answers: Answers
    ) -> None:
        self._catalogue = catalogue
        self._registry = registry
        self._engine = engine
        self._answers = answers

    async def explain(self, turn: ActionTurn) -> Result | None:
        """Tell what the code means and start its workflow, or give its article; None without a known code."""
        entry = self._catalogue.find_in(turn.typed)
        if entry is None:
            return None
        intro = _told(entry)
        workflow = self._registry.get(entry.workflow)
        if workflow is not None:
            return await self._engine.start(turn, workflow, intro)
        return await self._answers.give_article(turn, entry.article or "", entry.text, intro)


def _told(entry: ErrorEntry) -> str:
    return f"{entry.code}: {entry.text} "
