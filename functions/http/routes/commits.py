"""GET /activity/watchlist/{watchlist_id}/commits: the commits of the last year, newest first."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import StringConstraints

from functions import startup
from functions.http import api as http_api
from functions.http import documented
from functions.http.callers import caller_of
from functions.http.parameters import CommitLimit, Cursor, Moment, WatchlistId
from functions.http.problems import ProblemCode
from functions.http.shapes.commits import CommitAnswer, CommitPage
from watchlist import limits
from watchlist.deployment import functions as function_specs
from watchlist.deployment import routes
from watchlist.history import store as commit_store
from watchlist.watching import entries

function = startup.Function(function_specs.COMMITS)
router = http_api.router()


@router.get(
    http_api.rule(routes.COMMITS),
    summary="List commits, newest first",
    operation_id="listCommits",
    tags=["analysis"],
    responses=documented.responses(
        {200: {"description": "One page."}}, ProblemCode.INVALID_FIELDS, ProblemCode.NOT_FOUND, ProblemCode.NOT_YOURS
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
            description="Only commits by the author with exactly this name or email address. Where these are rare, a "
            "page can be short, or empty, though `next_cursor` says that there is more.",
            examples=["ada@example.org"],
        ),
    ] = None,
) -> CommitPage:
    """Show who committed what and when, with line counts as soon as they are known."""
    entries.find_for(watchlist_id, caller_of(router))
    wanted = commit_store.CommitFilter(since, author)
    page = commit_store.page(watchlist_id, wanted, limit, cursor)
    return CommitPage(items=[CommitAnswer.of(record) for record in page.commits], next_cursor=page.next_cursor)


handler = http_api.handler(function, router)
