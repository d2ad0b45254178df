"""A chart whose curves are read, alone in an app, and what is pressed and read there."""

import asyncio
import re

import torch
from textual.app import ComposeResult
from textual.message_pump import MessagePump
from textual.pilot import Pilot
from textual.widgets import Button
from workbench import key_event, wait_until
from workbench import settle as settle_screen

from tui.display import Display
from tui.widgets.chart import Reference
from tui.widgets.curve import Curve
from tui.widgets.curves import Curves

FLOOR = Reference(2.0, "floor 2.0000")
STEPS = 1_000_000
LOSSES = (
    2.5 + torch.exp(-torch.arange(STEPS) / 100_000) + 0.1 * torch.sin(torch.arange(STEPS) * 1.7)
)
SLOPE = torch.linspace(4, 3, 1000)


class CurvesApp(Display):
    CSS = "Curves { height: 1fr; } Button { display: none; &.-shown { display: block; } }"

    def __init__(self) -> None:
        super().__init__()
        self.chart = Curves()

    def compose(self) -> ComposeResult:
        yield self.chart
        yield Button()

    @property
    def rows(self) -> list[str]:
        return [self.chart.render_line(y).text for y in range(self.chart.size.height)]

    @property
    def text(self) -> str:
        return "\n".join(self.rows)

    @property
    def read(self) -> tuple[int, list[float]]:
        """The step under the cursor and the values there."""
        numbers = [float(one.replace(",", "")) for one in re.findall(r"-?\d[\d,.]*", self.rows[0])]
        return int(numbers[0]), numbers[1:]

    @property
    def axis(self) -> list[float]:
        return [float(each) for each in self.rows[-1].split()]


async def settle(pilot: Pilot) -> None:
    """Wait until all is drawn, in threads as well; what one has done can start the next."""
    app, chart, quiet = pilot.app, pilot.app.query_one(Curves), 0
    await wait_until(pilot, lambda: chart.size, "the layout")
    # A thread that has ended may not have been heard of, and another one begun and ended since.
    while quiet < 2:
        quiet = quiet + 1 if all(worker.is_finished for worker in app.workers) else 0
        await app.workers.wait_for_complete()
        await handled(app, chart)
        await settle_screen(pilot)


async def handled(*receivers: MessagePump) -> None:
    """Wait until each has handled what it was sent, one after the other."""
    for receiver in receivers:
        done = asyncio.Event()
        receiver.call_later(done.set)
        await done.wait()


async def press(pilot: Pilot, *keys: str) -> None:
    for key in keys:
        pilot.app.post_message(key_event(key))
        await settle(pilot)


def run(
    losses: torch.Tensor = LOSSES, key: str = "run", label: str = "loss", mark: str = ""
) -> Curve:
    return Curve(key, losses, label, mark)
