"""The keys that work all over the workbench. Seven of them are in the footer, all in the help."""

from textual.binding import Binding
from textual.dom import DOMNode


def hidden(
    keys: str, action: str, name: str, tooltip: str, *, id: str | None = None, display: str = ""
) -> Binding:
    """A key that the help and the palette show, and the footer has no room for."""
    return Binding(
        keys, action, name, id=id, tooltip=tooltip, key_display=display or None, show=False
    )


def bindings_of(node: DOMNode) -> list[Binding]:
    """The keys that an app, a pane, a screen or a widget of ours brings itself."""
    bindings = (binding for binding in node.BINDINGS if isinstance(binding, Binding))
    return [binding for binding in bindings if binding.tooltip or binding.show]


KEYS = [
    Binding("o", "open", "Open", id="corpus.open", tooltip="Open another corpus"),
    Binding("space", "train", "Train/pause", id="run.train", tooltip="Start, pause or go on"),
    Binding("f", "full_speed", "Full speed", id="run.full", tooltip="Or back to a pace to watch"),
    Binding("g", "generate", "Generate", id="words.generate", tooltip="Draw words"),
    Binding("z", "zoom", "Zoom", id="pane.zoom", tooltip="Give this pane the whole screen"),
    Binding("question_mark", "help", "Help", id="help", key_display="?", tooltip="Show or hide it"),
    Binding("q", "quit", "Quit", id="quit", tooltip="Leave the program"),
    hidden("1", "show_pane(0)", "Dataset", "Go to the pane", id="pane.dataset"),
    hidden("2", "show_pane(1)", "Training", "Go to the pane", id="pane.training"),
    hidden("3", "show_pane(2)", "Generator", "Go to the pane", id="pane.generator"),
    hidden("4", "show_pane(3)", "Explorer", "The table, and what is under it", id="pane.explorer"),
    hidden("5", "show_pane(4)", "Lens", "A word, character by character", id="pane.lens"),
    hidden("6", "show_pane(5)", "Roads", "Counts and network, compared", id="pane.roads"),
    hidden("7", "show_pane(6)", "Smoothing", "Add-k, and the L2 penalty", id="pane.smoothing"),
    hidden(
        "left_square_bracket",
        "change_order(-1)",
        "Lower n",
        "A shorter context",
        id="lower",
        display="[",
    ),
    hidden(
        "right_square_bracket",
        "change_order(1)",
        "Raise n",
        "A longer one",
        id="raise",
        display="]",
    ),
    hidden("s", "step", "Single step", "Do one step and pause", id="run.step"),
    hidden("r", "reset", "Reset", "Back to step 0", id="run.reset"),
    hidden("x", "stop", "Stop", "End the run and keep its network", id="run.stop"),
    hidden("R", "runs", "Runs", "List, open, compare, delete them", id="run.list"),
    hidden("L", "leaderboard", "Leaderboard", "Every model, judged alike", id="run.board"),
    hidden("D", "detach", "Detach", "Train on in a process of its own", id="run.detach"),
    hidden("minus", "change_speed(-1)", "Slower", "Fewer steps a second", id="slower", display="-"),
    hidden(
        "plus,equals_sign", "change_speed(1)", "Faster", "More of them", id="faster", display="+"
    ),
    hidden("ctrl+t", "tour", "Guided tour", "Take it up, or leave it", id="tour"),
    Binding(
        "greater_than_sign",
        "next_stop(1)",
        "Tour: next",
        id="tour.next",
        key_display=">",
        show=False,
        priority=True,
        tooltip="While the tour is on",
    ),
    Binding(
        "less_than_sign",
        "next_stop(-1)",
        "Tour: back",
        id="tour.back",
        key_display="<",
        show=False,
        priority=True,
        tooltip="While the tour is on",
    ),
    hidden("e", "edit_recipe", "Edit recipe", "Steps, learning rate, seed, device", id="run.edit"),
    Binding(
        "ctrl+z",
        "suspend_process",
        "Suspend",
        id="suspend",
        show=False,
        priority=True,
        tooltip="Back to the shell; fg returns, bg goes on",
    ),
    hidden("W", "layers", "Layers", "How fast each one learns, live", id="run.layers"),
    hidden("l", "log_scale", "Log scale", "Of the loss axis", id="run.log"),
]
