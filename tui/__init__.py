"""The app: a workbench for `model` in the terminal."""

import os

# Before it paints what a key has changed, Textual waits for its next frame, or the one after that.
os.environ.setdefault("TEXTUAL_FPS", "240")
