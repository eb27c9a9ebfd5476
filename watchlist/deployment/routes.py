"""The routes, each once: what is asked for, and the function that answers, with its settings and permissions.

API Gateway, the local gateways, the OpenAPI document and the functions are made of these rows. A function `name` behind
HTTP routes is the module `functions.http.routes.<name>`. docs/contributing.md walks through adding one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import Generic

from watchlist import limits, settings
from watchlist.deployment import permissions
from watchlist.deployment.function_spec import FunctionSpec, Model_co
from watchlist.deployment.permissions import Permissions
from watchlist.storage import tables

_TIMEOUT = timedelta(seconds=10)
"""API Gateway waits 30 s; a caller who polls has given up before."""

_LONG_TIMEOUT = timedelta(seconds=25)
"""A batch of adds, or removing what a user leaves behind, takes hundreds of calls; API Gateway waits 30 s."""


class Body(Enum):
    """What a request carries."""

    NONE = auto()
    JSON = auto()
    MERGE_PATCH = auto()
    """JSON, as a rule a change of a part of something (RFC 7396)."""


@dataclass(frozen=True, slots=True)
class Route(Generic[Model_co]):
    """One method and path of the HTTP API.

    Attributes:
        path: with `{name}` for a variable part.
        function: what answers it.
        body: what its requests carry.
        is_public: it answers everybody, since it shows nothing of anybody, or only what an address was made to show.
        most_bytes: of a body that is read; a larger one is refused unread.
    """

    method: str
    path: str
    function: FunctionSpec[Model_co]
    body: Body = Body.NONE
    is_public: bool = False
    most_bytes: int = limits.BODY_BYTES

    @property
    def key(self) -> str:
        """API Gateway's name of the route."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class LiveRoute(Generic[Model_co]):
    """One route of the WebSocket API, by API Gateway's route key, and the function that it calls."""

    key: str
    function: FunctionSpec[Model_co]


def _http(
    name: str, model: type[Model_co], allowed: Permissions, timeout: timedelta = _TIMEOUT
) -> FunctionSpec[Model_co]:
    return FunctionSpec(name, f"http.routes.{name}", model, timeout, allowed)


def _live(name: str, model: type[Model_co], *actions: str) -> FunctionSpec[Model_co]:
    allowed = Permissions(watchlist=frozenset(actions))
    return FunctionSpec(f"live_{name}", f"live.{name}", model, _TIMEOUT, allowed)


_adding = _http(
    "add_repository",
    settings.AddSettings,
    Permissions(
        watchlist=permissions.PROTOCOL | {"DeleteItem"}, indexes=(tables.BY_USER,), queues=permissions.SEND_SETUPS
    ),
    _LONG_TIMEOUT,
)
ADD = Route("POST", "/activity/user-watchlist-added", _adding, Body.JSON)
ADD_BATCH = Route(
    "POST", "/activity/user-watchlist-added/batch", _adding, Body.JSON, most_bytes=limits.BATCH_BODY_BYTES
)

STATUS = Route(
    "GET",
    "/activity/watchlist/{watchlist_id}/status",
    _http("status", settings.OverviewSettings, Permissions(watchlist=permissions.GET_FOR_A_USER | {"Query"})),
)

_retrying = _http(
    "retry",
    settings.RetrySettings,
    Permissions(
        watchlist=permissions.GET_FOR_A_USER | {"UpdateItem"},
        indexes=(tables.BY_USER,),
        queues=permissions.SEND_SETUPS,
    ),
)
RETRY = Route("POST", "/activity/watchlist/{watchlist_id}/retry", _retrying)
RETRY_FAILED = Route("POST", "/activity/watchlist/retry-failed", _retrying, Body.JSON)
CHECK = Route("POST", "/activity/watchlist/{watchlist_id}/check", _retrying)

COMMITS = Route(
    "GET",
    "/activity/watchlist/{watchlist_id}/commits",
    _http(
        "commits",
        settings.TableSettings,
        Permissions(watchlist=permissions.GET_FOR_A_USER, activity=permissions.GET | {"Query"}),
    ),
)

RELEASES = Route(
    "GET",
    "/activity/watchlist/{watchlist_id}/releases",
    _http(
        "releases",
        settings.TableSettings,
        Permissions(watchlist=permissions.GET_FOR_A_USER, activity=permissions.GET),
    ),
)

_health = _http(
    "health",
    settings.OverviewSettings,
    Permissions(watchlist=permissions.GET_FOR_A_USER, activity=frozenset({"Query"})),
)
HEALTH = Route("GET", "/activity/watchlist/{watchlist_id}/health", _health)
HEALTH_HISTORY = Route("GET", "/activity/watchlist/{watchlist_id}/health/history", _health)
HEALTH_CHANGES = Route("GET", "/activity/watchlist/{watchlist_id}/health/changes", _health)
COMPARE = Route("GET", "/activity/compare", _health)

_exporting = _http(
    "export",
    settings.OverviewSettings,
    Permissions(
        watchlist=permissions.GET_FOR_A_USER,
        activity=permissions.GET,
        indexes=(tables.BY_USER, tables.BY_USER_ALERTS),
    ),
    _LONG_TIMEOUT,
)
EXPORT_WATCHLIST = Route("GET", "/activity/watchlist/export", _exporting)
EXPORT_COMMITS = Route("GET", "/activity/watchlist/{watchlist_id}/commits/export", _exporting)
EXPORT_ALERTS = Route("GET", "/activity/alerts/export", _exporting)

_watching = _http(
    "user_watchlist",
    settings.OverviewSettings,
    Permissions(
        watchlist=permissions.GET_FOR_A_USER | {"UpdateItem", "DeleteItem"},
        activity=frozenset({"Query", "BatchWriteItem"}),
        indexes=(tables.BY_USER, tables.BY_USER_ENTRY, tables.BY_USER_ALERTS),
    ),
    _LONG_TIMEOUT,
)
USER_WATCHLIST = Route("GET", "/activity/watchlist", _watching)
SHOW_ALERTS = Route("GET", "/activity/user-watchlist-alerts/{user_watchlist_id}", _watching)
CHANGE_ALERTS = Route("PUT", "/activity/user-watchlist-alerts/{user_watchlist_id}", _watching, Body.JSON)
PATCH_ALERTS = Route("PATCH", "/activity/user-watchlist-alerts/{user_watchlist_id}", _watching, Body.MERGE_PATCH)

_notifying = _http("notifications", settings.DeliverySettings, Permissions(watchlist=permissions.GET | {"UpdateItem"}))
SHOW_NOTIFICATIONS = Route("GET", "/activity/user-watchlist-notifications/{user_watchlist_id}", _notifying)
CHANGE_NOTIFICATIONS = Route("PUT", "/activity/user-watchlist-notifications/{user_watchlist_id}", _notifying, Body.JSON)
FORGET_NOTIFICATIONS = Route("DELETE", "/activity/user-watchlist-notifications/{user_watchlist_id}", _notifying)
PATCH_NOTIFICATIONS = Route(
    "PATCH", "/activity/user-watchlist-notifications/{user_watchlist_id}", _notifying, Body.MERGE_PATCH
)

TEST_NOTIFICATIONS = Route("POST", "/activity/user-watchlist-notifications/{user_watchlist_id}/test", _notifying)

_channels = _http(
    "channels",
    settings.DeliverySettings,
    Permissions(watchlist=permissions.GET | {"Query", "PutItem", "UpdateItem", "DeleteItem"}),
)
CHANNELS = Route("GET", "/activity/channels", _channels)
ADD_CHANNEL = Route("POST", "/activity/channels", _channels, Body.JSON)
SHOW_CHANNEL = Route("GET", "/activity/channels/{channel_id}", _channels)
CHANGE_CHANNEL = Route("PUT", "/activity/channels/{channel_id}", _channels, Body.JSON)
REMOVE_CHANNEL = Route("DELETE", "/activity/channels/{channel_id}", _channels)
PATCH_CHANNEL = Route("PATCH", "/activity/channels/{channel_id}", _channels, Body.MERGE_PATCH)
TEST_CHANNEL = Route("POST", "/activity/channels/{channel_id}/test", _channels)

_leaving = _http("leave", settings.TableSettings, Permissions(watchlist=permissions.GET | {"UpdateItem"}))
LEAVE = Route("GET", "/leave/{channel_id}/{token}", _leaving, is_public=True)
LEAVE_NOW = Route("POST", "/leave/{channel_id}/{token}", _leaving, is_public=True)

STOP_WATCHING = Route("DELETE", "/activity/user-watchlist/{user_watchlist_id}", _watching)
PATCH_WATCH = Route("PATCH", "/activity/user-watchlist/{user_watchlist_id}", _watching, Body.MERGE_PATCH)

_alerts = _http(
    "alerts",
    settings.TableSettings,
    Permissions(
        watchlist=permissions.GET_FOR_A_USER,
        activity=permissions.GET | {"BatchGetItem", "UpdateItem"},
        indexes=(tables.BY_USER_ENTRY, tables.BY_USER_ALERTS),
    ),
)
USER_ALERTS = Route("GET", "/activity/alerts", _alerts)
ACKNOWLEDGE_ALERTS = Route("POST", "/activity/alerts/acknowledge", _alerts, Body.JSON)
RESOLVE_ALERTS = Route("POST", "/activity/alerts/resolve", _alerts, Body.JSON)
ALERTS = Route("GET", "/activity/alerts/{user_watchlist_id}", _alerts)
ACKNOWLEDGE_ALERT = Route("PATCH", "/activity/alerts/{alert_id}/acknowledge", _alerts)
RESOLVE_ALERT = Route("PATCH", "/activity/alerts/{alert_id}/resolve", _alerts)

_operations = _http(
    "jobs",
    settings.OperationsSettings,
    Permissions(
        watchlist=frozenset({"Query", "BatchGetItem"}),
        indexes=(tables.BY_QUEUE,),
        queues=permissions.on_all_queues("GetQueueAttributes"),
        dead_letter_queues=frozenset({"GetQueueAttributes"}),
    ),
)
JOBS = Route("GET", "/activity/jobs", _operations)
OPEN_JOBS = Route("GET", "/activity/jobs/open", _operations)
QUEUES = Route("GET", "/activity/queues", _operations)
REDRIVE = Route(
    "POST",
    "/activity/queues/{queue}/redrive",
    _http(
        "redrive",
        settings.OperationsSettings,
        Permissions(
            queues=permissions.on_all_queues("SendMessage"),
            dead_letter_queues=permissions.MOVE,
        ),
    ),
)

_sharing = _http(
    "shares",
    settings.TableSettings,
    Permissions(watchlist=permissions.GET_FOR_A_USER | {"Query", "PutItem", "DeleteItem"}),
)
SHARES = Route("GET", "/activity/shares", _sharing)
ADD_SHARE = Route("POST", "/activity/shares", _sharing, Body.JSON)
REVOKE_SHARE = Route("DELETE", "/activity/shares/{token}", _sharing)

_shared = _http(
    "shared",
    settings.OverviewSettings,
    Permissions(watchlist=permissions.GET_FOR_A_USER, indexes=(tables.BY_USER_ALERTS,)),
)
FEED = Route("GET", "/feeds/{token}", _shared, is_public=True)
BADGE = Route("GET", "/badges/{token}", _shared, is_public=True)
BADGE_FOR_SHIELDS = Route("GET", "/badges/{token}/shields", _shared, is_public=True)

_description = _http("documentation", settings.Settings, permissions.NOTHING)
OPENAPI = Route("GET", "/openapi.json", _description, is_public=True)
DOCS = Route("GET", "/docs", _description, is_public=True)

_page = _http("page", settings.PageSettings, permissions.NOTHING)
PAGE_ROUTES = tuple(
    Route("GET", path, _page, is_public=True)
    for path in ("/", "/alerts", "/channels", "/ops", "/compare", "/r/{watchlist_id}", "/assets/{name}")
)
"""What a browser asks for before anybody is known: open to everybody, since it holds nothing of anybody, and no part of
the API. Every address but those of assets answers with the same shell, which then asks the API."""

ROUTES: Sequence[Route] = tuple(row for row in list(globals().values()) if isinstance(row, Route))
"""All rows of the API above, in their order."""

LIVE_CONNECT = LiveRoute(
    "$connect",
    _live("connect", settings.ConnectSettings, "GetItem", "BatchGetItem", "PutItem", "UpdateItem", "DeleteItem"),
)
"""Authorised as the HTTP API is, by IAM or by `functions.LIVE_AUTHORIZER`."""

LIVE_DISCONNECT = LiveRoute(
    "$disconnect", _live("disconnect", settings.TableSettings, "GetItem", "DeleteItem", "UpdateItem")
)

LIVE_REQUEST = LiveRoute(
    "$default", _live("request", settings.LiveSettings, "GetItem", "BatchGetItem", "Query", "DeleteItem", "UpdateItem")
)
"""Posts to connections."""

LIVE_ROUTES: Sequence[LiveRoute] = (LIVE_CONNECT, LIVE_DISCONNECT, LIVE_REQUEST)
