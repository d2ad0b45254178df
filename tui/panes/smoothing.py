"""Add-k for the counts, the L2 penalty for the network, and held-out words to choose them by."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.reactive import var
from textual.widgets import Static

from model.corpus import Corpus
from model.recipe import RECIPES, Recipe
from model.session import Phase, Snapshot, in_one_line
from model.splits import SEED
from tui.choice import Choice, series
from tui.held_out import HeldOut, Nlls, hold_out
from tui.keys import hidden
from tui.messages import KChosen, L2Chosen
from tui.panes.pane import LookingPane
from tui.widgets.chart import Chart, Line, Reference

KS = series(-3, 3)
L2S = series(-3, 2)  # with 100, W is as good as 0
CHARTED = KS[1], KS[-1]
AIRY = 26  # lines


@dataclass
class HeldOutJudged(Message):
    """The count model of the training words was judged by the others."""

    held_out: HeldOut


@dataclass
class HoldingOutFailed(Message):
    """No words could be held out."""

    corpus: Corpus
    n: int
    seed: int
    reason: str


class SmoothingPane(LookingPane):
    """The NLL of the counts on train and dev words by k, and the penalty on W beside it."""

    NUMBER = 7
    TITLE = "Smoothing"
    HINT = "←→ k · ↑↓ L2 · b best k · 0 none · e edit"
    FOLLOWS = ("corpus", "counts", "recipe", "snapshot")
    HELP = """\
### Smoothing

`left` and `right` choose **k**, `down` and `up` the **L2 penalty**; `b` takes the k that is best \
on dev, `0` sets both to 0, `e` takes any number, and the seed of the split.

- **Add-k** adds k to every count: P = (N + k) / row sums. That \
moves probability from what was seen to what was not; with a large k every row is uniform. It \
holds in all panes.
- The **L2 penalty** adds L2 times the mean of W² to what the network minimises. It pulls W \
towards 0, and softmax of 0 is uniform: the same part. A run that is going on takes it up at once. \
The loss that is shown stays the NLL.
- The chart shows counts of **train**, 80 % of the words, judged by those words and by **dev**, \
10 % that were held out. Train words always prefer k = 0; for dev words that is impossible as \
soon as one thing in them is new, so its NLL is infinite. The k with the lowest dev NLL is the one \
to take; **test** is kept for the end. Where one curve hides the other, they are the same. \
The longer the context, the more there is to gain: try `]`.
- The **floor** is that of all words without smoothing, whatever k and L2 are.
"""

    BINDINGS: ClassVar[list[BindingType]] = [
        hidden("left", "change_k(-1)", "Lower k", "Add less to every count", id="smooth.less"),
        hidden("right", "change_k(1)", "Raise k", "Add more to every count", id="smooth.more"),
        hidden("down", "change_l2(-1)", "Lower L2", "Pull W less towards 0", id="smooth.loosen"),
        hidden("up", "change_l2(1)", "Raise L2", "Pull W more towards 0", id="smooth.pull"),
        hidden("b", "take_best", "Best k", "The one with the lowest dev NLL", id="smooth.best"),
        hidden("0", "take_none", "No smoothing", "Both k and L2 back to 0", id="smooth.none"),
        hidden(
            "e", "edit_smoothing", "Edit smoothing", "Any k and L2; the split", id="smooth.edit"
        ),
    ]

    recipe: var[Recipe] = var(RECIPES["notebook"])
    snapshot: var[Snapshot] = var(Snapshot())
    seed: var[int] = var(SEED, init=False)
    """Of the split."""
    held_out: var[HeldOut | None] = var(None, init=False)
    """The last answer, perhaps to an earlier question."""

    _working = False
    _failed: HoldingOutFailed | None = None

    def __init__(self, id: str | None = None) -> None:
        """Make the pane; nothing is smoothed until the app says so."""
        super().__init__(id=id)
        self._k, self._l2 = Choice(KS), Choice(L2S)

    def compose(self) -> ComposeResult:
        """The chart, and below it the figures of both roads side by side."""
        yield Static(id="legend", markup=False)
        chart = Chart(id="nll-by-k", log_x=True, classes="target")
        chart.can_focus = True
        yield chart
        yield Static(id="unsmoothed", markup=False)
        yield Static(id="split", markup=False)
        with Horizontal(id="figures"):
            yield Static(id="add-k", markup=False)
            yield Static(id="penalty", markup=False)
        yield Static(LESSON, id="lesson", markup=False)

    @property
    def k(self) -> float:
        """What is added to every count, as it was chosen last."""
        return self._k.value

    @property
    def l2(self) -> float:
        """The penalty on W, as it was chosen last."""
        return self._l2.value

    def on_resize(self) -> None:
        """Leave lines free where there are enough."""
        super().on_resize()
        self.set_class(self.size.height >= AIRY, "-airy")

    # What changes

    def watch_counts(self) -> None:
        """Show another corpus, order or k."""
        if self.counts is not None:
            self._k.follow(self.counts.k)
        super().watch_counts()

    def watch_recipe(self) -> None:
        """Show the penalty."""
        self._l2.follow(self.recipe.l2)
        self._show_penalty()

    def watch_snapshot(self) -> None:
        """Show what the run has come to."""
        self._show_penalty()

    def watch_seed(self) -> None:
        """Show another split."""
        self.changed()

    def watch_held_out(self) -> None:
        """Show the answer."""
        self.changed()

    # What the keys do

    def action_change_k(self, by: int) -> None:
        """Go to the next larger or smaller k."""
        self.choose_k(self._k.next(by))

    def action_change_l2(self, by: int) -> None:
        """Go to the next larger or smaller penalty."""
        self.choose_l2(self._l2.next(by))

    def action_take_best(self) -> None:
        """Take the k that held-out words prefer."""
        if held_out := self._fitting():
            self.choose_k(held_out.best(KS))
        else:
            self.app.notify("There are no held-out words to choose k by.")

    def action_take_none(self) -> None:
        """Smooth nothing."""
        self.choose_k(0.0)
        self.choose_l2(0.0)

    def action_edit_smoothing(self) -> None:
        """Ask for exact numbers."""
        from tui.screens.forms import Smoothing, smoothing_form

        def take(smoothing: Smoothing | None) -> None:
            if smoothing is not None:
                self.choose_k(smoothing.k)
                self.choose_l2(smoothing.l2)
                self.seed = smoothing.seed

        self.app.push_screen(smoothing_form(Smoothing(self.k, self.l2, self.seed)), take)

    def choose_k(self, k: float) -> None:
        """Smooth the counts with k from now on."""
        if k != self.k:
            self._k.choose(k)
            self.post_message(KChosen(k))

    def choose_l2(self, l2: float) -> None:
        """Pull W towards 0 from now on."""
        if l2 != self.l2:
            self._l2.choose(l2)
            self.post_message(L2Chosen(l2))

    # What is computed

    def _fitting(self) -> HeldOut | None:
        """The answer for the corpus, the order and the seed as they are now."""
        held_out, counts = self.held_out, self.counts
        if held_out is None or counts is None:
            return None
        return held_out if held_out.is_of(self.corpus, counts.ngrams.n, self.seed) else None

    def _refusal(self) -> str:
        """Why there cannot be such an answer."""
        failed, counts = self._failed, self.counts
        if failed is None or counts is None or failed.corpus is not self.corpus:
            return ""
        asked = counts.ngrams.n, self.seed
        return failed.reason if (failed.n, failed.seed) == asked else ""

    def _ask(self) -> None:
        """Judge anew, if there is anything to know that is not known, one at a time."""
        held_out = self._fitting()
        known = held_out is not None and self.k in held_out.nlls
        if self.corpus is None or self.counts is None or self._working:
            return
        if not known and not self._refusal():
            self._working = True
            ks = [*KS, self.k]
            self._judge(self.corpus, self.counts.ngrams.n, self.seed, ks, self.held_out)

    @work(thread=True, group="holding out", exit_on_error=False, description="hold out")
    def _judge(
        self, corpus: Corpus, n: int, seed: int, ks: list[float], before: HeldOut | None
    ) -> None:
        try:
            self.post_message(HeldOutJudged(hold_out(corpus, n, seed, ks, before)))
        except Exception as error:  # too large for the memory, say: the user is to know
            self.post_message(HoldingOutFailed(corpus, n, seed, in_one_line(error)))

    @on(HeldOutJudged)
    def take_held_out(self, message: HeldOutJudged) -> None:
        """Show the answer, or ask again where the question has changed meanwhile."""
        self._working = False
        self.held_out = message.held_out

    @on(HoldingOutFailed)
    def take_failure(self, message: HoldingOutFailed) -> None:
        """Say why there is nothing to show."""
        self._working = False
        self._failed = message
        self.changed()

    # What is shown

    def show(self) -> None:
        """Show everything as it is, and ask for what is not known yet."""
        self._ask()
        held_out = self._fitting()
        self._show_chart(held_out)
        self._say("unsmoothed", _without(held_out) if held_out else "")
        self._say("split", _split(held_out) if held_out else f"split seed {self.seed}")
        self._say("add-k", self._add_k(held_out))
        self._show_penalty()

    def _show_chart(self, held_out: HeldOut | None) -> None:
        chart = self.query_one(Chart)
        if held_out is None or self.counts is None:
            self._say("legend", "")
            waiting = "no corpus yet" if self.corpus is None else "splitting and counting…"
            chart.empty = self._refusal() or waiting
            chart.show()
            return
        best = held_out.best(KS)
        self._say("legend", _legend(best, self.k))
        drawn = KS[1:]
        nlls = [held_out.nlls[k] for k in drawn]
        floor = self.counts.floor
        chart.show(
            Line(drawn, [each.train for each in nlls]),
            Line(drawn, [each.dev for each in nlls]),
            _marked(best, held_out.nlls[best]),
            _marked(self.k, held_out.nlls.get(self.k)),
            Reference(floor, f"floor of all words {floor:.4f}"),
            x_range=CHARTED,
        )

    def _add_k(self, held_out: HeldOut | None) -> Content:
        rows = [("train NLL", ""), ("dev NLL", ""), ("best k", "")]
        if held_out is not None:
            best = held_out.best(KS)
            nlls = held_out.nlls.get(self.k)
            rows = [
                ("train NLL", _nll(nlls.train) if nlls else "…"),
                ("dev NLL", _nll(nlls.dev) if nlls else "…"),
                ("best k", f"{best:g}, dev NLL {held_out.nlls[best].dev:.4f}"),
            ]
        return _block(f"Counts: add k = {self.k:g}", rows)

    def _show_penalty(self) -> None:
        if not self.seen:
            return
        now = self.snapshot
        run, loss, gap = now.phase.value, "", ""
        if now.phase is Phase.IDLE:
            run = "none; space starts one"
        elif now.loss is not None and now.floor is not None:
            over = "" if now.phase.resumable else "; r: anew"
            run = f"{now.phase.value} at step {now.step:,}{over}"
            loss = f"{now.loss:.4f}"
            gap = f"{now.loss - now.floor:.4f} above floor {now.floor:.4f}"
        rows = [("run", run), ("loss", loss), ("gap", gap)]
        self._say("penalty", _block(f"Network: L2 penalty {self.l2:g} × mean W²", rows))

    def _say(self, place: str, text: str | Content) -> None:
        """Show a text, and send nothing where it stands there already."""
        static = self.query_one(f"#{place}", Static)
        if str(static.content) != str(text):
            static.update(text, layout=False)


LESSON = """\
k moves probability from the seen to the unseen; a large k: uniform rows.
L2 × mean W² is added to what the network minimises; the loss stays the NLL.
It pulls W to 0, whose softmax is uniform, and so plays the same part.
Train words alone always prefer k = 0; held-out words do not."""


def _marked(k: float, nlls: Nlls | None) -> Line:
    """A mark on both curves; where k has no place on the axis, or nothing is known yet, none."""
    return Line([k, k], nlls, style="points") if nlls else Line([], [], style="points")


def _legend(best: float, k: float) -> Content:
    beyond = "" if CHARTED[0] <= k <= CHARTED[1] else ", not on this axis"
    return Content.assemble(
        "NLL by k:  ",
        ("* train", "$text-primary"),
        "   ",
        ("+ dev", "$text-success"),
        "   ",
        (f"x best k = {best:g}", "$text-error"),
        "   ",
        (f"o k = {k:g}{beyond}", "$text-accent"),
    )


def _without(held_out: HeldOut) -> str:
    train, dev = held_out.nlls[0.0]
    shown = "∞" if math.isinf(dev) else f"{dev:.4f}"
    share = f"{held_out.impossible:,} of {held_out.dev.total:,} tokens impossible"
    return f"k = 0: train {train:.4f} (its floor), dev {shown} ({share})"


def _split(held_out: HeldOut) -> str:
    parts = held_out.parts
    sizes = (
        f"{part.word_count:,} {name}"
        for name, part in (("train", parts.train), ("dev", parts.dev), ("test", parts.test))
    )
    return f"split seed {held_out.seed}, n={held_out.n}: {' + '.join(sizes)} words"


def _nll(nll: float) -> str:
    if math.isinf(nll):
        return "∞, perplexity ∞"
    return f"{nll:.4f}, perplexity {math.exp(nll):.2f}"


def _block(title: str, rows: list[tuple[str, str]]) -> Content:
    width = max(len(name) for name, _ in rows) + 2
    lines = [f"\n{name:<{width}}{value}" for name, value in rows]
    return Content.assemble((title, "bold"), *lines)
