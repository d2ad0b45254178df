"""Which steps of a chart are seen, and which of them is read."""

from __future__ import annotations

from dataclasses import dataclass, replace

LEAST = 8  # steps that are seen at least, where there are so many
MARGIN = 4  # of a view that follows the end, what part is kept free for the steps to come


@dataclass(frozen=True)
class View:
    """The steps from `left` to `right`, with the cursor on one that has been done.

    0 <= left <= cursor <= right <= reach, and cursor <= last.
    """

    last: int = 0
    """The last step that there are values of."""
    reach: int = 1
    """Where the axis ends when all is seen: the last step, or the last one that is planned."""
    left: int = 0
    right: int = 1
    cursor: int = 0

    @property
    def whole(self) -> bool:
        """Whether all is seen."""
        return (self.left, self.right) == (0, self.reach)

    @property
    def follows(self) -> bool:
        """Whether the cursor stays at the end while more steps are done."""
        return self.cursor == self.last

    @property
    def width(self) -> int:
        """From the first step that is seen to the last."""
        return self.right - self.left

    def grown(self, last: int, reach: int) -> View:
        """The view when there are other steps: the same ones, unless it follows the end."""
        reach = max(last, reach, 1)
        cursor = last if self.follows else min(self.cursor, last)
        view = replace(self, last=last, reach=reach, cursor=cursor)
        if self.whole:
            return replace(view, left=0, right=reach)
        if self.left <= cursor <= self.right <= reach:
            return view
        return view._placed(cursor - self.width + self.width // MARGIN, self.width)

    def moved(self, by: int) -> View:
        """The view with the cursor elsewhere, and as far along with it as it must be."""
        cursor = min(max(0, self.cursor + by), self.last)
        left = min(max(self.left, cursor - self.width), cursor)
        return replace(self, cursor=cursor)._placed(left, self.width)

    def panned(self, by: int) -> View:
        """Other steps, as many as now; the cursor comes along at the edge."""
        left = min(max(0, self.left + by), self.last, self.reach - self.width)
        view = replace(self, left=left, right=left + self.width)
        return replace(view, cursor=min(max(self.cursor, left), view.right, self.last))

    def zoomed(self, times: float) -> View:
        """So many times as many steps around the cursor, which stays at its place."""
        width = min(max(round(self.width * times), LEAST), self.reach)
        place = (self.cursor - self.left) / self.width
        return self._placed(self.cursor - round(place * width), width)

    def all(self) -> View:
        """Everything."""
        return replace(self, left=0, right=self.reach)

    def _placed(self, left: int, width: int) -> View:
        width = min(width, self.reach)
        left = min(max(0, left), self.reach - width)
        return replace(self, left=left, right=left + width)
