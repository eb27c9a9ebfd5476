"""What is usual for a repository and its contributors, condensed from the commits stored so far.

A baseline is small (see the bounds below) and is stored as JSON next to the repository. It holds no names, addresses
or paths, only their hashes: it recognises them again and tells nothing else.

Robust statistics: one huge commit (a vendored library, a reformatting) must neither hide the next one nor make
everything else look unusual. Sizes of commits are heavy-tailed, near to log-normal, so all is taken of log(1 + size).
The centre is the median. The spread is the greatest of three estimates of the standard deviation:

- the median absolute deviation scaled by 1.4826, which makes it consistent for normal values (Rousseeuw & Croux 1993,
  "Alternatives to the Median Absolute Deviation"; the distance in these units is the modified z-score of Iglewicz &
  Hoaglin 1993, "How to Detect and Handle Outliers", who recommend 3.5 as the limit),
- the distance from the median to the 84.13th percentile, where a normal distribution has its median plus one standard
  deviation: most commits change one or two files, and on so few distinct values the first is near zero,
- log 2, one doubling: the least that makes a size unusual is a multiple of the usual one.

Up to 15 % of a sample can be arbitrary before this breaks down. docs/alerts.md shows how it measured against others.
"""

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from statistics import fmean, median
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from watchlist.history.commits import Commit, FileChange
from watchlist.history.file_changes import changed_paths
from watchlist.history.people import People, Person

MINIMUM_REPOSITORY_COMMITS = 30
"""Commits that the repository's own spread needs; below it only the other thresholds apply."""
MINIMUM_CONTRIBUTOR_COMMITS = 10
"""Commits that a contributor's own spread needs."""
MINIMUM_COMMITS_FOR_HOURS = 20
"""Commits that a contributor's usual hours need."""
MAXIMUM_CONTRIBUTORS = 200
"""Contributors kept, those with most commits first; a year of at most 1000 commits has at most 100 with a spread."""
MAXIMUM_FILES = 500
"""Files kept, those changed most often in their weeks first; others count as the repository's average file."""
LARGEST_SIZE = 2**53
"""No commit counts as greater, so that hostile counts stay exact as floats."""

_NORMAL_CONSISTENCY = 1.4826
_ONE_DEVIATION_PERCENTILE = 0.8413
_SMALLEST_DEVIATION = math.log(2)
_SHARE_OF_USUAL_HOURS = 0.9
_HOURS_OF_A_DAY = 24
_WIDEST_USUAL_HOURS = 20
_DIGITS = 6

_Finite = Annotated[float, Field(allow_inf_nan=False)]


def contributor_key(person: Person) -> str:
    """Return a hash that stands for the person."""
    return _key(person.key)


def file_key(path: str) -> str:
    """Return a hash that stands for the file's path."""
    return _key(path)


def week_of(time: datetime) -> str:
    """Return the ISO 8601 week of a UTC time, such as 2026-W07."""
    year, week, _ = time.isocalendar()
    return f"{year:04}-W{week:02}"


def _key(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:16]


class Spread(BaseModel):
    """Where the sizes of a sample lie: a robust mean and standard deviation of log(1 + size)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    centre: _Finite
    deviation: Annotated[_Finite, Field(gt=0)]

    @classmethod
    def of(cls, sizes: Iterable[int], *, minimum: int) -> "Spread | None":
        """Return the spread of sizes >= 0, or None of fewer than `minimum`."""
        logarithms = sorted(_logarithm(size) for size in sizes)
        if len(logarithms) < max(minimum, 1):
            return None
        centre = median(logarithms)
        deviation = max(
            _NORMAL_CONSISTENCY * median(abs(value - centre) for value in logarithms),
            _percentile(logarithms, _ONE_DEVIATION_PERCENTILE) - centre,
            _SMALLEST_DEVIATION,
        )
        return cls(centre=round(centre, _DIGITS), deviation=round(deviation, _DIGITS))

    def deviations(self, size: float) -> float:
        """Return how many standard deviations `size` lies above the centre (negative: below)."""
        return (_logarithm(size) - self.centre) / self.deviation

    def size_at(self, deviations: float) -> float:
        """Return the size that lies so many standard deviations above the centre; the inverse of `deviations`."""
        return math.expm1(min(self.centre + deviations * self.deviation, math.log1p(LARGEST_SIZE)))

    @property
    def usual_size(self) -> float:
        """The size at the centre."""
        return self.size_at(0)


def _percentile(ordered: Sequence[float], share: float) -> float:
    """Return the percentile by linear interpolation between the two nearest values."""
    position = share * (len(ordered) - 1)
    below = math.floor(position)
    above = math.ceil(position)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def _logarithm(size: float) -> float:
    return math.log1p(min(max(size, 0), LARGEST_SIZE))


class UsualHours(BaseModel):
    """A stretch of whole hours of the day in UTC, over midnight where that is shorter."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    start: Annotated[int, Field(ge=0, lt=_HOURS_OF_A_DAY)]
    length: Annotated[int, Field(ge=1, le=_HOURS_OF_A_DAY)]

    @classmethod
    def of(cls, hours: Sequence[int]) -> "UsualHours | None":
        """Return the shortest stretch that holds 90 % of `hours` (0 to 23), one hour wider on both sides.

        The hour on each side is for daylight saving time, which UTC does not show. None where there are too few, or
        where they are spread over the whole day.
        """
        if len(hours) < MINIMUM_COMMITS_FOR_HOURS:
            return None
        counts = Counter(hours)
        twice = [counts[hour % _HOURS_OF_A_DAY] for hour in range(2 * _HOURS_OF_A_DAY)]
        needed = math.ceil(_SHARE_OF_USUAL_HOURS * len(hours))
        for length in range(1, _WIDEST_USUAL_HOURS - 1):
            held = [sum(twice[start : start + length]) for start in range(_HOURS_OF_A_DAY)]
            most = max(held)
            if most >= needed:
                return cls(start=(held.index(most) - 1) % _HOURS_OF_A_DAY, length=length + 2)
        return None

    def hold(self, hour: int) -> bool:
        """Whether the hour (0 to 23) lies within."""
        return (hour - self.start) % _HOURS_OF_A_DAY < self.length

    def __str__(self) -> str:
        end = (self.start + self.length) % _HOURS_OF_A_DAY
        return f"{self.start:02}:00-{end:02}:00 UTC"


class ContributorBaseline(BaseModel):
    """What is usual for one contributor; None where the sample is too small."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lines: Spread | None
    files: Spread | None
    hours: UsualHours | None


class Baseline(BaseModel):
    """What is usual for a repository; None where the sample is too small."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lines: Spread | None
    files: Spread | None
    contributors: dict[str, ContributorBaseline]
    file_changes: dict[str, _Finite]
    average_file_changes: Annotated[_Finite, Field(ge=1)]

    @classmethod
    def of(cls, commits: Iterable[Commit], people: People) -> "Baseline":
        """Condense stored commits, in any order.

        Merges have no sizes and count for the hours only. Programs have spreads of their own but no hours, and
        count neither for the repository's spreads nor for the changes of files.
        """
        by_author: defaultdict[str, list[Commit]] = defaultdict(list)
        by_people: list[Commit] = []
        for commit in commits:
            author = people.of(commit.author)
            by_author[contributor_key(author)].append(commit)
            if not author.is_bot:
                by_people.append(commit)
        file_changes = _changes_per_active_week(by_people)
        return cls(
            lines=Spread.of(_sizes(by_people, lines_changed), minimum=MINIMUM_REPOSITORY_COMMITS),
            files=Spread.of(_sizes(by_people, files_changed), minimum=MINIMUM_REPOSITORY_COMMITS),
            contributors=_contributors(by_author, people),
            file_changes=_most_changed(file_changes),
            average_file_changes=round(fmean(file_changes.values()), _DIGITS) if file_changes else 1,
        )

    def contributor(self, author: Person) -> ContributorBaseline | None:
        """Return what is usual for the author, or None where too little is known."""
        return self.contributors.get(contributor_key(author))

    def usual_file_changes(self, path: str) -> float:
        """Return the file's usual number of changes in a week with changes, at least the average file's."""
        return max(self.file_changes.get(file_key(path), 0), self.average_file_changes)


def lines_changed(commit: Commit) -> int | None:
    """Return the lines added plus deleted, or None where there is nothing to measure: a merge, or not counted."""
    return None if commit.files is None or commit.is_merge else lines_of(commit.files)


def lines_of(files: Iterable[FileChange]) -> int:
    """Return the lines added plus deleted in these files."""
    return min(sum((change.added or 0) + (change.deleted or 0) for change in files), LARGEST_SIZE)


def files_changed(commit: Commit) -> int | None:
    """Return the number of files changed, or None where there is nothing to measure: a merge, or not counted."""
    return None if commit.files is None or commit.is_merge else len(commit.files)


def _sizes(commits: Iterable[Commit], size: Callable[[Commit], int | None]) -> list[int]:
    return [value for value in map(size, commits) if value is not None]


def _contributors(by_author: Mapping[str, Sequence[Commit]], people: People) -> dict[str, ContributorBaseline]:
    contributors = {}
    for author, commits in sorted(by_author.items(), key=lambda item: (-len(item[1]), item[0]))[:MAXIMUM_CONTRIBUTORS]:
        if len(commits) < MINIMUM_CONTRIBUTOR_COMMITS:
            break
        is_bot = people.of(commits[0].author).is_bot
        contributors[author] = ContributorBaseline(
            lines=Spread.of(_sizes(commits, lines_changed), minimum=MINIMUM_CONTRIBUTOR_COMMITS),
            files=Spread.of(_sizes(commits, files_changed), minimum=MINIMUM_CONTRIBUTOR_COMMITS),
            hours=None if is_bot else UsualHours.of([commit.author.time.hour for commit in commits]),
        )
    return contributors


def _changes_per_active_week(commits: Sequence[Commit]) -> dict[str, float]:
    """Return, for each file, its mean number of changes over the weeks in which it was changed at all.

    The week of the newest commit is left out: it goes on, and would make its own churn usual.
    """
    newest_week = week_of(max(commit.committer.time for commit in commits)) if commits else None
    weeks: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for commit in commits:
        week = week_of(commit.committer.time)
        if week != newest_week:
            for path in changed_paths(commit):
                weeks[file_key(path)][week] += 1
    return {path: fmean(changes.values()) for path, changes in weeks.items()}


def _most_changed(file_changes: Mapping[str, float]) -> dict[str, float]:
    kept = sorted(file_changes.items(), key=lambda item: (-item[1], item[0]))[:MAXIMUM_FILES]
    return {path: round(changes, _DIGITS) for path, changes in kept if changes > 1}
