"""Every pane, in the order of the numbers; what takes longest to import of the first picture."""

from tui.panes.dataset import DatasetPane
from tui.panes.explorer import ExplorerPane
from tui.panes.generator import GeneratorPane
from tui.panes.lens import LensPane
from tui.panes.pane import Pane
from tui.panes.roads import RoadsPane
from tui.panes.smoothing import SmoothingPane
from tui.panes.training import TrainingPane

PANES: tuple[type[Pane], ...] = (
    DatasetPane,
    TrainingPane,
    GeneratorPane,
    ExplorerPane,
    LensPane,
    RoadsPane,
    SmoothingPane,
)
