"""The engine: character-level language models, without a screen."""

import warnings

# torch says so on standard error, across the app's screen; nothing here needs NumPy.
warnings.filterwarnings("ignore", "Failed to initialize NumPy", UserWarning)
