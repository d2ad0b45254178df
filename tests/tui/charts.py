"""A chart alone in an app, and what it shows."""

import math

from textual.app import ComposeResult
from textual.containers import Container
from textual.geometry import Region

from tui.display import Display
from tui.widgets.chart import Chart, Reference

FLOOR = Reference(2.454, "floor 2.4540")


def losses(steps: int) -> list[float]:
    return [2.535 + 1.235 * math.exp(-step / 40) for step in range(steps)]


class WatchedChart(Chart):
    """Records every region that it asks Textual to repaint."""

    def __init__(self, **options) -> None:
        super().__init__(**options)
        self.repainted: list[Region | None] = []

    def refresh(self, *regions: Region, **options):
        self.repainted += regions or [None]
        return super().refresh(*regions, **options)


class ChartApp(Display):
    CSS = "Chart { height: 1fr; }"

    def __init__(self, app_classes="", **options) -> None:
        super().__init__()
        self.add_class(*app_classes.split())
        self.chart = WatchedChart(**options)

    def compose(self) -> ComposeResult:
        with Container():
            yield self.chart

    @property
    def rows(self) -> list[str]:
        return [self.chart.render_line(y).text for y in range(self.chart.size.height)]


async def picture(*series, size=(28, 8), x_range=None, log_scale=False, **options) -> list[str]:
    app = ChartApp(**options)
    async with app.run_test(size=size) as pilot:
        app.chart.log_scale = log_scale
        app.chart.show(*series, x_range=x_range)
        await pilot.pause()
        return app.rows
