"""The app: a workbench for `model` in the terminal."""
