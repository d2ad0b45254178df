"""Bars made of characters."""

EIGHTHS = " ▏▎▍▌▋▊▉"


def eighths_bar(eighths: int) -> str:
    """A bar that is so many eighths of a column long."""
    return "█" * (eighths // 8) + EIGHTHS[eighths % 8] * bool(eighths % 8)


def share_bar(share: float, room: int) -> str:
    """A bar that fills a share of so many columns, and shows what is not nothing."""
    return eighths_bar(max(round(8 * room * min(1.0, share)), 1 if share > 0 else 0))
