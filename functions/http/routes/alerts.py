"""The alerts of a user entry: list, acknowledge, resolve."""

import contextlib
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Literal

from aws_lambda_powertools.event_handler.openapi.params import Body, Query

from functions import startup
from functions.http import api as http_api
from functions.http import responses
from functions.http.callers import acting_as, caller_of
from functions.http.parameters import AlertId, AlertLimit, Cursor, Moment, User, UserWatchlistId
from functions.http.problems import ProblemCode
from functions.http.shapes.alerts import (
    AlertAnswer,
    AlertPage,
    AlertsAnswer,
    AlertsRequest,
    UserAlertAnswer,
    UserAlertPage,
)
from watchlist import clock, limits
from watchlist.alerts import store as alert_store
from watchlist.alerts.kind import AlertLevel
from watchlist.alerts.settings import AlertKind
from watchlist.alerts.store import AlertNotFoundError
from watchlist.deployment import routes
from watchlist.storage.records import AlertRecord
from watchlist.watching import user_alerts, user_entries
from watchlist.watching.user_alerts import WantedAlerts

function = startup.Function(routes.ALERTS.function)
router = http_api.router()

_CHANGED = responses.of(
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
    responses=responses.of(
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


@router.get(
    http_api.rule(routes.USER_ALERTS),
    summary="List all alerts of a user, open ones first, then the newest",
    operation_id="listUserAlerts",
    tags=["alerts"],
    responses=responses.of({200: {"description": "One page."}}, ProblemCode.INVALID_FIELDS, ProblemCode.NOT_YOURS),
)
def list_user_alerts(  # noqa: PLR0913, PLR0917 - each is a parameter of the query
    user: User,
    state: Annotated[
        Literal["open", "resolved"] | None, Query(description="Only alerts that are so.", examples=["open"])
    ] = None,
    level: Annotated[AlertLevel | None, Query(description="Only alerts of this level.", examples=["critical"])] = None,
    kind: Annotated[AlertKind | None, Query(description="Only alerts of this kind.", examples=["inactivity"])] = None,
    watchlist_id: Annotated[
        str | None,
        Query(
            description="Only alerts of this repository.",
            max_length=limits.IDENTIFIER_CHARACTERS,
            examples=["watchlist_pallets_flask_1764000000"],
        ),
    ] = None,
    since: Annotated[
        Moment | None, Query(description="Only alerts raised at or after it.", examples=["2026-01-31T12:00:00Z"])
    ] = None,
    until: Annotated[
        Moment | None, Query(description="Only alerts raised before it.", examples=["2026-02-01T12:00:00Z"])
    ] = None,
    limit: AlertLimit = limits.ALERTS_PAGE,
    cursor: Cursor = None,
) -> UserAlertPage:
    """Show what was raised in the last 90 days for all that a user watches; with filters a page can be short."""
    is_open = None if state is None else state == "open"
    whose = acting_as(router, user)
    present_id = watchlist_id and user_entries.present_id(watchlist_id, whose)
    wanted = WantedAlerts(is_open, level, kind, present_id, since, until)
    page = user_alerts.page(whose, wanted, limit, cursor)
    return UserAlertPage(items=[UserAlertAnswer.listed(alert) for alert in page.alerts], next_cursor=page.next_cursor)


_CHANGED_MANY = responses.of(
    {200: {"description": "What became of each."}},
    ProblemCode.MALFORMED_JSON,
    ProblemCode.INVALID_FIELDS,
    ProblemCode.UNSUPPORTED_MEDIA_TYPE,
    ProblemCode.BODY_TOO_LARGE,
    ProblemCode.NOT_YOURS,
)


@router.post(
    http_api.rule(routes.ACKNOWLEDGE_ALERTS),
    summary=f"Acknowledge up to {limits.ALERTS_PAGE_MAX} alerts",
    operation_id="acknowledgeAlerts",
    tags=["alerts"],
    responses=_CHANGED_MANY,
)
def acknowledge_alerts(alerts: Annotated[AlertsRequest, Body()]) -> AlertsAnswer:
    """Note that they were seen; doing it again changes nothing."""
    return _change_all(alerts, lambda record: record.acknowledged_at is not None, alert_store.acknowledge)


@router.post(
    http_api.rule(routes.RESOLVE_ALERTS),
    summary=f"Resolve up to {limits.ALERTS_PAGE_MAX} alerts",
    operation_id="resolveAlerts",
    tags=["alerts"],
    responses=_CHANGED_MANY,
)
def resolve_alerts(alerts: Annotated[AlertsRequest, Body()]) -> AlertsAnswer:
    """Note that they are dealt with; doing it again changes nothing."""
    return _change_all(alerts, lambda record: record.resolved_at is not None, alert_store.resolve)


@router.patch(
    http_api.rule(routes.ACKNOWLEDGE_ALERT),
    summary="Acknowledge an alert",
    operation_id="acknowledgeAlert",
    tags=["alerts"],
    responses=_CHANGED,
)
def acknowledge_alert(alert_id: AlertId) -> AlertAnswer:
    """Note that the alert was seen; doing it again changes nothing."""
    alert = user_alerts.find_for(alert_id, caller_of(router))
    return AlertAnswer.of(alert_store.acknowledge(alert, clock.now()))


@router.patch(
    http_api.rule(routes.RESOLVE_ALERT),
    summary="Resolve an alert",
    operation_id="resolveAlert",
    tags=["alerts"],
    responses=_CHANGED,
)
def resolve_alert(alert_id: AlertId) -> AlertAnswer:
    """Note that the alert is dealt with; doing it again changes nothing."""
    alert = user_alerts.find_for(alert_id, caller_of(router))
    return AlertAnswer.of(alert_store.resolve(alert, clock.now()))


def _change_all(
    alerts: AlertsRequest,
    is_done: Callable[[AlertRecord], bool],
    change: Callable[[AlertRecord, datetime], AlertRecord],
) -> AlertsAnswer:
    """Change those of the alerts that are the caller's and not changed yet."""
    now = clock.now()
    changed = set()
    for record in user_alerts.watched_by(caller_of(router), alert_store.find_all(alerts.ids)):
        with contextlib.suppress(AlertNotFoundError):  # it was removed meanwhile
            changed.add(record.pk if is_done(record) else change(record, now).pk)
    ids = list(dict.fromkeys(alerts.ids))
    return AlertsAnswer(
        changed=[each for each in ids if each in changed], not_found=[each for each in ids if each not in changed]
    )


handler = http_api.handler(function, router)
