"""How much memory counting may take: what is free here, and what a container leaves of it."""

from pathlib import Path

import pytest

from model import memory
from model.memory import SHARE, default_budget

MIB = 1 << 20


@pytest.fixture
def group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A control group that uses 300 MiB, 120 of which only cache files."""
    monkeypatch.setattr(memory, "CONTROL_GROUP", tmp_path)
    cached = f"active_file {20 * MIB}\ninactive_file {100 * MIB}\n"
    (tmp_path / "memory.stat").write_text(f"anon {180 * MIB}\nfile {130 * MIB}\n{cached}")
    (tmp_path / "memory.current").write_text(f"{300 * MIB}\n")
    return tmp_path


@pytest.mark.parametrize(("most", "left"), [(310, 130), (300, 120), (100, 0)])
def test_a_container_leaves_what_its_limit_leaves(group: Path, most: int, left: int):
    (group / "memory.max").write_text(f"{most * MIB}\n")
    assert default_budget() == left * MIB // SHARE


@pytest.mark.parametrize("most", ["max\n", f"{1 << 60}\n", ""])
def test_a_container_without_a_limit_leaves_what_the_machine_has(group: Path, most: str):
    (group / "memory.max").write_text(most)
    inside = default_budget()
    (group / "memory.max").unlink()
    # What others take meanwhile is not much.
    assert inside == pytest.approx(default_budget(), rel=0.5)
    assert inside > 0
