"""The screens that lie over the workbench for a moment."""
