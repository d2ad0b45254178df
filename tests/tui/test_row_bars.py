"""One row of the table as bars: counting, the network, and the outcome under the cursor."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.app import ComposeResult
from textual.geometry import Size
from workbench import key_event, rows, settle

from tui.display import Display
from tui.widgets.row_bars import Distributions, RowBars

LABELS = list("abcdefghijklmnopqrstuvwxyz")
PLAIN = Distributions(list("abcd"), [0.5, 0.25, 0.0, 0.25], None, 1)


class BarsApp(Display):
    """Nothing but bars, and what they ask for."""

    CSS = "RowBars { height: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self.bars = RowBars()
        self.asked: list[int] = []

    def compose(self) -> ComposeResult:
        yield self.bars

    def on_row_bars_moved(self, message: RowBars.Moved) -> None:
        self.asked.append(message.by)


async def picture(row: Distributions | None, size: tuple[int, int]) -> list[str]:
    app = BarsApp()
    async with app.run_test(size=size) as pilot:
        app.bars.show(row)
        await settle(pilot)
        return rows(app.bars)


async def test_bars_are_as_long_as_their_probabilities():
    shown = await picture(PLAIN, (19, 6))
    assert shown[0].split() == ["█", "counts"]
    assert [line.count("█") for line in shown[1:5]] == [16, 8, 0, 8]
    assert [line.split()[0] for line in shown[1:5]] == list("abcd")
    assert shown[3].split() == ["c"]


async def test_what_is_possible_is_never_without_a_bar():
    row = Distributions(list("abc"), [1 - 1e-9, 1e-9, 0.0], None, 0)
    shown = await picture(row, (19, 6))
    assert shown[2].split() == ["b", "▏"]
    assert shown[3].split() == ["c"]


async def test_the_network_is_a_mark_on_each_bar():
    row = Distributions(list("abc"), [0.5, 0.5, 0.0], [0.0, 0.25, 0.75], 0)
    shown = await picture(row, (23, 6))
    assert "◆ network" in shown[0]
    places = [line.index("◆") - 3 for line in shown[1:4]]
    assert places == [0, 6, 19]
    assert all(line.count("◆") == 1 for line in shown[:4])


async def test_wide_bars_have_figures():
    row = Distributions(list("ab"), [0.75, 0.25], [0.125, 0.875], 0)
    shown = await picture(row, (40, 5))
    assert shown[1].split()[-2:] == [".7500", ".1250"]
    assert shown[2].split()[-2:] == [".2500", ".8750"]
    assert (
        ".7500" in (await picture(PLAIN.__class__(list("ab"), [0.75, 0.25], None, 0), (40, 5)))[1]
    )
    assert "." not in "".join(await picture(row, (20, 5)))


@pytest.mark.parametrize("outcome", range(0, 26, 5))
async def test_the_outcome_under_the_cursor_is_marked_and_visible(outcome: int):
    app = BarsApp()
    async with app.run_test(size=(20, 8)) as pilot:
        app.bars.show(Distributions(LABELS, [1 / 26] * 26, None, outcome))
        await settle(pilot)
        here = app.bars.get_component_rich_style("row-bars--here")
        strips = app.bars.render_lines(app.bars.size.region)
        marked = [each.text for strip in strips for each in strip if each.style == here]
        assert marked == [LABELS[outcome]]
        assert len([line for line in rows(app.bars)[1:] if line.strip()]) == 7


async def test_keys_ask_for_another_outcome():
    app = BarsApp()
    async with app.run_test(size=(20, 8)) as pilot:
        app.bars.show(PLAIN)
        app.bars.focus()
        for key in ("down", "j", "up", "k", "x"):
            app.post_message(key_event(key))
            await settle(pilot)
        assert app.asked == [1, 1, -1, -1]


async def test_without_a_row_there_is_nothing():
    assert not "".join(await picture(None, (20, 8))).strip()


shares = st.floats(0, 1)
columns = st.lists(
    st.tuples(st.sampled_from(["a", "漢", "\\u202e", "[b]", "."]), shares, shares),
    min_size=1,
    max_size=30,
)


async def test_every_picture_has_its_size():
    app = BarsApp()
    async with app.run_test(size=(20, 8)):

        @given(columns, st.booleans(), st.integers(0, 29), st.integers(1, 60), st.integers(1, 20))
        @settings(max_examples=300)
        def draw(outcomes, network, outcome, width, height):
            labels, p, q = map(list, zip(*outcomes, strict=True))
            row = Distributions(labels, p, q if network else None, min(outcome, len(labels) - 1))
            app.bars._row = row
            drawn = app.bars.picture(Size(width, height))
            assert [len(line) for line in drawn] == [width] * height

        draw()
