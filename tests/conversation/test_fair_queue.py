from bot.conversation.fair_queue import FairQueue


def queue(**given: int) -> FairQueue:
    return FairQueue(**{"most": 100, "most_each": 20, "working_each": 4, **given})


def drain(waiting: FairQueue, count: int) -> list[str]:
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
        waiting.offer(f"a{number}", "ann")
    waiting.offer("b0", "ben")
    waiting.offer("c0", "cem")
    waiting.offer("b1", "ben")
    assert drain(waiting, 9) == ["a0", "b0", "c0", "a1", "b1", "a2", "a3", "a4", "a5"]
    assert waiting.take() is None


def test_who_has_nothing_at_work_goes_before_who_has() -> None:
    waiting = queue()
    for number in range(4):
        waiting.offer(f"a{number}", "ann")
    assert waiting.take() == ("a0", "ann")
    waiting.offer("b0", "ben")
    assert waiting.take() == ("b0", "ben")
    assert waiting.take() == ("a1", "ann")


def test_a_user_has_only_so_many_at_work() -> None:
    waiting = queue(working_each=2)
    for number in range(3):
        waiting.offer(f"a{number}", "ann")
    assert waiting.take() is not None
    assert waiting.take() is not None
    assert waiting.take() is None
    waiting.done("ann")
    assert waiting.take() == ("a2", "ann")


def test_a_conversation_waits_once() -> None:
    waiting = queue()
    assert waiting.offer("a0", "ann")
    assert waiting.offer("a0", "ann")
    assert len(waiting) == 1
    assert drain(waiting, 1) == ["a0"]
    assert "a0" not in waiting


def test_what_a_user_has_no_room_for_is_fetched_when_half_of_it_is_gone() -> None:
    waiting = queue(most_each=4)
    offered = [waiting.offer(f"a{number}", "ann") for number in range(6)]
    assert offered == [True] * 4 + [False] * 2
    drain(waiting, 1)
    assert not waiting.hungry
    drain(waiting, 1)
    assert waiting.hungry


def test_when_all_is_full_a_user_who_has_nothing_waiting_still_gets_in() -> None:
    waiting = queue(most=6, most_each=6)
    for number in range(6):
        waiting.offer(f"a{number}", "ann")
    assert waiting.offer("b0", "ben")
    assert not waiting.offer("b1", "ben")
    assert len(waiting) == 6
    assert drain(waiting, 6) == ["a0", "b0", "a1", "a2", "a3", "a4"]
    assert waiting.hungry, "a5 gave way and is to be fetched again"


def test_a_queue_full_of_different_users_takes_no_more() -> None:
    waiting = queue(most=3)
    assert all(waiting.offer(f"c{number}", f"user{number}") for number in range(3))
    assert not waiting.offer("c3", "user3")
    drain(waiting, 2)
    assert waiting.hungry
