"""The engine: character-level language models, without a screen."""
