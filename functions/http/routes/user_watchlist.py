"""A user's own watchlist: list it, change the alert settings of an entry, stop watching."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body, Query

from functions import startup
from functions.http import api as http_api
from functions.http import responses
from functions.http.callers import acting_as, caller_of
from functions.http.merge_patch import patched
from functions.http.parameters import Cursor, User, UserWatchlistId, Verdicts, WatchlistLimit, verdicts_in
from functions.http.problems import ProblemCode
from functions.http.shapes.settings import AlertSettingsAnswer, AlertSettingsPatch, WatchDetails, WatchPatch
from functions.http.shapes.status import UserEntryAnswer
from functions.http.shapes.watchlist import WatchlistPage
from watchlist import clock, limits
from watchlist.alerts.settings import AlertSettings
from watchlist.deployment import routes
from watchlist.health.verdict import Thresholds
from watchlist.states import EntryStatus
from watchlist.storage.records import UserEntry
from watchlist.storage.transactions import retried
from watchlist.watching import overview, user_entries
from watchlist.watching.overview import PageWanted, Sort, Wanted

function = startup.Function(routes.USER_WATCHLIST.function)
logger = function.logger
thresholds = function.part(Thresholds.of)
router = http_api.router()


@router.get(
    http_api.rule(routes.USER_WATCHLIST),
    summary="Look at all that a user watches",
    operation_id="listWatchlist",
    tags=["watchlist"],
    responses=responses.of({200: {"description": "One page."}}, ProblemCode.INVALID_FIELDS, ProblemCode.NOT_YOURS),
)
def list_watchlist(  # noqa: PLR0913, PLR0917 - each is a parameter of the query
    user: User,
    verdict: Annotated[
        Verdicts | None,
        Query(
            description="Only repositories with one of these verdicts, with commas between.", examples=["gone,quiet"]
        ),
    ] = None,
    status: Annotated[
        Literal[EntryStatus.PROCESSING, EntryStatus.READY, EntryStatus.FAILED] | None,
        Query(description="Only entries with this status.", examples=["ready"]),
    ] = None,
    label: Annotated[
        str | None,
        Query(description="Only repositories with this label.", max_length=limits.LABEL_CHARACTERS, examples=["web"]),
    ] = None,
    text: Annotated[
        str | None,
        Query(
            description="Only repositories with this text in address, notes or labels, whatever its case.",
            max_length=limits.SEARCH_CHARACTERS,
            examples=["flask"],
        ),
    ] = None,
    sort: Annotated[
        Sort,
        Query(
            description="What comes first. `worry`: the worst verdict, then the most open alerts. `added`: the newest "
            "watch. `name`: by owner and name. `score`: none, then the lowest. `last_commit`: none known, then the "
            "oldest.",
            examples=[Sort.WORRY],
        ),
    ] = Sort.WORRY,
    limit: WatchlistLimit = limits.WATCHLIST_PAGE,
    cursor: Cursor = None,
) -> WatchlistPage:
    """Answer with a row for each repository and the totals by verdict: which ones are in trouble, and why?"""
    wanted = Wanted(verdicts_in(verdict), status, label, text, sort)
    now = clock.now()
    found = overview.look(acting_as(router, user), wanted, PageWanted(limit, cursor), thresholds(), now)
    return WatchlistPage.of(found, now)


_SHOWN = (ProblemCode.INVALID_FIELDS, ProblemCode.NOT_FOUND, ProblemCode.NOT_YOURS)
_CHANGED = (ProblemCode.MALFORMED_JSON, ProblemCode.UNSUPPORTED_MEDIA_TYPE, *_SHOWN)


@router.get(
    http_api.rule(routes.SHOW_ALERTS),
    summary="Show the alert settings of a user entry",
    operation_id="showAlerts",
    tags=["alerts"],
    responses=responses.of({200: {"description": "The choices, and what holds."}}, *_SHOWN),
)
def show_alerts(user_watchlist_id: UserWatchlistId) -> AlertSettingsAnswer:
    """Show what the user chose, and the effective values with every default filled in."""
    return AlertSettingsAnswer.of(user_entries.find(user_watchlist_id, caller_of(router)))


@router.patch(
    http_api.rule(routes.PATCH_ALERTS),
    summary="Change some alert settings of a user entry",
    operation_id="patchAlerts",
    tags=["alerts"],
    responses=responses.of({200: {"description": "The settings as they are now."}}, *_CHANGED),
)
def patch_alerts(
    user_watchlist_id: UserWatchlistId, patch: Annotated[AlertSettingsPatch, Body()]
) -> AlertSettingsAnswer:
    """Change what the patch states: null gives a setting its default back; PUT can switch a threshold off by null."""

    def change(entry: UserEntry) -> UserEntry:
        settings = patched(AlertSettings, entry.alerts or {}, patch)
        return user_entries.change_alerts(entry, settings.model_dump(mode="json", exclude_unset=True))

    return AlertSettingsAnswer.of(_changed(user_watchlist_id, change))


@router.patch(
    http_api.rule(routes.PATCH_WATCH),
    summary="Change the notes and labels of a user entry",
    operation_id="patchWatch",
    tags=["watchlist"],
    responses=responses.of({200: {"description": "The entry as it is now."}}, *_CHANGED),
)
def patch_watch(user_watchlist_id: UserWatchlistId, patch: Annotated[WatchPatch, Body()]) -> UserEntryAnswer:
    """Change what the patch states; null removes notes or labels."""

    def change(entry: UserEntry) -> UserEntry:
        details = patched(WatchDetails, {"notes": entry.notes, "labels": entry.labels or []}, patch)
        return user_entries.change_details(entry, details.notes, details.labels)

    return UserEntryAnswer.of(_changed(user_watchlist_id, change))


@router.put(
    http_api.rule(routes.CHANGE_ALERTS),
    summary="Replace the alert settings of a user entry",
    operation_id="changeAlerts",
    tags=["alerts"],
    responses=responses.of(
        {200: {"description": "The entry with its new settings."}},
        ProblemCode.MALFORMED_JSON,
        ProblemCode.INVALID_FIELDS,
        ProblemCode.UNSUPPORTED_MEDIA_TYPE,
        ProblemCode.BODY_TOO_LARGE,
        ProblemCode.NOT_FOUND,
        ProblemCode.NOT_YOURS,
    ),
)
def change_alerts(user_watchlist_id: UserWatchlistId, alerts: Annotated[AlertSettings, Body()]) -> UserEntryAnswer:
    """Replace all settings: what is left out has its default."""
    chosen = alerts.model_dump(mode="json", exclude_unset=True)
    return UserEntryAnswer.of(_changed(user_watchlist_id, lambda entry: user_entries.change_alerts(entry, chosen)))


def _changed(user_watchlist_id: str, change: Callable[[UserEntry], UserEntry]) -> UserEntry:
    """Return the caller's entry after the change, which begins anew if somebody else came first."""
    return retried(lambda _: change(user_entries.find(user_watchlist_id, caller_of(router))))


@router.delete(
    http_api.rule(routes.STOP_WATCHING),
    summary="Stop watching a repository",
    operation_id="stopWatching",
    tags=["watchlist"],
    responses=responses.of(
        {204: {"description": "Removed."}}, ProblemCode.INVALID_FIELDS, ProblemCode.NOT_FOUND, ProblemCode.NOT_YOURS
    ),
)
def stop_watching(user_watchlist_id: UserWatchlistId) -> Response[None]:
    """Remove the user entry with its alerts; with the last watcher goes all that is known of the repository."""
    entry = user_entries.find(user_watchlist_id, caller_of(router))
    user_entries.stop_watching(entry, clock.now())
    logger.info("user entry removed", watchlist_id=entry.watchlist_id)
    return Response(HTTPStatus.NO_CONTENT)


handler = http_api.handler(function, router)
