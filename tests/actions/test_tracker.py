"""What a Rasa tracker says about the turn that is worked on."""

from typing import Any

from rasa_sdk import Tracker

from actions.ports import TurnContext
from actions.rasa.tracker import TurnReader


class Nobody:
    async def find(self, conversation_id: str, turn_id: str | None) -> TurnContext | None:
        return None

    async def offered(self, conversation_id: str, turn_id: str | None) -> frozenset[str]:
        return frozenset()


def tracker(metadata: dict[str, Any]) -> Tracker:
    acted_by = {"event": "action", "name": "action_listen", "metadata": {"model_id": "acts"}}
    latest = {"intent": {"name": "greet"}, "text": "hi", "metadata": metadata}
    return Tracker("cnv_1:0", {}, latest, [acted_by], False, None, {}, "action_listen")


async def test_a_turn_names_the_model_that_read_it_not_the_one_that_is_live() -> None:
    assert (await TurnReader(Nobody()).read(tracker({"turn": "trn_1", "model": "read"}))).model == "read"


async def test_on_rasas_own_channels_the_model_is_the_one_that_acts() -> None:
    assert (await TurnReader(Nobody()).read(tracker({}))).model == "acts"
