"""`$connect` of the WebSocket API: `?watchlist_id=...` and, as for the status poll, `&user=...`.

With `&stays=true` the connection goes on when the entry is ready or has failed. Without `watchlist_id` it shows all
that the user watches, and the user's alerts.

It only notes what the connection watches. API Gateway lets nothing be posted before this has returned, so the first
state is the live publisher's: it sees the noted subscription in the table's stream.
"""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions import startup
from functions.http.callers import NotYoursError
from functions.live import bearer
from functions.live import callers as live_callers
from watchlist import clock, limits
from watchlist.deployment import routes
from watchlist.live import connections as live_connections
from watchlist.live.connections import TooManyConnectionsError, Viewer
from watchlist.watching import entries
from watchlist.watching.entries import EntryNotFoundError

function = startup.Function(routes.LIVE_CONNECT.function)
logger = function.logger


@function.handler
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Accept a connection that names an entry which exists; of any other the client sees the refusal's status."""
    del context
    connection_id = event["requestContext"]["connectionId"]
    query: dict[str, str] = event.get("queryStringParameters") or {}
    watchlist_id, stays = query.get("watchlist_id"), query.get("stays", "false")
    try:
        caller, user = live_callers.caller_of(event), live_callers.user_of(event)
        if watchlist_id:
            watchlist_id = entries.find_for(watchlist_id, caller).watchlist_id
    except NotYoursError:
        return _refuse(HTTPStatus.FORBIDDEN, connection_id, "another user's name")
    except EntryNotFoundError:
        return _refuse(HTTPStatus.NOT_FOUND, connection_id, "no such entry")
    fault = _fault(watchlist_id, user, stays)
    if fault is not None:
        return _refuse(HTTPStatus.BAD_REQUEST, connection_id, fault)
    viewer = Viewer(user, while_watching=caller is not None, stays=stays == "true")
    most = function.settings.connections_of_a_user
    try:
        live_connections.register(connection_id, watchlist_id or None, viewer, most, clock.now())
    except TooManyConnectionsError:
        return _refuse(HTTPStatus.TOO_MANY_REQUESTS, connection_id, "the user has too many connections")
    return {"statusCode": HTTPStatus.OK} | _chosen_subprotocol(event)


def _fault(watchlist_id: str | None, user: str | None, stays: str) -> str | None:
    """Return what is wrong with the query, None if nothing is."""
    if user is not None and len(user) > limits.USER_CHARACTERS:
        return "the user's name is too long"
    if stays not in {"true", "false"}:
        return "stays is neither true nor false"
    return None if watchlist_id or user else "neither a watchlist_id nor a user"


def _chosen_subprotocol(event: dict[str, Any]) -> dict[str, Any]:
    """Return the header that a client waits for which has offered subprotocols: a browser hangs up without it."""
    if bearer.SUBPROTOCOL in bearer.offered_subprotocols(event):
        return {"headers": {"Sec-WebSocket-Protocol": bearer.SUBPROTOCOL}}
    return {}


def _refuse(status: HTTPStatus, connection_id: str, reason: str) -> dict[str, int]:
    logger.info("connection refused", connection_id=connection_id, reason=reason)
    return {"statusCode": status}
