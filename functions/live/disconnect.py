"""`$disconnect` of the WebSocket API: forgets a connection. API Gateway calls it as a rule, not always."""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions import startup
from watchlist.deployment import routes
from watchlist.live import connections as live_connections

function = startup.Function(routes.LIVE_DISCONNECT.function)


@function.handler
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Forget the connection that was closed."""
    del context
    connection_id = event["requestContext"]["connectionId"]
    connection = live_connections.find(connection_id)
    if connection is not None:
        live_connections.forget(connection)
    return {"statusCode": HTTPStatus.OK}
