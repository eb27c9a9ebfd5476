"""API Gateway's side of the WebSocket connections: post to one, hang up."""

from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from watchlist import limits
from watchlist.settings import LiveSettings

if TYPE_CHECKING:
    from mypy_boto3_apigatewaymanagementapi import ApiGatewayManagementApiClient

_CONFIG = Config(
    connect_timeout=2,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=limits.LIVE_POSTS_AT_ONCE,
)


class GoneError(Exception):
    """The connection is closed, or not open yet."""


class LiveGateway:
    """Calls the connection management API; from any thread."""

    def __init__(self, client: "ApiGatewayManagementApiClient") -> None:
        self._client = client

    def post(self, connection_id: str, message: bytes) -> None:
        """Send a message.

        Raises:
            GoneError: there is no such open connection.
            ClientError, BotoCoreError: API Gateway refuses, or cannot be reached.
        """
        try:
            self._client.post_to_connection(ConnectionId=connection_id, Data=message)
        except self._client.exceptions.GoneException:
            raise GoneError(connection_id) from None

    def hang_up(self, connection_id: str) -> None:
        """Close a connection; nothing if it is closed.

        Raises:
            ClientError, BotoCoreError: API Gateway refuses, or cannot be reached.
        """
        try:
            self._client.delete_connection(ConnectionId=connection_id)
        except self._client.exceptions.GoneException:
            return


def connect(settings: LiveSettings) -> LiveGateway:
    """Return the gateway that the settings name."""
    return LiveGateway(boto3.client("apigatewaymanagementapi", endpoint_url=settings.live_endpoint_url, config=_CONFIG))
