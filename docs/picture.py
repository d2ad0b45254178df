"""Draws the README's pictures, docs/workbench.svg and docs/explorer.svg, from the running app.

Run `python docs/picture.py [CORPUS]` where the project is installed.
"""

import asyncio
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from textual.pilot import Pilot

from model.corpus import DEFAULT
from model.session import Phase
from tui.app import MakemoreApp


async def main(source: str) -> None:
    """Train a while, draw from both models, look into the table, and write what is shown."""
    app = MakemoreApp(source)
    async with app.run_test(size=(132, 38)) as pilot:
        await until(pilot, lambda: app.counts is not None)
        await pilot.press("space")
        await until(pilot, lambda: app.snapshot.step >= 320)
        await pilot.press("space")
        await until(pilot, lambda: app.snapshot.phase is Phase.PAUSED)
        await pilot.press("g", "c", "c")
        await until(pilot, lambda: len(pilot.app.query("ToastRack Toast")) == 0)
        await until(pilot, lambda: app.query_one("#generator").drawing is not None)
        await save(pilot, "workbench.svg")
        await pilot.press("4", "V", "e", "l")
        await save(pilot, "explorer.svg")


async def save(pilot: Pilot[None], name: str) -> None:
    """Write the screen, once it has settled, beside this file."""
    for _ in range(10):
        await pilot.pause(0.05)
    picture = pilot.app.export_screenshot(title="makemore-tui")
    Path(__file__).with_name(name).write_text(picture, encoding="utf-8")


async def until(pilot: Pilot[None], condition) -> None:
    """Wait for what the app's threads bring about."""
    while not condition():
        await pilot.pause(0.05)


if __name__ == "__main__":
    with TemporaryDirectory() as settings:
        os.environ["XDG_CONFIG_HOME"] = settings
        asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else DEFAULT))
