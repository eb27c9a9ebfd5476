"""API Gateway's HTTP API on one machine: requests become events of payload format 2.0, answers become responses.

Shapes and limits: API Gateway guide, "Create AWS Lambda proxy integrations for HTTP APIs in API Gateway" and "Quotas
for configuring and running an HTTP API".
"""

import base64
import functools
import json
import logging
import re
import socket
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http import HTTPStatus
from http.client import responses
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote, unquote_plus

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Request

from local_service.aws.embedded import ACCOUNT
from local_service.functions.processes import FunctionError, FunctionTimeoutError
from local_service.gateways.authorizer import LOCAL_USER, Authorizer, ForbiddenError
from local_service.guard import CHALLENGE, LIVE_PATH, LOOPBACK, Guard
from local_service.wsgi_server import Handler, WsgiServer
from watchlist.deployment.routes import Route

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

Event = dict[str, Any]
Invoke = Callable[[str, Event], Any]

BODY_BYTES = 10 * 1024 * 1024
"""Largest request body."""

_TEXT = re.compile(r"text/.*|application/(json|javascript|xml|.+\+json|.+\+xml)")
"""Content types whose body is handed on as it is; any other is encoded in base64."""

_LINE_END = re.compile(r"[\r\n]")

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as it arrived.

    Attributes:
        path: percent-encoded, without the query.
        headers: names in lower case; repeated ones are joined by commas.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    source_ip: str = "127.0.0.1"
    protocol: str = "HTTP/1.1"


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response as it leaves; a header can be there more than once."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @classmethod
    def of_gateway(cls, status: int, message: str) -> Self:
        """Return an answer of the gateway itself."""
        return cls(status, (("content-type", "application/json"),), json.dumps({"message": message}).encode())


@dataclass(frozen=True, slots=True)
class RouteMatch:
    """A route and the decoded values of its variable parts."""

    route: Route
    parameters: Mapping[str, str]


class PortTakenError(Exception):
    """The service cannot listen where it should; most often something else does."""


class InvalidResponseError(Exception):
    """The function's answer is no HTTP response."""


def find_route(routes: Iterable[Route], method: str, path: str) -> RouteMatch | None:
    """Return the route of a request; one with fewer variable parts wins, as the more specific does at API Gateway."""
    fits = [
        (route, match)
        for route in routes
        if route.method in {method, "ANY"} and (match := _pattern(route.path).fullmatch(path)) is not None
    ]
    if not fits:
        return None
    route, match = min(fits, key=lambda fit: fit[0].path.count("{"))
    return RouteMatch(route, {name: unquote(value) for name, value in match.groupdict().items()})


@functools.cache
def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path)))


def event_of(request: HttpRequest, match: RouteMatch, at: datetime, request_id: str) -> Event:
    """Return the event for a request; keys that have nothing to say are left out, as API Gateway does."""
    route_key = f"{match.route.method} {match.route.path}"
    path = unquote(request.path)
    body, is_base64 = _body_of(request)
    host = request.headers.get("host", "localhost")
    event: Event = {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": path,
        "rawQueryString": request.query,
        "headers": {name: value for name, value in request.headers.items() if name != "cookie"},
        "requestContext": {
            "accountId": ACCOUNT,
            # Without tokens whoever reaches the service runs it, and acts for everybody, as who signs with IAM does.
            "authorizer": {"iam": {"userArn": LOCAL_USER}},
            "apiId": "local",
            "domainName": host,
            "domainPrefix": host.partition(".")[0],
            "http": {
                "method": request.method,
                "path": path,
                "protocol": request.protocol,
                "sourceIp": request.source_ip,
                "userAgent": request.headers.get("user-agent", ""),
            },
            "requestId": request_id,
            "routeKey": route_key,
            "stage": "$default",
            "time": at.astimezone(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "timeEpoch": int(at.timestamp() * 1000),
        },
        "isBase64Encoded": is_base64,
    }
    optional = {
        "cookies": [cookie.strip() for cookie in request.headers.get("cookie", "").split(";") if cookie.strip()],
        "queryStringParameters": query_of(request.query),
        "pathParameters": dict(match.parameters),
        "body": body,
    }
    return event | {key: value for key, value in optional.items() if value}


def _body_of(request: HttpRequest) -> tuple[str, bool]:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not request.body:
        return "", False
    if _TEXT.fullmatch(content_type):
        try:
            return request.body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(request.body).decode(), True


def query_of(query: str) -> dict[str, str]:
    """Return the parameters, decoded; repeated ones are joined by commas."""
    parameters: dict[str, list[str]] = {}
    for part in query.split("&"):
        if part:
            name, _, value = part.partition("=")
            parameters.setdefault(unquote_plus(name), []).append(unquote_plus(value))
    return {name: ",".join(values) for name, values in parameters.items()}


def response_of(result: Any) -> HttpResponse:  # noqa: ANN401 - a function can answer any JSON
    """Turn a function's answer into a response.

    Raises:
        InvalidResponseError: it has a status that is no number, or headers that are no mapping of text, or that would
            begin another one.
    """
    if not (isinstance(result, dict) and "statusCode" in result):
        return HttpResponse(200, (("content-type", "application/json"),), json.dumps(result).encode())
    try:
        headers = {str(name).lower(): str(value) for name, value in (result.get("headers") or {}).items()}
        body = result.get("body") or ""
        content = base64.b64decode(body, validate=True) if result.get("isBase64Encoded") else body.encode()
        cookies = tuple(("set-cookie", str(cookie)) for cookie in result.get("cookies") or ())
        headers.setdefault("content-type", "text/plain;charset=UTF-8")
        fields = (*headers.items(), *cookies)
        if any(_LINE_END.search(part) for field in fields for part in field):
            raise InvalidResponseError("a header of more than one line")
        return HttpResponse(int(result["statusCode"]), fields, content)
    except (AttributeError, TypeError, ValueError) as error:
        raise InvalidResponseError(str(error)) from error


class HttpGateway:
    """Listens on 127.0.0.1 and invokes the functions behind the routes; a context manager.

    Attributes:
        url: the API's base URL, without a trailing slash.
        guard: what it asks of each request.
    """

    def __init__(
        self,
        routes: Iterable[Route],
        invoke: Invoke,
        address: tuple[str, int],
        authorizer: Authorizer | None = None,
        token: str | None = None,
    ) -> None:
        """Listen at once.

        Args:
            routes: all that is answered; anything else is 404.
            invoke: calls a function by its name.
            address: host and port to listen on; port 0 for any free one.
            authorizer: who decides which requests of the API are answered; None lets everybody in.
            token: what each request has to show before all else; without one, and without an authorizer, only this
                machine and the service's own page are answered.

        Raises:
            PortTakenError: it cannot listen there.
        """
        self._routes = tuple(routes)
        self._invoke = invoke
        self._authorizer = authorizer
        self._server = WsgiServer(self._answer, _listen(*address), _Handler)
        port = self._server.port
        self.guard = Guard(port, token, wants_tokens=authorizer is not None)
        self.url = f"http://{address[0]}:{port}"

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening, also for a gateway that was never entered."""
        self._server.close()

    def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        match = find_route(self._routes, request.method, request.path)
        if match is None:
            return HttpResponse.of_gateway(404, "Not Found")
        event = event_of(request, match, datetime.now(UTC), str(uuid.uuid4()))
        try:
            if self._authorizer is not None and not match.route.is_public:
                claims = self._authorizer.caller_of(event, event["routeKey"]).claims
                event["requestContext"]["authorizer"] = {"jwt": {"claims": claims, "scopes": None}}
            return response_of(self._invoke(match.route.function.name, event))
        except ForbiddenError:
            return HttpResponse.of_gateway(401, "Unauthorized")
        except FunctionTimeoutError:
            _LOGGER.exception("%s %s", request.method, request.path)
            return HttpResponse.of_gateway(503, "Service Unavailable")
        except (FunctionError, InvalidResponseError):
            _LOGGER.exception("%s %s", request.method, request.path)
            return HttpResponse.of_gateway(500, "Internal Server Error")

    def _answer(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        request = Request(environ)
        headers = {name.lower(): value for name, value in request.headers.items()}
        refused = self.guard.refusal(headers)
        try:
            response = self.handle(_read(request, headers)) if refused is None else _refuse(refused)
        except RequestEntityTooLarge:
            response = HttpResponse.of_gateway(413, "Request Entity Too Large")
        cookie = self.guard.live_cookie(headers) if refused is None else None
        more = [] if cookie is None else [("set-cookie", cookie)]
        start_response(f"{response.status} {responses.get(response.status, '')}", [*response.headers, *more])
        return [response.body]

    def hand_on_live(self, address: tuple[str, int]) -> None:
        """Let the page open its WebSocket here: it is handed on to the WebSocket API at `address`."""
        self._server.tunnels[LIVE_PATH] = address


def _refuse(status: HTTPStatus) -> HttpResponse:
    if status == HTTPStatus.UNAUTHORIZED:
        response = HttpResponse.of_gateway(status, "Unauthorized")
        return replace(response, headers=(*response.headers, ("www-authenticate", CHALLENGE)))
    return HttpResponse.of_gateway(status, "Forbidden: only this machine and the service's own page may call")


def _listen(host: str, port: int) -> socket.socket:
    """Listen before werkzeug does, which would end the process when the port is taken."""
    try:
        return socket.create_server((host, port), backlog=128)
    except (OSError, OverflowError) as error:
        said = error.strerror if isinstance(error, OSError) else None
        reason = (said or str(error)).partition(" (while")[0]  # the socket module adds the address
        where = f"port {port}" if host in LOOPBACK else f"port {port} of {host}"
        raise PortTakenError(f"cannot listen on {where}: {reason}") from error


def _read(request: Request, headers: Mapping[str, str]) -> HttpRequest:
    # One byte more than is taken: a chunked body is silently cut at the limit, and must not pass for a whole one.
    request.max_content_length = BODY_BYTES + 1
    body = request.get_data()
    if len(body) > BODY_BYTES:
        raise RequestEntityTooLarge
    path, _, query = request.environ["RAW_URI"].partition("?")
    return HttpRequest(
        method=request.method,
        path=path,
        query=query,
        headers=headers,
        body=body,
        source_ip=request.remote_addr or "127.0.0.1",
        protocol=request.environ["SERVER_PROTOCOL"],
    )


class _Handler(Handler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Write one line for each request, without what would rule the terminal of whoever reads it."""
        _LOGGER.info('"%s" %s %s', self.requestline.encode("unicode_escape").decode(), code, size)
