"""`$connect` of the WebSocket API: `?watchlist_id=...` and, as for the status poll, `&user=...`.

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
    watchlist_id = (event.get("queryStringParameters") or {}).get("watchlist_id")
    if not watchlist_id:
        return _refuse(HTTPStatus.BAD_REQUEST, connection_id, "no watchlist_id")
    try:
        caller, user = live_callers.caller_of(event), live_callers.user_of(event)
        entries.find_for(watchlist_id, caller)
    except NotYoursError:
        return _refuse(HTTPStatus.FORBIDDEN, connection_id, "another user's name")
    except EntryNotFoundError:
        return _refuse(HTTPStatus.NOT_FOUND, connection_id, "no such entry")
    if user is not None and len(user) > limits.USER_CHARACTERS:
        return _refuse(HTTPStatus.BAD_REQUEST, connection_id, "the user's name is too long")
    viewer, most = Viewer(user, caller is not None), function.settings.connections_of_a_user
    try:
        live_connections.register(connection_id, watchlist_id, viewer, most, clock.now())
    except TooManyConnectionsError:
        return _refuse(HTTPStatus.TOO_MANY_REQUESTS, connection_id, "the user has too many connections")
    return {"statusCode": HTTPStatus.OK} | _chosen_subprotocol(event)


def _chosen_subprotocol(event: dict[str, Any]) -> dict[str, Any]:
    """Return the header that a client waits for which has offered subprotocols: a browser hangs up without it."""
    if bearer.SUBPROTOCOL in bearer.offered_subprotocols(event):
        return {"headers": {"Sec-WebSocket-Protocol": bearer.SUBPROTOCOL}}
    return {}


def _refuse(status: HTTPStatus, connection_id: str, reason: str) -> dict[str, int]:
    logger.info("connection refused", connection_id=connection_id, reason=reason)
    return {"statusCode": status}
