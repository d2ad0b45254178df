"""The three panes of the workbench."""
