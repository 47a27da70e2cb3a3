from bot.conversation.fair_queue import FairQueue
from foundation.ids import ContactId, ConversationId

ANN, BEN, CEM = ContactId("ann"), ContactId("ben"), ContactId("cem")


def one(name: str) -> ConversationId:
    return ConversationId(name)


def queue(**given: int) -> FairQueue:
    return FairQueue(**{"most": 100, "most_each": 20, "working_each": 4, **given})


def drain(waiting: FairQueue, count: int) -> list[ConversationId]:
    """Take one after the other, each ended before the next."""
    taken = []
    for _ in range(count):
        found = waiting.take()
        assert found is not None
        taken.append(found[0])
        waiting.done(found[1])
    return taken


def test_users_have_turns_one_after_the_other_however_many_conversations_they_have() -> None:
    waiting = queue()
    for number in range(6):
        waiting.offer(one(f"a{number}"), ANN)
    waiting.offer(one("b0"), BEN)
    waiting.offer(one("c0"), CEM)
    waiting.offer(one("b1"), BEN)
    assert drain(waiting, 9) == ["a0", "b0", "c0", "a1", "b1", "a2", "a3", "a4", "a5"]
    assert waiting.take() is None


def test_who_has_nothing_at_work_goes_before_who_has() -> None:
    waiting = queue()
    for number in range(4):
        waiting.offer(one(f"a{number}"), ANN)
    assert waiting.take() == ("a0", ANN)
    waiting.offer(one("b0"), BEN)
    assert waiting.take() == ("b0", BEN)
    assert waiting.take() == ("a1", ANN)


def test_a_user_has_only_so_many_at_work() -> None:
    waiting = queue(working_each=2)
    for number in range(3):
        waiting.offer(one(f"a{number}"), ANN)
    assert waiting.take() is not None
    assert waiting.take() is not None
    assert waiting.take() is None
    waiting.done(ANN)
    assert waiting.take() == ("a2", ANN)


def test_a_conversation_waits_once() -> None:
    waiting = queue()
    assert waiting.offer(one("a0"), ANN)
    assert waiting.offer(one("a0"), ANN)
    assert len(waiting) == 1
    assert drain(waiting, 1) == ["a0"]
    assert one("a0") not in waiting


def test_what_a_user_has_no_room_for_is_fetched_when_half_of_it_is_gone() -> None:
    waiting = queue(most_each=4)
    offered = [waiting.offer(one(f"a{number}"), ANN) for number in range(6)]
    assert offered == [True] * 4 + [False] * 2
    drain(waiting, 1)
    assert not waiting.hungry
    drain(waiting, 1)
    assert waiting.hungry


def test_when_all_is_full_a_user_who_has_nothing_waiting_still_gets_in() -> None:
    waiting = queue(most=6, most_each=6)
    for number in range(6):
        waiting.offer(one(f"a{number}"), ANN)
    assert waiting.offer(one("b0"), BEN)
    assert not waiting.offer(one("b1"), BEN)
    assert len(waiting) == 6
    assert drain(waiting, 6) == ["a0", "b0", "a1", "a2", "a3", "a4"]
    assert waiting.hungry, "a5 gave way and is to be fetched again"


def test_a_queue_full_of_different_users_takes_no_more() -> None:
    waiting = queue(most=3)
    assert all(waiting.offer(one(f"c{number}"), ContactId(f"user{number}")) for number in range(3))
    assert not waiting.offer(one("c3"), ContactId("user3"))
    drain(waiting, 2)
    assert waiting.hungry
