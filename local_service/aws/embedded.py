"""Embedded AWS, seen from outside: its process is started and ended here, told to fail, and listened to."""

import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import urllib3
from botocore.config import Config
from botocore.exceptions import ClientError
from pydantic import TypeAdapter

from local_service import lifeline
from local_service.aws.data_folder import DataFolderError
from local_service.aws.faults import PLATFORM, Fault, FaultPlan
from local_service.aws.positions import Position

REGION = "us-east-1"
ACCOUNT = "123456789012"

SERVER = "local_service.aws.server"
"""The module that is the process."""

FAULTS_PATH = "/local/faults"
POSITIONS_PATH = "/local/positions"

TASKS = "tasks"
"""The topic that is touched when a task was run or stopped."""


def stream_topic(table: str) -> str:
    """Return the topic that is touched when a table's stream has a new record."""
    return f"stream {table}"


def queue_topic(queue: str) -> str:
    """Return the topic that is touched when messages of a queue are, or will be, to be received."""
    return f"queue {queue}"


_ERROR = "error: "
_CONNECTIONS = 50

Wake = Callable[[float], None]
"""Told in how many seconds there is something to do."""


class EmbeddedAws:
    """The embedded AWS's process, seen from outside; a context manager.

    Attributes:
        url: the endpoint of every service.
    """

    url: str

    def __init__(self, log: int, folder: Path | None = None) -> None:
        """Prepare a process.

        Args:
            log: the file descriptor that it logs to.
            folder: where it keeps everything; without one it forgets everything at its end.
        """
        self._log = log
        self._folder = folder
        self._http = urllib3.PoolManager(maxsize=_CONNECTIONS)
        self._wakes: dict[str, list[Wake]] = {}
        self.ended = threading.Event()
        """Set when the process has ended, also by itself."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(  # noqa: S603 - a fixed argv
            [sys.executable, "-m", SERVER, *([] if self._folder is None else [str(self._folder)])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            start_new_session=True,
            cwd=lifeline.ROOT,
        )
        line = lifeline.first_line(self._process)
        if line.startswith(_ERROR):
            lifeline.end(self._process)
            raise DataFolderError(line.removeprefix(_ERROR))
        self.url = line
        self._listener = threading.Thread(target=self._listen, name="embedded AWS's bell", daemon=True)
        self._listener.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.stdin.close()  # type: ignore[union-attr] # it is started with a pipe
        self._listener.join()
        lifeline.end(self._process)

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def when(self, topic: str, wake: Wake) -> None:
        """Call `wake` whenever there is something to do about a topic, from a thread that must not be held up."""
        self._wakes.setdefault(topic, []).append(wake)

    def keep_position(self, table: str, consumer: str, number: str | None = None) -> str | None:
        """Remember that a consumer has read a table's stream so far, and return what is remembered.

        Args:
            table: the stream's.
            consumer: its name.
            number: the sequence number of the last record that it has done with; None changes nothing.
        """
        position = Position(table=table, consumer=consumer, number=number)
        answer = self._request("PUT", POSITIONS_PATH, position.model_dump_json().encode())
        return TypeAdapter(str | None).validate_json(answer)

    def _listen(self) -> None:
        for line in self._process.stdout or ():
            topic, _, seconds = line.decode().rpartition(" ")
            for wake in self._wakes.get(topic, ()):
                wake(float(seconds))
        self.ended.set()

    def reset(self) -> None:
        """Forget everything that was created, and all faults."""
        self.inject()
        self._request("POST", "/moto-api/reset", b"")

    def inject(self, *faults: Fault, seed: int = 0) -> None:
        """Let calls fail from now on; without faults, let none fail."""
        self._request("PUT", FAULTS_PATH, FaultPlan(faults=faults, seed=seed).model_dump_json().encode())

    def faults_used(self) -> tuple[int, ...]:
        """Return how many calls each of the injected faults has hit."""
        return TypeAdapter(tuple[int, ...]).validate_json(self._request("GET", FAULTS_PATH, None))

    def _request(self, method: str, path: str, body: bytes | None) -> bytes:
        response = self._http.request(method, f"{self.url}{path}", body=body, retries=False)
        if response.status != HTTPStatus.OK:
            said = {"Code": "InternalServerError", "Message": response.data.decode(errors="replace")}
            answer: Any = {"Error": said, "ResponseMetadata": {"HTTPStatusCode": response.status}}
            raise ClientError(answer, path)
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
        "config": Config(proxies={}, max_pool_connections=_CONNECTIONS),
        "endpoint_url": url,
        "region_name": REGION,
        "aws_access_key_id": PLATFORM,
        "aws_secret_access_key": "local",
    }
