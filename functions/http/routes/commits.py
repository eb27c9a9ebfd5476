"""GET /activity/watchlist/{watchlist_id}/commits: the commits of the last year, in git's order."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import StringConstraints

from functions import startup
from functions.http import api as http_api
from functions.http import responses
from functions.http.callers import caller_of
from functions.http.parameters import CommitLimit, Cursor, Moment, WatchlistId
from functions.http.problems import ProblemCode
from functions.http.shapes.commits import CommitAnswer, CommitPage
from watchlist import limits
from watchlist.deployment import routes
from watchlist.health import store as health_store
from watchlist.history import store as history_store
from watchlist.history.people import AuthorSearch
from watchlist.history.store import CommitFilter
from watchlist.watching import entries

function = startup.Function(routes.COMMITS.function)
router = http_api.router()


@router.get(
    http_api.rule(routes.COMMITS),
    summary="List commits, newest first",
    operation_id="listCommits",
    tags=["analysis"],
    responses=responses.of(
        {200: {"description": "One page."}},
        ProblemCode.INVALID_FIELDS,
        ProblemCode.NOT_FOUND,
        ProblemCode.NOT_YOURS,
        ProblemCode.HISTORY_CHANGED,
    ),
)
def list_commits(
    watchlist_id: WatchlistId,
    limit: CommitLimit = limits.COMMITS_PAGE,
    cursor: Cursor = None,
    since: Annotated[
        Moment | None,
        Query(description="Only commits committed at or after this moment.", examples=["2026-01-31T12:00:00Z"]),
    ] = None,
    author: Annotated[
        Annotated[str, StringConstraints(min_length=1, max_length=limits.NAME_CHARACTERS)] | None,
        Query(
            description="Only commits by the author with this name or email address, case and Unicode form ignored. Of "
            "an author who has several (`.mailmap`, both forms of a noreply address) any of them finds all commits. "
            "Where these are rare, a page can be short, or empty, though `next_cursor` says that there is more.",
            examples=["ada@example.org"],
        ),
    ] = None,
) -> CommitPage:
    """Show who committed what and when, in the order of `git log`, while a job is at work those of the last one."""
    entry = entries.find_for(watchlist_id, caller_of(router))
    search = None if author is None else AuthorSearch(author, health_store.identities(entry.watchlist_id))
    page = history_store.page(entry, CommitFilter(since, search), limit, cursor)
    return CommitPage(items=[CommitAnswer.of(kept) for kept in page.commits], next_cursor=page.next_cursor)


handler = http_api.handler(function, router)
