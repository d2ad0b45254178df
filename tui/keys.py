"""The keys that work all over the workbench. Seven of them are in the footer, all in the help."""

from textual.binding import Binding


def _hidden(keys: str, action: str, name: str, id: str, tooltip: str, display: str = "") -> Binding:
    return Binding(
        keys, action, name, id=id, tooltip=tooltip, key_display=display or None, show=False
    )


KEYS = [
    Binding("o", "open", "Open", id="corpus.open", tooltip="Open another corpus"),
    Binding("space", "train", "Train/pause", id="run.train", tooltip="Start, pause or go on"),
    Binding("f", "full_speed", "Full speed", id="run.full", tooltip="Or back to a pace to watch"),
    Binding("g", "generate", "Generate", id="words.generate", tooltip="Draw words"),
    Binding("z", "zoom", "Zoom", id="pane.zoom", tooltip="Give this pane the whole screen"),
    Binding("question_mark", "help", "Help", id="help", key_display="?", tooltip="Show or hide it"),
    Binding("q,ctrl+q", "quit", "Quit", id="quit", key_display="q", tooltip="Leave the program"),
    _hidden("1", "show_pane(0)", "Dataset", "pane.dataset", "Go to the pane"),
    _hidden("2", "show_pane(1)", "Training", "pane.training", "Go to the pane"),
    _hidden("3", "show_pane(2)", "Generator", "pane.generator", "Go to the pane"),
    _hidden("left_square_bracket", "change_order(-1)", "Lower n", "order.lower", "Order", "["),
    _hidden("right_square_bracket", "change_order(1)", "Raise n", "order.raise", "Order", "]"),
    _hidden("s", "step", "Single step", "run.step", "Do one step and pause"),
    _hidden("r", "reset", "Reset", "run.reset", "Back to step 0"),
    _hidden("x", "stop", "Stop", "run.stop", "End the run and keep its network"),
    _hidden("minus", "change_speed(-1)", "Slower", "run.slower", "Fewer steps a second", "-"),
    _hidden("plus,equals_sign", "change_speed(1)", "Faster", "run.faster", "More steps", "+"),
    _hidden("e", "edit_recipe", "Edit recipe", "run.recipe", "Steps, learning rate, seed, device"),
    _hidden("l", "log_scale", "Log scale", "run.log", "Of the loss"),
]
