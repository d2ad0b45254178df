"""How much memory counting may take: what is free here, and what a container leaves of it."""

from pathlib import Path

import pytest

from model import memory
from model.memory import SHARE, default_budget

MIB = 1 << 20


@pytest.fixture
def group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A control group that uses 300 MiB, 120 of which only cache files."""
    use(tmp_path)
    (tmp_path / "groups").write_text("0::/\n")
    monkeypatch.setattr(memory, "CONTROL_GROUP", tmp_path)
    monkeypatch.setattr(memory, "GROUPS", tmp_path / "groups")
    return tmp_path


def use(group: Path, current: str = "memory.current", total: str = "") -> None:
    group.mkdir(parents=True, exist_ok=True)
    cached = f"{total}active_file {20 * MIB}\n{total}inactive_file {100 * MIB}\n"
    (group / "memory.stat").write_text(f"anon {180 * MIB}\nfile {130 * MIB}\n{cached}")
    (group / current).write_text(f"{300 * MIB}\n")


@pytest.mark.parametrize(("most", "left"), [(310, 130), (300, 120), (100, 0)])
def test_a_container_leaves_what_its_limit_leaves(group: Path, most: int, left: int):
    (group / "memory.max").write_text(f"{most * MIB}\n")
    assert default_budget() == left * MIB // SHARE


def test_the_smallest_limit_of_the_groups_around_the_process_holds(group: Path):
    (group / "groups").write_text("0::/slice/job/step\n")
    for place, most in (("slice", "max"), ("slice/job", f"{310 * MIB}"), ("slice/job/step", "max")):
        use(group / place)
        (group / place / "memory.max").write_text(f"{most}\n")
    assert default_budget() == 130 * MIB // SHARE


def test_limits_of_the_first_version_hold_as_well(group: Path):
    (group / "groups").write_text("3:cpu:/job\n2:memory:/job\n")
    use(group / "memory" / "job", "memory.usage_in_bytes", "total_")
    (group / "memory" / "job" / "memory.limit_in_bytes").write_text(f"{310 * MIB}\n")
    assert default_budget() == 130 * MIB // SHARE


@pytest.mark.parametrize("most", ["max\n", f"{1 << 60}\n", ""])
def test_a_container_without_a_limit_leaves_what_the_machine_has(group: Path, most: str):
    (group / "memory.max").write_text(most)
    inside = default_budget()
    (group / "memory.max").unlink()
    # What others take meanwhile is not much.
    assert inside == pytest.approx(default_budget(), rel=0.5)
    assert inside > 0
