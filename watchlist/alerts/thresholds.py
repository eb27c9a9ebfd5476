"""Thresholds that a value can reach, and the words of numbers; what the kinds of alert about commits share."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from watchlist.alerts.baseline import LARGEST_SIZE
from watchlist.alerts.kind import AlertLevel
from watchlist.history.people import Person
from watchlist.text import one_line

CRITICAL_VARIANCE_FACTOR = 1.5
"""An alert by variance is critical from this many times its threshold on, in standard deviations."""
CRITICAL_FACTOR = 2
"""An alert by any other number is critical from this many times its threshold on."""

_SIZE_DIGITS = 2
_WITHOUT_FRACTION = 10
_NAME_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Crossing:
    """One threshold that a value reached, by the setting's name."""

    kind: str
    threshold: int
    level: AlertLevel
    usual: float = 0


def most_severe(crossings: Iterable[Crossing]) -> Crossing | None:
    """Return a critical crossing before the mild ones, then the first of the order in which they come."""
    return max(crossings, key=lambda crossing: crossing.level is AlertLevel.CRITICAL, default=None)


def level_of(times_over: float, critical_from: float) -> AlertLevel:
    """Return how urgent it is that a value is so many times its threshold."""
    return AlertLevel.CRITICAL if times_over >= critical_from else AlertLevel.MILD


def count_at(size: float) -> int:
    """Return the least whole count that reaches the size, forgiving the last digits of its computation."""
    return math.ceil(round(size, _SIZE_DIGITS))


def number(value: float) -> str:
    """Return a count in words of a sentence."""
    rounded = round(min(value, LARGEST_SIZE), 1)
    return f"{rounded:.1f}" if rounded < _WITHOUT_FRACTION and rounded % 1 else f"{rounded:,.0f}"


def name_of(author: Person) -> str:
    """Return what a sentence calls the author."""
    return one_line(author.name, _NAME_CHARACTERS) or "an unnamed author"
