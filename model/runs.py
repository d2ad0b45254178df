"""A run on disk: a folder of plain text and safetensors that outlives the program.

    run.json        its name, recipe and corpus, as it began
    words.txt       the corpus, if it is not too long
    status.json     how far it came, and how it ended
    history.tsv     step, learning rate and loss of every step
    reports.jsonl   the lines of the log
    step-*.safetensors   checkpoints
    lock, socket    of the process that trains it

Nothing in it is ever executed, and no path in it is followed out of it, but for that of the corpus,
whose words must have the fingerprint that the run was begun with.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shlex
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.alphabet import visible
from model.corpus import GALLERY, MOST_BYTES, Corpus, load, parse
from model.errors import MakemoreError
from model.files import UNREADABLE, open_file, read_file, replace_file, sync_directory
from model.history import read_history, read_reports
from model.recipe import Recipe
from model.reports import Report
from model.session import Phase
from model.status import Status

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = "makemore run 1"
RUN, STATUS, WORDS, HISTORY = "run.json", "status.json", "words.txt", "history.tsv"
REPORTS, LOCK, SOCKET, LOG = "reports.jsonl", "lock", "socket", "log.txt"
CHECKPOINTS = "step-*.safetensors"
MOST_WORDS_KEPT = 1 << 24  # bytes of a corpus that are copied into the folder
LONGEST_NAME = 60
LONGEST_SLUG = 30
MOST_REASON = 200  # characters of what an error says, which may repeat the file


@dataclass(frozen=True)
class CorpusRecord:
    """What a run knows of its corpus."""

    name: str
    source: str
    """Where it can be loaded again, if it is not in the folder: a file, or one of the gallery."""
    sha256: str
    """Of its text: the fingerprint."""
    words: int
    characters: int


@dataclass(frozen=True)
class Run:
    """A run's folder, as it began."""

    folder: Path
    name: str
    created: str
    """UTC, in ISO 8601."""
    recipe: Recipe
    corpus: CorpusRecord

    @property
    def id(self) -> str:
        """The folder's name, which stays when the run is renamed."""
        return self.folder.name

    @property
    def socket(self) -> Path:
        """Where the process that trains it can be talked to."""
        return self.folder / SOCKET

    @classmethod
    def open(cls, folder: Path) -> Run:
        """The run in a folder.

        Raises:
            MakemoreError: there is none that can be read.
        """
        try:
            stored: Any = json.loads(read_file(folder / RUN))
            if stored["format"] != FORMAT:
                raise ValueError(f"its format is not '{FORMAT}'")
            name, created = stored["name"], stored["created"]
            corpus = CorpusRecord(**stored["corpus"])
            kinds = {"name": str, "source": str, "sha256": str, "words": int, "characters": int}
            if not all(type(getattr(corpus, field)) is kind for field, kind in kinds.items()):
                raise ValueError("no usable corpus")
            if type(name) is not str or not name.strip() or type(created) is not str:
                raise ValueError("no usable name")
            return cls(folder, name[:LONGEST_NAME], created, Recipe.of(stored["recipe"]), corpus)
        except FileNotFoundError:
            raise MakemoreError(f"{visible(str(folder))} holds no run") from None
        except (OSError, *UNREADABLE, MakemoreError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            place = visible(str(folder / RUN))
            reason = visible(str(reason)[:MOST_REASON])
            raise MakemoreError(f"{place} cannot be used: {reason}") from None

    @property
    def status(self) -> Status:
        """How far it came.

        A process that was killed could not say so: what it left running is interrupted.
        """
        try:
            status = Status.of(json.loads(read_file(self.folder / STATUS)))
        except (OSError, *UNREADABLE):
            status = Status()
        if status.phase.resumable and not self.live:
            return replace(status, phase=Phase.INTERRUPTED)
        return status

    def end_of(self, process: int) -> Status | None:
        """How a process ended the run; None where it was killed, or has not ended it.

        For its viewers, who may have been too busy to be told: a trainer waits for nobody.
        """
        status = self.status
        ended = status.phase in (Phase.STOPPED, Phase.FINISHED, Phase.FAILED)
        return status if ended and status.process == process else None

    @property
    def live(self) -> bool:
        """Whether a process has it open and may change it."""
        try:
            descriptor = open_file(self.folder / LOCK, os.O_RDONLY)
        except (OSError, ValueError):
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(descriptor)
        return False

    @property
    def checkpoints(self) -> list[Path]:
        """The files of its checkpoints, the newest first."""
        paths = [path for path in self.folder.glob(CHECKPOINTS) if not path.is_dir()]
        return sorted(paths, key=lambda path: path.name, reverse=True)

    @property
    def bytes(self) -> int:
        """What its files take."""
        return sum(path.lstat().st_size for path in self.folder.iterdir())

    def load_corpus(self) -> Corpus:
        """The words that it learns from.

        Raises:
            MakemoreError: they are gone, or are other words than when it began.
        """
        record = self.corpus
        kept = self.folder / WORDS
        try:
            data = read_file(kept, MOST_BYTES)
        except (OSError, ValueError):
            corpus = replace(_load_again(record.source), name=record.name)
        else:
            corpus = parse(data, record.name)
        if fingerprint(corpus) != record.sha256:
            raise MakemoreError(
                f"the words of {visible(record.source)} are not those that the run "
                f"{visible(self.name)} began with; put them back"
            )
        return corpus

    def history(self) -> Tensor:
        """The loss of every step, as far as it is whole. (steps,)"""
        return read_history(self.folder / HISTORY, self.recipe.steps)[0]

    def reports(self) -> list[Report]:
        """The lines of its log, as far as they are whole."""
        return list(read_reports(self.folder / REPORTS, self.recipe.steps)[0])

    def rename(self, name: str) -> Run:
        """Call it something else.

        Raises:
            MakemoreError: the name is empty or too long, or cannot be written down.
        """
        renamed = replace(self, name=_checked(name))
        try:
            renamed.write()
        except OSError as error:
            raise MakemoreError(
                f"{visible(self.name)} cannot be renamed: {error.strerror or error}"
            ) from None
        return renamed

    def delete(self) -> None:
        """Remove the folder and all that is in it.

        Raises:
            MakemoreError: a process is using it, or it cannot be removed.
        """
        if self.live:
            raise MakemoreError(
                f"{visible(self.name)} is being trained by process {self.status.process}; "
                "stop it first"
            )
        try:
            shutil.rmtree(self.folder)
        except OSError as error:
            raise MakemoreError(
                f"{visible(self.name)} cannot be deleted: {error.strerror or error}"
            ) from None

    def write(self) -> None:
        """Write run.json.

        Raises:
            OSError: it cannot be written.
        """
        stored = {
            "format": FORMAT,
            "name": self.name,
            "created": self.created,
            "recipe": asdict(self.recipe),
            "corpus": asdict(self.corpus),
        }
        replace_file(self.folder / RUN, (json.dumps(stored, indent=2) + "\n").encode())


def create(root: Path, corpus: Corpus, recipe: Recipe, name: str = "") -> Run:
    """Make the folder of a new run in a directory.

    Raises:
        MakemoreError: the name is too long.
        OSError: it cannot be made.
    """
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = _new_folder(root, f"{_slug(corpus.name)}-n{recipe.n}")
    try:
        data = corpus.text.encode()
        if len(data) <= MOST_WORDS_KEPT or not corpus.source:
            replace_file(folder / WORDS, data)
        figures = corpus.word_count, corpus.characters
        record = CorpusRecord(corpus.name, corpus.source, fingerprint(corpus), *figures)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        run = Run(folder, _checked(name or folder.name), now, recipe, record)
        run.write()
        sync_directory(root)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return run


def default_root() -> Path:
    """Where runs are kept, if nothing else is said."""
    import platformdirs

    return platformdirs.user_data_path("makemore-tui") / "runs"


def app_command(folder: Path) -> str:
    """What brings the app to a run; its folder is called what no shell would misunderstand."""
    return f"makemore-tui --run {folder.name}{_place(folder.parent)}"


def attach_command(folder: Path) -> str:
    """What follows a run line by line."""
    return f"makemore attach {folder.name}{_place(folder.parent)}"


def resume_command(folder: Path) -> str:
    """What takes a run up again."""
    return f"makemore runs{_place(folder.parent)} resume {folder.name}"


def _place(root: Path) -> str:
    """What says on a command line where runs are kept, if that is not where they are anyway."""
    return f" --runs {shlex.quote(visible(str(root)))}" if root != default_root() else ""


def all_runs(root: Path) -> list[Run]:
    """The runs in a directory that can be read, the newest first."""
    runs: list[Run] = []
    try:
        entries = [entry for entry in os.scandir(root) if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []
    for entry in entries:
        try:
            runs.append(Run.open(root / entry.name))
        except MakemoreError:  # half of one, or a stranger's folder
            continue
    return sorted(runs, key=lambda run: (run.created, run.id), reverse=True)


def find(root: Path, wanted: str) -> Run:
    """The one run in a directory that has this name or id, or whose name or id begins with it.

    Raises:
        MakemoreError: there is none, or more than one.
    """
    runs = all_runs(root)
    for matches in (
        [run for run in runs if wanted == run.id],
        [run for run in runs if wanted == run.name],
        [run for run in runs if run.name.startswith(wanted) or run.id.startswith(wanted)],
    ):
        if len(matches) == 1:
            return matches[0]
        if matches:
            ids = ", ".join(run.id for run in matches[:5])
            raise MakemoreError(f"'{visible(wanted)}' may be {ids}; name one of them")
    raise MakemoreError(
        f"no run is called '{visible(wanted)}' in {visible(str(root))}; `makemore runs` lists them"
    )


def fingerprint(corpus: Corpus) -> str:
    """The SHA-256 of a corpus's text."""
    import hashlib

    return hashlib.sha256(corpus.text.encode()).hexdigest()


def _load_again(source: str) -> Corpus:
    """The corpus that a run names, which may be a stranger's: nothing that could keep us waiting.

    Raises:
        MakemoreError: it is neither a file nor one of the gallery, or cannot be read.
    """
    try:
        known = source in GALLERY or Path(source).is_file()
    except (OSError, ValueError):  # what no file can be called
        known = False
    if not known:
        raise MakemoreError(
            f"the run's words are gone: {visible(source[:MOST_REASON]) or 'it names no file'}; "
            f"put them back, or into {WORDS} in its folder"
        )
    return load(source)


def _checked(name: str) -> str:
    name = " ".join(name.split())
    if not 0 < len(name) <= LONGEST_NAME:
        raise MakemoreError(f"a run's name has 1 to {LONGEST_NAME} characters")
    return name


def _new_folder(root: Path, stem: str) -> Path:
    """A folder that was not there before, with the next number: no clock is asked."""
    taken = [re.fullmatch(rf"{re.escape(stem)}-(\d+)", path.name) for path in root.iterdir()]
    number = max([int(match[1]) for match in taken if match], default=0)
    while True:
        number += 1
        folder = root / f"{stem}-{number}"
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            return folder


def _slug(name: str) -> str:
    """A corpus's name as part of a file name that needs no quotes anywhere."""
    stem = name.lower().removesuffix(".txt")
    return re.sub(r"[^a-z0-9]+", "-", stem).strip("-")[:LONGEST_SLUG] or "words"
