"""Which corpus to open: a file, or one of the gallery."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.reactive import reactive
from textual.screen import ModalScreen
from textual.widgets import DirectoryTree, Footer, Input, OptionList
from textual.widgets.option_list import Option

from model.corpus import GALLERY


class Files(DirectoryTree):
    """The files whose names hold what is searched for, in all directories."""

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

    def watch_wanted(self) -> None:
        """Search anew."""
        self.reload()

    def action_parent(self) -> None:
        """Go one directory up."""
        self.path = Path(self.path).resolve().parent


class OpenCorpusScreen(ModalScreen[str | None]):
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
            yield Input(placeholder="search, or the path of a file", compact=True)
            with Horizontal():
                gallery = OptionList(*GALLERY, id="gallery", compact=True)
                gallery.border_title = "built-in"
                yield gallery
                files = Files(Path.cwd(), id="files")
                files.border_title = "files (backspace: up)"
                yield files
        yield Footer(show_command_palette=False)

    @on(Input.Changed)
    def search(self, message: Input.Changed) -> None:
        """Show what matches."""
        wanted = message.value.strip().lower()
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
        if typed and not Path(typed).expanduser().exists() and gallery.option_count:
            typed = str(gallery.get_option_at_index(0).prompt)
        if typed:
            self.dismiss(typed)
        else:
            gallery.focus()

    @on(OptionList.OptionSelected)
    def choose_built_in(self, message: OptionList.OptionSelected) -> None:
        """Take a built-in corpus."""
        self.dismiss(str(message.option.prompt))

    @on(DirectoryTree.FileSelected)
    def choose_file(self, message: DirectoryTree.FileSelected) -> None:
        """Take a file."""
        self.dismiss(str(message.path))
