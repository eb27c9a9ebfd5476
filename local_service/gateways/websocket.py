"""API Gateway's WebSocket API on one machine: connections become events, and functions post to them over HTTP.

Shapes and limits: API Gateway guide, "Working with WebSocket APIs", "Use @connections commands in your backend service"
and "Quotas for configuring and running a WebSocket API".
"""

import asyncio
import contextlib
import json
import logging
import secrets
import socket
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPMethod, HTTPStatus
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol
from werkzeug import Request as HttpRequest
from werkzeug import Response as HttpResponse

from local_service.functions.processes import FunctionError
from local_service.gateways.authorizer import LOCAL_USER, Authorizer, ForbiddenError
from local_service.gateways.http import query_of
from local_service.guard import Guard, is_from_a_page
from local_service.wsgi_server import WsgiServer
from watchlist import limits
from watchlist.deployment.routes import LIVE_CONNECT, LIVE_DISCONNECT, LIVE_REQUEST, LiveRoute

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

Event = dict[str, Any]
Invoke = Callable[[str, Event], Any]

STAGE = "local"
_MOST_CONNECTIONS = 256
"""As many as the API's port takes, which hands on some of these: both together fit in a process's descriptors."""
_POST_SECONDS = 5
"""How long a client may leave its messages unread before posts to it are refused."""

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Client:
    """One connection as its events and the management API show it."""

    connection_id: str
    connected_at: datetime
    domain_name: str
    source_ip: str
    user_agent: str


class _Connection(ServerConnection):
    """A connection that ends at once where as many as can be are open, whether they have said something or not."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if len(self.server.handler_tasks) > _MOST_CONNECTIONS:
            self.transport.abort()


def event_of(client: Client, route: LiveRoute, event_type: str, at: datetime) -> Event:
    """Return what is the same in the events of every route."""
    return {
        "requestContext": {
            "routeKey": route.key,
            "eventType": event_type,
            "extendedRequestId": uuid.uuid4().hex,
            "requestTime": at.astimezone(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "messageDirection": "IN",
            "stage": STAGE,
            "connectedAt": _milliseconds(client.connected_at),
            "requestTimeEpoch": _milliseconds(at),
            "identity": {"sourceIp": client.source_ip, "userAgent": client.user_agent},
            "requestId": str(uuid.uuid4()),
            "domainName": client.domain_name,
            "connectionId": client.connection_id,
            "apiId": "local",
        },
        "isBase64Encoded": False,
    }


def connect_event(client: Client, headers: Mapping[str, str], query: str, at: datetime) -> Event:
    """Return the event of `$connect`: the only one with the request's headers and query."""
    parameters = query_of(query)
    event = event_of(client, LIVE_CONNECT, "CONNECT", at) | {
        "headers": dict(headers),
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
    }
    if parameters:
        event["queryStringParameters"] = parameters
        event["multiValueQueryStringParameters"] = {name: value.split(",") for name, value in parameters.items()}
    return event


def message_event(client: Client, message: str, at: datetime) -> Event:
    """Return the event of a message for `$default`."""
    event = event_of(client, LIVE_REQUEST, "MESSAGE", at)
    event["requestContext"]["messageId"] = uuid.uuid4().hex
    return event | {"body": message}


def disconnect_event(client: Client, code: int | None, reason: str, at: datetime) -> Event:
    """Return the event of `$disconnect`."""
    event = event_of(client, LIVE_DISCONNECT, "DISCONNECT", at)
    event["requestContext"] |= {"disconnectStatusCode": code or 1006, "disconnectReason": reason}
    return event


class WebSocketGateway:
    """Listens on 127.0.0.1 for clients and, on another port, for the functions' posts; a context manager.

    Attributes:
        url: where clients connect.
        address: host and port of the same.
        management_url: of the connection management API, the functions' `LIVE_ENDPOINT_URL`.
    """

    def __init__(
        self,
        invoke: Invoke,
        address: tuple[str, int],
        authorizer: Authorizer | None = None,
        guard: Guard | None = None,
    ) -> None:
        """Listen at once.

        Args:
            invoke: calls a function by its name.
            address: host and port of the clients; port 0 for any free one.
            authorizer: who decides which connections are opened; None lets everybody in.
            guard: what is asked of each connection first: that of the API whose page connects.

        Raises:
            OSError: the port is taken.
        """
        self._invoke = invoke
        self._authorizer = authorizer
        self._subprotocols: dict[uuid.UUID, Subprotocol | None] = {}
        self._clients: dict[uuid.UUID, Client] = {}
        self._open: dict[str, ServerConnection] = {}
        self._socket = socket.create_server(address, backlog=1024)
        self._guard = guard or Guard(self._socket.getsockname()[1], wants_tokens=authorizer is not None)
        self._management = WsgiServer(self._manage, socket.create_server(("127.0.0.1", 0), backlog=128))
        self.address: tuple[str, int] = self._socket.getsockname()[:2]
        self.url = f"ws://{address[0]}:{self.address[1]}"
        self.management_url = f"http://127.0.0.1:{self._management.port}/{STAGE}"
        self._loop = asyncio.new_event_loop()
        self._functions = ThreadPoolExecutor(max_workers=8, thread_name_prefix="websocket-functions")
        self._thread = threading.Thread(target=self._loop.run_forever, name="websockets", daemon=True)
        self._server: Server | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        self._management.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._functions.shutdown(wait=False, cancel_futures=True)
        asyncio.run_coroutine_threadsafe(self._hang_up_all(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self.close()

    def close(self) -> None:
        """Stop listening, also for a gateway that was never entered."""
        self._socket.close()
        self._management.close()
        self._loop.close()

    async def _listen(self) -> Server:
        return await serve(
            self._talk,
            sock=self._socket,
            create_connection=_Connection,
            process_request=self._admit,
            select_subprotocol=lambda connection, _offered: self._subprotocols.pop(connection.id),
            max_size=limits.LIVE_MESSAGE_BYTES,
            ping_interval=None,
            compression=None,
        )

    async def _hang_up_all(self) -> None:
        if self._server is not None:
            self._server.close(code=1001)
            await self._server.wait_closed()

    async def _call(self, function: str, event: Event) -> Any:  # noqa: ANN401 - a function can answer any JSON
        return await self._loop.run_in_executor(self._functions, self._invoke, function, event)

    async def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """Ask the function of `$connect`; the connection opens only when it has agreed."""
        refused = self._guard.live_refusal({name.lower(): value for name, value in request.headers.raw_items()})
        if refused is not None:
            return connection.respond(refused, refused.phrase)
        now = datetime.now(UTC)
        client = Client(
            connection_id=secrets.token_urlsafe(11) + "=",
            connected_at=now,
            domain_name=request.headers.get("Host", "localhost"),
            source_ip=str(connection.remote_address[0]),
            user_agent=request.headers.get("User-Agent", ""),
        )
        query = request.path.partition("?")[2]
        event = connect_event(client, dict(request.headers.raw_items()), query, now)
        try:
            answer = await self._loop.run_in_executor(self._functions, self._connect, event)
            status = HTTPStatus(answer["statusCode"])
            self._subprotocols[connection.id] = answer.get("headers", {}).get("Sec-WebSocket-Protocol")
        except ForbiddenError:
            status = HTTPStatus.FORBIDDEN
        except (FunctionError, AttributeError, KeyError, TypeError, ValueError):
            _LOGGER.exception("$connect")
            status = HTTPStatus.INTERNAL_SERVER_ERROR
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            self._subprotocols.pop(connection.id, None)
            return connection.respond(status, status.phrase)
        self._clients[connection.id] = client
        return None

    def _connect(self, event: Event) -> Any:  # noqa: ANN401 - a function can answer any JSON
        """Call the function of `$connect`, if the authorizer agrees."""
        if self._authorizer is not None:
            caller = self._authorizer.caller_of(event, LIVE_CONNECT.key)
            event["requestContext"]["authorizer"] = {
                "principalId": caller.subject,
                "integrationLatency": 0,
                **caller.context,
            }
        else:
            event["requestContext"]["identity"]["userArn"] = LOCAL_USER
        return self._invoke(LIVE_CONNECT.function.name, event)

    async def _talk(self, connection: ServerConnection) -> None:
        """Hand on messages until the connection closes, or has lasted as long as it may."""
        client = self._clients.pop(connection.id)
        self._open[client.connection_id] = connection
        try:
            async with asyncio.timeout(limits.LIVE_CONNECTION.total_seconds()):
                async for message in connection:
                    await self._hand_on(connection, client, message)
        except TimeoutError:
            await connection.close(1001, "Going away")
        except ConnectionClosed:
            pass
        finally:
            del self._open[client.connection_id]
        event = disconnect_event(client, connection.close_code, connection.close_reason or "", datetime.now(UTC))
        with contextlib.suppress(RuntimeError):  # the service stops, and takes no more calls
            await self._try_call(LIVE_DISCONNECT.function.name, event)

    async def _hand_on(self, connection: ServerConnection, client: Client, message: str | bytes) -> None:
        text = message if isinstance(message, str) else message.decode(errors="replace")
        failed = not await self._try_call(LIVE_REQUEST.function.name, message_event(client, text, datetime.now(UTC)))
        if failed:
            error = {
                "message": "Internal server error",
                "connectionId": client.connection_id,
                "requestId": str(uuid.uuid4()),
            }
            await connection.send(json.dumps(error))

    async def _try_call(self, function: str, event: Event) -> bool:
        try:
            await self._call(function, event)
        except FunctionError:
            _LOGGER.exception("%s", function)
            return False
        return True

    def _manage(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer a call of the connection management API."""
        request = HttpRequest(environ)
        prefix, _, connection_id = request.path.partition("/@connections/")
        connection = self._open.get(unquote(connection_id))
        if prefix != f"/{STAGE}" or is_from_a_page({name.lower(): value for name, value in request.headers.items()}):
            response = HttpResponse(status=HTTPStatus.FORBIDDEN)
        elif connection is None:
            response = _error(HTTPStatus.GONE, "GoneException")
        else:
            response = self._command(request, connection)
        return response(environ, start_response)

    def _command(self, request: HttpRequest, connection: ServerConnection) -> HttpResponse:
        match request.method:
            case HTTPMethod.POST:
                message = request.get_data()
                if len(message) > limits.LIVE_MESSAGE_BYTES:
                    return _error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "PayloadTooLargeException")
                return self._send(connection, message.decode())
            case HTTPMethod.DELETE:
                asyncio.run_coroutine_threadsafe(connection.close(1000), self._loop)
                return HttpResponse(status=HTTPStatus.NO_CONTENT)
            case HTTPMethod.GET:
                return HttpResponse("{}", HTTPStatus.OK, content_type="application/json")
            case _:
                return HttpResponse(status=HTTPStatus.METHOD_NOT_ALLOWED)

    def _send(self, connection: ServerConnection, message: str) -> HttpResponse:
        sending = asyncio.run_coroutine_threadsafe(connection.send(message), self._loop)
        try:
            sending.result(_POST_SECONDS)
        except ConnectionClosed:
            return _error(HTTPStatus.GONE, "GoneException")
        except TimeoutError:
            sending.cancel()
            return _error(HTTPStatus.TOO_MANY_REQUESTS, "LimitExceededException")
        return HttpResponse(status=HTTPStatus.OK)


def _error(status: HTTPStatus, code: str) -> HttpResponse:
    return HttpResponse(
        json.dumps({"message": None}), status, {"x-amzn-ErrorType": code}, content_type="application/json"
    )


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
