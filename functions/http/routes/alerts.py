"""The alerts of a user entry: list, acknowledge, resolve."""

from functions import startup
from functions.http import api as http_api
from functions.http import documented
from functions.http.callers import caller_of
from functions.http.parameters import AlertId, AlertLimit, Cursor, UserWatchlistId
from functions.http.problems import ProblemCode
from functions.http.shapes.alerts import AlertAnswer, AlertPage
from watchlist import clock, limits
from watchlist.alerts import store as alert_store
from watchlist.alerts.store import AlertNotFoundError
from watchlist.deployment import functions as function_specs
from watchlist.deployment import routes
from watchlist.watching import user_entries
from watchlist.watching.user_entries import UserEntryNotFoundError

function = startup.Function(function_specs.ALERTS)
router = http_api.router()

_CHANGED = documented.responses(
    {200: {"description": "The alert as it is now."}},
    ProblemCode.INVALID_FIELDS,
    ProblemCode.NOT_FOUND,
    ProblemCode.NOT_YOURS,
)


@router.get(
    http_api.rule(routes.ALERTS),
    summary="List the alerts of a user entry, newest first",
    operation_id="listAlerts",
    tags=["alerts"],
    responses=documented.responses(
        {200: {"description": "One page."}}, ProblemCode.INVALID_FIELDS, ProblemCode.NOT_FOUND, ProblemCode.NOT_YOURS
    ),
)
def list_alerts(
    user_watchlist_id: UserWatchlistId,
    limit: AlertLimit = limits.ALERTS_PAGE,
    cursor: Cursor = None,
) -> AlertPage:
    """Show what was raised in the last 90 days."""
    entry = user_entries.find(user_watchlist_id, caller_of(router))
    page = alert_store.page(entry.user_watchlist_id, entry.added_at, limit, cursor)
    return AlertPage(items=[AlertAnswer.of(record) for record in page.alerts], next_cursor=page.next_cursor)


@router.patch(
    http_api.rule(routes.ACKNOWLEDGE_ALERT),
    summary="Acknowledge an alert",
    operation_id="acknowledgeAlert",
    tags=["alerts"],
    responses=_CHANGED,
)
def acknowledge_alert(alert_id: AlertId) -> AlertAnswer:
    """Note that the alert was seen; doing it again changes nothing."""
    _find_own(alert_id)
    return AlertAnswer.of(alert_store.acknowledge(alert_id, clock.now()))


@router.patch(
    http_api.rule(routes.RESOLVE_ALERT),
    summary="Resolve an alert",
    operation_id="resolveAlert",
    tags=["alerts"],
    responses=_CHANGED,
)
def resolve_alert(alert_id: AlertId) -> AlertAnswer:
    """Note that the alert is dealt with; doing it again changes nothing."""
    _find_own(alert_id)
    return AlertAnswer.of(alert_store.resolve(alert_id, clock.now()))


def _find_own(alert_id: str) -> None:
    """Raise AlertNotFoundError unless the alert exists, is the caller's and was raised since they watch."""
    record = alert_store.find(alert_id)
    try:
        watch = user_entries.find(record.user_watchlist_id, caller_of(router))
    except UserEntryNotFoundError:
        raise AlertNotFoundError(alert_id) from None
    if record.raised_at < watch.added_at:
        raise AlertNotFoundError(alert_id)


handler = http_api.handler(function, router)
