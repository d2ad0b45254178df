"""Resizing: storms of it while a run trains, and sizes that nobody works at."""

import random
from pathlib import Path

import pytest
from terminal import PROGRAM, Terminal, terminal
from workbench import ENDLESS, QUICK, remember

HZ = 60


def storm(one: Terminal, sizes: list[tuple[int, int]]) -> None:
    for rows, columns in sizes:
        one.resize(rows, columns)
        one.read_on(1 / HZ)


def is_whole(one: Terminal) -> bool:
    """Whether the frame is complete: tabs, the sides of the pane, the keys."""
    first, *panes, last = one.picture
    top, *middle, bottom = panes
    return (
        "1 Dataset" in first
        and (top[0], top[-1], bottom[0], bottom[-1]) == tuple("╭╮╰╯")
        and {row[0] + row[-1] for row in middle} == {"││"}
        and "Train/pause" in last
    )


def test_a_storm_of_resizes_leaves_a_whole_picture(words_file: Path):
    remember(ENDLESS)
    sizes = random.Random(0)
    with terminal(*PROGRAM, str(words_file)) as one:
        one.until(r"floor +\d\.\d{4}")
        one.press("2f ")
        one.until("running")
        storm(one, [(sizes.randint(1, 60), sizes.randint(1, 200)) for _ in range(120)])
        one.resize(30, 90)
        mark = one.mark()
        one.press(" ")
        one.until("paused", mark)
        one.until_still()
        seen = one.picture
        assert is_whole(one), "\n".join(seen)
        storm(one, [(31, 90), (30, 90)])  # which paints all of it anew
        one.until_still()
        assert one.picture == seen
        one.press("q")
        assert one.ends() == 0
        one.check_that_it_is_as_before()


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 200), (60, 1), (3, 10)])
def test_no_size_is_too_small_to_go_on(rows: int, columns: int, words_file: Path):
    remember(QUICK)
    with terminal(*PROGRAM, str(words_file)) as one:
        one.until(r"floor +\d\.\d{4}")
        for key in "1234567":
            one.press(key)
            storm(one, [(rows, columns)])
            one.press("\x1b" if key == "4" else "")  # letters are places in the explorer
            one.read_on(1 / HZ)
            storm(one, [(40, 120)])
        mark = one.mark()
        one.press("1")
        one.until("word lengths", mark)
        one.press("q")
        assert one.ends() == 0
        assert "Traceback" not in one.text
