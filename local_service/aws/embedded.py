"""Embedded AWS: moto's server in a process of its own, one request at a time, with faults on demand.

    python -m local_service.aws.embedded

prints its URL and serves until its stdin ends, so that it never outlives whoever started it.

Why one request at a time: moto's transactions are not isolated between threads, and its SQS can deliver one message
to two receivers (observed with moto 5.2).
"""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from http import HTTPStatus
from io import BytesIO
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self

import urllib3
from botocore.config import Config
from pydantic import TypeAdapter

from local_service import lifeline
from local_service.aws.faults import PLATFORM, Call, Fault, FaultDice, FaultPlan, Refusal, throttle

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

REGION = "us-east-1"
ACCOUNT = "123456789012"

_FAULTS_PATH = "/local/faults"
_NEVER = 10**9


class OneAtATime:
    """WSGI middleware: serialises calls, makes long polls short ones (they would hold the lock) and injects faults."""

    def __init__(self, application: "WSGIApplication") -> None:
        self._application = application
        self._lock = threading.Lock()
        self._dice = FaultDice(FaultPlan())
        self._plan_changed = threading.Event()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        if environ["PATH_INFO"] == _FAULTS_PATH:
            return self._administer(environ, start_response)
        call = Call.of(environ.get("HTTP_AUTHORIZATION", ""), environ.get("HTTP_X_AMZ_TARGET", ""))
        if call.operation == "ReceiveMessage":
            _shorten_poll(environ)
        with self._lock:
            fault = self._dice.roll(call)
            plan_changed = self._plan_changed
        if fault is None:
            return self._perform(environ).tell(start_response)
        return self._harm(fault, call, environ, plan_changed).tell(start_response)

    def _perform(self, environ: "WSGIEnvironment") -> "_Answer":
        """Have moto answer; the lock is held until it is done with the whole answer."""
        answer = _Answer()
        with self._lock:
            chunks = self._application(environ, answer.start)
            try:
                answer.body = b"".join(chunks)
            finally:
                if hasattr(chunks, "close"):
                    chunks.close()
        return answer

    def _harm(self, fault: Fault, call: Call, environ: "WSGIEnvironment", plan_changed: threading.Event) -> "_Answer":
        """Do what the fault says, waiting outside the lock; it waits no longer than its plan lasts."""
        if fault.harm == "delay":
            plan_changed.wait(fault.seconds)
        answer = self._perform(environ) if fault.is_performed else _Answer()
        match fault.harm:
            case "refuse":
                return _Answer.of_refusal(fault.refusal)
            case "throttle":
                return self._throttle(call, environ)
            case "hang":
                plan_changed.wait(fault.seconds)
                _hang_up(environ)
            case "close":
                _hang_up(environ)
            case "cut":
                answer.hang_up = partial(_hang_up, environ)
        return answer

    def _throttle(self, call: Call, environ: "WSGIEnvironment") -> "_Answer":
        throttled = throttle(call, json.loads(_body(environ)))
        if isinstance(throttled, Refusal):
            return _Answer.of_refusal(throttled)
        _put_body(environ, throttled.taken)
        answer = self._perform(environ)
        if answer.is_success:
            answer.replace(throttled.answer(json.loads(answer.body)))
        return answer

    def _administer(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "PUT":
            plan = FaultPlan.model_validate_json(_body(environ))
            with self._lock:
                self._dice = FaultDice(plan)
                self._plan_changed.set()
                self._plan_changed = threading.Event()
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(self._dice.used).encode()]


class _Answer:
    """An answer that has been read out, since moto may do its work as late as then."""

    def __init__(self) -> None:
        self.status = ""
        self.headers: list[tuple[str, str]] = []
        self.body = b""
        self.hang_up: Callable[[], None] | None = None

    @classmethod
    def of_refusal(cls, refusal: Refusal) -> Self:
        status = HTTPStatus(refusal.status)
        answer = cls()
        answer.status = f"{status.value} {status.phrase}"
        answer.replace(refusal.body)
        return answer

    @property
    def is_success(self) -> bool:
        return self.status.startswith("2")

    def start(self, status: str, headers: list[tuple[str, str]], _error: object = None) -> Any:  # noqa: ANN401 - WSGI's write()
        self.status, self.headers = status, headers
        return lambda _data: None

    def replace(self, body: Mapping[str, Any]) -> None:
        """Say something else, without the checksum of what was said before."""
        self.body = json.dumps(body).encode()
        self.headers = [("Content-Type", "application/x-amz-json-1.0")]

    def tell(self, start_response: "StartResponse") -> Iterator[bytes]:
        """Send it, or half of it before the connection ends."""
        others = [header for header in self.headers if header[0].lower() != "content-length"]
        start_response(self.status, [*others, ("Content-Length", str(len(self.body)))])
        if self.hang_up is not None:
            yield self.body[: len(self.body) // 2]
            self.hang_up()
        yield self.body


def _hang_up(environ: "WSGIEnvironment") -> NoReturn:
    """End the connection at once; the server would wait for another request on it."""
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError


def _shorten_poll(environ: "WSGIEnvironment") -> None:
    _put_body(environ, {**json.loads(_body(environ)), "WaitTimeSeconds": 0})


def _put_body(environ: "WSGIEnvironment", body: Mapping[str, Any]) -> None:
    encoded = json.dumps(body).encode()
    environ["wsgi.input"] = BytesIO(encoded)
    environ["CONTENT_LENGTH"] = str(len(encoded))


def _body(environ: "WSGIEnvironment") -> bytes:
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    return body


class EmbeddedAws:
    """The embedded AWS's process, seen from outside; a context manager.

    Attributes:
        url: the endpoint of every service.
    """

    url: str

    def __init__(self, log: int) -> None:
        """Prepare a process that logs to the file descriptor `log`."""
        self._log = log

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "local_service.aws.embedded"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            start_new_session=True,
            cwd=lifeline.ROOT,
        )
        self.url = lifeline.first_line(self._process)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        lifeline.end(self._process)

    def reset(self) -> None:
        """Forget everything that was created, and all faults."""
        self.inject()
        self._request("POST", "/moto-api/reset", b"")

    def inject(self, *faults: Fault, seed: int = 0) -> None:
        """Let calls fail from now on; without faults, let none fail."""
        self._request("PUT", _FAULTS_PATH, FaultPlan(faults=faults, seed=seed).model_dump_json().encode())

    def faults_used(self) -> tuple[int, ...]:
        """Return how many calls each of the injected faults has hit."""
        return TypeAdapter(tuple[int, ...]).validate_json(self._request("GET", _FAULTS_PATH, None))

    def _request(self, method: str, path: str, body: bytes | None) -> bytes:
        response = urllib3.request(method, f"{self.url}{path}", body=body, retries=False)
        if response.status != HTTPStatus.OK:
            raise RuntimeError(response.data.decode(errors="replace"))
        return response.data


def credentials(caller: str) -> Mapping[str, str]:
    """Return the variables that make an AWS SDK call the embedded AWS as `caller`, all but the endpoint."""
    return {
        "AWS_ACCESS_KEY_ID": caller,
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
    }


def client_arguments(url: str) -> Mapping[str, Any]:
    """Return what `boto3.client` needs to call the embedded AWS at `url` as the platform, past any HTTP proxy."""
    return {
        "config": Config(proxies={}, max_pool_connections=50),
        "endpoint_url": url,
        "region_name": REGION,
        "aws_access_key_id": PLATFORM,
        "aws_secret_access_key": "local",
    }


def serve() -> None:
    """Serve on a free port until stdin ends."""
    from moto.moto_api import state_manager  # noqa: PLC0415 - takes a second, and only this process needs it
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app  # noqa: PLC0415
    from werkzeug.serving import WSGIRequestHandler, make_server  # noqa: PLC0415

    from local_service.aws import bounded_streams  # noqa: PLC0415

    class Quiet(WSGIRequestHandler):
        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Say nothing of requests that went well; they are many."""

    # Otherwise each DescribeTasks takes a task one state further towards STOPPED.
    state_manager.set_transition("ecs::task", {"progression": "manual", "times": _NEVER})
    bounded_streams.install()
    application = OneAtATime(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Quiet)
    lifeline.exit_with_stdin()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)  # noqa: T201 - the first line is for the starter
    server.serve_forever()


if __name__ == "__main__":
    serve()
