"""The real program ends as it should, whatever ends it, wherever it is and whatever hangs."""

import os
import signal
import sys
from pathlib import Path

import pytest
from terminal import NO_HANGUP, NO_TERMINAL, OWN_TERMINAL, PROGRAM, Terminal, terminal
from workbench import ENDLESS, remember

from model.runs import all_runs, default_root
from model.session import Phase

SECONDS = 5
"""The most that an ending may take."""
SLOWNESS = 4
"""Of a loaded machine, against one that has nothing else to do."""
SIGNALS = [signal.SIGHUP, signal.SIGINT, signal.SIGTERM]

# The program, which notes in a file that its session has been ended and waited for.
NOTING = """
import os, threading, time
from pathlib import Path
from tui import signals, workbench
from tui.__main__ import main
from tui.app import MakemoreApp

class Session(workbench.TrainingSession):
    def join(self):
        super().join()
        running = "training" in {thread.name for thread in threading.enumerate()}
        Path(os.environ["NOTE"]).write_text("running" if running else "ended")

workbench.TrainingSession = Session
"""
# What can be wrong with it.
HANG = """
def hang():
    os.write(2, b'hanging')
    threading.Event().wait()
"""
HANGING = f"{HANG}MakemoreApp.action_help = lambda self: hang()\n"
WORKING = f"{HANG}MakemoreApp.action_help = lambda self: self.run_worker(hang, thread=True)\n"
PATIENT = "signals.PATIENCE = 1000\n"
IDLE = """
class Slow(Session):
    def join(self):
        busy = time.process_time()
        time.sleep(1)  # the period that is measured
        busy = time.process_time() - busy
        Path(f"{os.environ['NOTE']}.{threading.get_ident()}").write_text(str(busy))
        super().join()
workbench.TrainingSession = Slow
"""


def program(note: Path, words: Path | str, *wrong: str) -> tuple[list[str], dict[str, str]]:
    """The command and the environment of the program that notes, and of what is wrong with it."""
    code = "".join((NOTING, *wrong, "main(prog_name='makemore-tui')"))
    return [sys.executable, "-c", code, str(words)], {"NOTE": str(note)}


def ends_in_time(one: Terminal, *, reading: bool = True) -> int:
    return one.ends(SECONDS * SLOWNESS, reading=reading)


def run_at_full_speed(one: Terminal) -> None:
    one.until(r"floor +\d\.\d{4}")
    one.press("f ")
    one.until("running")


def rest(one: Terminal) -> None:
    one.until(r"floor +\d\.\d{4}")


def open_help(one: Terminal) -> None:
    run_at_full_speed(one)
    one.press("?")
    one.until("escape closes")


def open_form(one: Terminal) -> None:
    rest(one)
    one.press("e")
    one.until("learning rate")


def begin(one: Terminal) -> None:
    one.until_written("\x1b[?1049h")


@pytest.fixture
def note(tmp_path: Path) -> Path:
    """Where the program says how its session has ended."""
    remember(ENDLESS)
    return tmp_path / "note"


@pytest.mark.parametrize("reach", [begin, rest, run_at_full_speed, open_help, open_form])
@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal(number: signal.Signals, reach, note: Path, words_file: Path):
    command, environment = program(note, words_file)
    with terminal(*command, **environment) as one:
        reach(one)
        one.signal(number)
        assert ends_in_time(one) == 128 + number
        one.check_that_it_is_as_before()
    assert note.read_text() == "ended"


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_while_standard_input_is_still_silent(number: signal.Signals):
    read, write = os.pipe()
    try:
        with terminal(*PROGRAM, "-", stdin=read) as one:
            os.write(write, b"emma\n" * 100_000)  # more than a pipe holds: it is being read
            one.signal(number)
            assert ends_in_time(one) == 128 + number
            assert one.written == ""
    finally:
        os.close(read)
        os.close(write)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_while_nobody_reads(number: signal.Signals, note: Path, words_file: Path):
    command, environment = program(note, words_file)
    with terminal(*command, **environment) as one:
        run_at_full_speed(one)
        one.stall()
        one.signal(number)
        assert ends_in_time(one, reading=False) == 128 + number
        one.check_that_it_is_as_before()
    assert note.read_text() == "ended"


@pytest.mark.parametrize("start", [OWN_TERMINAL, NO_TERMINAL, NO_HANGUP])
@pytest.mark.parametrize("stalled", [False, True])
@pytest.mark.parametrize("reach", [begin, run_at_full_speed, open_help])
def test_a_hangup(reach, stalled: bool, start: str, note: Path, words_file: Path):
    command, environment = program(note, words_file)
    with terminal(*command, start=start, **environment) as one:
        reach(one)
        if stalled:
            one.stall()
        one.hang_up()
        assert ends_in_time(one, reading=False) == 128 + signal.SIGHUP
    assert note.read_text() == "ended"


@pytest.mark.parametrize("stalled", [False, True])
@pytest.mark.parametrize("lost", [False, True])
def test_a_run_is_kept_up_to_its_last_step(lost: bool, stalled: bool, words_file: Path):
    remember(ENDLESS)
    with terminal(*PROGRAM, str(words_file)) as one:
        run_at_full_speed(one)
        if stalled:
            one.stall()
        if lost:
            one.hang_up()
        else:
            one.signal(signal.SIGTERM)
        assert ends_in_time(one, reading=False) > 128
    (run,) = all_runs(default_root())
    assert run.status.phase is Phase.STOPPED
    assert int(run.checkpoints[0].stem.rpartition("-")[2]) == run.status.step > 0


def test_a_run_goes_on_while_nobody_reads(words_file: Path):
    remember(ENDLESS)
    with terminal(*PROGRAM, str(words_file)) as one:
        run_at_full_speed(one)
        one.stall()
        (run,) = all_runs(default_root())
        before = run.status.step
        one.waits_for(lambda: run.status.step > before)
        before = run.status.step
        one.waits_for(lambda: run.status.step > before)


def test_nothing_spins_after_a_hangup(note: Path, words_file: Path):
    command, environment = program(note, words_file, IDLE, HANGING)
    with terminal(*command, start=NO_TERMINAL, **environment) as one:
        rest(one)
        one.press("?")
        one.until("hanging")
        one.hang_up()
        assert ends_in_time(one, reading=False) == 128 + signal.SIGHUP
    busy = [float(path.read_text()) for path in note.parent.glob("note.*")]
    assert busy
    assert max(busy) < 0.1  # of a second in which only the session is waited for


@pytest.mark.parametrize("wrong", [HANGING, WORKING])
@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_while_something_hangs(
    number: signal.Signals, wrong: str, note: Path, words_file: Path
):
    command, environment = program(note, words_file, wrong)
    with terminal(*command, **environment) as one:
        run_at_full_speed(one)
        one.press("?")
        one.until("hanging")
        one.signal(number)
        assert ends_in_time(one) == 128 + number
        one.check_that_it_is_as_before()
    assert note.read_text() == "ended"


def test_a_hangup_while_something_hangs(note: Path, words_file: Path):
    command, environment = program(note, words_file, HANGING)
    with terminal(*command, start=NO_TERMINAL, **environment) as one:
        run_at_full_speed(one)
        one.press("?")
        one.until("hanging")
        one.hang_up()
        assert ends_in_time(one, reading=False) == 128 + signal.SIGHUP
    assert note.read_text() == "ended"


def test_a_second_signal_ends_all_patience(note: Path, words_file: Path):
    command, environment = program(note, words_file, HANGING, PATIENT)
    with terminal(*command, **environment) as one:
        run_at_full_speed(one)
        one.press("?")
        one.until("hanging")
        one.signal(signal.SIGTERM)
        one.signal(signal.SIGINT)
        assert ends_in_time(one) in (128 + signal.SIGTERM, 128 + signal.SIGINT)
        one.check_that_it_is_as_before()
    assert note.read_text() == "ended"


def test_a_hangup_signal_that_is_ignored_from_the_start_stays_so(note: Path, words_file: Path):
    command, environment = program(note, words_file)
    with terminal(*command, start=NO_HANGUP, **environment) as one:
        rest(one)
        one.signal(signal.SIGHUP)
        one.press("q")
        assert one.ends() == 0
        one.check_that_it_is_as_before()
