"""GET /activity/watchlist/{watchlist_id}/releases: the tags that are versions, newest first."""

from functions import startup
from functions.http import api as http_api
from functions.http import responses
from functions.http.callers import caller_of
from functions.http.parameters import Cursor, ReleaseLimit, WatchlistId
from functions.http.problems import ProblemCode
from functions.http.shapes.releases import ListedReleaseAnswer, ReleaseAnswer, ReleasePage
from watchlist import clock, limits
from watchlist.deployment import routes
from watchlist.releases import store as release_store
from watchlist.watching import entries

function = startup.Function(routes.RELEASES.function)
router = http_api.router()


@router.get(
    http_api.rule(routes.RELEASES),
    summary="List releases, newest first",
    operation_id="listReleases",
    tags=["analysis"],
    responses=responses.of(
        {200: {"description": "One page; empty until the first look at the repository's tags."}},
        ProblemCode.INVALID_FIELDS,
        ProblemCode.NOT_FOUND,
        ProblemCode.NOT_YOURS,
    ),
)
def list_releases(
    watchlist_id: WatchlistId, limit: ReleaseLimit = limits.RELEASES_PAGE, cursor: Cursor = None
) -> ReleasePage:
    """Show the tags that are versions: of what, standing for which commit, and made when."""
    entry = entries.find_for(watchlist_id, caller_of(router))
    page = release_store.page(entry, limit, cursor)
    return ReleasePage(
        release=ReleaseAnswer.of(entry, clock.now()),
        items=[ListedReleaseAnswer.of(tag) for tag in page.releases],
        next_cursor=page.next_cursor,
    )


handler = http_api.handler(function, router)
