"""Embedded AWS: moto's server in a process of its own, one request at a time, with faults on demand.

    python -m local_service.aws.embedded

prints its URL and serves until its stdin ends, so that it never outlives whoever started it.

Why one request at a time: moto's transactions are not isolated between threads, and its SQS can deliver one message
to two receivers (observed with moto 5.2).
"""

import json
import random
import re
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from io import BytesIO
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

import urllib3
from botocore.config import Config
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from local_service import lifeline

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

REGION = "us-east-1"
ACCOUNT = "123456789012"
PLATFORM = "platform"
"""The access key of the local service itself; faults spare it unless they name it."""

_FAULTS_PATH = "/local/faults"
_CREDENTIAL = re.compile(r"Credential=(?P<caller>[^/]+)/\d+/[^/]+/(?P<service>[^/]+)/")
_NEVER = 10**9
_SERVER_ERROR_CODES = {500: "InternalServerError", 503: "ServiceUnavailable"}


class Fault(BaseModel):
    """Calls that AWS answers with an error.

    Attributes:
        service: as in the request's signature (`dynamodb`, `sqs`, `ecs`), or None for all.
        operation: the API's name (`PutItem`), or None for all.
        caller: the access key (`functions`, `task`, `platform`), or None for all but the platform's own.
        probability: of each matching call.
        moment: `before`: the call does nothing. `after`: it is performed and its answer is lost.
        status: of the answer.
        answer: its body, for what is refused in a particular way; a server error unless told otherwise.
        times: how many calls fail at most, or None for no limit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    service: str | None = None
    operation: str | None = None
    caller: str | None = None
    probability: float = Field(default=1.0, ge=0, le=1)
    moment: Literal["before", "after"] = "before"
    status: Literal[200, 400, 500, 503] = 500
    answer: dict[str, Any] | None = None
    times: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _has_an_answer(self) -> Self:
        if self.answer is None and self.status not in _SERVER_ERROR_CODES:
            raise ValueError("only a server error has an answer of its own")
        return self

    def matches(self, call: "Call") -> bool:
        """Return whether the fault is for this call."""
        return (
            self.service in {None, call.service}
            and self.operation in {None, call.operation}
            and (call.caller == self.caller if self.caller else call.caller != PLATFORM)
        )


class FaultPlan(BaseModel):
    """Faults, tried in order, and the seed of their dice."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    faults: tuple[Fault, ...] = ()
    seed: int = 0


class Call(BaseModel):
    """Who calls what, as the request's headers say."""

    model_config = ConfigDict(frozen=True)

    caller: str
    service: str
    operation: str

    @classmethod
    def of(cls, authorization: str, target: str) -> Self:
        """Read the `Authorization` and `X-Amz-Target` headers; what they do not say is empty."""
        credential = _CREDENTIAL.search(authorization)
        return cls(
            caller=credential["caller"] if credential else "",
            service=credential["service"] if credential else "",
            operation=target.rpartition(".")[2],
        )


class FaultDice:
    """Decides which calls fail under a plan: with one seed and one sequence of calls, always the same ones."""

    def __init__(self, plan: FaultPlan) -> None:
        self._random = random.Random(plan.seed)  # noqa: S311 - dice, not secrets
        self._left = [[fault, fault.times] for fault in plan.faults]
        self._plan = plan
        self._used = [0] * len(plan.faults)

    @property
    def used(self) -> tuple[int, ...]:
        """How many calls each fault has hit."""
        return tuple(self._used)

    def roll(self, call: Call) -> Fault | None:
        """Return the fault that hits `call`, if any."""
        for number, fault in enumerate(self._plan.faults):
            exhausted = fault.times is not None and self._used[number] >= fault.times
            if not exhausted and fault.matches(call) and self._random.random() < fault.probability:
                self._used[number] += 1
                return fault
        return None


class OneAtATime:
    """WSGI middleware: serialises calls, makes long polls short ones (they would hold the lock) and injects faults."""

    def __init__(self, application: "WSGIApplication") -> None:
        self._application = application
        self._lock = threading.Lock()
        self._dice = FaultDice(FaultPlan())

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        if environ["PATH_INFO"] == _FAULTS_PATH:
            return self._administer(environ, start_response)
        call = Call.of(environ.get("HTTP_AUTHORIZATION", ""), environ.get("HTTP_X_AMZ_TARGET", ""))
        if call.operation == "ReceiveMessage":
            _shorten_poll(environ)
        with self._lock:
            fault = self._dice.roll(call)
            if fault is None:
                return _read_out(self._application(environ, start_response))
            if fault.moment == "after":
                _read_out(self._application(environ, _discard))
            return _refuse(fault, start_response)

    def _administer(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "PUT":
            plan = FaultPlan.model_validate_json(_body(environ))
            with self._lock:
                self._dice = FaultDice(plan)
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(self._dice.used).encode()]


def _read_out(chunks: Iterable[bytes]) -> list[bytes]:
    """Take the whole answer while the lock is held: moto may do its work as late as here."""
    try:
        return list(chunks)
    finally:
        if hasattr(chunks, "close"):
            chunks.close()


def _discard(_status: str, _headers: list[tuple[str, str]], _error: object = None) -> Any:  # noqa: ANN401 - WSGI's write()
    return lambda _data: None


def _refuse(fault: Fault, start_response: "StartResponse") -> Iterable[bytes]:
    status = HTTPStatus(fault.status)
    start_response(f"{status.value} {status.phrase}", [("Content-Type", "application/x-amz-json-1.0")])
    answer = fault.answer or {"__type": _SERVER_ERROR_CODES[fault.status], "message": "injected fault"}
    return [json.dumps(answer).encode()]


def _shorten_poll(environ: "WSGIEnvironment") -> None:
    body = json.loads(_body(environ))
    shortened = json.dumps({**body, "WaitTimeSeconds": 0}).encode()
    environ["wsgi.input"] = BytesIO(shortened)
    environ["CONTENT_LENGTH"] = str(len(shortened))


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
