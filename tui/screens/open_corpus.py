"""Which corpus to open: a file, or one of the gallery."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from rich.text import Text, TextType
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.reactive import reactive
from textual.screen import ModalScreen
from textual.widgets import DirectoryTree, Input, OptionList
from textual.widgets.option_list import Option

from model.alphabet import visible
from model.corpus import GALLERY
from tui.screens.forms import SHOWN
from tui.screens.still import Still
from tui.widgets.key_bar import KeyBar


class Files(DirectoryTree):
    """The directories, and of the files those whose names hold what is searched for."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("backspace", "parent", "Parent directory"),
    ]

    wanted: reactive[str] = reactive("", init=False)

    def filter_paths(self, paths: Iterable[Path]) -> Iterable[Path]:
        """Leave hidden files out, and files that are not searched for."""
        return (
            path
            for path in paths
            if not path.name.startswith(".") and (self.wanted in path.name.lower() or path.is_dir())
        )

    def process_label(self, label: TextType) -> Text:
        """Show a name, of which Textual would keep the first line, whole and spelled out."""
        return Text(visible(str(label)))

    def watch_wanted(self) -> None:
        """Search anew."""
        self.reload()

    def action_parent(self) -> None:
        """Go one directory up."""
        self.path = Path(self.path).resolve().parent


class OpenCorpusScreen(Still, ModalScreen[str | None]):
    """A search line over the gallery and the files."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel"),
        Binding("tab", "app.focus_next", "Next list", show=True),
    ]
    CSS_PATH = "open_corpus.tcss"

    def compose(self) -> ComposeResult:
        """The search line, and the two lists side by side."""
        with Vertical(id="open") as frame:
            frame.border_title = "Open a corpus"
            yield Input(placeholder="search, or the path of a file", compact=True, restrict=SHOWN)
            with Horizontal():
                gallery = OptionList(*GALLERY, id="gallery", compact=True)
                gallery.border_title = "built-in"
                yield gallery
                files = Files(Path.cwd(), id="files")
                files.border_title = "files (backspace: up)"
                yield files
        yield KeyBar()

    @on(Input.Changed)
    def search(self, message: Input.Changed) -> None:
        """Show what matches."""
        wanted = message.value.strip().lower()
        self.query_one("#open").border_subtitle = ""
        gallery = self.query_one("#gallery", OptionList)
        gallery.clear_options()
        gallery.add_options(Option(name) for name in GALLERY if wanted in name)
        gallery.highlighted = 0 if gallery.option_count else None
        self.query_one("#files", Files).wanted = wanted if "/" not in wanted else ""

    @on(Input.Submitted)
    def choose_typed(self, message: Input.Submitted) -> None:
        """Take the file that is named, or else the first built-in corpus that matches."""
        typed = message.value.strip()
        gallery = self.query_one("#gallery", OptionList)
        path = _existing(typed)
        if not typed:
            gallery.focus()
        elif path is not None and path.is_dir():
            files = self.query_one("#files", Files)
            files.set_reactive(Files.wanted, "")  # all that is in it
            files.path = path
            files.focus()
        elif path is not None:
            self.dismiss(typed)
        elif gallery.option_count:
            self.dismiss(str(gallery.get_option_at_index(0).prompt))
        else:
            frame = self.query_one("#open")
            frame.border_subtitle = "no such file, and no built-in corpus of that name"

    @on(OptionList.OptionSelected)
    def choose_built_in(self, message: OptionList.OptionSelected) -> None:
        """Take a built-in corpus."""
        self.dismiss(str(message.option.prompt))

    @on(DirectoryTree.FileSelected)
    def choose_file(self, message: DirectoryTree.FileSelected) -> None:
        """Take a file."""
        self.dismiss(str(message.path))


def _existing(text: str) -> Path | None:
    """The path that `text` is, if there is something."""
    try:
        path = Path(text).expanduser()
        return path if path.exists() else None
    except (OSError, RuntimeError, ValueError):  # too long, a home that is not there, a NUL
        return None
