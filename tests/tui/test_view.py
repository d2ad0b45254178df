"""Which steps are seen: whatever is pressed and whatever comes, some that there are."""

from hypothesis import given
from hypothesis import strategies as st

from tui.widgets.view import LEAST, View

steps = st.integers(0, 2_000_000)
moves = st.one_of(
    st.tuples(st.just("moved"), st.integers(-3_000_000, 3_000_000)),
    st.tuples(st.just("panned"), st.integers(-3_000_000, 3_000_000)),
    st.tuples(st.just("zoomed"), st.sampled_from([0.5, 2.0])),
    st.tuples(st.just("all")),
    st.tuples(st.just("grown"), steps, steps),
)


def changed(view: View, name: str, *values: float) -> View:
    return getattr(view, name)(*values)


@given(st.lists(moves, max_size=30))
def test_a_view_never_leaves_what_there_is(some: list[tuple]):
    view = View()
    for move in some:
        before, view = view, changed(view, *move)
        assert 0 <= view.left <= view.cursor <= view.right <= view.reach, (before, move)
        assert view.cursor <= view.last <= view.reach
        assert view.width >= min(LEAST, view.reach) or view.width == before.width


@given(steps, st.lists(moves.filter(lambda move: move[0] != "grown"), max_size=20), steps)
def test_what_is_seen_stays_when_there_are_more_steps(last: int, some: list[tuple], more: int):
    view = View().grown(last, 0)
    for move in some:
        view = changed(view, *move)
    grown = view.grown(last + more, 0)
    if view.whole:
        assert grown.whole
    elif not view.follows:
        assert (grown.left, grown.right, grown.cursor) == (view.left, view.right, view.cursor)


@given(st.integers(LEAST * 4, 10_000), st.integers(1, 10_000))
def test_at_the_end_it_follows(last: int, more: int):
    view = View().grown(last, 0).zoomed(0.5).zoomed(0.5)
    grown = view.grown(last + more, 0)
    assert grown.follows
    assert grown.cursor == last + more
    assert grown.left <= grown.cursor <= grown.right
    assert grown.width == view.width


@given(steps, st.integers(0, 100), st.integers(1, 12))
def test_zooming_out_undoes_zooming_in(last: int, percent: int, times: int):
    whole = View().grown(last, 0)
    view = whole = whole.moved(last * percent // 100 - last)
    for _ in range(times):
        view = view.zoomed(0.5)
        assert view.cursor == whole.cursor
    for _ in range(times + 1):
        view = view.zoomed(2.0)
    assert view == whole


def test_another_run_that_is_shorter_is_seen():
    view = View().grown(1000, 0).zoomed(0.5).zoomed(0.5).grown(10, 0)
    assert (view.left, view.right, view.cursor) == (0, 10, 10)
