"""What a user has, as files: the watchlist, the commits of a repository, the alerts."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse, OpenAPIResponseHeader

from functions import startup
from functions.http import api as http_api
from functions.http import responses
from functions.http.callers import acting_as, caller_of
from functions.http.parameters import User, WatchlistId
from functions.http.problems import ProblemCode
from functions.http.tables import Address, Cell, FileFormat, Row, Table, file_of
from watchlist import clock, limits
from watchlist.alerts.kind import AlertLevel
from watchlist.deployment import routes
from watchlist.health.verdict import Thresholds
from watchlist.history import store as history_store
from watchlist.history.segments import KeptCommit
from watchlist.history.store import CommitFilter
from watchlist.releases.summary import releases_of
from watchlist.storage.cursors import Part
from watchlist.storage.records import Entry
from watchlist.watching import entries, overview, user_alerts
from watchlist.watching.overview import Row as OverviewRow
from watchlist.watching.user_alerts import ListedAlert, WantedAlerts

function = startup.Function(routes.EXPORT_WATCHLIST.function)
thresholds = function.part(Thresholds.of)
router = http_api.router()

Format = Annotated[
    FileFormat,
    Query(
        alias="format",
        description="`csv`: RFC 4180, with an apostrophe before what a spreadsheet could take for a formula. "
        "`jsonl`: one JSON object a line, texts as they are.",
        examples=[FileFormat.CSV],
    ),
]

Behind = Annotated[
    str | None,
    Query(
        alias="cursor",
        max_length=limits.CURSOR_CHARACTERS,
        description="Behind which row the file begins: the one in the `Link` of a file that is not the whole list.",
        json_schema_extra={"format": "cursor"},
    ),
]

_SOME_ALERTS = (
    f"OPEN ALERTS: only the newest {limits.OPEN_ALERTS_COUNTED} or fewer are counted in this file; "
    f"all are at {routes.EXPORT_ALERTS.path}"
)
_FILE: OpenAPIResponse = {
    "description": f"All rows, or as many as an answer has room for ({limits.EXPORTED:,} at most). A file that ends "
    "before the list says so in its last row, and its name ends in `-part`.",
    "headers": {
        "Link": OpenAPIResponseHeader(
            description='Where the rest is, as `<address>; rel="next"`; absent where nothing is left.',
            schema={"type": "string"},
        )
    },
    "content": {
        "text/csv": {"schema": {"type": "string"}},
        "application/jsonl": {"schema": {"type": "string"}},
    },
}
_WATCHLIST = (
    *("repository_url", "status", "verdict", "reason", "score", "score_change", "activity_score"),
    *("last_commit_by_person_at", "last_commit_by_bot_at", "absence_factor", "open_critical_alerts"),
    *(
        "open_mild_alerts",
        "latest_release",
        "latest_release_at",
        "commits_since_release",
        "labels",
        "notes",
        "added_at",
        "analyzed_at",
        "watchlist_id",
        "user_watchlist_id",
    ),
)
_COMMITS = (
    *("sha", "author_name", "author_email", "authored_at", "committer_name", "committer_email", "committed_at"),
    *("subject", "is_merge", "signed", "files_changed", "lines_added", "lines_deleted"),
)
_ALERTS = (
    *("raised_at", "repository_url", "level", "kind", "message", "value", "threshold", "metric", "commit_sha", "check"),
    *("acknowledged_at", "resolved_at", "id"),
)


@router.get(
    http_api.rule(routes.EXPORT_WATCHLIST),
    summary="Export a user's watchlist",
    operation_id="exportWatchlist",
    tags=["watchlist"],
    responses=responses.of({200: _FILE}, ProblemCode.INVALID_FIELDS, ProblemCode.NOT_YOURS),
)
def export_watchlist(user: User, file_format: Format = FileFormat.CSV, cursor: Behind = None) -> Response[str]:
    """Answer with a file of the repositories that a user watches, the worst first."""
    watched = overview.everything(acting_as(router, user), cursor, thresholds(), clock.now())
    parts = (Part([_watched(row) for row in part.rows], part.next_cursor) for part in watched.parts)
    table = Table("watchlist", _WATCHLIST, () if watched.alerts_are_whole else (_SOME_ALERTS,))
    return file_of(table, parts, file_format, Address.of(router))


@router.get(
    http_api.rule(routes.EXPORT_COMMITS),
    summary="Export the commits of a repository",
    operation_id="exportCommits",
    tags=["analysis"],
    responses=responses.of(
        {200: _FILE},
        ProblemCode.INVALID_FIELDS,
        ProblemCode.NOT_FOUND,
        ProblemCode.HISTORY_CHANGED,
        ProblemCode.NOT_YOURS,
    ),
)
def export_commits(
    watchlist_id: WatchlistId, file_format: Format = FileFormat.CSV, cursor: Behind = None
) -> Response[str]:
    """Answer with a file of the last year's commits, newest first."""
    entry = entries.find_for(watchlist_id, caller_of(router))
    return file_of(Table("commits", _COMMITS), _commits(entry, cursor), file_format, Address.of(router))


@router.get(
    http_api.rule(routes.EXPORT_ALERTS),
    summary="Export a user's alerts",
    operation_id="exportAlerts",
    tags=["alerts"],
    responses=responses.of({200: _FILE}, ProblemCode.INVALID_FIELDS, ProblemCode.NOT_YOURS),
)
def export_alerts(user: User, file_format: Format = FileFormat.CSV, cursor: Behind = None) -> Response[str]:
    """Answer with a file of a user's alerts, open ones first, then the newest."""
    parts = _alerts(acting_as(router, user), cursor)
    return file_of(Table("alerts", _ALERTS), parts, file_format, Address.of(router))


def _commits(entry: Entry, cursor: str | None) -> Iterator[Part[Row]]:
    while True:
        page = history_store.page(entry, CommitFilter(), limits.COMMITS_PAGE_MAX, cursor)
        yield Part([_commit(kept) for kept in page.commits], page.next_cursor)
        if (cursor := page.next_cursor) is None:
            return


def _alerts(user: str, cursor: str | None) -> Iterator[Part[Row]]:
    while True:
        page = user_alerts.page(user, WantedAlerts(), limits.ALERTS_PAGE_MAX, cursor)
        yield Part([_alert(listed) for listed in page.alerts], page.next_cursor)
        if (cursor := page.next_cursor) is None:
            return


def _watched(row: OverviewRow) -> Row:
    summary, entry, watch = row.summary, row.entry, row.user_entry
    released = releases_of(entry)
    latest = released.latest if released else None
    person_at = summary.last_commit_by_person_at if summary else None
    bot_at = summary.last_commit_by_bot_at if summary else None
    return {
        "repository_url": entry.repository.url,
        "status": entry.status,
        "verdict": row.verdict.state,
        "reason": row.verdict.reasons[0].message,
        "score": entry.score,
        "score_change": summary.score_change if summary else None,
        "activity_score": summary.activity if summary else None,
        "last_commit_by_person_at": _moment(person_at),
        "last_commit_by_bot_at": _moment(bot_at),
        "absence_factor": summary.absence_factor if summary else None,
        "open_critical_alerts": row.open_alerts.get(AlertLevel.CRITICAL, 0),
        "open_mild_alerts": row.open_alerts.get(AlertLevel.MILD, 0),
        "latest_release": latest.tag if latest else None,
        "latest_release_at": _moment(latest.made_at if latest else None),
        "commits_since_release": released.commits_since if released else None,
        "labels": ", ".join(row.labels),
        "notes": watch.notes,
        "added_at": clock.to_json(watch.added_at),
        "analyzed_at": _moment(entry.analyzed_at),
        "watchlist_id": entry.watchlist_id,
        "user_watchlist_id": watch.user_watchlist_id,
    }


def _commit(kept: KeptCommit) -> Row:
    commit = kept.commit
    return {
        "sha": commit.sha,
        "author_name": commit.author.name,
        "author_email": commit.author.email,
        "authored_at": clock.to_json(commit.author.time),
        "committer_name": commit.committer.name,
        "committer_email": commit.committer.email,
        "committed_at": clock.to_json(commit.committer.time),
        "subject": commit.subject,
        "is_merge": commit.is_merge,
        "signed": commit.signed,
        "files_changed": kept.files_changed,
        "lines_added": kept.lines_added,
        "lines_deleted": kept.lines_deleted,
    }


def _alert(listed: ListedAlert) -> Row:
    record = listed.record
    stored: dict[str, Cell] = record.alert
    said = ("level", "kind", "message", "value", "threshold", "metric", "commit_sha", "check", "id")
    return {name: stored.get(name) for name in said} | {
        "raised_at": clock.to_json(record.raised_at),
        "repository_url": listed.repository.url,
        "acknowledged_at": _moment(record.acknowledged_at),
        "resolved_at": _moment(record.resolved_at),
    }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else clock.to_json(at)


handler = http_api.handler(function, router)
