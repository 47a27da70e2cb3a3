"""For whom an action runs is decided by the conversation."""

from actions.dialogue.conversation_context import ConversationLookup
from bot.conversation.domain import ASSISTANT, NewEvent
from bot.conversation.events import OfferedChoice, message
from bot.conversation.service import Conversations
from foundation.clock import SystemClock
from foundation.database import Database
from foundation.wakeups import Wakeups


async def test_the_user_and_turn_come_from_the_conversation(database: Database) -> None:
    conversations = Conversations(database, Wakeups(None), SystemClock())
    lookup = ConversationLookup(conversations)
    mine, other = [
        await conversations.start(
            host="kettle", ref=ref, name=ref, email=None, channel="web", page={"url": "/billing"}, client={}
        )
        for ref in ("usr_ada", "usr_ben")
    ]
    posted = await conversations.post_user_message(
        mine.id, author_name="Ada", text="hi", choice=None, key="k1"
    )
    found = await lookup.find(mine.id, posted.event.turn_id)
    assert found is not None
    assert (found.user_ref, found.host, found.text) == ("usr_ada", "kettle", "hi")
    assert found.page == {"url": "/billing"}
    assert found.turn_id == posted.event.turn_id

    without = await lookup.find(mine.id, None)
    assert without is not None
    assert without.turn_id == posted.event.turn_id, "the latest turn when none is named"

    stolen = await lookup.find(other.id, posted.event.turn_id)
    assert stolen is not None
    assert (stolen.user_ref, stolen.turn_id, stolen.text) == ("usr_ben", None, "")

    assert await lookup.find("cnv_nothing", None) is None


async def test_what_was_offered_last_before_a_turn_is_read_from_the_transcript(database: Database) -> None:
    conversations = Conversations(database, Wakeups(None), SystemClock())
    lookup = ConversationLookup(conversations)
    talk = await conversations.start(
        host="kettle", ref="usr_ada", name="Ada", email=None, channel="web", page={}, client={}
    )
    assert await lookup.offered(talk.id, None) == frozenset()
    person = (
        OfferedChoice(title="Yes", payload="/talk_to_person"),
        OfferedChoice(title="No", payload="/deny"),
    )
    for buttons in ((OfferedChoice(title="Go", payload="/affirm"),), person):
        await conversations.append(talk.id, NewEvent(ASSISTANT, message("Shall I?", buttons=buttons)))
    posted = await conversations.post_user_message(
        talk.id, author_name="Ada", text="yes", choice=None, key="k1"
    )
    await conversations.append(talk.id, NewEvent(ASSISTANT, message("Later.")))
    assert await lookup.offered(talk.id, posted.event.turn_id) == {"/talk_to_person", "/deny"}
    assert await lookup.offered("cnv_nothing", None) == frozenset()
