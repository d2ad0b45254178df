"""When the next chunk of steps is due."""

import time

import pytest
from viewers import wait_until

from model.pace import Pace


def test_after_way_was_given_the_next_chunk_is_due_later():
    pace = Pace(None)
    pace.begin(0)
    due = pace.due
    pace.give_way()
    later = pace.due
    assert later > due
    pace.note(time.perf_counter(), 1)  # the chunk that was under way meanwhile
    assert pace.due >= later


def test_at_a_speed_to_watch_no_way_is_given():
    pace = Pace(100)
    pace.begin(0)
    due = pace.due
    pace.give_way()
    assert pace.due == due


def test_keys_that_never_cease_leave_a_run_its_turns():
    pace = Pace(None)
    pace.begin(0)

    def has_its_turn() -> bool:
        pace.give_way()
        return pace.due <= time.perf_counter()

    for _ in range(3):
        wait_until(lambda: not has_its_turn(), "a key that goes first")
        wait_until(has_its_turn)


@pytest.mark.parametrize(("seconds", "short"), [(0.00006, True), (0.0009, True), (0.009, False)])
def test_only_where_steps_are_short_do_other_threads_need_a_breath(seconds: float, short: bool):
    pace = Pace(None)
    pace.note(time.perf_counter() - 10_000 * seconds, 10_000)
    assert pace.short == short
