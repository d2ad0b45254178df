"""A number that keys move along a grid."""

from bisect import bisect_left, bisect_right


def series(first: int, last: int) -> tuple[float, ...]:
    """Zero; then 1, 2 and 5 times every power of ten from 10**first on; and 10**last."""
    rising = [float(f"{digit}e{power}") for power in range(first, last) for digit in (1, 2, 5)]
    return 0.0, *rising, 10.0**last


class Choice:
    """A number that is chosen in one place and used in another, which follows a moment later.

    Keys may come faster than that: each goes on from the one before.
    """

    def __init__(self, grid: tuple[float, ...]) -> None:
        """Begin with the lowest value of a rising grid; others may lie off it."""
        self.value = grid[0]
        self._grid = grid
        self._awaited = False

    def next(self, by: int) -> float:
        """The next value of the grid above this one, or below it; this one at the end."""
        above = bisect_right(self._grid, self.value)
        place = above if by > 0 else bisect_left(self._grid, self.value) - 1
        return self._grid[place] if 0 <= place < len(self._grid) else self.value

    def choose(self, value: float) -> None:
        """Take a value that is yet to be used."""
        self.value, self._awaited = value, True

    def follow(self, used: float) -> None:
        """Take the value that is used, unless it is from before the last choice."""
        if not self._awaited or used == self.value:
            self.value, self._awaited = used, False
