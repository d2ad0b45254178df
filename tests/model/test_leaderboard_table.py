"""The leaderboard as text: its order, and what becomes of any name in a file."""

import csv
import io
import json
import math
import re

import pytest

from model.leaderboard_table import (
    FIELDS,
    FORMATS,
    Entry,
    in_order,
    to_csv,
    to_json,
    to_markdown,
    to_table,
)

GOOD = Entry("good", "mlp", 9, 1000, 1.5, 2.0, None, 2.1, 12.5, 500.0, "step 3", "words-n9-1")
BAD = Entry("Bad", "counts", 2, 50, 2.5, math.inf, None, math.inf, 0.001, 90_000.0)
ODD = Entry("cheat", "one-layer", 3, 700, 1.9, note="learnt from all words")
ALL = [GOOD, BAD, ODD]

NAMES = [
    'a "quoted", name',
    "a | b || c",
    "two\nlines\r\n",
    "\x1b[2J\x07 bell",
    "<b>*bold*</b> _under_ [link](http://x) `code` # ! & \\",
    "\u202egnol\u2028",
    "=SUM(A1)",
    "日本語, ü",
    "\\|",
]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("dev", ["good", "Bad", "cheat"]),
        ("train", ["good", "cheat", "Bad"]),
        ("name", ["Bad", "cheat", "good"]),
        ("parameters", ["Bad", "cheat", "good"]),
        ("words_per_second", ["Bad", "good", "cheat"]),
        ("test", ["good", "Bad", "cheat"]),
    ],
)
def test_the_best_stands_first_and_what_is_not_known_last(field: str, expected: list[str]):
    assert [entry.name for entry in in_order(ALL, field)] == expected


def test_the_worst_can_stand_first_but_what_is_not_known_stays_last():
    assert [each.name for each in in_order(ALL, "dev", reverse=True)] == ["Bad", "good", "cheat"]
    quick = in_order(ALL, "words_per_second", reverse=True)
    assert [each.name for each in quick] == ["good", "Bad", "cheat"]


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_can_be_sorted_by(field: str):
    assert sorted(each.name for each in in_order(ALL, field)) == ["Bad", "cheat", "good"]


def test_a_table_has_a_line_for_each_model_under_the_heads():
    head, good, bad, odd = to_table(ALL).splitlines()
    assert head.split() == [field.head for field in FIELDS.values()]
    assert _cells(good) == "good mlp 9 1,000 1.5000 2.0000 — 2.1000 12.50 500 step 3"
    assert _cells(bad) == "Bad counts 2 50 2.5000 ∞ — ∞ 0.00 90,000"
    assert _cells(odd) == "cheat one-layer 3 700 1.9000 — — — — — learnt from all words"
    dev = head.index("dev") + 3
    assert [line[:dev].split()[-1] for line in (good, bad, odd)] == ["2.0000", "∞", "—"]


def _cells(line: str) -> str:
    return " ".join(line.split())


def test_json_has_every_digit_and_null_for_what_is_no_number():
    good, bad, odd = (json.loads(line) for line in to_json(ALL).splitlines())
    assert Entry(**good) == GOOD
    assert (bad["dev"], bad["unseen"], bad["train"]) == (None, None, 2.5)
    assert odd["note"] == "learnt from all words"


@pytest.mark.parametrize("name", NAMES)
def test_csv_gives_back_every_name_in_one_row(name: str):
    text = to_csv([GOOD, Entry(name, "counts", 2, train=0.1 + 0.2), BAD])
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["name"] for row in rows][::2] == ["good", "Bad"]
    assert float(rows[1]["train"]) == 0.1 + 0.2
    assert (rows[1]["dev"], rows[2]["dev"], rows[0]["run"]) == ("", "inf", "words-n9-1")
    assert rows[1]["name"].isprintable()
    if name.isprintable():
        assert rows[1]["name"] == name


@pytest.mark.parametrize("name", NAMES)
def test_markdown_gives_every_name_one_cell(name: str):
    lines = to_markdown([Entry(name, "counts", 2, note=name), GOOD]).splitlines()
    assert len(lines) == 4
    assert {len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in lines} == {len(FIELDS) + 1}
    cell = re.split(r"(?<!\\)(?:\\\\)*\|", lines[2])[1].strip()
    assert cell.isprintable()
    plain = re.sub(r"\\([^a-zA-Z0-9])", r"\1", cell)
    if name.isprintable():
        assert plain == name
    assert not re.search(r"(?<!\\)(?:\\\\)*[<>*_`\[\]|&]", cell)


@pytest.mark.parametrize("style", FORMATS)
def test_no_format_lets_a_name_through_that_a_terminal_would_obey(style: str):
    text = FORMATS[style]([Entry(name, "counts", 2, note=name) for name in NAMES])
    assert all(line.isprintable() for line in text.split("\n"))
    assert text.endswith("\n")
