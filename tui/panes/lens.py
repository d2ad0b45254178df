"""A word, character by character, in the eyes of both models."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.events import Key
from textual.reactive import var
from textual.widgets import Input, Static
from textual.worker import Worker, WorkerState

from model.alphabet import BOUNDARY, normalise, visible
from model.session import in_one_line
from tui.keys import hidden
from tui.look import Look, same_network
from tui.marked import end_of
from tui.messages import CellFollowed
from tui.panes.pane import LookingPane
from tui.widgets.live_table import Cell, Column, LiveTable
from tui.widgets.surprise_bar import MARK, bar, multiple, scale

if TYPE_CHECKING:
    from model.counts import CountModel
    from model.scoring import TokenScore, WordScore

MOST_CHARACTERS = 60
WIDEST_CONTEXT = 14
WIDEST_BAR = 40
END = ". end"
P, RANK, NATS = 7, 4, 6  # columns
ALONE = 10  # columns of what is shown of p, or in its place, without the rest
LEAST_ROOM = 2  # columns for bars, below which p is shown alone
LINES_AROUND = 7
"""Of the pane, next to the tokens: the word, the scale, the totals and the blank lines."""
LEAST_AROUND = 2
"""Where it is low: the word and the scale."""
TALL = 12  # lines


class WordInput(Input):
    """Takes letters and the corpus's characters; other keys do what they do elsewhere."""

    characters: frozenset[str] = frozenset()
    """Of the corpus."""

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Whether a key is written."""
        return character is not None and (character.isalpha() or character in self.characters)

    def on_key(self, event: Key) -> None:
        """Leave the other keys to whom they belong."""
        if event.is_printable and not self.check_consume_key(event.key, event.character):
            event.prevent_default()


@dataclass(frozen=True, eq=False)
class Scored:
    """A word in the eyes of both models."""

    word: str
    counts: CountModel
    look: Look | None
    by_counts: WordScore
    by_network: WordScore | None
    outcomes: list[int]
    """The tokens, `UNKNOWN` for a character outside the alphabet."""
    contexts: list[int]
    """The id of each token's context, -1 for one that never occurs."""

    def is_of(self, word: str, counts: CountModel, look: Look | None) -> bool:
        """Whether it is of a word, of counts and of the run of a look."""
        run, wanted = (one and one.run for one in (self.look, look))
        return self.word == word and self.counts is counts and run == wanted

    def figures(self, row: int, token: TokenScore) -> list[Cell]:
        """Probability, rank and surprise of a token, or in words why there are none."""
        if token.p:
            return [_p(token.p), f"{token.rank}", _figure(token.nll, 3)]
        if self.outcomes[row] < 0:
            return ["not in the alphabet", None, None]
        if self.contexts[row] >= 0:
            return ["impossible", None, "∞"]
        context = self.outcomes[max(0, row - self.counts.context_length) : row]
        unknown = min(context, default=0) < 0
        return ["unknown context", None, None] if unknown else ["never seen", None, "∞"]


class LensPane(LookingPane):
    """Probability, rank and surprise of each character of a word, by counts and network."""

    NUMBER = 5
    TITLE = "Lens"
    HINT = "esc to the list · / to the word · enter into the table"
    HELP = """\
### Lens

Type a word: each line is one of its characters, and the last its end, with its context.

- **p** is the probability of the character after its context, **rank** its place among all \
outcomes, 1 for the likeliest, and **nats** the surprise -log p. The bars have one scale: at `┃` \
is the surprise of pure **chance**, where all outcomes are equally likely; what goes beyond is \
hatched.
- **impossible**: it never follows there in the corpus. **never seen**: the context itself does \
not occur. Both cost ∞, unless the counts are smoothed.
- Below are the totals. **Perplexity** is among how many equally likely outcomes this is like \
choosing; **uniform** is what chance would cost.
- The word takes letters, and whatever else the corpus has; all other keys work as ever: `space` \
trains, and the network's figures follow. `escape` goes to the list, where letters are keys again. \
`enter` on a line shows it in the explorer's table, `/` goes back to the word.
"""

    BINDINGS: ClassVar[list[BindingType]] = [
        hidden("escape,down", "to_list", "To the list", "Where the keys of the app work"),
        hidden("slash", "to_word", "To the word", "Type another", id="lens.word", display="/"),
    ]

    word: var[str] = var("", init=False)

    _first = ""
    """The word of the corpus that was looked at because there was no other."""
    _scored: Scored | None = None
    """What was found out last."""
    _scoring = False
    _failure = ""
    """Why the word could not be scored, as it was said."""

    def compose(self) -> ComposeResult:
        """The word, its tokens, their totals."""
        from tui.screens.forms import SHOWN

        with Horizontal(id="word-line"):
            yield Static("word ", markup=False)
            yield WordInput(
                id="word",
                classes="target",
                compact=True,
                restrict=SHOWN,
                max_length=MOST_CHARACTERS,
                placeholder="type a word to see what each of its characters costs",
            )
        yield Static(id="scale", markup=False)
        yield LiveTable(id="tokens")
        yield Static(id="totals", markup=False)

    @on(LiveTable.Resized)
    def fill(self) -> None:
        """Make the bars as long as there is room for."""
        self.changed()

    @on(Input.Changed, "#word")
    def take_word(self, message: Input.Changed) -> None:
        """Look at what is typed."""
        self.word = normalise(message.value)

    @on(Input.Submitted, "#word")
    def action_to_list(self) -> None:
        """Go to the tokens, where the keys of the app work."""
        self._tokens.focus()

    def action_to_word(self) -> None:
        """Go to the word."""
        self.target.focus()

    def watch_word(self) -> None:
        """Write the word into the field, unless it comes from there."""
        field = self.query_one("#word", Input)
        if normalise(field.value) != self.word:
            with field.prevent(Input.Changed):
                field.value = visible(self.word)
        self.changed()

    @on(LiveTable.Chosen, "#tokens")
    def follow(self, message: LiveTable.Chosen) -> None:
        """Go to the token's place in the table."""
        row, scored = message.key, self._scored
        if scored is None or not isinstance(row, int) or row >= len(scored.contexts):
            return
        context, outcome = scored.contexts[row], scored.outcomes[row]
        if context < 0 or outcome < 0:
            self.app.notify("The table has no such place: the corpus does not know it.")
        else:
            self.post_message(CellFollowed(context, outcome))

    def show(self) -> None:
        """Show what the models think of the word."""
        counts, look = self.counts, self.look
        if counts is None or self.corpus is None:
            self._scored = None
            about = "counting…" if self.corpus else "there is no corpus yet: o opens one"
            self.query_one("#scale", Static).update(about, layout=False)
            self._tokens.show((), (), lambda _: ())
            self.query_one("#totals", Static).update("", layout=False)
            return
        first = self.corpus.text[: self.corpus.text.find("\n")]
        if self.word == self._first != first:
            self._first = self.word = first  # which shows it
            return
        self.query_one(WordInput).characters = frozenset(counts.alphabet.characters)
        if look is not None and look.ngrams is not counts.ngrams:
            look = None
        known = self._scored
        if known is not None and known.is_of(self.word, counts, look):
            self._write(known)
            if same_network(known.look, look):
                return
        if not self._scoring:
            self._scoring = True
            self._score(self.word, counts, look)

    # Without a description, Textual writes out all arguments, tensors and all: milliseconds.
    @work(thread=True, group="scoring", exit_on_error=False, description="score")
    def _score(self, word: str, counts: CountModel, look: Look | None) -> Scored:
        from model.devices import fit_threads
        from model.scoring import score

        fit_threads(len(word) * len(counts.alphabet))
        by_network = score(look.network, word) if look else None
        return Scored(
            word, counts, look, score(counts, word), by_network, *_tokenised(counts, word)
        )

    @on(Worker.StateChanged)
    def take_scores(self, message: Worker.StateChanged) -> None:
        """Show what was found out, unless it is of another word by now; go on with that one."""
        error = message.worker.error
        # What the worker is by now says nothing: this may be the message that it has begun.
        if message.state not in (WorkerState.PENDING, WorkerState.RUNNING):
            self._scoring = False
        if message.state is WorkerState.SUCCESS:
            self._scored, self._failure = message.worker.result, ""
            self.changed()
        elif message.state is WorkerState.ERROR and isinstance(error, Exception):
            # Out of memory, say: the user is to know, once.
            before, self._failure = self._failure, in_one_line(error)
            if self._failure != before:
                self.notify(self._failure, severity="error", markup=False)

    def _write(self, scored: Scored) -> None:
        self._show_scale(scored)
        self._show_tokens(scored)
        self._show_totals(scored)

    @property
    def _tokens(self) -> LiveTable:
        return self.query_one("#tokens", LiveTable)

    def _show_scale(self, scored: Scored) -> None:
        counts, look = scored.counts, scored.look
        size = len(counts.alphabet)
        network = "no network: space starts one"
        if look is not None:
            network = f"network at step {look.step:,}"
        parts = [
            f"n={counts.ngrams.n}",
            *([f"k={counts.k:g}"] if counts.k else []),
            network,
            f"{MARK} chance: 1 of {size}, {math.log(size):.4f} nats",
        ]
        self.query_one("#scale", Static).update(" · ".join(parts), layout=False)

    def _show_tokens(self, scored: Scored) -> None:
        tokens = [score.tokens for score in (scored.by_counts, scored.by_network) if score]
        chance = math.log(len(scored.counts.alphabet))
        reach = multiple([token.nll for each in tokens for token in each], chance)
        widest = max(cell_len(token.context) for token in tokens[0])
        context = min(max(len("context"), widest), WIDEST_CONTEXT)
        char = max(cell_len(END), *(cell_len(token.outcome) for token in tokens[0]))
        fixed = context + char + 1 + 2 * (1 + P + 1 + RANK + 1 + NATS + 1)
        room = self._tokens.size.width - fixed
        length = min(WIDEST_BAR, max(3, room // 2))
        columns = [Column("context", context), Column("char", char)]
        for name in ("counts", "network"):
            if room < LEAST_ROOM:
                columns.append(Column(f"{name}\np", ALONE, right=True))
                continue
            columns += [
                Column(f"{name}\np", P, right=True),
                Column("rank", RANK, right=True),
                Column("nats", NATS, right=True),
                Column(scale(chance, reach, length), length),
            ]

        def cells(row: int) -> list[Cell]:
            token = tokens[0][row]
            outcome = token.outcome if row < len(tokens[0]) - 1 else END
            line: list[Cell] = [end_of(token.context, context), outcome]
            for each in tokens:
                figures = scored.figures(row, each[row])
                if room < LEAST_ROOM:
                    line.append(figures[0])
                    continue
                line += figures
                line.append(bar(each[row].nll, chance, reach, length))
            return line if len(tokens) == 2 else [*line, "—", "", "", ""]

        table = self._tokens
        table.show(columns, range(len(tokens[0])), cells)
        around = LINES_AROUND if self.size.height >= TALL else LEAST_AROUND
        table.styles.height = min(table.height_of_all, max(3, self.size.height - around))

    def _show_totals(self, scored: Scored) -> None:
        size, count = len(scored.counts.alphabet), len(scored.outcomes)
        uniform = f"uniform, 1 of {size}"
        lines = [f"{'':<20}{'nats':>12}{'per token':>12}{'bits':>12}{'perplexity':>14}"]
        for name, score in (("counts", scored.by_counts), ("network", scored.by_network)):
            if score is None:
                lines.append(f"{name:<20}{'—':>12}{'—':>12}{'—':>12}{'—':>14}")
            else:
                lines.append(_total(name, score.nll, score.nll_per_token, score.perplexity))
        lines.append(_total(uniform, count * math.log(size), math.log(size), size))
        totals = self.query_one("#totals", Static)
        fitting = max(1, min(4, (totals.size.width - 22) // 12))  # the last figure is wider
        width = 22 + 12 * fitting if fitting == 4 else 20 + 12 * fitting
        totals.update("\n".join(line[:width] for line in lines), layout=False)


def _tokenised(counts: CountModel, word: str) -> tuple[list[int], list[int]]:
    """The tokens of a word and of its end, and the id of the context before each."""
    import torch

    from model.scoring import UNKNOWN

    alphabet, length = counts.alphabet, counts.context_length
    tokens = [alphabet.encode(char)[0] if char in alphabet else UNKNOWN for char in word]
    tokens.append(BOUNDARY)
    stream = torch.tensor([BOUNDARY] * length + tokens[:-1])
    contexts: list[int] = counts.ngrams.contexts.ids(stream.unfold(0, length, 1)).tolist()
    return tokens, contexts


def _p(p: float) -> str:
    return f"{p:.4f}" if p >= 0.00005 else f"{p:.0e}"


def _figure(value: float, places: int) -> str:
    if not math.isfinite(value):
        return "∞"
    return f"{value:,.{places}f}" if value < 1e6 else f"{value:.3g}"


def _total(name: str, nll: float, per_token: float, perplexity: float) -> str:
    bits = nll / math.log(2)
    figures = (_figure(nll, 4), _figure(per_token, 4), _figure(bits, 2), _figure(perplexity, 2))
    return f"{name:<20}" + "".join(map("{:>{}}".format, figures, (12, 12, 12, 14)))
