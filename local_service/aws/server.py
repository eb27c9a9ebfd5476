"""The embedded AWS's own process: moto's server and our SQS over one database, one request at a time.

    python -m local_service.aws.server [FOLDER]

keeps everything in the folder, or in memory without one. It prints its URL, or `error: ` and why there is none, then a
line for whatever there is to do: a topic and in how many seconds. It serves until its stdin ends, so that it never
outlives whoever started it.

Why one request at a time: moto's transactions are not isolated between threads (observed with moto 5.2), and the
database has one connection.
"""

import gc
import json
import logging
import socket
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Self

from moto.core.request import Request
from moto.core.responses import BaseResponse
from moto.dynamodb.responses import DynamoHandler
from moto.dynamodbstreams.responses import DynamoDBStreamsHandler
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.sqs.models import SQSBackend

from local_service import lifeline
from local_service.aws import kept_tables, table_calls
from local_service.aws.data_folder import Database, DataFolderError, open_database
from local_service.aws.ecs import TaskError, Tasks
from local_service.aws.embedded import ACCOUNT, FAULTS_PATH, POSITIONS_PATH, REGION
from local_service.aws.faults import Call, Fault, FaultDice, FaultPlan, Refusal, throttle
from local_service.aws.positions import Position, Positions
from local_service.aws.sqs import QueueError, Queues
from local_service.background_loop import BackgroundLoop
from local_service.guard import is_from_a_page
from local_service.wsgi_server import WsgiServer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_SETTLED_SECONDS = 60
"""Until it tidies first: who starts it anew more often than it tidies would have an ever longer log."""

_TIDY_SECONDS = 3600

_LOGGER = logging.getLogger("local_service")


class _RefusedError(Exception):
    """The call's answer is an error, so it must have changed nothing."""

    def __init__(self, answer: "Answer") -> None:
        super().__init__(answer.status)
        self.answer = answer


class OneAtATime:
    """WSGI middleware: serialises calls, each of them one transaction of the database, and injects faults."""

    def __init__(
        self, application: "WSGIApplication", database: Database, ring: Callable[[Mapping[str, float]], None]
    ) -> None:
        """Prepare the middleware.

        Args:
            application: moto, which keeps its tables in the database.
            database: where everything is kept.
            ring: told what each call has touched.
        """
        self._application = application
        self._database = database
        self._queues = Queues(database, ACCOUNT, REGION)
        self._queues.release_held()
        self._tasks = Tasks(database, ACCOUNT, REGION)
        self._positions = Positions(database)
        self._ring = ring
        self._lock = threading.Lock()
        self._dice = FaultDice(FaultPlan())
        self._plan_changed = threading.Event()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        headers = {name[5:].lower(): value for name, value in environ.items() if name in {"HTTP_HOST", "HTTP_ORIGIN"}}
        if is_from_a_page(headers):
            return Answer.of_refusal(Refusal(403, {"message": "this is for programs of this machine"})).tell(
                start_response
            )
        administer = {FAULTS_PATH: self._administer_faults, POSITIONS_PATH: self._administer_positions}
        if environ["PATH_INFO"] in administer:
            return administer[environ["PATH_INFO"]](environ).tell(start_response)
        call = Call.of(environ.get("HTTP_AUTHORIZATION", ""), environ.get("HTTP_X_AMZ_TARGET", ""))
        with self._lock:
            fault = self._dice.roll(call)
            plan_changed = self._plan_changed
        if fault is None:
            return self._perform(call, environ).tell(start_response)
        return self._harm(fault, call, environ, plan_changed).tell(start_response)

    def _perform(self, call: Call, environ: "WSGIEnvironment", fault: Fault | None = None) -> "Answer":
        """Perform a call whole, and keep what it changed; a call that fails has changed nothing."""
        with self._lock:
            try:
                with self._database.transaction():
                    answer = self._answer(call, environ)
                    answer.raise_refusal()
                    _harm_disk(fault)
            except _RefusedError as refused:
                answer = refused.answer
            except sqlite3.Error as error:
                answer = _not_kept(call.operation, error)
            self._ring(self._database.touched)
        return answer

    def _answer(self, call: Call, environ: "WSGIEnvironment") -> "Answer":
        match call.service:
            case "sqs":
                return self._queue_answer(call, environ)
            case "ecs":
                return self._task_answer(call, environ)
            case "dynamodb" if table_calls.is_answered_here(call.operation):
                return Answer.of_tables(*table_calls.answer(call.operation, body_of(environ)))
            case "dynamodb":
                return _table_answer(environ)
            case _:
                return self._moto_answer(environ)

    def _queue_answer(self, call: Call, environ: "WSGIEnvironment") -> "Answer":
        base_url = f"{environ['wsgi.url_scheme']}://{environ['HTTP_HOST']}"
        try:
            return Answer.of(self._queues.call(call.operation, json.loads(body_of(environ)), base_url))
        except QueueError as error:
            body = {"__type": f"com.amazonaws.sqs#{error.code}", "message": str(error)}
            answer = Answer.of_refusal(Refusal(400, body))
            answer.headers.append(("x-amzn-query-error", f"{error.query_code};Sender"))
        return answer

    def _task_answer(self, call: Call, environ: "WSGIEnvironment") -> "Answer":
        try:
            return Answer.of(self._tasks.call(call.operation, json.loads(body_of(environ))))
        except TaskError as error:
            return Answer.of_refusal(Refusal(400, {"__type": error.code, "message": str(error)}))

    def _moto_answer(self, environ: "WSGIEnvironment") -> "Answer":
        answer = Answer()
        chunks = self._application(environ, answer.start)
        try:
            answer.body = b"".join(chunks)
        finally:
            if hasattr(chunks, "close"):
                chunks.close()
        if environ["PATH_INFO"] == "/moto-api/reset":
            self._database.clear()
        return answer

    def deliver(self, queue_name: str, message_body: str, **_arguments: object) -> None:
        """Send a message that comes out of moto, within the call that moto performs."""
        self._queues.deliver(queue_name, message_body)

    def tidy(self) -> bool:
        """Delete what has expired, and let the log be short whatever came of that; return that this was all."""
        try:
            self._delete_expired()
        finally:
            self._shorten_log()
        return False

    def _delete_expired(self) -> None:
        with self._lock, self._database.transaction():
            now = datetime.now(UTC)
            self._queues.drop_old()
            self._tasks.drop_old()
            for table in kept_tables.tables(ACCOUNT, REGION).values():
                table.delete_expired(now)
                table.drop_old_records(now)

    def _shorten_log(self) -> None:
        """Let the database have a short log again if it is long; calls wait meanwhile."""
        with self._lock:
            self._database.shorten_log()

    def _harm(self, fault: Fault, call: Call, environ: "WSGIEnvironment", plan_changed: threading.Event) -> "Answer":
        """Do what the fault says, waiting outside the lock; it waits no longer than its plan lasts."""
        if fault.harm == "delay":
            plan_changed.wait(fault.seconds)
        answer = self._perform(call, environ, fault) if fault.is_performed else Answer()
        match fault.harm:
            case "refuse":
                return Answer.of_refusal(fault.refusal)
            case "throttle":
                return self._throttle(call, environ)
            case "hang":
                plan_changed.wait(fault.seconds)
                _hang_up()
            case "close":
                _hang_up()
            case "cut":
                answer.hang_up = _hang_up
        return answer

    def _throttle(self, call: Call, environ: "WSGIEnvironment") -> "Answer":
        throttled = throttle(call, json.loads(body_of(environ)))
        if isinstance(throttled, Refusal):
            return Answer.of_refusal(throttled)
        _put_body(environ, throttled.taken)
        answer = self._perform(call, environ)
        if answer.is_success:
            answer.replace(throttled.answer(json.loads(answer.body)))
        return answer

    def _administer_faults(self, environ: "WSGIEnvironment") -> "Answer":
        with self._lock:
            if environ["REQUEST_METHOD"] == "PUT":
                self._dice = FaultDice(FaultPlan.model_validate_json(body_of(environ)))
                self._plan_changed.set()
                self._plan_changed = threading.Event()
            return Answer.of(self._dice.used)

    def _administer_positions(self, environ: "WSGIEnvironment") -> "Answer":
        position = Position.model_validate_json(body_of(environ))
        try:
            with self._lock, self._database.transaction():
                kept = self._positions.keep(position)
                read_by_all = self._positions.read_by_all(position.table)
                if read_by_all is not None:
                    kept_tables.tables(ACCOUNT, REGION)[position.table].drop_records(through=read_by_all)
        except sqlite3.Error as error:
            return _not_kept("a stream's position", error)
        return Answer.of(kept)


class _Request(Request):
    from_wsgi_server = True


def _table_answer(environ: "WSGIEnvironment") -> "Answer":
    """Let moto answer without its web application, which takes as long to find out who answers."""
    is_stream = environ.get("HTTP_X_AMZ_TARGET", "").startswith("DynamoDBStreams")
    handler: type[BaseResponse] = DynamoDBStreamsHandler if is_stream else DynamoHandler
    request = _Request(environ)
    status, headers, body = handler.dispatch(request, request.raw_url, dict(request.headers))
    return Answer.of_tables(status, headers, body)


class Answer:
    """An answer that has been read out, since moto may do its work as late as then."""

    def __init__(self) -> None:
        self.status = ""
        self.headers: list[tuple[str, str]] = []
        self.body = b""
        self.hang_up: Callable[[], None] | None = None

    @classmethod
    def of_refusal(cls, refusal: Refusal) -> Self:
        """Return the answer that refuses."""
        return cls.of(refusal.body, HTTPStatus(refusal.status))

    @classmethod
    def of(cls, body: object, status: HTTPStatus = HTTPStatus.OK) -> Self:
        """Return the answer with that body, in JSON."""
        answer = cls()
        answer.status = f"{status.value} {status.phrase}"
        answer.replace(body)
        return answer

    @classmethod
    def of_tables(cls, status: int, headers: Mapping[str, Any], body: str | bytes) -> Self:
        """Return the answer that moto's DynamoDB gave."""
        answer = cls()
        answer.start(f"{status} {HTTPStatus(status).phrase}", [(name, str(value)) for name, value in headers.items()])
        answer.body = body.encode() if isinstance(body, str) else body
        return answer

    @property
    def is_success(self) -> bool:
        """Whether the call was performed."""
        return self.status.startswith("2")

    def raise_refusal(self) -> None:
        """Raise it as an error if it is one."""
        if not self.is_success:
            raise _RefusedError(self)

    def start(self, status: str, headers: list[tuple[str, str]], _error: object = None) -> Any:  # noqa: ANN401 - WSGI's write()
        """Take status and headers, as WSGI's `start_response` does."""
        self.status, self.headers = status, headers
        return lambda _data: None

    def replace(self, body: object) -> None:
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


def _not_kept(what: str, error: sqlite3.Error) -> Answer:
    """Say, and note, that nothing was changed: most often the disk is full."""
    _LOGGER.error("%s was not performed: its data could not be kept: %s", what, error)
    said = f"nothing was changed, as it could not be kept: {error}"
    return Answer.of_refusal(Refusal(500, {"__type": "InternalServerError", "message": said}))


def _hang_up() -> NoReturn:
    """End the connection at once, with nothing but what has been said."""
    raise ConnectionAbortedError


def _put_body(environ: "WSGIEnvironment", body: Mapping[str, Any]) -> None:
    encoded = json.dumps(body).encode()
    environ["wsgi.input"] = BytesIO(encoded)
    environ["CONTENT_LENGTH"] = str(len(encoded))


def body_of(environ: "WSGIEnvironment") -> bytes:
    """Read a request's body."""
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    return body


def _harm_disk(fault: Fault | None) -> None:
    """Keep everybody waiting, as a slow disk does, or fail as SQLite does on a full one."""
    match fault and fault.harm:
        case "slow_disk" if fault:
            time.sleep(fault.seconds)
        case "full_disk":
            raise sqlite3.OperationalError("database or disk is full")


class _Bell:
    """Tells the starter what there is to do."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def ring(self, touched: Mapping[str, float]) -> None:
        """Say it in a line for each topic."""
        if touched:
            self.say("\n".join(f"{topic} {seconds:g}" for topic, seconds in touched.items()))

    def say(self, text: str) -> None:
        """Print lines that no other thread's lines mix with."""
        with self._lock:
            print(text, flush=True)  # noqa: T201 - the starter reads it


def serve(folder: Path | None, middleware: type[OneAtATime] = OneAtATime) -> None:
    """Serve on a free port until stdin ends."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    bell = _Bell()
    lifeline.exit_with_stdin()
    try:
        database = open_database(folder)
        kept_tables.install(database)
        application = middleware(DomainDispatcherApplication(create_backend_app), database, bell.ring)
    except DataFolderError as error:
        bell.say(f"error: {error}")
        return
    except sqlite3.Error as error:
        bell.say(f"error: the data folder {folder} cannot be used: {error}")
        return
    # EventBridge and SNS deliver to queues by moto's own.
    setattr(SQSBackend, "send_message", application.deliver)  # noqa: B010 - mypy allows no assignment to a method
    server = WsgiServer(application, socket.create_server(("127.0.0.1", 0), backlog=128))
    with BackgroundLoop("tidying", application.tidy, seconds=_TIDY_SECONDS, first_after=_SETTLED_SECONDS):
        gc.freeze()  # what was imported stays, and need not be looked through again and again
        bell.say(f"http://127.0.0.1:{server.port}")
        server.serve_forever()


if __name__ == "__main__":
    serve(Path(sys.argv[1]) if sys.argv[1:] else None)
