"""All that a user watches, at a look: each repository with its verdict, filtered, sorted and counted.

What a row needs lies on the user's entry and on what it watches, and the open alerts in one list of the user: a page of
100 takes three calls of DynamoDB. To sort and to count, all entries are read, up to `limits.WATCHLIST_LOOKED_AT`, 100
a call; whoever watches more gets the next so many, sorted among themselves, on the pages after them.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from watchlist import limits
from watchlist.alerts import store as alert_store
from watchlist.alerts.kind import AlertLevel
from watchlist.health.summary import Summary, summary_of
from watchlist.health.verdict import Thresholds, Verdict, VerdictState, verdict_of
from watchlist.states import EntryStatus
from watchlist.storage import batches, cursors
from watchlist.storage.cursors import Part
from watchlist.storage.records import ENTRY_KEY, AlertRecord, Entry, UserEntry

_SHOWN = [
    *("pk", "sk", "type", "watchlist_id", "origin", "owner", "name", "status", "job_kind", "job_state"),
    *("last_error", "progress", "package", "head_sha", "default_branch", "score", "score_reason", "analyzed_at"),
    *("summary", "releases", "checked_at", "last_check", "check_failures", "gone_since", "last_commit_at"),
]
"""The attributes of an entry that a row shows or is judged by; the job's own would double what is read."""

_ORDER = re.compile(r"(?:\d{4}-[0-9T:.+-]+#watchlist_[A-Za-z0-9._-]+)?")
_PLACE = re.compile(r"(?:[0-9,-]{1,80}\|[\x20-\x7e]{1,420})?")
_FINGERPRINT = re.compile(r"[0-9a-f]{16}")


class Sort(StrEnum):
    """What comes first."""

    WORRY = "worry"
    """The worst verdict, then the most critical and the most alerts that are open."""

    ADDED = "added"
    """What was added last."""

    NAME = "name"
    """By owner and name."""

    SCORE = "score"
    """No score, then the lowest."""

    LAST_COMMIT = "last_commit"
    """No known commit by a person, then the oldest."""


@dataclass(frozen=True, slots=True)
class Row:
    """One repository that the user watches.

    Attributes:
        user_entry: the watch.
        entry: what is watched; it has the attributes that a row shows.
        verdict: as of now.
        summary: the last analysis; None before the first.
        open_alerts: the user's alerts that are not resolved, by level.
    """

    user_entry: UserEntry
    entry: Entry
    verdict: Verdict
    summary: Summary | None
    open_alerts: Mapping[AlertLevel, int]

    @property
    def labels(self) -> tuple[str, ...]:
        """The user's labels."""
        return tuple(self.user_entry.labels or ())


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows, and in what order. What is None or empty leaves nothing out.

    Attributes:
        verdicts: rows with one of these.
        status: rows whose entry has it.
        label: rows with this label.
        text: rows with this text in address, notes or labels, whatever its case.
        sort: what comes first.
    """

    verdicts: frozenset[VerdictState] = frozenset()
    status: EntryStatus | None = None
    label: str | None = None
    text: str | None = None
    sort: Sort = Sort.WORRY

    def takes(self, row: Row) -> bool:
        """Whether the row is wanted."""
        return (
            (not self.verdicts or row.verdict.state in self.verdicts)
            and self.status in {None, row.entry.entry_status}
            and (self.label is None or self.label in row.labels)
            and (self.text is None or self.text.casefold() in _searched(row))
        )


@dataclass(frozen=True, slots=True)
class PageWanted:
    """Which part of the rows: at most `limit`, after `cursor`."""

    limit: int
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """A page of rows.

    Attributes:
        rows: of the page.
        next_cursor: of the next page; None on the last.
        has_shifted: whether other rows are in front of this page than when the page before was given: what is sorted by
            changes, so some may be missed, or come twice.
        totals: repositories by verdict, whatever was wanted.
        matching: rows that are wanted, on all pages.
        is_whole: whether `totals` and `matching` counted all that the user watches.
        alerts_are_whole: whether all open alerts were counted; if not, the oldest are missing.
    """

    rows: tuple[Row, ...]
    next_cursor: str | None
    has_shifted: bool
    totals: Mapping[VerdictState, int]
    matching: int
    is_whole: bool
    alerts_are_whole: bool


@dataclass(frozen=True, slots=True)
class Everything:
    """All rows, read part by part.

    Attributes:
        parts: of the rows; none is empty.
        alerts_are_whole: whether all open alerts were counted; if not, the oldest are missing.
    """

    parts: Iterator[Part[Row]]
    alerts_are_whole: bool


_Key = tuple[tuple[int, ...], str]
"""The place of a row: numbers, then text; the least comes first."""


def look(user: str, wanted: Wanted, page: PageWanted, thresholds: Thresholds, now: datetime) -> Overview:
    """Return the wanted rows of a page.

    Raises:
        InvalidCursorError: the cursor is malformed, or of a list with another order.
    """
    newest, place, shown = _place(page.cursor, wanted.sort)
    watches, is_last = _watches(user, newest)
    alerts = alert_store.open_alerts(user)
    rows = _rows(watches, alerts.alerts, thresholds, now)
    matching = sorted((row for row in rows if wanted.takes(row)), key=lambda row: _key(row, wanted.sort))
    passed = [row for row in matching if place is not None and _key(row, wanted.sort) <= place]
    left = matching[len(passed) :]
    end = len(passed) + page.limit
    next_cursor: str | None = None
    if end < len(matching):
        next_cursor = _cursor(wanted.sort, newest or "", _key(matching[end - 1], wanted.sort), matching[:end])
    elif not is_last:
        next_cursor = _cursor(wanted.sort, watches[-1].added_order, None, ())
    return Overview(
        tuple(left[: page.limit]),
        next_cursor,
        has_shifted=page.cursor is not None and shown != _fingerprint(passed),
        totals=Counter(row.verdict.state for row in rows),
        matching=len(matching),
        is_whole=is_last and newest is None,
        alerts_are_whole=alerts.is_complete,
    )


def everything(user: str, cursor: str | None, thresholds: Thresholds, now: datetime) -> Everything:
    """Return all rows behind `cursor`, the worst first among each `limits.WATCHLIST_LOOKED_AT` that were added last.

    Raises:
        InvalidCursorError: the cursor is malformed, or of a list with another order.
    """
    newest, place, _ = _place(cursor, Sort.WORRY)
    alerts = alert_store.open_alerts(user)

    def parts(newest: str | None, place: _Key | None) -> Iterator[Part[Row]]:
        is_last = False
        while not is_last:
            watches, is_last = _watches(user, newest)
            rows = sorted(_rows(watches, alerts.alerts, thresholds, now), key=lambda row: _key(row, Sort.WORRY))
            left = [row for row in rows if place is None or _key(row, Sort.WORRY) > place]
            older = None if is_last else _cursor(Sort.WORRY, watches[-1].added_order, None, ())
            for start in range(0, len(left), limits.EXPORT_PART):
                shown = left[start : start + limits.EXPORT_PART]
                within = _cursor(Sort.WORRY, newest or "", _key(shown[-1], Sort.WORRY), ())
                yield Part(shown, older if shown[-1] is left[-1] else within)
            newest, place = (watches[-1].added_order if watches else None), None

    return Everything(parts(newest, place), alerts.is_complete)


def all_rows(user: str, thresholds: Thresholds, now: datetime) -> list[Row]:
    """Return all rows, the worst first."""
    rows = (row for part in everything(user, None, thresholds, now).parts for row in part.rows)
    return sorted(rows, key=lambda row: _key(row, Sort.WORRY))


def _watches(user: str, older_than: str | None) -> tuple[list[UserEntry], bool]:
    """Return the user entries that are sorted together, the newest first, and whether there are no more."""
    most = limits.WATCHLIST_LOOKED_AT
    older = UserEntry.added_order < older_than if older_than else None
    found = list(UserEntry.by_user.query(user, older, scan_index_forward=False, limit=most + 1))
    return found[:most], len(found) <= most


def _rows(
    watches: Sequence[UserEntry], alerts: Sequence[AlertRecord], thresholds: Thresholds, now: datetime
) -> list[Row]:
    keys = [(watch.watchlist_id, ENTRY_KEY) for watch in watches]
    entries = {entry.pk: entry for entry in batches.get(Entry, keys, batches.REQUEST, consistent=False, only=_SHOWN)}
    raised_since = {watch.user_watchlist_id: watch.added_at for watch in watches}
    levels: dict[str, Counter[AlertLevel]] = {each: Counter() for each in raised_since}
    for alert in alerts:
        # those of an earlier watch on the same repository are nobody's any more
        since = raised_since.get(alert.user_watchlist_id)
        if since is not None and alert.raised_at >= since:
            levels[alert.user_watchlist_id][AlertLevel(alert.alert["level"])] += 1
    return [
        Row(
            watch,
            entries[watch.watchlist_id],
            verdict_of(entries[watch.watchlist_id], thresholds, now),
            summary_of(entries[watch.watchlist_id]),
            levels[watch.user_watchlist_id],
        )
        for watch in watches
        # the index lags behind: an entry can be gone already
        if watch.watchlist_id in entries and not entries[watch.watchlist_id].is_removed
    ]


def _searched(row: Row) -> str:
    return "\n".join((row.entry.repository.url, row.user_entry.notes or "", *row.labels)).casefold()


def _key(row: Row, sort: Sort) -> _Key:
    repository, summary = row.entry.repository, row.summary
    # two repositories can differ in nothing but case, and no page may end between rows of one place
    name = f"{repository.owner}/{repository.name} {repository.host}".lower() + f" {_short_hash(row.entry.pk)}"
    match sort:
        case Sort.WORRY:
            numbers = (
                -row.verdict.state.worry,
                -row.open_alerts.get(AlertLevel.CRITICAL, 0),
                -row.open_alerts.get(AlertLevel.MILD, 0),
            )
        case Sort.ADDED:
            return (-_microseconds(row.user_entry.added_at),), name
        case Sort.NAME:
            return (0,), name
        case Sort.SCORE:
            return (-1 if row.entry.score is None else round(row.entry.score * 10),), name
        case Sort.LAST_COMMIT:
            last = summary and summary.last_commit_by_person_at
            return (_microseconds(last) if last else 0,), name
    return numbers, name


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _microseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)


def _fingerprint(rows: Sequence[Row]) -> str:
    """Return what tells one set of rows from another, whatever their order."""
    ids = "\n".join(sorted(row.entry.pk for row in rows))
    return hashlib.sha256(ids.encode()).hexdigest()[:16]


def _cursor(sort: Sort, newest: str, key: _Key | None, shown: Sequence[Row]) -> str:
    place = f"{','.join(map(str, key[0]))}|{key[1]}" if key else ""
    return cursors.encode(sort, newest, place, _fingerprint(shown))


def _place(cursor: str | None, sort: Sort) -> tuple[str | None, _Key | None, str]:
    """Return behind which user entry the rows begin, behind which of them the page, and what was in front of it."""
    if cursor is None:
        return None, None, ""
    _, newest, place, shown = cursors.decode(cursor, re.compile(sort), _ORDER, _PLACE, _FINGERPRINT)
    if not place:
        return newest or None, None, shown
    numbers, _, name = place.partition("|")
    try:
        return newest or None, (tuple(int(number) for number in numbers.split(",")), name), shown
    except ValueError:
        raise cursors.InvalidCursorError from None
