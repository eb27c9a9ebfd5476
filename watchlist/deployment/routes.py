"""The HTTP and WebSocket routes, each once: API Gateway, the local gateways and the functions take them from here."""

from enum import StrEnum
from typing import NamedTuple


class Function(StrEnum):
    """The functions behind HTTP routes; the value is the module below `functions.http.routes`."""

    ADD_REPOSITORY = "add_repository"
    STATUS = "status"
    RETRY = "retry"
    COMMITS = "commits"
    HEALTH = "health"
    USER_WATCHLIST = "user_watchlist"
    ALERTS = "alerts"
    NOTIFICATIONS = "notifications"
    JOBS = "jobs"
    DOCUMENTATION = "documentation"
    PAGE = "page"


class Route(NamedTuple):
    """One method and path (`{name}` marks a variable part) and the function that answers it."""

    method: str
    path: str
    function: Function


ADD = Route("POST", "/activity/user-watchlist-added", Function.ADD_REPOSITORY)
ADD_BATCH = Route("POST", "/activity/user-watchlist-added/batch", Function.ADD_REPOSITORY)
STATUS = Route("GET", "/activity/watchlist/{watchlist_id}/status", Function.STATUS)
RETRY = Route("POST", "/activity/watchlist/{watchlist_id}/retry", Function.RETRY)
RETRY_FAILED = Route("POST", "/activity/watchlist/retry-failed", Function.RETRY)
CHECK = Route("POST", "/activity/watchlist/{watchlist_id}/check", Function.RETRY)
COMMITS = Route("GET", "/activity/watchlist/{watchlist_id}/commits", Function.COMMITS)
HEALTH = Route("GET", "/activity/watchlist/{watchlist_id}/health", Function.HEALTH)
USER_WATCHLIST = Route("GET", "/activity/watchlist", Function.USER_WATCHLIST)
CHANGE_ALERTS = Route("PUT", "/activity/user-watchlist-alerts/{user_watchlist_id}", Function.USER_WATCHLIST)
SHOW_ALERTS = Route("GET", "/activity/user-watchlist-alerts/{user_watchlist_id}", Function.USER_WATCHLIST)
PATCH_ALERTS = Route("PATCH", "/activity/user-watchlist-alerts/{user_watchlist_id}", Function.USER_WATCHLIST)
PATCH_WATCH = Route("PATCH", "/activity/user-watchlist/{user_watchlist_id}", Function.USER_WATCHLIST)
SHOW_NOTIFICATIONS = Route("GET", "/activity/user-watchlist-notifications/{user_watchlist_id}", Function.NOTIFICATIONS)
PATCH_NOTIFICATIONS = Route(
    "PATCH", "/activity/user-watchlist-notifications/{user_watchlist_id}", Function.NOTIFICATIONS
)
CHANGE_NOTIFICATIONS = Route(
    "PUT", "/activity/user-watchlist-notifications/{user_watchlist_id}", Function.NOTIFICATIONS
)
STOP_WATCHING = Route("DELETE", "/activity/user-watchlist/{user_watchlist_id}", Function.USER_WATCHLIST)
ALERTS = Route("GET", "/activity/alerts/{user_watchlist_id}", Function.ALERTS)
USER_ALERTS = Route("GET", "/activity/alerts", Function.ALERTS)
ACKNOWLEDGE_ALERTS = Route("POST", "/activity/alerts/acknowledge", Function.ALERTS)
RESOLVE_ALERTS = Route("POST", "/activity/alerts/resolve", Function.ALERTS)
ACKNOWLEDGE_ALERT = Route("PATCH", "/activity/alerts/{alert_id}/acknowledge", Function.ALERTS)
RESOLVE_ALERT = Route("PATCH", "/activity/alerts/{alert_id}/resolve", Function.ALERTS)
JOBS = Route("GET", "/activity/jobs", Function.JOBS)
QUEUES = Route("GET", "/activity/queues", Function.JOBS)
OPENAPI = Route("GET", "/openapi.json", Function.DOCUMENTATION)
DOCS = Route("GET", "/docs", Function.DOCUMENTATION)

ROUTES = (
    ADD,
    ADD_BATCH,
    STATUS,
    RETRY,
    RETRY_FAILED,
    CHECK,
    COMMITS,
    HEALTH,
    USER_WATCHLIST,
    SHOW_ALERTS,
    CHANGE_ALERTS,
    PATCH_ALERTS,
    SHOW_NOTIFICATIONS,
    CHANGE_NOTIFICATIONS,
    PATCH_NOTIFICATIONS,
    STOP_WATCHING,
    PATCH_WATCH,
    USER_ALERTS,
    ACKNOWLEDGE_ALERTS,
    RESOLVE_ALERTS,
    ALERTS,
    ACKNOWLEDGE_ALERT,
    RESOLVE_ALERT,
    JOBS,
    QUEUES,
    OPENAPI,
    DOCS,
)

MERGE_PATCHES = frozenset({PATCH_ALERTS, PATCH_NOTIFICATIONS, PATCH_WATCH})
"""The routes whose requests change a part: JSON merge patches (RFC 7396)."""

WITH_BODY = MERGE_PATCHES | {
    ADD,
    ADD_BATCH,
    RETRY_FAILED,
    CHANGE_ALERTS,
    CHANGE_NOTIFICATIONS,
    ACKNOWLEDGE_ALERTS,
    RESOLVE_ALERTS,
}
"""The routes whose requests have a body: JSON."""


PAGE_ROUTES = tuple(
    Route("GET", path, Function.PAGE)
    for path in ("/", "/alerts", "/ops", "/compare", "/r/{watchlist_id}", "/assets/{name}")
)
"""What a browser asks for before anybody is known: open to everybody, since it holds nothing of anybody. Every address
but those of assets answers with the same shell, which then asks the API."""


class LiveRoute(NamedTuple):
    """One route of the WebSocket API, by API Gateway's route key, and the function that it calls."""

    key: str
    function: str


LIVE_CONNECT = LiveRoute("$connect", "live_connect")
LIVE_DISCONNECT = LiveRoute("$disconnect", "live_disconnect")
LIVE_REQUEST = LiveRoute("$default", "live_request")

LIVE_ROUTES = (LIVE_CONNECT, LIVE_DISCONNECT, LIVE_REQUEST)
