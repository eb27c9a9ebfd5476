"""The analyses of an entry in DynamoDB, newest first."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from watchlist import limits
from watchlist.health.analysis import Analysis
from watchlist.history.commits import Commit
from watchlist.history.people import Identities, People, Rename
from watchlist.storage import cursors
from watchlist.storage.records import HEALTH_PREFIX, HealthRecord

_KEY = re.compile(HEALTH_PREFIX + r"[0-9T:.+-]{10,40}")
_LAST = "~"
"""Sorts behind all moments."""

_BESIDE = ("analyzed_at", "head_sha")
"""Of an analysis, what stands beside its document as attributes of their own."""


@dataclass(frozen=True, slots=True)
class KnownPeople:
    """What an analysis keeps of a repository's people, bounded in bytes: what is too long is left out.

    Attributes:
        identities: of those who have several, for searches.
        renames: authors whom `.mailmap` calls otherwise than committed, for the next analysis; None where that is not
            known, or too long.
    """

    identities: Sequence[Identities] = ()
    renames: Sequence[Rename] | None = None

    @classmethod
    def of(cls, people: People, commits: Sequence[Commit]) -> Self:
        """Return what is to be kept of those who wrote these commits."""
        authors = [commit.author for commit in commits]
        renames = people.renames(authors)
        is_short = renames is not None and _bytes_of(renames) <= limits.RENAMES_BYTES
        return cls(_as_many_as_fit(people.identities(authors)), renames if is_short else None)


def put(watchlist_id: str, analysis: Analysis, people: KnownPeople = KnownPeople()) -> None:
    """Write one analysis; the same moment's is replaced.

    Args:
        watchlist_id: of the entry.
        analysis: what was found.
        people: what is kept of the repository's people.
    """
    HealthRecord(
        watchlist_id,
        f"{HEALTH_PREFIX}{analysis.analyzed_at.isoformat()}",
        analyzed_at=analysis.analyzed_at,
        head_sha=analysis.head_sha,
        document=analysis.model_dump(mode="json", exclude=set(_BESIDE)),
        expires_at=analysis.analyzed_at + limits.HEALTH_RETENTION,
        identities=list(people.identities) or None,
        renames=None if people.renames is None else list(people.renames),
    ).save()


@dataclass(frozen=True, slots=True)
class Page:
    """Analyses, newest first, and the cursor of the next page, None at the end."""

    analyses: tuple[Analysis, ...]
    next_cursor: str | None


def page(watchlist_id: str, time: tuple[datetime | None, datetime | None], limit: int, cursor: str | None) -> Page:
    """Return at most `limit` analyses of a time (from, to, both included; None for no bound), newest first.

    One call: where analyses are large a page has fewer.

    Raises:
        InvalidCursorError: the cursor is malformed, or of another time.
    """
    first, last = _range(time)
    if first > last:  # DynamoDB takes no such question
        return Page((), None)
    if cursor is not None:
        (before,) = cursors.decode(cursor, _KEY)
        if not first <= before <= last:
            raise cursors.InvalidCursorError
    query = HealthRecord.query(
        watchlist_id,
        HealthRecord.sk.between(first, last),
        scan_index_forward=False,
        page_size=limit,
        last_evaluated_key={"pk": {"S": watchlist_id}, "sk": {"S": before}} if cursor is not None else None,
    )
    answer = next(query.page_iter)
    found = tuple(HealthRecord.from_raw_data(item) for item in answer["Items"])
    more = "LastEvaluatedKey" in answer and found
    return Page(tuple(map(_analysis, found)), cursors.encode(found[-1].sk) if more else None)


def between(watchlist_id: str, time: tuple[datetime | None, datetime | None], most: int) -> list[Analysis]:
    """Return the `most` newest analyses of a time (from, to, both included; None for no bound), newest first.

    A call for each megabyte.
    """
    first, last = _range(time)
    if first > last:
        return []
    found = HealthRecord.query(watchlist_id, HealthRecord.sk.between(first, last), scan_index_forward=False, limit=most)
    return [_analysis(record) for record in found]


def identities(watchlist_id: str) -> list[Identities]:
    """Return the identities of the repository's people who have several, as of the last analysis."""
    return [
        [(name, email) for name, email in person]
        for record in _latest(watchlist_id, 1)
        for person in record.identities or ()
    ]


def renames(watchlist_id: str) -> list[Rename] | None:
    """Return the authors whom `.mailmap` called otherwise than committed at the last analysis; None if not known."""
    for record in _latest(watchlist_id, 1):
        if record.renames is not None:
            return [(name, email, proper, address) for name, email, proper, address in record.renames]
    return None


def latest(watchlist_id: str, limit: int = limits.HEALTH_HISTORY_SHOWN) -> list[Analysis]:
    """Return the last `limit` analyses, newest first."""
    return [_analysis(record) for record in _latest(watchlist_id, limit)]


def _range(time: tuple[datetime | None, datetime | None]) -> tuple[str, str]:
    since, until = time
    return HEALTH_PREFIX + (since.isoformat() if since else ""), HEALTH_PREFIX + (until.isoformat() if until else _LAST)


def _latest(watchlist_id: str, limit: int) -> Iterable[HealthRecord]:
    return HealthRecord.query(
        watchlist_id, HealthRecord.sk.startswith(HEALTH_PREFIX), scan_index_forward=False, limit=limit
    )


def _analysis(record: HealthRecord) -> Analysis:
    return Analysis.model_validate(record.document | {name: getattr(record, name) for name in _BESIDE})


def _as_many_as_fit(people: Sequence[Identities]) -> list[Identities]:
    """Return the first of these people, as long as their names are not too long together."""
    fitting: list[Identities] = []
    left = limits.IDENTITIES_BYTES
    for person in people:
        left -= _bytes_of(person)
        if left < 0:
            break
        fitting.append(person)
    return fitting


def _bytes_of(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode(errors="replace"))
