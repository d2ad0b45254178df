"""A table as a heat-map: what is looked up and drawn of it, and where its cursor is."""

import re
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.app import ComposeResult
from textual.events import MouseScrollDown, MouseScrollUp
from textual.geometry import Region, Size
from workbench import key_event, rows, settle

from tui.display import Display
from tui.widgets.heat_map import HeatMap, Table
from tui.widgets.shades import Scale

SIZE = (40, 12)
VISIBLE = 10
LETTERS = "".join(map(chr, range(ord("a"), ord("z") + 1)))


class WatchedHeatMap(HeatMap):
    """Records every region that it asks Textual to repaint; can pretend to have another size."""

    repainted: Sequence[Region | None] = ()
    pretended: Size | None = None

    @property
    def size(self) -> Size:
        return super().size if self.pretended is None else self.pretended

    def refresh(self, *regions: Region, **options):
        self.repainted = [*self.repainted, *(regions or [None])]
        return super().refresh(*regions, **options)


class MapApp(Display):
    """Nothing but a heat-map, and what it says and asks for."""

    CSS = "HeatMap { height: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self.map = WatchedHeatMap(empty="nothing [yet]")
        self.asked: list[tuple[int, int]] = []
        self.columns_asked: list[range] = []
        self.said: list[HeatMap.Moved | HeatMap.Chosen | HeatMap.Typed] = []

    def compose(self) -> ComposeResult:
        yield self.map

    def on_mount(self) -> None:
        self.map.focus()

    def on_heat_map_chosen(self, message: HeatMap.Chosen) -> None:
        self.said.append(message)

    def on_heat_map_typed(self, message: HeatMap.Typed) -> None:
        self.said.append(message)

    def table(
        self,
        length: int = 1_000_000,
        columns: Sequence[str] = LETTERS,
        scale: Scale | None = None,
        label: str = "r{}",
        add: float = 0,
        follow: bool = False,
    ) -> Table:
        """A table whose numbers are the sum of row and column, modulo 10."""

        def block(first: int, last: int):
            self.asked.append((first, last))

            def numbers(some: slice) -> list[list[float]]:
                places = range(len(columns))[some]
                self.columns_asked.append(places)
                return [[add + (row + at) % 10 for at in places] for row in range(first, last)]

            return [label.format(row) for row in range(first, last)], numbers

        return Table("any", list(columns), length, block, scale or Scale(0, 10), follow)

    @property
    def lines(self) -> list[str]:
        return rows(self.map)

    def cursor(self) -> tuple[str, str]:
        """The labels at the cursor, as the style of the labels shows them."""
        here = self.map.get_component_rich_style("heat-map--here")
        strips = self.map.render_lines(self.map.size.region)
        marked = [
            "".join(segment.text for segment in strip if segment.style == here).strip()
            for strip in strips
        ]
        [row] = [text for text in marked[1:] if text]
        return row, marked[0]


async def press(pilot, *keys: str) -> None:
    for key in keys:
        pilot.app.post_message(key_event(key))
        await settle(pilot)


# What is looked up


async def test_only_visible_rows_are_asked_for_and_once():
    app = MapApp()
    async with app.run_test(size=SIZE) as pilot:
        app.map.show(app.table())
        await settle(pilot)
        assert set(app.asked) == {(0, VISIBLE)}
        for keys in (["down"] * 9, ["right"] * 5, ["left", "j", "k"], ["home"]):
            app.asked.clear()
            await press(pilot, *keys)
            assert len(app.asked) <= 1
        app.asked.clear()
        await press(pilot, "ctrl+end")
        assert app.asked == [(1_000_000 - VISIBLE, 1_000_000)]
        await press(pilot, "pageup", "pageup", "ctrl+home")
        assert all(last - first <= VISIBLE for first, last in app.asked)
        assert len(app.asked) <= 4
        app.asked.clear()
        app.map.show(app.table())
        assert len(app.asked) == 1


async def test_only_visible_columns_are_asked_for():
    app = MapApp()
    async with app.run_test(size=SIZE) as pilot:
        app.map.show(app.table(columns=LETTERS * 100))
        await press(pilot, "end", "left", "home")
        assert app.columns_asked
        assert all(len(columns) <= SIZE[0] // 2 for columns in app.columns_asked)


async def test_without_a_table_it_says_why():
    app = MapApp()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "down", "enter", "pagedown", "ctrl+end")
        assert "nothing [yet]" in "".join(app.lines)
        app.map.show(None, "counting…")
        await settle(pilot)
        assert "counting…" in "".join(app.lines)
        assert not app.said


# Where the cursor is


async def test_keys_move_the_cursor():
    steps = {
        "down": ("r1", "a"),
        "j": ("r2", "a"),
        "right": ("r2", "b"),
        "l": ("r2", "c"),
        "up": ("r1", "c"),
        "k": ("r0", "c"),
        "left": ("r0", "b"),
        "h": ("r0", "a"),
        "end": ("r0", "z"),
        "pagedown": ("r9", "z"),
        "ctrl+end": ("r99", "z"),
        "pageup": ("r90", "z"),
        "home": ("r90", "a"),
        "ctrl+home": ("r0", "a"),
    }
    app = MapApp()
    async with app.run_test(size=SIZE) as pilot:
        app.map.show(app.table(100))
        for key, cursor in steps.items():
            await press(pilot, key)
            assert app.cursor() == cursor, key
        await press(pilot, "up", "left", "enter")
        assert app.cursor() == ("r0", "a")
        assert [type(each) for each in app.said] == [HeatMap.Chosen]


async def test_characters_are_places_unless_they_move():
    app = MapApp()
    async with app.run_test(size=SIZE) as pilot:
        app.map.characters = frozenset("hxq.")
        app.map.show(app.table(9))
        await press(pilot, "right", "x", "q", ".", "h", "y")
        assert [each.character for each in app.said] == ["x", "q", "."]
        assert app.cursor() == ("r0", "a")


async def test_clicks_and_the_wheel_move_the_cursor():
    app = MapApp()
    async with app.run_test(size=SIZE) as pilot:
        app.map.show(app.table(100))
        await settle(pilot)
        x = app.lines[0].index("d")
        await pilot.click(HeatMap, offset=(x, 4))
        await settle(pilot)
        assert app.cursor() == ("r3", "d")
        for offset in ((0, 2), (x, 0), (x, 11)):
            await pilot.click(HeatMap, offset=offset)
            await settle(pilot)
            assert app.cursor() == ("r3", "d")
        for kind, row in ((MouseScrollDown, "r6"), (MouseScrollDown, "r9"), (MouseScrollUp, "r6")):
            app.map.post_message(kind(app.map, 5, 5, 0, 0, 0, False, False, False))
            await settle(pilot)
            assert app.cursor() == (row, "d")


moves = st.one_of(
    st.tuples(st.just("move"), st.sampled_from([(-1, 0), (0, -1), (0, 1), (99, 9), (7, -3)])),
    st.tuples(st.just("page"), st.sampled_from([1, -1])),
    st.tuples(st.just("size"), st.sampled_from([(0, 0), (24, 6), (90, 30)])),
    st.tuples(st.just("show"), st.sampled_from([1, 5, 60])),
)


async def test_the_cursor_is_always_visible():
    app = MapApp()
    async with app.run_test(size=SIZE):

        @given(st.lists(moves, max_size=30))
        @settings(max_examples=150)
        def go(some):
            map, size = app.map, Size(*SIZE)
            map.show(app.table(60, label="wide{}"))
            for what, by in [*some, ("size", SIZE)]:
                if what == "move":
                    map.action_move(*by)
                elif what == "page":
                    map.action_page(by)
                elif what == "show":
                    map.show(app.table(by, label="wide{}"))
                else:
                    size = Size(*by)
                    map.pretended = size
                    map.on_resize()
                if size.area:
                    picture = map.picture(size)
                    here = [text for row in picture for text, role in row if "--here" in role]
                    assert len(here) >= 2, (what, by)
                    assert any(role.startswith("cursor") for row in picture for _, role in row)

        go()


async def test_cursor_and_scroll_survive_other_numbers():
    app = MapApp()
    async with app.run_test(size=SIZE) as pilot:
        app.map.show(app.table(100))
        await press(pilot, *["pagedown"] * 4, "up", "up", "end", "left")
        before = app.cursor(), app.lines[0], [line[:4] for line in app.lines]
        assert before[0] == ("r34", "y")
        for add in range(5):
            app.map.show(app.table(100, add=add))
            await settle(pilot)
            assert (app.cursor(), app.lines[0], [line[:4] for line in app.lines]) == before


# What is drawn


async def test_only_lines_that_changed_are_sent_again():
    app = MapApp()
    async with app.run_test(size=SIZE) as pilot:
        app.map.show(app.table(100))
        await press(pilot, "down")
        app.map.repainted = ()
        app.map.show(app.table(100))
        await settle(pilot)
        assert app.map.repainted == ()
        await press(pilot, "down")
        assert None not in app.map.repainted
        # The two rows of the cursor, and the legend, which names the row.
        assert {region.y for region in app.map.repainted} == {2, 3, SIZE[1] - 1}


@pytest.mark.parametrize(("columns", "width"), [(26, 2), (9, 3), (3, 6)])
async def test_cells_are_as_wide_as_there_is_room_and_the_widest_hold_figures(
    columns: int, width: int
):
    app = MapApp()
    async with app.run_test(size=(34, 8)) as pilot:
        app.map.show(app.table(5, LETTERS[:columns]))
        await press(pilot, "ctrl+end")
        head = app.lines[0]
        assert head.index("b") - head.index("a") == width
        figures = re.findall(r"\d", app.lines[1][2:])
        assert figures == (["1", "2"] if width == 6 else [])
        assert app.lines[5].count("[") == 1
        assert app.lines[5].index("]") - app.lines[5].index("[") == width - 1


async def test_more_columns_than_fit_are_scrolled_to():
    app = MapApp()
    async with app.run_test(size=(24, 8)) as pilot:
        app.map.show(app.table(5))
        await settle(pilot)
        assert set(app.lines[0].split()) == set("abcdefghij")
        for letter in LETTERS[1:]:
            await press(pilot, "right")
            assert app.cursor() == ("r0", letter)
        assert set(app.lines[0].split()) == set("qrstuvwxyz")


async def test_wide_labels_are_shown_whole_and_cut_where_they_leave_no_room():
    columns = ["漢", "字", "\\u202e", "[b]", "."]
    app = MapApp()
    async with app.run_test(size=(50, 8)) as pilot:
        app.map.show(app.table(5, columns, label="漢字\\u202e{}"))
        await settle(pilot)
        for label in ("漢", "字", "\\u202e", "[b]"):
            assert label in app.lines[0]
        assert "漢字\\u202e0" in app.lines[1]
        for width in (44, 30, 21, 13):
            await pilot.resize_terminal(width, 8)
            await settle(pilot)
            assert all(len(strip.text) <= width for strip in app.map.render_lines(app.map.region))


def all_tables(app: MapApp) -> Iterator[Table]:
    for scale in (Scale(0, 10), Scale(-0.002, 0.002, signed=True), Scale(0, 5000, root=True)):
        for label in ("r{}", "a long label {}"):
            yield app.table(1_000_000, scale=scale, label=label, follow=scale.root)


@pytest.mark.parametrize("least", [1, 70])
async def test_the_picture_has_the_size_that_there_is(least: int):
    app = MapApp()
    async with app.run_test(size=SIZE):
        for table in all_tables(app):
            for width in range(least, 90):
                for height in (1, 2, 3, 4, 9):
                    app.map.pretended = Size(width, height)
                    app.map.show(table)
                    picture = app.map.picture(Size(width, height))
                    assert [len(row) for row in picture] == [width] * height, (width, height)


async def test_a_narrow_table_can_change():
    app = MapApp()
    async with app.run_test(size=(20, 8)) as pilot:
        app.map.show(app.table(5))
        await settle(pilot)
        app.map.show(app.table(5, scale=Scale(-0.05, 0.05, signed=True)))


async def test_any_size_is_survived():
    app = MapApp()
    async with app.run_test(size=(90, 20)) as pilot:
        app.map.show(app.table(100))
        for size in [(1, 1), (0, 0), (8, 3), (9, 5), (200, 60), (90, 1), (60, 20)]:
            await pilot.resize_terminal(*size)
            await press(pilot, "down", "right", "pagedown")
        assert app.cursor()[1] == "h"
        await press(pilot, "ctrl+end")
        assert app.cursor() == ("r99", "h")


@pytest.mark.parametrize("signed", [False, True])
async def test_without_colour_the_steps_are_shaded(signed: bool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_COLOR", "1")
    app = MapApp()
    async with app.run_test(size=(60, 8)) as pilot:
        scale = Scale(-10, 10, signed=True) if signed else Scale(0, 10)
        app.map.show(app.table(5, LETTERS[:10], scale, add=-5 if signed else 0))
        await settle(pilot)
        shades = {app.lines[1][x : x + 2] for x in range(3, 53, 5)} - {"[-", "[·"}
        assert len(shades) >= 4
        assert not re.search(r"\d", app.lines[2][2:])
        colours = {
            segment.style.bgcolor
            for strip in app.map.render_lines(app.map.size.region)
            for segment in strip
            if segment.style is not None
        }
        assert len(colours) == 1
        for step in scale.steps:
            assert (("-" if step < 0 else "+") in app.lines[-1]) is signed or step == 0
