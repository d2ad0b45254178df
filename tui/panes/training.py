"""The network learns: its loss, its speed and the words it writes on the way."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.events import DescendantBlur, DescendantFocus
from textual.reactive import var
from textual.widgets import Static

from model.alphabet import visible
from model.recipe import RECIPES, Recipe
from model.session import Phase, Snapshot
from tui.keys import hidden
from tui.look import Look
from tui.messages import CellFollowed
from tui.panes.pane import Pane
from tui.widgets.bars import share_bar
from tui.widgets.chart import Mark, Reference
from tui.widgets.curve import Curve
from tui.widgets.curves import Curves
from tui.widgets.live_table import Cell, Column, LiveTable
from tui.widgets.picture import ending
from tui.widgets.progress_line import ProgressLine
from tui.widgets.report_log import ReportLog
from tui.widgets.run_table import SIGNS, nats

if TYPE_CHECKING:
    from model.counts import CountModel
    from model.yardstick import Yardstick

LOG_SECONDS = 0.5
MOST_GAPS = 100  # contexts
WIDEST_CONTEXT = 14
BAR_WIDTH = 12


class TrainingPane(Pane):
    """A run: headline, loss curve, progress and the log of reports."""

    NUMBER = 2
    TITLE = "Training"
    HINT = "s step · r reset · x stop · e recipe"
    FOLLOWS = ("snapshot", "look", "recipe", "pace", "full_speed", "counts", "yardstick")
    BESIDE = True
    HELP = """\
### Training

`space` starts and pauses, `s` does one step, `r` goes back to step 0, `x` ends the run.

- Every run is **kept on disk**, with a checkpoint now and then: `R` lists them all, to be opened \
again, compared, renamed and deleted. `D` lets a process of its own go on with the run: the \
terminal may be closed, and whoever opens that run watches and steers it.

- The curve is the **loss**: the mean of -log p over all examples, in nats per token. The line \
below it is the **floor**, which counting reaches at once and the network approaches.
- `shift+tab` goes up to the rows beside the chart, and then to the chart: `left` and `right` \
move a cursor that reads the **exact** loss of a step, `up` and `down` zoom around it, `shift` \
with `left` and `right` pans, `home` and `end` go to the first and the last step, `0` shows all \
again. What is zoomed stays while the run goes on; with the cursor at the end, it follows.
- `m` **smooths**: a moving average that keeps w = 0.9, 0.99 or 0.999 of itself at each step, \
divided by 1 - w^t so that it begins at the first loss. The losses themselves stay as faint dots, \
and `~` stands before the average where it is read.
- Beside it, the **gap** between both, context by context: the largest part stands first, \
`shift+tab` goes there, and `enter` shows that context's row in the Explorer.
- `f` switches to full speed, `-` and `+` change the pace, `l` makes the loss axis logarithmic, \
`e` edits the recipe.
- A network that learns from **batches** of words has two more curves: **t** and **d**, the NLL \
on all words of train and on those of dev, held out; the line named after a way of counting is \
what that reaches on dev. **┊** marks what was changed on the way; `W` shows the layers.
- The recipe **notebook** never clears its gradients, so that they add up, like the loop that it \
retells; **converge** (Adam, cosine) reaches the floor.
"""

    BINDINGS: ClassVar[list[BindingType]] = [
        hidden("m", "smooth", "Moving average", "Of the losses: longer, and then none"),
    ]

    snapshot: var[Snapshot] = var(Snapshot())
    look: var[Look | None] = var(None)
    recipe: var[Recipe] = var(RECIPES["notebook"])
    """What the next run follows."""
    pace: var[float] = var(100)
    full_speed: var[bool] = var(False)
    counts: var[CountModel | None] = var(None)
    yardstick: var[Yardstick | None] = var(None)
    """The counts that are best on dev."""

    _log_due = 0.0

    def compose(self) -> ComposeResult:
        """Lay the parts out one below the other."""
        yield Static(id="headline", markup=False)
        yield Static(id="warning", markup=False)
        with Horizontal(id="loss-and-gaps"):
            yield Curves(id="loss", empty="space starts a run")
            yield LiveTable(id="gaps")
        with Horizontal(id="progress"):
            yield ProgressLine()
            yield Static(id="pace", markup=False)
        yield ReportLog(id="log", classes="target")

    def watch_snapshot(self) -> None:
        """Show what the run has come to."""
        self._show_title()
        self._show_headline()
        self._show_warning()
        self._show_curve()
        self._show_progress()
        self._show_reports()

    def watch_look(self) -> None:
        """Show which contexts are still unlearned."""
        self._show_gaps()

    def watch_recipe(self) -> None:
        """Show what a run would follow."""
        self._show_headline()

    def watch_counts(self) -> None:
        """Show how large the network would be, and the contexts as they are written now."""
        self._show_headline()
        self._show_gaps()

    def watch_yardstick(self) -> None:
        """Draw it."""
        self._show_curve()

    def watch_pace(self) -> None:
        """Show the pace."""
        self._show_progress()

    def watch_full_speed(self) -> None:
        """Show the pace."""
        self._show_progress()

    @property
    def looks(self) -> bool:
        """What learns from batches is judged on dev: its contexts are too many to be listed."""
        recipe = self.snapshot.recipe
        return recipe is None or not recipe.batch_size

    def on_show(self) -> None:
        """Show what came while nobody could see it."""
        self._show_curve()
        self._show_gaps()

    def on_resize(self) -> None:
        """Choose between the layouts."""
        super().on_resize()
        self._show_gaps()

    def action_log_scale(self) -> None:
        """Switch the loss axis between linear and logarithmic."""
        chart = self.query_one(Curves)
        chart.log_scale = not chart.log_scale
        self._show_title()  # in the same frame as the curve

    def action_smooth(self) -> None:
        """Smooth the loss curve, more than before or no more."""
        self.query_one(Curves).action_smooth()
        self._show_title()

    @on(DescendantFocus)
    @on(DescendantBlur)
    def show_hint(self) -> None:
        """Name the keys of what has the focus."""
        self.border_subtitle = Curves.KEYS if self.query_one(Curves).has_focus else self.HINT

    @on(Curves.Looked)
    def _show_title(self) -> None:
        snapshot = self.snapshot
        title = ", ".join([self.TITLE, *self.query_one(Curves).looks])
        process = f"process {snapshot.process}" if snapshot.process else ""
        self.caption = " · ".join(filter(None, (title, visible(snapshot.name), process)))

    def _show_warning(self) -> None:
        warning = self.query_one("#warning", Static)
        if warning.display or self.snapshot.warning:  # the screen is laid out anew with it
            warning.display = bool(self.snapshot.warning)
            warning.update(f"⚠ {visible(self.snapshot.warning)}")

    def _show_headline(self) -> None:
        snapshot = self.snapshot
        recipe = snapshot.recipe or self.recipe
        phase = snapshot.phase
        if phase is Phase.PAUSED and not snapshot.step:
            phase = Phase.IDLE
        parts = [f"{SIGNS[phase]} {phase.value}"]
        if snapshot.steps_per_second and phase is Phase.RUNNING:
            parts.append(f"{_figure(snapshot.steps_per_second)} steps/s")
        penalty = f"L2 {recipe.l2:g}" if recipe.l2 else ""
        parts += [f"{visible(recipe.title)} n={recipe.n}", penalty, snapshot.device]
        lines = [" · ".join(filter(None, parts))]
        if snapshot.error:
            lines.append(snapshot.error)
        elif snapshot.loss is not None and snapshot.floor is not None:
            lines.append(_figures(snapshot, snapshot.loss, snapshot.floor))
        else:
            way = f"{recipe.optimiser}, lr {recipe.learning_rate:g} {recipe.schedule}"
            lines.append(", ".join(filter(None, (self._count(recipe), way, f"seed {recipe.seed}"))))
        headline = self.query_one("#headline", Static)
        headline.update("\n".join(lines), layout=bool(snapshot.error))
        headline.set_class(snapshot.phase is Phase.FAILED, "-failed")

    def _count(self, recipe: Recipe) -> str:
        """How many weights a run would have, where that is known."""
        if self.counts is None or self.counts.ngrams.n != recipe.n:
            return ""
        from model.nets import count_weights

        return f"{count_weights(recipe, self.counts.ngrams):,} weights"

    def _show_curve(self) -> None:
        snapshot, chart = self.snapshot, self.query_one(Curves)
        chart.empty = "too large to be drawn" if snapshot.step else "space starts a run"
        if snapshot.recipe is None:
            chart.plot([])
            return
        curves, beside = self._plotted(snapshot)
        chart.plot(curves, beside, reach=snapshot.recipe.steps - 1)

    def _plotted(self, snapshot: Snapshot) -> tuple[list[Curve], list[Reference | Mark]]:
        """The curves of a run and what is drawn beside them."""
        if snapshot.losses is None or snapshot.floor is None:
            return [], []
        from torch import tensor

        curves = [Curve((snapshot.run, "loss"), snapshot.losses[: snapshot.step], "loss")]
        for part in ("train", "dev"):
            known = [(each.step, getattr(each, part)) for each in snapshot.judged]
            known = [(step, nll) for step, nll in known if nll is not None]
            if known:
                steps, nlls = zip(*known, strict=True)
                key = snapshot.run, part
                curves.append(Curve(key, tensor(nlls), part, part[0], steps))
        beside: list[Reference | Mark] = [
            Reference(snapshot.floor, f"floor {snapshot.floor:.4f}"),
            *(Mark(step, text) for step, text in snapshot.changes),
        ]
        if self.yardstick is not None and snapshot.recipe and snapshot.recipe.data == "train":
            label = f"{self.yardstick.name} {self.yardstick.dev:.4f}"
            beside.append(Reference(self.yardstick.dev, label))
        return curves, beside

    def _show_gaps(self) -> None:
        """Show the contexts that the gap is made of, the largest part first."""
        look, table = self.look, self.query_one("#gaps", LiveTable)
        gaps = look.gaps if look is not None and self.looks else None
        table.display = gaps is not None and not self.has_class("-cramped")
        if look is None or gaps is None or not table.display:
            return
        worst: list[int] = gaps.ranking[:MOST_GAPS].tolist()
        contexts = look.ngrams.context_labels(worst)
        label = min(max(4, *map(cell_len, contexts)), WIDEST_CONTEXT)
        columns = [Column("gap", label, right=True), Column("by row", 6, right=True)]
        if roomy := self.has_class("-roomy"):
            columns += [Column("nats", 7, right=True), Column("", BAR_WIDTH)]
        table.styles.width = sum(column.width + 1 for column in columns)  # and a scrollbar
        largest = max(float(gaps.by_context[worst[0]]), 1e-12)

        def cells(row: int) -> list[Cell]:
            gap = max(0.0, float(gaps.by_context[worst[row]]))
            share = gap / gaps.total if gaps.total > 0 else 0.0
            texts: list[Cell] = [ending(contexts[row], WIDEST_CONTEXT), f"{100 * share:.1f}%"]
            bar = Content.styled(share_bar(gap / largest, BAR_WIDTH), "$text-primary")
            exact = f"{gap:.5f}" if 0.00005 <= gap < 10 else f"{gap:.0e}"
            return [*texts, exact, bar] if roomy else texts

        table.show(columns, worst, cells)

    @on(LiveTable.Chosen, "#gaps")
    def follow_gap(self, message: LiveTable.Chosen) -> None:
        """Go to the row of a context."""
        if self.look is not None and isinstance(message.key, int):
            self.post_message(CellFollowed(message.key))

    def _show_progress(self) -> None:
        snapshot = self.snapshot
        recipe = snapshot.recipe or self.recipe
        self.query_one(ProgressLine).share = snapshot.step / recipe.steps
        parts = [f"{snapshot.step:,}/{recipe.steps:,}"]
        if snapshot.phase is Phase.RUNNING and snapshot.seconds_left is not None:
            parts.append(f"{_duration(snapshot.seconds_left)} left")
        else:
            parts.append("full speed" if self.full_speed else f"pace {self.pace:g}/s")
        self.query_one("#pace", Static).update(" · ".join(parts), layout=False)

    def _show_reports(self) -> None:
        # At full speed the log would be a blur, and most of what is sent to the terminal.
        now = time.monotonic()
        if self.snapshot.phase is not Phase.RUNNING or now >= self._log_due:
            self._log_due = now + LOG_SECONDS
            self.query_one(ReportLog).show(self.snapshot.reports)


def _figure(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 else f"{number:.1f}"


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02}:{seconds:02}"
    return f"{minutes}:{seconds:02}"


def _figures(snapshot: Snapshot, loss: float, floor: float) -> str:
    """What the network has come to: against its floor, or on words that it has not seen."""
    devs = [(report.dev, report.step) for report in snapshot.judged if report.dev is not None]
    if not devs:
        return f"{nats(loss)} = floor {nats(floor)} + gap {nats(loss - floor)}"
    best, step = min(devs)
    return f"dev {nats(devs[-1][0])}, best {nats(best)} · loss {nats(loss)} · best at {step:,}"
