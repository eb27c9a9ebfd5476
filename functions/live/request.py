"""`$default` of the WebSocket API: whatever a client sends, it is answered with the current state.

Nobody has to send anything. A client that does keeps the connection from being closed as idle.
"""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions import startup
from functions.live import gateway as live_gateway
from functions.live.delivery import Delivery
from functions.live.posting import Posting
from functions.live.user_delivery import UserDelivery
from watchlist import clock
from watchlist.deployment import routes
from watchlist.health.verdict import Thresholds
from watchlist.jobs import protocol as job_protocol
from watchlist.live import connections as live_connections
from watchlist.storage.records import Subscription, UserSubscription

function = startup.Function(routes.LIVE_REQUEST.function)
logger = function.logger
posting = function.part(lambda settings: Posting(live_gateway.connect(settings), function.logger))
delivery = function.part(lambda settings: Delivery(posting(), Thresholds.of(settings)))
user_delivery = function.part(lambda settings: UserDelivery(posting(), Thresholds.of(settings)))


@function.handler
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Post the current state to the connection that asks."""
    del context
    connection = live_connections.find(event["requestContext"]["connectionId"])
    if connection is None:
        return {"statusCode": HTTPStatus.GONE}
    if connection.watchlist_id:
        entry = job_protocol.find_entry(connection.watchlist_id)
        delivery().deliver(entry, [Subscription.of(connection, clock.now())])
    else:
        user_delivery().greet([UserSubscription.of(connection, clock.now())])
    return {"statusCode": HTTPStatus.OK}
