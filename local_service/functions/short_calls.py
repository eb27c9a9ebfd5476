"""What functions say to the embedded AWS, without what botocore does for a distant service.

botocore resolves an endpoint, signs, asks a dozen hooks, and checks every field against a model: that takes three times
as long as the answer itself. So the first try of a call goes to the embedded AWS in one write over a connection that
stays open. Whatever is no success, botocore hears as the outcome of its own first try: errors, retries and pauses are
its own.
"""

import contextlib
import functools
import json
import re
import socket
import threading
import urllib.parse
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from botocore import handlers
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.client import BaseClient
from botocore.compat import HTTPHeaders
from botocore.exceptions import BotoCoreError, ConnectionClosedError, EndpointConnectionError, ReadTimeoutError

from local_service.aws import binary_values

_SERVICES = {"dynamodb", "dynamodbstreams", "sqs"}
"""What is called often, and says no more than JSON can but for DynamoDB's binary values and stream records' times."""

_TIME = "ApproximateCreationDateTime"

_HEAD_END = b"\r\n\r\n"
_STATUS_LINE = re.compile(r"HTTP/1\.[01] ([0-9]{3})(?: .*)?")
_LENGTH = re.compile(r"[0-9]{1,18}")
_MOST_AT_ONCE = 256 * 1024

_make_api_call: Any = getattr(BaseClient, "_make_api_call")  # noqa: B009 - all calls go through it, and the stubs have it not


class _Connection(socket.socket):
    """A connection that is closed when the thread that has it ends."""

    def __del__(self) -> None:
        self.close()


class _Here(threading.local):
    """What one thread has: its connections by address, and what botocore has to hear of its first try."""

    def __init__(self) -> None:
        self.connections: dict[str, _Connection] = {}
        self.outcome: _Answer | BotoCoreError | None = None


_HERE = _Here()


def shorten(client: Any) -> None:  # noqa: ANN401 - any of boto3's clients
    """Let a client of the embedded AWS call in the short way."""
    service = client.meta.service_model.service_name
    client.meta.events.register_first(f"before-send.{service}", _tell_outcome)
    client._make_api_call = functools.partial(_call, client)  # noqa: SLF001 - all calls go through it


def shorten_all() -> None:
    """Let all clients that are made from now on in this process call in the short way."""
    handlers.BUILTIN_HANDLERS += [(f"before-send.{service}", _tell_outcome) for service in sorted(_SERVICES)]
    setattr(BaseClient, "_make_api_call", _call)  # noqa: B010 - mypy allows no assignment to a method


def _call(client: Any, operation: str, parameters: Mapping[str, Any]) -> Any:  # noqa: ANN401 - botocore's own
    if client.meta.service_model.service_name not in _SERVICES or _is_refused(client, operation, parameters):
        return _make_api_call(client, operation, parameters)
    outcome = _first_try(client, operation, json.dumps(parameters, default=_text_of).encode())
    if isinstance(outcome, _Answer) and outcome.is_success:
        return outcome.parsed()
    _HERE.outcome = outcome
    try:
        return _make_api_call(client, operation, parameters)
    finally:
        _HERE.outcome = None


def _is_refused(client: Any, operation: str, parameters: Mapping[str, Any]) -> bool:  # noqa: ANN401 - botocore's own
    """Whether the client checks what it says, and would not say this."""
    validator = getattr(client._serializer, "_param_validator", None)  # noqa: SLF001 - it is nowhere else
    shape = client.meta.service_model.operation_model(operation).input_shape
    return validator is not None and validator.validate(parameters, shape).has_errors()


def _tell_outcome(request: AWSPreparedRequest, **_: object) -> AWSResponse | None:
    """Be the sender of botocore's first try."""
    outcome, _HERE.outcome = _HERE.outcome, None
    match outcome:
        case BotoCoreError():
            raise outcome
        case _Answer(status, headers):
            return AWSResponse(request.url, status, HTTPHeaders.from_dict(headers), outcome)
        case None:
            return None


def _first_try(client: Any, operation: str, content: bytes) -> "_Answer | BotoCoreError":  # noqa: ANN401 - botocore's own
    url = client.meta.endpoint_url
    target = f"{client.meta.service_model.metadata['targetPrefix']}.{operation}"
    request = (
        f"POST / HTTP/1.1\r\nHost: {urllib.parse.urlsplit(url).netloc}\r\nX-Amz-Target: {target}\r\n"
        f"Authorization: {_authorization(client)}\r\nContent-Type: application/x-amz-json-1.0\r\n"
        f"Content-Length: {len(content)}{_HEAD_END.decode()}"
    )
    try:
        connection = _connection(url, client.meta.config)
    except OSError as error:
        return EndpointConnectionError(endpoint_url=url, error=error)
    try:
        connection.sendall(request.encode() + content)
        answer = _received(connection)
    except TimeoutError as error:
        _drop(url)
        return ReadTimeoutError(endpoint_url=url, error=error)
    except OSError as error:
        _drop(url)
        return ConnectionClosedError(endpoint_url=url, error=error)
    if not answer.is_whole:
        _drop(url)
    return answer


def _authorization(client: Any) -> str:  # noqa: ANN401 - botocore's own
    """Return who calls; the embedded AWS checks no signature."""
    service = client.meta.service_model.signing_name
    key = client._request_signer._credentials.access_key  # noqa: SLF001 - it is nowhere else
    return f"AWS4-HMAC-SHA256 Credential={key}/20000101/{client.meta.region_name}/{service}/aws4_request"


def _connection(url: str, config: Any) -> _Connection:  # noqa: ANN401 - botocore's own
    """Return the thread's connection, or a new one in place of one that was closed."""
    kept = _HERE.connections.get(url)
    if kept is None or _was_closed(kept):
        _drop(url)
        address = urllib.parse.urlsplit(url)
        kept = _Connection(socket.AF_INET)
        kept.settimeout(config.connect_timeout)
        kept.connect((address.hostname, address.port))
        kept.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _HERE.connections[url] = kept
    kept.settimeout(config.read_timeout)
    return kept


def _was_closed(connection: socket.socket) -> bool:
    connection.settimeout(0)
    try:
        connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True  # nobody says anything unasked


def _drop(url: str) -> None:
    if url in _HERE.connections:
        _HERE.connections.pop(url).close()


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer, or what came of it; botocore takes it for the stream of its body, too."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def is_whole(self) -> bool:
        return len(self.content) == int(self.headers["content-length"])

    @property
    def is_success(self) -> bool:
        return self.status == HTTPStatus.OK and self.is_whole

    def parsed(self) -> dict[str, Any]:
        """Return what botocore returns of a success."""
        parsed: dict[str, Any] = binary_values.decoded(self.content)
        for record in parsed.get("Records", []):  # of a stream: JSON has a time in seconds
            change = record["dynamodb"]
            change[_TIME] = datetime.fromtimestamp(change[_TIME], UTC)
        metadata = {
            "RequestId": self.headers.get("x-amzn-requestid", ""),
            "HTTPStatusCode": self.status,
            "HTTPHeaders": self.headers,
            "RetryAttempts": 0,
        }
        return {**parsed, "ResponseMetadata": metadata}

    def stream(self) -> Iterator[bytes]:
        yield self.content


def _received(connection: socket.socket) -> _Answer:
    """Read one answer, or as much of it as comes.

    Raises:
        OSError: the connection ended before it said what the answer is, or what came is none of HTTP's with a length.
    """
    received = bytearray()
    while (end := received.find(_HEAD_END)) < 0:
        more = connection.recv(_MOST_AT_ONCE)
        if not more:
            raise ConnectionResetError("the connection was closed without an answer")
        received += more
    status_line, *lines = received[:end].decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    status, length = _STATUS_LINE.fullmatch(status_line), _LENGTH.fullmatch(headers.get("content-length", ""))
    if status is None or length is None:
        raise ConnectionAbortedError("what came is no answer with a length")
    content = received[end + len(_HEAD_END) :]
    with contextlib.suppress(ConnectionError):  # then it is as if it had been closed
        while len(content) < int(length[0]) and (more := connection.recv(_MOST_AT_ONCE)):
            content += more
    return _Answer(int(status[1]), headers, bytes(content))


def _text_of(value: Any) -> str:  # noqa: ANN401 - whatever JSON does not know
    if not isinstance(value, bytes | bytearray):
        raise TypeError(f"JSON has no {type(value).__name__}")
    return b64encode(value).decode()
