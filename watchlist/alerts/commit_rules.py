"""Alerts from new commits: pure functions of the watcher's settings, a baseline and commits.

docs/alerts.md explains them to users. Merges have no lines or files of their own and raise no alert by size; their
content is measured in the commits that they bring in.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from watchlist.alerts.alert import Alert, AlertLevel, AlertMetric, ThresholdKind, Watcher, quoted
from watchlist.alerts.baseline import (
    LARGEST_SIZE,
    Baseline,
    ContributorBaseline,
    Spread,
    contributor_key,
    files_changed,
    lines_changed,
    week_of,
)
from watchlist.alerts.settings import (
    AlertKind,
    AlertSettings,
    FilesChangedSettings,
    HighChurnSettings,
    LinesAddedDeletedSettings,
)
from watchlist.history.commits import Commit
from watchlist.history.file_changes import changed_paths
from watchlist.history.people import People, Person

MINIMUM_LINES = 200
"""No commit of fewer lines is unusual by variance: nobody wants to hear of it, however small the usual ones are."""
MINIMUM_FILES = 10
"""No commit of fewer files is unusual by variance."""
MINIMUM_FILE_CHANGES = 8
"""No file changed less often in a week is unusual by its multiplier."""
MINIMUM_COMMITS_OUTSIDE_HOURS = 3
"""Commits outside an author's usual hours that a week needs; fewer are one late evening."""

CRITICAL_VARIANCE_FACTOR = 1.5
"""An alert by variance is critical from this many times its threshold on, in standard deviations."""
CRITICAL_FACTOR = 2
"""An alert by any other number is critical from this many times its threshold on."""

_SIZE_DIGITS = 2
_WITHOUT_FRACTION = 10


@dataclass(frozen=True, slots=True)
class _Crossing:
    """One threshold that a value reached."""

    kind: ThresholdKind
    threshold: int
    level: AlertLevel
    usual: float = 0


def _most_severe(crossings: Iterable[_Crossing]) -> _Crossing | None:
    """Return a critical crossing before the mild ones, then the first of the order in which they come."""
    return max(crossings, key=lambda crossing: crossing.level is AlertLevel.CRITICAL, default=None)


def commit_alerts(
    watcher: Watcher,
    baseline: Baseline | None,
    new_commits: Iterable[Commit],
    people: People,
    *,
    recent_commits: Iterable[Commit] = (),
) -> list[Alert]:
    """Return the alerts of new commits: by the size of a commit, then by a week of a file and of an author.

    Args:
        watcher: whose alerts these are.
        baseline: what was usual before the new commits, which must not be in it. None raises nothing: in the first
            backfill everything is new.
        new_commits: commits that were not evaluated before, with their files; in any order. Those whose files are
            not known raise no alert by size or churn.
        people: who wrote the commits; the same as for the baseline.
        recent_commits: stored commits of the calendar week that the new ones fall into; rules that count over a week
            count these too. Others, and the new ones themselves, may be among them.
    """
    if baseline is None:
        return []
    new = {commit.sha: commit for commit in new_commits}
    by_time = sorted(({commit.sha: commit for commit in recent_commits} | new).values(), key=_by_time)
    return [
        *(
            alert
            for commit in by_time
            if commit.sha in new
            for rule in _SIZE_RULES
            for alert in _size_alerts(watcher, rule, baseline, commit, people.of(commit.author))
        ),
        *_churn_alerts(watcher, baseline, [commit for commit in by_time if not people.of(commit.author).is_bot], new),
        *_hours_alerts(watcher, baseline, by_time, new, people),
    ]


@dataclass(frozen=True, slots=True)
class _SizeRule:
    """What the two rules about the size of a commit do not share."""

    kind: AlertKind
    metric: AlertMetric
    minimum: int
    settings: Callable[[AlertSettings], LinesAddedDeletedSettings | FilesChangedSettings]
    size: Callable[[Commit], int | None]
    spread: Callable[[Baseline | ContributorBaseline], Spread | None]
    counted: Callable[[Commit], str]


_SIZE_RULES = (
    _SizeRule(
        kind=AlertKind.LINES_ADDED_DELETED,
        metric=AlertMetric.LINES_CHANGED,
        minimum=MINIMUM_LINES,
        settings=lambda settings: settings.lines_added_deleted,
        size=lines_changed,
        spread=lambda usual: usual.lines,
        counted=lambda commit: (
            f"{_number(commit.lines_added or 0)} lines added and {_number(commit.lines_deleted or 0)} deleted"
        ),
    ),
    _SizeRule(
        kind=AlertKind.FILES_CHANGED,
        metric=AlertMetric.FILES_CHANGED,
        minimum=MINIMUM_FILES,
        settings=lambda settings: settings.files_changed,
        size=files_changed,
        spread=lambda usual: usual.files,
        counted=lambda commit: f"{_number(files_changed(commit) or 0)} files changed",
    ),
)


def _size_alerts(
    watcher: Watcher, rule: _SizeRule, baseline: Baseline, commit: Commit, author: Person
) -> Iterator[Alert]:
    """Raise at most one alert for the commit, by the most severe of the thresholds that it reached."""
    settings, size = rule.settings(watcher.settings), rule.size(commit)
    if not settings.enabled or size is None:
        return
    crossing = _most_severe(_size_crossings(rule, settings, baseline, author, size))
    if crossing is None:
        return
    because = {
        ThresholdKind.CONTRIBUTOR_VARIANCE: f"this author's usual commit has {_number(crossing.usual)}",
        ThresholdKind.REPOSITORY_VARIANCE: f"this repository's usual commit has {_number(crossing.usual)}",
        ThresholdKind.HARDCODED_THRESHOLD: "a fixed limit",
    }[crossing.kind]
    yield Alert(
        id=watcher.alert_id(rule.kind, commit.sha),
        kind=rule.kind,
        level=crossing.level,
        metric=rule.metric,
        value=size,
        threshold=crossing.threshold,
        threshold_kind=crossing.kind,
        commit_sha=commit.sha,
        message=f"{rule.counted(commit)} by {_name(author)} in one commit: "
        f"{crossing.threshold:,} or more raise this alert, {because}.",
    )


def _size_crossings(
    rule: _SizeRule,
    settings: LinesAddedDeletedSettings | FilesChangedSettings,
    baseline: Baseline,
    author: Person,
    size: int,
) -> Iterator[_Crossing]:
    contributor = baseline.contributor(author)
    own = rule.spread(contributor) if contributor else None
    # A program is measured against itself only: the repository's spread is that of its people.
    everybody = None if author.is_bot else rule.spread(baseline)
    variances = (
        (ThresholdKind.CONTRIBUTOR_VARIANCE, settings.contributor_variance, own),
        (ThresholdKind.REPOSITORY_VARIANCE, settings.repository_variance, everybody),
    )
    for kind, variance, spread in variances:
        if variance is None or spread is None or size < rule.minimum:
            continue
        threshold = max(_count_at(spread.size_at(variance)), rule.minimum)
        if size >= threshold:
            yield _Crossing(
                kind,
                threshold,
                _level(spread.deviations(size) / variance, CRITICAL_VARIANCE_FACTOR),
                usual=spread.usual_size,
            )
    fixed = settings.hardcoded_threshold
    if fixed is not None and size >= fixed:
        yield _Crossing(ThresholdKind.HARDCODED_THRESHOLD, fixed, _level(size / fixed, CRITICAL_FACTOR))


def _churn_alerts(
    watcher: Watcher, baseline: Baseline, commits: Iterable[Commit], new: Collection[str]
) -> Iterator[Alert]:
    """Raise at most one alert for a file and week: churn as the number of commits that change the file.

    This is the churn count of Nagappan & Ball 2005 ("Use of Relative Code Churn Measures to Predict System Defect
    Density"), relative to the file's own past. The usual number is a mean over weeks with changes, since files rest
    for most of the year; a file that is rarely changed counts as the repository's average file. The commits are those
    of people.
    """
    settings = watcher.settings.high_churn
    if not settings.enabled:
        return
    changes: defaultdict[tuple[str, str], list[Commit]] = defaultdict(list)
    for commit in commits:
        for path in changed_paths(commit):
            changes[week_of(commit.committer.time), path].append(commit)
    for (week, path), changing in sorted(changes.items()):
        newest_sha = _newest_of(changing, new)
        usual = baseline.usual_file_changes(path)
        crossing = _most_severe(_churn_crossings(settings, len(changing), usual))
        if newest_sha is None or crossing is None:
            continue
        yield Alert(
            id=watcher.alert_id(AlertKind.HIGH_CHURN, path, week),
            kind=AlertKind.HIGH_CHURN,
            level=crossing.level,
            metric=AlertMetric.FILE_CHANGES_PER_WEEK,
            value=len(changing),
            threshold=crossing.threshold,
            threshold_kind=crossing.kind,
            commit_sha=newest_sha,
            message=f"{quoted(path) or 'A file without a name'} was changed by {len(changing)} commits in week {week}: "
            f"{crossing.threshold:,} or more raise this alert, about {_number(usual)} are usual.",
        )


def _churn_crossings(settings: HighChurnSettings, changes: int, usual: float) -> Iterator[_Crossing]:
    if settings.multiplier is not None:
        threshold = max(_count_at(settings.multiplier * usual), MINIMUM_FILE_CHANGES)
        if changes >= threshold:
            yield _Crossing(ThresholdKind.MULTIPLIER, threshold, _level(changes / threshold, CRITICAL_FACTOR))
    fixed = settings.hardcoded_threshold
    if fixed is not None and changes >= fixed:
        yield _Crossing(ThresholdKind.HARDCODED_THRESHOLD, fixed, _level(changes / fixed, CRITICAL_FACTOR))


def _hours_alerts(
    watcher: Watcher, baseline: Baseline, commits: Iterable[Commit], new: Collection[str], people: People
) -> Iterator[Alert]:
    """Raise at most one alert for an author and week: the share of that week's commits outside the usual hours.

    Times are those at which commits were written, on a clock of 24 hours without an end at midnight.
    """
    settings = watcher.settings.unusual_author_activity
    if not settings.enabled:
        return
    weeks: defaultdict[tuple[str, str], list[Commit]] = defaultdict(list)
    for commit in commits:
        weeks[week_of(commit.committer.time), contributor_key(people.of(commit.author))].append(commit)
    for (week, author), written in sorted(weeks.items()):
        contributor = baseline.contributors.get(author)
        if contributor is None or contributor.hours is None:
            continue
        outside = [commit for commit in written if not contributor.hours.hold(commit.author.time.hour)]
        newest_sha = _newest_of(outside, new)
        percent = 100 * len(outside) / len(written)
        if (
            newest_sha is None
            or len(outside) < MINIMUM_COMMITS_OUTSIDE_HOURS
            or percent < settings.percentage_outside_range
        ):
            continue
        yield Alert(
            id=watcher.alert_id(AlertKind.UNUSUAL_AUTHOR_ACTIVITY, author, week),
            kind=AlertKind.UNUSUAL_AUTHOR_ACTIVITY,
            level=AlertLevel.MILD,
            metric=AlertMetric.PERCENT_OUTSIDE_USUAL_HOURS,
            value=round(percent, 1),
            threshold=settings.percentage_outside_range,
            threshold_kind=ThresholdKind.PERCENTAGE_OUTSIDE_RANGE,
            commit_sha=newest_sha,
            message=f"{len(outside)} of {len(written)} commits by {_name(people.of(outside[-1].author))} in week "
            f"{week} were written outside this author's usual hours ({contributor.hours}).",
        )


def _level(times_over: float, critical_from: float) -> AlertLevel:
    return AlertLevel.CRITICAL if times_over >= critical_from else AlertLevel.MILD


def _by_time(commit: Commit) -> tuple[datetime, str]:
    return (commit.committer.time, commit.sha)


def _newest_of(commits: Sequence[Commit], new: Collection[str]) -> str | None:
    """Return the last of the commits that is new, or None: what is known already raised its alert already."""
    return next((commit.sha for commit in reversed(commits) if commit.sha in new), None)


def _name(author: Person) -> str:
    return quoted(author.name) or "an unnamed author"


def _count_at(size: float) -> int:
    """Return the least whole count that reaches the size, forgiving the last digits of its computation."""
    return math.ceil(round(size, _SIZE_DIGITS))


def _number(value: float) -> str:
    rounded = round(min(value, LARGEST_SIZE), 1)
    return f"{rounded:.1f}" if rounded < _WITHOUT_FRACTION and rounded % 1 else f"{rounded:,.0f}"
