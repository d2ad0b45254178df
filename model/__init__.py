"""The engine: character-level language models, without a screen."""

import warnings

__version__ = "0.1.0"

# torch says so on standard error, across the app's screen; nothing here needs NumPy.
warnings.filterwarnings("ignore", "Failed to initialize NumPy", UserWarning)
