"""A table whose rows change under the cursor."""

from collections.abc import Sequence

import pytest
from textual.app import ComposeResult
from textual.content import Content
from textual.geometry import Region
from textual.pilot import Pilot
from workbench import rows, settle

from tui.display import Display
from tui.widgets.live_table import Cell, Column, LiveTable, fitted

COLUMNS = (Column("name", 6), Column("all\nnumber", 8, right=True))


class TableApp(Display):
    """Nothing but a table."""

    CSS = "LiveTable { height: 6; }"

    def __init__(self) -> None:
        super().__init__()
        self.chosen: list[str] = []
        self.asked: list[int] = []

    def compose(self) -> ComposeResult:
        yield LiveTable()

    def on_live_table_chosen(self, message: LiveTable.Chosen) -> None:
        self.chosen.append(message.key)

    @property
    def table(self) -> LiveTable:
        return self.query_one(LiveTable)

    def show(self, names: Sequence[str], number: int = 0) -> None:
        def cells(row: int) -> list[Cell]:
            self.asked.append(row)
            return [names[row], f"{number}"]

        self.table.show(COLUMNS, list(names), cells)


async def press(pilot: Pilot, *keys: str) -> None:
    await pilot.press(*keys)
    await settle(pilot)


def shown(app: TableApp) -> list[str]:
    return [row.rstrip() for row in rows(app.table)]


async def test_the_head_stays_and_the_rows_scroll():
    app = TableApp()
    async with app.run_test(size=(30, 10)) as pilot:
        app.show("abcdefgh")
        await press(pilot, "tab")
        assert shown(app)[:3] == ["            all", "name     number", "a             0"]
        await press(pilot, "end")
        assert shown(app)[1].startswith("name")
        assert [row[0] for row in shown(app)[2:]] == ["e", "f", "g", "h"]
        await press(pilot, "enter", "home", "down", "enter", "pagedown", "enter")
        assert app.chosen == ["h", "b", "e"]


@pytest.mark.parametrize(("width", "whole"), [(17, True), (16, False), (15, False)])
async def test_a_number_that_the_scrollbar_would_cover_is_left_out(width: int, whole: bool):
    app = TableApp()
    async with app.run_test(size=(width, 10)) as pilot:
        app.show("abcdefgh", 12345678)
        await settle(pilot)
        assert ("12345678" in shown(app)[2]) is whole
        assert ("1" in shown(app)[2]) is whole


async def test_only_what_is_seen_is_made():
    app = TableApp()
    async with app.run_test(size=(30, 10)) as pilot:
        app.show([f"{number}" for number in range(10_000)])
        await settle(pilot)
        assert set(app.asked) == set(range(4))


async def test_the_cursor_follows_its_row_and_stays_on_the_first():
    app = TableApp()
    async with app.run_test(size=(30, 10)) as pilot:
        app.show("abcdef")
        app.show("fedcba")
        assert app.table.cursor == 0
        await press(pilot, "tab", "down", "down")
        app.show("dabcefgh")
        assert app.table.cursor == 0
        await press(pilot, "end")
        app.show("ha")
        assert app.table.cursor == 0
        app.show(())
        await press(pilot, "down", "up", "end", "home", "enter", "pagedown")
        assert app.chosen == []
        app.show("ab")
        await press(pilot, "down", "enter")
        assert app.chosen == ["b"]


async def test_only_lines_that_differ_are_drawn_again(monkeypatch):
    app = TableApp()
    async with app.run_test(size=(30, 10)) as pilot:
        app.show("abc")
        await settle(pilot)
        drawn: list[tuple[Region, ...]] = []
        refresh = app.table.refresh
        monkeypatch.setattr(
            app.table,
            "refresh",
            lambda *regions, **how: (drawn.append(regions), refresh(*regions, **how))[1],
        )
        app.show("abc")
        assert drawn == []
        app.show("axc")
        assert [region.y for regions in drawn for region in regions] == [3]
        await settle(pilot)
        assert shown(app)[3].startswith("x")


async def test_a_click_puts_the_cursor_and_a_second_one_chooses():
    app = TableApp()
    async with app.run_test(size=(30, 10)) as pilot:
        app.show("abcd")
        await settle(pilot)
        await pilot.click(LiveTable, offset=(1, 0))
        await pilot.click(LiveTable, offset=(1, 4))
        assert (app.table.cursor, app.chosen) == (2, [])
        await pilot.click(LiveTable, offset=(1, 4))
        assert app.chosen == ["c"]


def test_what_is_in_a_cell_fills_it():
    for text in ("", "a", "漢字", "abcdefghij", "漢字漢字漢字"):
        for width in (1, 4, 5):
            for right in (False, True):
                assert fitted(text, width, right=right).cell_length == width
    assert fitted(Content.styled("ab", "bold"), 4, right=True).plain == "  ab"
