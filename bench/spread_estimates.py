"""Which estimate of "usual" suits the sizes of commits: how often each finds the next year's commits unusual.

Usage: python -m bench.spread_estimates PATH...

Each estimate is made of the year before last (at most 1000 commits) and tried on the last year before HEAD: commits
per 100 that lie 3.5 deviations or more above the centre, against everybody's past and against the author's own. The
last column is how many times greater everybody's limit becomes, at the median repository, when one commit of a
million lines or files is added to its past.
"""

import argparse
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import fmean, median, stdev

from bench.alert_rates import MOST_COMMITS, YEAR, head_time, read_history
from watchlist.alerts.baseline import (
    MINIMUM_CONTRIBUTOR_COMMITS,
    Spread,
    files_changed,
    lines_changed,
)
from watchlist.alerts.kinds.files_changed import MINIMUM_FILES
from watchlist.alerts.kinds.lines_added_deleted import MINIMUM_LINES
from watchlist.history.commits import Commit
from watchlist.history.people import People

_DEVIATIONS = 3.5
_OUTLIER = 1_000_000
_NORMAL_CONSISTENCY = 1.4826

_Limit = Callable[[Sequence[int]], float]
_Sample = tuple[list[int], list[int]]


def _mean_and_deviation(sizes: Sequence[int]) -> float:
    return fmean(sizes) + _DEVIATIONS * stdev(sizes)


def _median_and_mad(sizes: Sequence[float]) -> float:
    centre = median(sizes)
    return centre + _DEVIATIONS * _NORMAL_CONSISTENCY * median(abs(size - centre) for size in sizes)


def _of_logarithms(limit: Callable[[Sequence[float]], float]) -> _Limit:
    return lambda sizes: math.expm1(limit([math.log1p(size) for size in sizes]))


def _used(sizes: Sequence[int]) -> float:
    spread = Spread.of(sizes, minimum=1)
    return spread.size_at(_DEVIATIONS) if spread else math.inf


_ESTIMATES: dict[str, _Limit] = {
    "mean and standard deviation": _mean_and_deviation,
    "median and MAD": _median_and_mad,
    "mean and standard deviation of logarithms": _of_logarithms(
        lambda sizes: fmean(sizes) + _DEVIATIONS * stdev(sizes)
    ),
    "median and MAD of logarithms": _of_logarithms(_median_and_mad),
    "the one that is used": _used,
}
_METRICS = (("lines", lines_changed, MINIMUM_LINES), ("files", files_changed, MINIMUM_FILES))


def _years(repository: Path) -> tuple[list[Commit], list[Commit]]:
    head = head_time(repository)
    history = [commit for commit in read_history(repository, head - 2 * YEAR) if not commit.is_merge]
    past = [commit for commit in history if commit.committer.time < head - YEAR]
    return past[-MOST_COMMITS:], history[len(past) :]


def _samples(
    years: tuple[list[Commit], list[Commit]],
    size: Callable[[Commit], int | None],
    group: Callable[[Commit], str],
) -> list[_Sample]:
    samples: defaultdict[str, _Sample] = defaultdict(lambda: ([], []))
    for year, commits in enumerate(years):
        for commit in commits:
            samples[group(commit)][year].append(size(commit) or 0)
    return [sample for sample in samples.values() if len(sample[0]) >= MINIMUM_CONTRIBUTOR_COMMITS]


def _per_hundred(limit: _Limit, samples: Iterable[_Sample], minimum: int, commits: int) -> float:
    unusual = 0
    for past, current in samples:
        least = max(limit(past), minimum)
        unusual += sum(size >= least for size in current)
    return 100 * unusual / max(commits, 1)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repositories", nargs="+", type=Path)
    repositories: list[Path] = parser.parse_args().repositories
    years = [_years(repository) for repository in repositories]
    people = People(commit.author for year in years for half in year for commit in half)
    print(
        "| metric | against | estimate |",
        *(f"{repository.absolute().name} |" for repository in repositories),
        "outlier |",
    )
    print("|---|---|---|" + "---:|" * (len(repositories) + 1))
    for metric, size, minimum in _METRICS:
        everybody = [_samples(year, size, lambda commit: str(people.of(commit.author).is_bot)) for year in years]
        authors = [_samples(year, size, lambda commit: people.of(commit.author).key) for year in years]
        for against, groups in (("everybody", everybody), ("the author", authors)):
            for name, limit in _ESTIMATES.items():
                rates = [
                    f"{_per_hundred(limit, samples, minimum, len(year[1])):.2f}"
                    for samples, year in zip(groups, years, strict=True)
                ]
                grown = median(
                    limit([*past, _OUTLIER]) / max(limit(past), 1) for samples in groups for past, _ in samples
                )
                print(f"| {metric} | {against} | {name} | " + " | ".join([*rates, f"x {grown:,.1f}"]) + " |")


if __name__ == "__main__":
    main()
