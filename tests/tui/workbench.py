"""Driving the app in tests: start it, press keys, wait for what follows, read what it shows."""

import asyncio
import unicodedata
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from textual.events import Key, Paste
from textual.message import Message
from textual.notifications import Notification, Notify
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import DataTable, DirectoryTree, Input

from model.corpus import DEFAULT, Corpus
from model.recipe import RECIPES, Recipe
from model.runs import Run
from model.session import Phase
from tui import settings
from tui.app import MakemoreApp
from tui.widgets.key_bar import KeyBar

NAMES = """
    emma olivia ava isabella sophia charlotte mia amelia harper evelyn abigail emily elizabeth
    mila ella avery sofia camila aria scarlett victoria madison luna grace chloe penelope layla
    riley zoey nora lily eleanor hannah lillian addison aubrey ellie stella natalie zoe
"""
WORDS = tuple(NAMES.split())
QUICK = RECIPES["converge"].with_(steps=101, device="cpu")
ENDLESS = QUICK.with_(steps=1_000_000)

TRIES = 1500
PAUSE = 0.02
ROUNDS, TURNS = 2, 40
KEYS = {"hyphen_minus": "minus", "plus_sign": "plus", "solidus": "slash", "low_line": "underscore"}

Kind = TypeVar("Kind", bound=Message)


async def wait_until(pilot: Pilot, condition: Callable[[], object], what: str = "") -> None:
    """Let the app run until `condition` holds."""
    for _ in range(TRIES):
        if condition():
            await settle(pilot)
            return
        assert not pilot.app.return_code, "the app has crashed"
        await pilot.pause(PAUSE)
    raise AssertionError(f"never came: {what or condition}")


async def settle(pilot: Pilot) -> None:
    """Let the widgets handle what they have been sent, and what comes of that.

    Textual's own `pause` waits for an idle processor instead, which a training thread denies it.
    """
    for _ in range(ROUNDS):
        for _ in range(TURNS):
            await asyncio.sleep(0)
        await pilot.pause(0)


def key_event(key: str) -> Key:
    """The event of a key, given by its name or its character."""
    if key == "space":
        return Key("space", " ")
    if len(key) > 1 or key.isalnum():
        return Key(key, key if len(key) == 1 else None)
    name = unicodedata.name(key).lower().replace("-", "_").replace(" ", "_")
    return Key(KEYS.get(name, name), key)


def rows(widget: Widget) -> list[str]:
    """What a widget looks like, frame included, as lines of text."""
    return [strip.text for strip in widget.render_lines(widget.outer_size.region)]


def cells(table: DataTable) -> list[list[str]]:
    """What is in a table."""
    return [[str(cell) for cell in table.get_row_at(row)] for row in range(table.row_count)]


class Bench:
    """A running app, the messages that it has handled, and what a user would do with it."""

    def __init__(self, app: MakemoreApp) -> None:
        self.app = app
        self.pilot: Pilot
        self.handled: list[Message] = []
        self._noted: set[int] = set()

    def note(self, message: Message) -> None:
        """Keep a message, once, however far it bubbles."""
        if id(message) not in self._noted:  # which stays its own while `handled` keeps it
            self._noted.add(id(message))
            self.handled.append(message)

    def posted(self, kind: type[Kind]) -> list[Kind]:
        """The messages of a kind, in their order."""
        return [message for message in self.handled if isinstance(message, kind)]

    @property
    def notifications(self) -> list[Notification]:
        """What the user was told, in its order."""
        return [message.notification for message in self.posted(Notify)]

    @property
    def n(self) -> int:
        """The order."""
        return self.app.recipe.n

    async def press(self, *keys: str) -> None:
        for key in keys:
            self.app.post_message(key_event(key))
            await settle(self.pilot)

    async def until(self, condition: Callable[[], object], what: str = "") -> None:
        try:
            await wait_until(self.pilot, condition, what)
        except AssertionError as error:
            raise AssertionError(f"{error}; {self._state()}") from None

    def _state(self) -> str:
        """What a test that waits in vain is told."""
        app, now = self.app, self.app.session.snapshot
        look = app.look and app.look.step
        told = [note.message for note in self.notifications]
        working = [worker.description for worker in app.workers if not worker.is_finished]
        return f"{app.screen}, pane {app.pane + 1}, {now}, {look=}, {told=}, {working=}"

    async def message(self, kind: type[Kind], number: int = 1) -> Kind:
        """Wait for the message of a kind."""
        await self.until(lambda: len(self.posted(kind)) >= number, kind.__name__)
        return self.posted(kind)[number - 1]

    async def notification(self, number: int = 1) -> Notification:
        """Wait for a notification."""
        await self.until(lambda: len(self.notifications) >= number, "a notification")
        return self.notifications[number - 1]

    async def workers(self) -> None:
        """Wait for the app's workers, but for a directory tree's, which is never done."""
        await self.until(
            lambda: all(
                worker.is_finished or isinstance(worker.node, DirectoryTree)
                for worker in self.app.workers
            ),
            "the workers",
        )

    async def counted(self) -> None:
        """Wait until a corpus is open and counted at the present n."""
        await self.until(lambda: self.app.counts and not self.app.activity, "the counts")

    async def phase(self, *phases: Phase) -> None:
        """Wait until the run, and the pane that shows it, are in one of the phases."""
        await self.until(lambda: self._is_in(phases), f"{phases}")

    def _is_in(self, phases: tuple[Phase, ...]) -> bool:
        now, shown = self.app.session.snapshot, self.app.snapshot
        pulled = shown == now or now.phase is shown.phase is Phase.RUNNING
        return now.phase in phases and pulled

    async def steps(self, number: int) -> None:
        """Wait until so many steps are done."""
        await self.until(lambda: self.app.session.snapshot.step >= number, f"step {number}")

    async def train(self) -> None:
        """Train a run at full speed to its end."""
        if self.app.session.speed is not None:
            await self.press("f")
        await self.press("space")
        await self.phase(Phase.FINISHED)

    async def looked(self) -> None:
        """Wait until a run that has ended is saved, and shown as it is at its last step."""
        app = self.app

        def seen() -> bool:
            gaps, last = app.look and app.look.gaps, app.snapshot.step
            return gaps is not None and gaps.step == last == app.snapshot.checkpoint

        await self.until(seen, "a look")

    async def screen(self, kind: type) -> None:
        """Wait until a screen is in front, and has settled."""
        await self.until(lambda: isinstance(self.app.screen, kind), kind.__name__)

    async def fill(self, selector: str, text: str) -> None:
        """Write into an input, in the place of what is in it."""
        field = self.app.screen.query_one(selector, Input)
        field.focus()
        await settle(self.pilot)
        await self.press("end", "ctrl+u")
        self.app.post_message(Paste(text))
        await self.until(lambda: field.value == text, text)

    def widgets(self) -> list[Widget]:
        """What can be seen."""
        return [widget for widget in self.app.screen.walk_children(Widget) if is_seen(widget)]

    def shown(self, selector: str = "") -> str:
        """The text that a widget, or the whole screen, shows."""
        widgets = [self.app.screen.query_one(selector)] if selector else self.widgets()
        return "\n".join(line for widget in widgets for line in rows(widget))


def keys_shown(bench: Bench) -> list[str]:
    """The keys in the last row, and what they do."""
    [row] = rows(bench.app.screen.query_one(KeyBar))
    return row.strip().split("  ")


def is_seen(widget: Widget) -> bool:
    """Whether a widget and all that it is in are displayed, and it has a size."""
    displayed = all(one.display for one in widget.ancestors_with_self if isinstance(one, Widget))
    return displayed and bool(widget.outer_size.area)


def remember(recipe: Recipe = QUICK, theme: str = settings.DEFAULT_THEME) -> None:
    """Let the next app start with this recipe and theme."""
    settings.save(settings.Settings(theme, recipe))


@asynccontextmanager
async def workbench(
    source: Path | str = DEFAULT,
    *,
    corpus: Corpus | None = None,
    recipe: Recipe | None = QUICK,
    run: Run | None = None,
    size: tuple[int, int] = (80, 24),
    wait: bool = True,
) -> AsyncIterator[Bench]:
    """Run the app; on leaving, end it and its thread.

    Args:
        source: what it opens.
        corpus: what it is given instead.
        recipe: what it remembers from last time; None leaves the settings as they are.
        run: what it opens instead of a corpus.
        size: of the terminal.
        wait: whether to wait for the counts.
    """
    if recipe is not None:
        remember(recipe)
    app = MakemoreApp(str(source), corpus, run=run)
    bench = Bench(app)
    try:
        async with app.run_test(size=size, notifications=True, message_hook=bench.note) as pilot:
            bench.pilot = pilot
            if wait:
                await bench.counted()
            yield bench
    finally:
        for session in (app.session, app.local):
            session.close()
            session.join()
