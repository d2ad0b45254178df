"""Garbage is not collected where somebody types."""

import gc
from pathlib import Path

import pytest
from workbench import workbench

import tui.garbage
from tui.garbage import DUE, GLANCE_SECONDS


async def test_garbage_waits_until_nobody_types(words_file: Path, monkeypatch: pytest.MonkeyPatch):
    whole: list[str] = []
    looks: list[int] = []

    def note(phase: str, about: dict[str, int]) -> None:
        if about["generation"] == 2:
            whole.append(phase)

    monkeypatch.setattr(tui.garbage, "QUIET_SECONDS", 1000)
    async with workbench(words_file) as bench:
        await bench.press("2", "4")
        gc.callbacks.append(note)
        try:
            while gc.get_count()[2] <= DUE:  # as any program would take it to be
                garbage: list[object] = []
                garbage.append(garbage)
            bench.app.set_interval(GLANCE_SECONDS, lambda: looks.append(1))
            await bench.until(lambda: len(looks) > 2, "looks")
            assert not whole
            monkeypatch.setattr(tui.garbage, "QUIET_SECONDS", 0)
            await bench.until(lambda: whole, "a collection of all garbage")
        finally:
            gc.callbacks.remove(note)
