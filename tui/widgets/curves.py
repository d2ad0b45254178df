"""The chart of curves that are read: zoomed, panned, smoothed, with exact values under a cursor."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual import work
from textual.binding import BindingType
from textual.events import Click, MouseScrollDown, MouseScrollUp
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive

from model.alphabet import visible
from tui.keys import hidden
from tui.widgets.chart import Chart, Line, Mark, Reference
from tui.widgets.curve import Curve
from tui.widgets.picture import Row, write
from tui.widgets.view import View

if TYPE_CHECKING:
    from torch import Tensor

    from model.curves import Smoothed, Thinned

CURSOR, READOUT = "curves--cursor", "curves--readout"
WEIGHTS = (0.0, 0.9, 0.99, 0.999)
"""Of the moving average; 0 for none."""
ZOOM = 2.0
PAN = 4  # pans to the width of a view
MOST_AT_ONCE = 100_000  # steps that are thinned out and averaged while the keys wait
LEAST_HEIGHT = 6  # rows of a chart for each that the readout may take


class Curves(Chart, can_focus=True):
    """A chart of the curves that `plot` was last given, however long, and of what is beside them.

    What is seen stays when new values come, unless the cursor is at the end: then it follows.
    """

    class Looked(Message):
        """Something else of it is seen, or in another way."""

    BINDINGS: ClassVar[list[BindingType]] = [
        hidden("left", "move(-1)", "Cursor left", "A column of the chart"),
        hidden("right", "move(1)", "Cursor right", "A column of the chart"),
        hidden("up", "zoom(-1)", "Zoom in", "Around the cursor"),
        hidden("down", "zoom(1)", "Zoom out", "Around the cursor"),
        hidden("shift+left", "pan(-1)", "Pan left", "A quarter of what is seen"),
        hidden("shift+right", "pan(1)", "Pan right", "A quarter of what is seen"),
        hidden("home", "go_to_first", "First step", "Move the cursor there"),
        hidden("end", "go_to_last", "Last step", "And follow the end of a run that goes on"),
        hidden("0,escape", "show_all", "Show all", "Zoom out as far as it goes"),
    ]
    KEYS: ClassVar[str] = "←→ cursor · ↑↓ zoom · shift+←→ pan · 0 all"
    """For the frame that it is in."""
    COMPONENT_CLASSES: ClassVar[set[str]] = {CURSOR, READOUT}
    DEFAULT_CSS = """
    Curves {
        & > .curves--cursor { color: $text-accent; text-style: bold; }
        & > .curves--readout { color: $text-accent; text-style: bold; }
    }
    """

    weight: reactive[float] = reactive(0.0, init=False, repaint=False)
    """Of the past in the moving average that is drawn; 0 for the curves as they are."""

    _curves: Sequence[Curve] = ()
    _others: Sequence[Reference | Mark] = ()
    _view = View()
    _base: tuple[Size, list[Row]] | None = None
    """The picture without the cursor, and its size."""
    _read_rows = 0
    """That the readout has needed."""
    _done: Mapping[Hashable, int] = {}
    """How many steps of each curve are thinned out and averaged already."""
    _catching_up = False
    """Whether a thread does that for what is too much to do while the keys wait."""

    def plot(
        self, curves: Sequence[Curve], others: Sequence[Reference | Mark] = (), *, reach: int = 0
    ) -> None:
        """Show these curves and nothing else.

        Args:
            curves: what is thinned out, smoothed and read.
            others: what is drawn beside them.
            reach: the last step on the axis, where that is not the last one of a curve.
        """
        looks = self.looks
        keys = {one.key for one in curves}
        if keys.isdisjoint(one.key for one in self._curves):
            self._view, self._read_rows = View(), 0
            self._thinned: dict[Hashable, tuple[Hashable, Thinned]] = {}
            self._averages: dict[Hashable, Smoothed] = {}
        for cache in (self._thinned, self._averages):
            for key in cache.keys() - keys:
                del cache[key]
        self._curves, self._others = curves, others
        last = max((curve.last for curve in curves), default=-1)
        self._view = self._view.grown(max(last, 0), reach)
        self._draw()
        if self.looks != looks:
            self.post_message(self.Looked())

    @property
    def looks(self) -> list[str]:
        """How it is looked at, other than plainly, for a title."""
        smoothed = f"smoothed {self.weight:g}" if self.weight else ""
        zoomed = "" if self._view.whole else "follows the end" if self._view.follows else "zoomed"
        return [text for text in ("log scale" * self.log_scale, smoothed, zoomed) if text]

    # What the keys do

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Escape is for others when all is seen."""
        return not self._view.whole if action == "show_all" else True

    def action_move(self, columns: int) -> None:
        """Move the cursor."""
        self._look(self._view.moved(columns * self._steps_a_column))

    def action_zoom(self, by: int) -> None:
        """See more steps, or fewer in more detail."""
        self._look(self._view.zoomed(ZOOM**by))

    def action_pan(self, by: int) -> None:
        """See steps that come before or after."""
        self._look(self._view.panned(by * max(1, self._view.width // PAN)))

    def action_go_to_first(self) -> None:
        """Move the cursor to the first step."""
        self._look(self._view.moved(-self._view.cursor))

    def action_go_to_last(self) -> None:
        """Move the cursor to the last step."""
        self._look(self._view.moved(self._view.last - self._view.cursor))

    def action_show_all(self) -> None:
        """See all there is."""
        self._look(self._view.all())

    def action_smooth(self) -> None:
        """Smooth more, or no more."""
        self.weight = WEIGHTS[(WEIGHTS.index(self.weight) + 1) % len(WEIGHTS)]

    def on_click(self, event: Click) -> None:
        """Put the cursor where the click was."""
        place = event.get_content_offset(self)
        if place is not None and self._columns:
            column = place.x - (self.size.width - self._columns)
            step = self._view.left + round((column + 0.5) * self._view.width / self._columns)
            step = min(max(self._view.left, step), self._view.right)
            self._look(self._view.moved(step - self._view.cursor))

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """Zoom in."""
        event.stop()
        self.action_zoom(-1)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """Zoom out."""
        event.stop()
        self.action_zoom(1)

    def watch_weight(self) -> None:
        """Smooth anew."""
        self._averages, self._thinned = {}, {}
        self._draw()
        self.post_message(self.Looked())

    def watch_log_scale(self) -> None:
        """Draw anew."""
        super().watch_log_scale()
        self.post_message(self.Looked())

    def watch_has_focus(self, has_focus: bool) -> None:
        """Show the cursor, or hide it."""
        super().watch_has_focus(has_focus)
        self.redraw()

    def on_resize(self) -> None:
        """Thin the curves out for the new width."""
        self._read_rows = 0
        self._draw()

    def _look(self, view: View) -> None:
        before, self._view = self._view, view
        if (view.left, view.right) != (before.left, before.right):
            self._y_limits = None  # those of what is seen now
            self._draw()
        elif view != before:
            super().redraw()  # the cursor alone
        if (view.whole, view.follows) != (before.whole, before.follows):
            self.post_message(self.Looked())

    @property
    def _steps_a_column(self) -> int:
        return max(1, round(self._view.width / max(1, self._columns)))

    # What is drawn

    def _draw(self) -> None:
        if not self.size.width:  # hidden: nothing is known of how much there is to thin out
            return
        if not any(curve.last >= 0 for curve in self._curves):
            self.show()
            return
        if self._catching_up:
            return  # drawn when that is done
        stages = self._stages()
        new = sum(steps - self._done.get(stage, 0) for stage, steps in stages.items())
        if new > MOST_AT_ONCE:
            self._catching_up = True
            self._catch_up(self._curves)
            return
        lines = [line for curve in self._curves for line in self._lines(curve)]
        self._done = stages
        others = self._others if self._view.whole else _near(self._others, lines)
        self.show(*lines, *others, x_range=(self._view.left, self._view.right))

    def _stages(self) -> dict[Hashable, int]:
        """How many steps there are of each curve, as it is looked at now."""
        look = self._view.left, self._bucket, self.weight
        return {(one.key, look): len(one.values) for one in self._curves if one.steps is None}

    @work(thread=True, group="curves", exit_on_error=False, description="thin out")
    def _catch_up(self, curves: Sequence[Curve]) -> None:
        """Thin out and average many steps at once, while the screen shows what it did before."""
        stages = self._stages()
        for curve in curves:
            self._lines(curve)
        self.call_later(self._caught_up, stages)

    def _caught_up(self, stages: dict[Hashable, int]) -> None:
        self._catching_up, self._done = False, stages
        self._draw()

    def _lines(self, curve: Curve) -> list[Line]:
        """A curve as it is drawn; the one curve that is smoothed has what it was behind it."""
        if curve.steps is not None:
            return [self._some(curve, curve.steps)]
        if not self.weight:
            return [self._every(curve, curve.values)]
        smooth = self._every(curve, self._average(curve))
        if self._several:
            return [smooth]
        plain = self._thin((curve.key, "plain"), curve.values)
        return [Line(*plain, style="dots"), smooth]

    @property
    def _several(self) -> bool:
        """Whether there is more than one curve that can be smoothed."""
        return sum(one.steps is None for one in self._curves) > 1

    def _every(self, curve: Curve, values: Tensor) -> Line:
        alone = len(self._curves) == 1 and not curve.mark
        return Line(*self._thin(curve.key, values), "" if alone else curve.label, mark=curve.mark)

    def _some(self, curve: Curve, steps: Sequence[int]) -> Line:
        first, end = bisect_left(steps, self._view.left), bisect_right(steps, self._view.right)
        values, seen = curve.values[first:end], steps[first:end]
        from model.curves import envelope

        places, kept = envelope(values, max(1, len(values) // self.size.width))
        return Line([seen[place] for place in places], kept, curve.label, "marked", curve.mark)

    def _thin(self, key: Hashable, values: Tensor) -> tuple[list[int], list[float]]:
        from model.curves import Thinned

        look = self._view.left, self._bucket
        seen, thinned = self._thinned.get(key, (None, None))
        if thinned is None or seen != look:
            thinned = Thinned(*look)
            self._thinned[key] = look, thinned
        return thinned.points(values, self._view.right + 1)

    @property
    def _bucket(self) -> int:
        """The steps of which the least and the largest value are drawn."""
        return -(-(self._view.width + 1) // max(1, self.size.width))

    def _average(self, curve: Curve) -> Tensor:
        from model.curves import Smoothed

        if curve.key not in self._averages:
            self._averages[curve.key] = Smoothed(self.weight)
        return self._averages[curve.key].values(curve.values)

    def redraw(self) -> None:
        """Draw anew."""
        self._base = None
        super().redraw()

    def picture(self, size: Size) -> list[Row]:
        """Return the curves, and over them the cursor, under a row of what it reads."""
        lines: list[str] = []
        if self.has_focus and size.height >= LEAST_HEIGHT and self._series:
            lines = self._readout(size.width, size.height // LEAST_HEIGHT)
            # It does not shrink again, so that the chart does not jump as the cursor moves.
            lines += [""] * (self._read_rows - len(lines))
            self._read_rows = len(lines)
        inner = Size(size.width, size.height - len(lines))
        if self._base is None or self._base[0] != inner:
            self._base = inner, super().picture(inner)
        if not lines:
            return self._base[1]
        rows = [row.copy() for row in self._base[1]]
        if self._columns:
            self._draw_cursor(rows)
        for line in reversed(lines):
            rows.insert(0, [(" ", "")] * size.width)
            write(rows[0], 0, line, READOUT)
        return rows

    def _draw_cursor(self, rows: list[Row]) -> None:
        share = (self._view.cursor - self._view.left) / self._view.width
        column = len(rows[0]) - self._columns + min(int(share * self._columns), self._columns - 1)
        for row in rows[:-2]:
            character, _ = row[column]
            if character:  # and not the right half of a wide one
                row[column] = ("│" if character in " ┊" else character, CURSOR)

    def _readout(self, width: int, most: int) -> list[str]:
        """The step under the cursor and the value of every curve there, in one line if possible."""
        lines: list[str] = []
        for decimals in (5, 4):
            lines = []
            for part in self._read(decimals):
                joined = f"{lines[-1]} · {part}" if lines else part
                if lines and cell_len(joined) <= width:
                    lines[-1] = joined
                else:
                    lines.append(part)
            if len(lines) == 1:
                break
        return lines[:most]

    def _read(self, decimals: int) -> Iterator[str]:
        step = self._view.cursor
        yield f"step {step:,}"
        several = self._several
        for curve in self._curves:
            name, found = visible(curve.mark or curve.label), curve.near(step)
            smooth = self.weight and curve.steps is None and found and not self._catching_up
            parts = [name] if name else []
            if found is None:
                parts.append("–")
            elif not (smooth and several):
                parts.append(_exact(found[1], decimals))
            if found is not None and found[0] != step:
                parts.append(f"at {found[0]:,}")
            if smooth:
                parts.append(f"~{_exact(float(self._average(curve)[step]), decimals)}")
            yield " ".join(parts)


def _exact(value: float, decimals: int) -> str:
    """A value as it is read, with so many decimals where these say enough of it."""
    plain = value == 0 or 0.001 <= abs(value) < 10_000
    return f"{value:.{decimals}f}" if plain else f"{value:.{decimals}g}"


def _near(others: Iterable[Reference | Mark], lines: Sequence[Line]) -> list[Reference | Mark]:
    """What is not so far from the lines that these would be flat beside it."""
    ys = [y for line in lines for y in line.ys if abs(y) < float("inf")]
    if not ys:
        return list(others)
    low, high = min(ys), max(ys)
    room = (high - low) / 2
    return [one for one in others if isinstance(one, Mark) or low - room <= one.y <= high + room]
