"""What a year of commits tells about a repository's life. Every number is defined in `HistoryMetrics`."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from pydantic import BaseModel, ConfigDict

from watchlist.history.commits import Commit, Signature
from watchlist.history.dates import made_at
from watchlist.history.file_changes import changed_paths
from watchlist.history.last_commits import NAME_BYTES, LastCommits
from watchlist.history.people import People, Person
from watchlist.text import shorten

WEEKS = 52
"""Length of the window, in weeks that end now."""

RECENT_WEEKS = 13
"""What counts as lately: a quarter of the window."""

MAX_CONTRIBUTORS = 20
MAX_BOTS = 20
MAX_FILES = 20
"""Longest lists in the result."""

PATH_BYTES = 300
"""Longest path in the result, in UTF-8 bytes; what is longer ends in `…`."""

RECENCY_POINTS, FREQUENCY_POINTS, REGULARITY_POINTS, PEOPLE_POINTS = 30, 30, 20, 20
"""What each part of the activity score is worth."""

FRESH_DAYS, STALE_DAYS = 7, 180
"""Full points for recency up to the first, none from the second on."""

BUSY_COMMITS_PER_WEEK = 20
"""Commits per week that earn all points for frequency."""

MANY_PEOPLE = 8
"""Active contributors that earn all points for people."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Contributor(_Frozen):
    """One person.

    Attributes:
        name: as in `.mailmap`.
        commits: contributions in the window.
        first_commit_at: committer date of the first of them.
        last_commit_at: committer date of the last of them.
    """

    name: str
    commits: int
    first_commit_at: datetime
    last_commit_at: datetime


class Bot(_Frozen):
    """One program that commits.

    Attributes:
        name: as in the commits.
        commits: in the window, merges included.
    """

    name: str
    commits: int


class FileChurn(_Frozen):
    """One file.

    Attributes:
        path: of the file, from the repository's root.
        commits: contributions that changed it.
        lines_added: by these commits; 0 in binary files.
        lines_deleted: by these commits; 0 in binary files.
    """

    path: str
    commits: int
    lines_added: int
    lines_deleted: int


class ActivityScore(_Frozen):
    """How much is going on, 0 to 100: the sum of four parts, each rounded to whole points.

    * recency, 30: all up to 7 days since the last commit, then linearly less, none from 180 days on;
    * frequency, 30: log2(1 + c) / log2(1 + 20), at most 1, with c = commits per week over the last 13 weeks;
    * regularity, 20: the share of weeks with a commit, of the weeks that the commits cover (at most 52);
    * people, 20: log2(1 + n) / log2(1 + 8), at most 1, with n = active contributors.

    Limits: the formula is this service's own, not a standard; the weights are a judgement. It measures activity, not
    quality, security or fitness: finished software that needs no change scores low by design, and many small commits
    score higher than a few large ones, so it says little when projects with different habits (squashed merges, say) are
    compared. It sees the default branch only, and no issues, reviews or releases.

    Attributes:
        value: the sum, 0 to 100.
        recency: 0 to 30.
        frequency: 0 to 30.
        regularity: 0 to 20.
        people: 0 to 20.
    """

    value: int
    recency: int
    frequency: int
    regularity: int
    people: int


class HistoryMetrics(_Frozen):
    """Metrics of a repository's last 52 weeks, from the commits of its default branch.

    **Window.** The 52 weeks that end at `computed_at`, by committer date, as `git log --since` counts. A date later
    than `computed_at` or before git is not believed. Such a commit counts as made at the greatest believable date among
    its author's date and the dates of its parents and children; where there is none, it does not count. `future_dated`
    says how many are dated later. When the service does not have all commits of the year, `complete` is False and
    `covered_weeks` says how many of the latest weeks the commits cover; numbers per week of earlier weeks are 0 for
    lack of data.

    **Contributions.** Commits by people, merges left out, each counted for its author as `.mailmap` names them
    (gitmailmap(5)). Two identities are one person when their emails are equal but for case and Unicode form, or name
    the same account (GitHub's noreply addresses); without an email that names anybody, when their names are. Co-authors
    of a trailer are not counted. All numbers below are of contributions unless they say otherwise.

    **Sources.** The CHAOSS metrics that are named below are defined at `https://chaoss.community/kb/metric-NAME/`, with
    the name in lower case and hyphens. Their parameters here: date type committer, merge commits excluded, empty
    commits included, all files are source code.

    **Bots** are left out of everything but `commits_total`, `signed_share` and `bots`. A bot is an author who is marked
    as one (`[bot]`, `(bot)`), whose login ends in `-bot` or `robot`, who is called `Release Bot` or the like, or who is
    a program that is known by its name or address. A bot under a person's name is not recognised.

    Attributes:
        computed_at: the end of the window.
        complete: whether all commits of the window were given.
        covered_weeks: latest weeks of which all commits were given, at most 52.
        commits_total: all commits in the window, merges and bots included.
        commits: contributions in the window. CHAOSS "Code Changes Commits".
        merges: merge commits by people in the window.
        bot_commits: commits by bots in the window, merges included. CHAOSS "Bot Activity".
        future_dated: commits dated later than `computed_at`, whatever they count as.
        commits_per_week: contributions in each of the 52 weeks, oldest first; the last week ends now. CHAOSS "Code
            Changes Commits", by period.
        bot_commits_per_week: the same of commits by bots, merges included; empty in what was measured before this was.
        contributors_total: people with a contribution in the window. CHAOSS "Contributors".
        contributors_active: of these, those with one in the last 13 weeks.
        contributors_new: of the active ones, those whose first contribution in the window lies in the last 13 weeks.
            CHAOSS "New Contributors", as far as a year shows: who returns after more than a year looks new.
            None when the commits cover no more than these 13 weeks.
        contributors_inactive: people with a contribution in the window and none in the last 13 weeks. CHAOSS "Inactive
            Contributors". None when the commits cover no more than these 13 weeks.
        contributor_absence_factor: the smallest number of people who together made at least half of the contributions.
            CHAOSS "Contributor Absence Factor" (formerly bus factor). None without contributions.
        top_contributor_share: contributions of the most active person by all, 0 to 1. None without contributions.
        top_contributors: the most active people, at most 20, most commits first; names as in `.mailmap`, no emails.
        bots: at most 20, most commits first.
        lines_added: lines added by contributions whose files are known; binary files count 0. CHAOSS "Code Changes
            Lines". None when the files of no contribution are known.
        lines_deleted: the same of lines deleted.
        commits_with_lines: contributions whose files are known.
        commits_by_weekday_and_hour: contributions by author date in UTC, 7 rows from Monday, 24 columns each. CHAOSS
            "Activity Dates and Times". The author's own time zone is not known here.
        top_files: files with the most churn (lines added + deleted), at most 20, most first; generated files and
            lock files are not told apart. None when no files are known.
        days_since_last_commit: whole days from the newest commit by a person, merges included, to `computed_at`, even
            if it lies before the window. None when there is none.
        last_commit_by_person_at: when that commit was made. None when there is none.
        last_commit_by_bot_at: the same of the newest commit by a bot.
        signed_share: commits that carry a signature by all commits of the window, 0 to 1, valid or not: a forge signs
            merges made on its page itself. None without commits.
        activity: see ActivityScore.
    """

    computed_at: datetime
    complete: bool
    covered_weeks: int
    commits_total: int
    commits: int
    merges: int
    bot_commits: int
    future_dated: int
    commits_per_week: tuple[int, ...]
    contributors_total: int
    contributors_active: int
    contributors_new: int | None
    contributors_inactive: int | None
    contributor_absence_factor: int | None
    top_contributor_share: float | None
    top_contributors: tuple[Contributor, ...]
    bots: tuple[Bot, ...]
    lines_added: int | None
    lines_deleted: int | None
    commits_with_lines: int
    commits_by_weekday_and_hour: tuple[tuple[int, ...], ...]
    top_files: tuple[FileChurn, ...] | None
    days_since_last_commit: int | None
    last_commit_by_person_at: datetime | None = None
    last_commit_by_bot_at: datetime | None = None
    bot_commits_per_week: tuple[int, ...] = ()
    signed_share: float | None
    activity: ActivityScore


@dataclass(frozen=True, slots=True)
class _Seen:
    """A commit with its author resolved and its age in the window."""

    commit: Commit
    author: Person
    at: datetime
    week: int
    """Whole weeks before now: 0 is the last week."""


def absence_factor(contributions: Sequence[int]) -> int | None:
    """Return how many of the largest contributions make up half of all (CHAOSS "Contributor Absence Factor")."""
    total = sum(contributions)
    if total == 0:
        return None
    running = accumulate(sorted(contributions, reverse=True))
    return next(people for people, made in enumerate(running, start=1) if made * 2 >= total)


def measure(
    commits: Sequence[Commit],
    people: People,
    *,
    now: datetime,
    last: LastCommits | None = None,
    covered_since: datetime | None = None,
) -> HistoryMetrics:
    """Compute the metrics of `commits`, in any order.

    Args:
        commits: those of the default branch's last year, or its newest ones.
        people: who wrote them.
        now: the end of the window, UTC.
        last: the last commits of all, which may lie before the window; None: those of `commits`.
        covered_since: from when on all commits were given; None: all of the window were.
    """
    last = last or LastCommits.of(commits, people, now)
    window = [
        _Seen(commit, people.of(commit.author), at, (now - at) // timedelta(weeks=1))
        for commit, at in zip(commits, made_at(commits, now), strict=True)
        if at is not None and at > now - timedelta(weeks=WEEKS)
    ]
    by_people = [seen for seen in window if not seen.author.is_bot]
    contributions = [seen for seen in by_people if not seen.commit.is_merge]
    of_bots = [seen for seen in window if seen.author.is_bot]
    covered_weeks = WEEKS if covered_since is None else min(WEEKS, max(0, (now - covered_since) // timedelta(weeks=1)))
    per_week = Counter(seen.week for seen in contributions)
    of_bots_per_week = Counter(seen.week for seen in of_bots)
    contributors = _contributors(contributions)
    active = [who for who in contributors if who.last_commit_at > now - timedelta(weeks=RECENT_WEEKS)]
    fresh = [who for who in active if who.first_commit_at > now - timedelta(weeks=RECENT_WEEKS)]
    looks_back = covered_weeks > RECENT_WEEKS
    with_lines = [seen for seen in contributions if seen.commit.files is not None]
    last_by_person = last.by_person.at if last.by_person else None
    days = None if last_by_person is None else (now - last_by_person).days
    return HistoryMetrics(
        computed_at=now,
        complete=covered_since is None,
        covered_weeks=covered_weeks,
        commits_total=len(window),
        commits=len(contributions),
        merges=len(by_people) - len(contributions),
        bot_commits=len(of_bots),
        future_dated=sum(commit.committer.time > now for commit in commits),
        commits_per_week=tuple(per_week[week] for week in reversed(range(WEEKS))),
        bot_commits_per_week=tuple(of_bots_per_week[week] for week in reversed(range(WEEKS))),
        contributors_total=len(contributors),
        contributors_active=len(active),
        contributors_new=len(fresh) if looks_back else None,
        contributors_inactive=len(contributors) - len(active) if looks_back else None,
        contributor_absence_factor=absence_factor([who.commits for who in contributors]),
        top_contributor_share=round(contributors[0].commits / len(contributions), 4) if contributors else None,
        top_contributors=tuple(contributors[:MAX_CONTRIBUTORS]),
        bots=_bots(of_bots),
        lines_added=sum(seen.commit.lines_added or 0 for seen in with_lines) if with_lines else None,
        lines_deleted=sum(seen.commit.lines_deleted or 0 for seen in with_lines) if with_lines else None,
        commits_with_lines=len(with_lines),
        commits_by_weekday_and_hour=_weekdays_and_hours([seen.commit.author for seen in contributions]),
        top_files=_top_files([seen.commit for seen in with_lines]) if with_lines else None,
        days_since_last_commit=days,
        last_commit_by_person_at=last_by_person,
        last_commit_by_bot_at=last.by_bot.at if last.by_bot else None,
        signed_share=round(sum(seen.commit.signed for seen in window) / len(window), 4) if window else None,
        activity=_activity(days, per_week, covered_weeks, len(active)),
    )


def _contributors(contributions: Sequence[_Seen]) -> list[Contributor]:
    """Return who made the contributions, most first; among equals by name."""
    of_person: dict[str, list[_Seen]] = {}
    for seen in contributions:
        of_person.setdefault(seen.author.key, []).append(seen)
    contributors = [
        Contributor(
            name=shorten(_name(made), NAME_BYTES),
            commits=len(made),
            first_commit_at=min(seen.at for seen in made),
            last_commit_at=max(seen.at for seen in made),
        )
        for made in of_person.values()
    ]
    return sorted(contributors, key=lambda who: (-who.commits, who.name, who.first_commit_at))


def _name(made: Sequence[_Seen]) -> str:
    """Return what somebody called themselves last, rather a name that can be read."""
    return max(made, key=lambda seen: (bool(seen.author.name), "\ufffd" not in seen.author.name, seen.at)).author.name


def _bots(seen: Sequence[_Seen]) -> tuple[Bot, ...]:
    counts = Counter(shorten(one.author.name or one.author.email, NAME_BYTES) for one in seen)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Bot(name=name, commits=commits) for name, commits in ranked[:MAX_BOTS])


def _weekdays_and_hours(authors: Sequence[Signature]) -> tuple[tuple[int, ...], ...]:
    times = [author.time.astimezone(UTC) for author in authors]
    counts = Counter((time.weekday(), time.hour) for time in times)
    return tuple(tuple(counts[weekday, hour] for hour in range(24)) for weekday in range(7))


def _top_files(commits: Sequence[Commit]) -> tuple[FileChurn, ...]:
    touched: Counter[str] = Counter()
    added: Counter[str] = Counter()
    deleted: Counter[str] = Counter()
    for commit in commits:
        touched.update(changed_paths(commit))
        for change in commit.files or ():
            added[change.path] += change.added or 0
            deleted[change.path] += change.deleted or 0
    ranked = sorted(touched, key=lambda path: (-added[path] - deleted[path], -touched[path], path))
    return tuple(
        FileChurn(
            path=shorten(path, PATH_BYTES),
            commits=touched[path],
            lines_added=added[path],
            lines_deleted=deleted[path],
        )
        for path in ranked[:MAX_FILES]
    )


def _activity(days: int | None, per_week: Counter[int], covered_weeks: int, people: int) -> ActivityScore:
    recent_weeks = max(1, min(RECENT_WEEKS, covered_weeks))
    pace = sum(per_week[week] for week in range(recent_weeks)) / recent_weeks
    weeks = max(1, covered_weeks)
    recency = 0.0 if days is None else (STALE_DAYS - days) / (STALE_DAYS - FRESH_DAYS)
    parts = {
        "recency": round(RECENCY_POINTS * min(1.0, max(0.0, recency))),
        "frequency": round(FREQUENCY_POINTS * _log_share(pace, BUSY_COMMITS_PER_WEEK)),
        "regularity": round(REGULARITY_POINTS * sum(per_week[week] > 0 for week in range(weeks)) / weeks),
        "people": round(PEOPLE_POINTS * _log_share(people, MANY_PEOPLE)),
    }
    return ActivityScore(value=sum(parts.values()), **parts)


def _log_share(value: float, full: float) -> float:
    return min(1.0, math.log2(1 + value) / math.log2(1 + full))
