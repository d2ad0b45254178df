"""The chart of curves that are read: zoomed, panned, smoothed, with exact values under a cursor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import ClassVar

from rich.cells import cell_len
from textual import on, work
from textual.binding import BindingType
from textual.events import Click, MouseScrollDown, MouseScrollUp
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.worker import Worker, WorkerState

from model.alphabet import visible
from tui.keys import hidden
from tui.widgets.chart import Chart, Line, Mark, Reference
from tui.widgets.curve import Curve
from tui.widgets.picture import Row, write
from tui.widgets.thinner import Detail, Thinner, several
from tui.widgets.view import View

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
    KEYS: ClassVar[str] = "←→ cursor · ↑↓ zoom · shift pan · 0 all"
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
    _catching_up = False
    """Whether a thread has the thinner, for what is too much to do while the keys wait."""

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

    @cached_property
    def _thinner(self) -> Thinner:
        return Thinner()

    def _draw(self) -> None:
        if not self.size.width:  # hidden: nothing is known of how much there is to thin out
            return
        if not any(curve.last >= 0 for curve in self._curves):
            self.show()
            return
        if self._catching_up:
            return  # drawn when that is done
        view = self._view
        detail = Detail(view.left, view.right, self.size.width, self.weight)
        if self._thinner.new_steps(self._curves, detail) > MOST_AT_ONCE:
            self._catching_up = True
            self._catch_up(self._curves, detail)
            return
        lines = self._thinner.lines(self._curves, detail)
        others = self._others if view.whole else _near(self._others, lines)
        self.show(*lines, *others, x_range=(view.left, view.right))

    @work(thread=True, group="curves", exit_on_error=False, description="thin out")
    def _catch_up(self, curves: Sequence[Curve], detail: Detail) -> None:
        """Thin out and average many steps at once, while the screen shows what it did before."""
        self._thinner.lines(curves, detail)

    @on(Worker.StateChanged)
    def take_lines(self, message: Worker.StateChanged) -> None:
        """Draw what was thinned out, and what came meanwhile; after a failure, wait for more."""
        # What the worker is by now says nothing: this may be the message that it has begun.
        if message.state not in (WorkerState.PENDING, WorkerState.RUNNING):
            self._catching_up = False
        if message.state is WorkerState.SUCCESS:
            self._draw()

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
        both = not several(self._curves)
        for curve in self._curves:
            name, found = visible(curve.mark or curve.label), curve.near(step)
            smooth = self.weight and curve.steps is None and found and not self._catching_up
            parts = [name] if name else []
            if found is None:
                parts.append("–")
            elif both or not smooth:
                parts.append(_exact(found[1], decimals))
            if found is not None and found[0] != step:
                parts.append(f"at {found[0]:,}")
            if smooth:
                parts.append(
                    f"~{_exact(float(self._thinner.average(curve, self.weight)[step]), decimals)}"
                )
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
