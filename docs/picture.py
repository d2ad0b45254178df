"""Draws docs/workbench.svg, the README's picture, from the running app.

Run `python docs/picture.py [CORPUS]`.
"""

import asyncio
import sys
from pathlib import Path

from model.corpus import DEFAULT
from tui.app import MakemoreApp
from tui.training_session import Phase


async def main(source: str) -> None:
    """Train a while, draw from both models, and write what the screen shows."""
    app = MakemoreApp(source)
    async with app.run_test(size=(132, 38)) as pilot:
        app.theme = "textual-dark"
        while app.counts is None:
            await pilot.pause(0.05)
        await pilot.press("space")
        while app.snapshot.step < 320:
            await pilot.pause(0.05)
        await pilot.press("space")
        while app.snapshot.phase is not Phase.PAUSED:
            await pilot.pause(0.05)
        await pilot.press("g", "c", "c")
        for _ in range(20):
            await pilot.pause(0.05)
        picture = app.export_screenshot(title="makemore-tui")
    Path(__file__).with_name("workbench.svg").write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else DEFAULT))
