"""The limits and ticks of a chart's axes: round, and steady while data streams in."""

import math

Limits = tuple[float, float]
Ticks = dict[float, str]
"""From a position on the axis to what is written there."""

LARGEST = 1e150  # what is larger is left out: limits around it might not be finite


def measured(value: float, logarithmic: bool = False) -> float | None:
    """Return a value as measured along an axis, or None when it has no place there."""
    if not abs(value) <= LARGEST:  # so that NaN is refused as well
        return None
    if not logarithmic:
        return value
    return math.log10(value) if value > 0 else None


def widened(low: float, high: float) -> Limits:
    """Return limits with room between them, also around a single value."""
    size = max(abs(low), abs(high))
    if high - low > max(1e-9 * size, 1 / LARGEST):
        return low, high
    room = size / 10 if size > 1 / LARGEST else 1.0
    return low - room, high + room


def steady(limits: Limits | None, low: float, high: float) -> Limits:
    """Return round limits around [low, high], the present ones as long as they suit.

    A limit that is passed moves on by a large round step, the other stays. Both are chosen anew
    when the data would fill less than a third of the plot.
    """
    low, high = widened(low, high)
    if limits:
        least, most = min(low, limits[0]), max(high, limits[1])
        if high - low >= (most - least) / 3:
            step = round_step((most - least) / 4)
            return (
                limits[0] if low >= limits[0] else round_down(low, step),
                limits[1] if high <= limits[1] else -round_down(-high, step),
            )
    step = round_step((high - low) / 10)
    return round_down(low, step), -round_down(-high, step)


def round_down(value: float, step: float) -> float:
    """Return the multiple of step below value, or value itself where it is one but for rounding."""
    return math.floor(round(value / step, 9)) * step


def round_step(least: float) -> float:
    """Return the smallest of 1, 2, 5 times a power of ten that is at least `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next((power * m for m in (1, 2, 5) if power * m >= least), power * 10)


def linear_ticks(low: float, high: float, parts: int, least: float = 0) -> Ticks:
    """Return about `parts` ticks at multiples of a round step, `least` or wider."""
    step = max(least, round_step((high - low) / max(parts, 3)))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    decimals = max(0, -math.floor(math.log10(step)))
    plain = decimals <= 6 and max(abs(low), abs(high)) < 1e9
    spec = f".{decimals}f" if plain else ".10g"
    return {number * step: f"{number * step:{spec}}" for number in range(first, last + 1)}


def log_ticks(low: float, high: float, parts: int) -> Ticks:
    """Return ticks for a logarithmic axis between 10**low and 10**high."""
    if high - low < 1:
        return {math.log10(y): text for y, text in linear_ticks(10**low, 10**high, parts).items()}
    return {e: f"{10.0**e:g}" for e in linear_ticks(low, high, parts, 1)}
