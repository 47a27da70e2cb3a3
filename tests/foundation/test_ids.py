import time

import pytest

from foundation.ids import is_id, new_id


def test_ids_sort_by_time_and_do_not_repeat() -> None:
    first = new_id("cnv")
    time.sleep(0.002)
    later = [new_id("cnv") for _ in range(2000)]
    assert all(first < one for one in later)
    assert len(set(later)) == 2000


def test_ids_rise_within_a_millisecond_and_when_the_clock_is_set_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = time.time_ns() + 10**9
    monkeypatch.setattr(time, "time_ns", lambda: now)
    made = [new_id("evt") for _ in range(500)]
    monkeypatch.setattr(time, "time_ns", lambda: now - 10**10)
    made += [new_id("evt") for _ in range(500)]
    assert made == sorted(made)
    assert len(set(made)) == 1000


def test_only_ids_of_the_kind_are_recognised() -> None:
    assert is_id(new_id("cnv"), "cnv")
    assert not is_id(new_id("cas"), "cnv")
    for other in ("cnv_", "cnv", "cnv_" + "U" * 26, "cnv_" + "0" * 25, "cnv_../../etc/passwd"):
        assert not is_id(other, "cnv")
