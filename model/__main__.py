"""`python -m model` is `makemore`."""

from model.cli import main

main(prog_name="makemore")
