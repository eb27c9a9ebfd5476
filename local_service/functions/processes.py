"""The Lambda functions, each called with exactly the environment that Lambda would give it.

They share processes: each of 22 functions in its own takes half a gigabyte. A process serves one invocation at a time,
starts when none is free, and ends when it has long had nothing to do.
"""

import json
import logging
import os
import select
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

from local_service import lifeline
from local_service.aws import embedded as embedded_aws
from local_service.background_loop import BackgroundLoop
from watchlist.deployment.function_spec import DEFAULT_MEMORY

Json = Any

HOST: tuple[str, ...] = (sys.executable, "-m", "local_service.functions.host")
"""The program that calls the functions."""

RESPONSE_BYTES = 6 * 1024 * 1024
"""Largest answer of a synchronous invocation (Lambda quotas)."""

_INIT_SECONDS = 60
"""Longest import. Lambda allows 10 s on a processor that the function does not share."""

_READ_BYTES = 64 * 1024

_SOON_SECONDS = 0.3
"""How long a call waits for a process that serves another one: less than a start takes, more than most calls do."""

_STARTED_AT_ONCE = 2
"""Processes that are started without such a wait."""

_REST_SECONDS = 60
"""How long a process is kept that has nothing to do."""

_PATH = "/usr/local/bin:/usr/bin:/bin"

PROCESS_ENVIRONMENT = {"PATH": _PATH, "TZ": ":UTC"}
"""What a process starts with: it is no function's yet, and takes over the environment of each that it serves."""

_STOPPING = "the service stops"

_LOGGER = logging.getLogger(__name__)


class FunctionError(Exception):
    """The function raised, timed out, or its process ended; the message says which."""


class FunctionTimeoutError(FunctionError):
    """The function did not answer within its timeout; its process was killed."""


@dataclass(frozen=True, slots=True)
class LocalFunction:
    """One function as the local service runs it.

    Attributes:
        name: what it is invoked by.
        handler: `module.attribute`.
        timeout: the longest run of one invocation.
        environment: the function's own variables.
        concurrency: how many invocations run at once; more wait.
        memory: MiB that the function is told it has.
    """

    name: str
    handler: str
    timeout: timedelta
    environment: Mapping[str, str]
    concurrency: int = 1
    memory: int = DEFAULT_MEMORY

    @property
    def arn(self) -> str:
        """The function's name in events and in its context."""
        return f"arn:aws:lambda:{embedded_aws.REGION}:{embedded_aws.ACCOUNT}:function:{self.name}"

    def lambda_environment(self) -> dict[str, str]:
        """Return the process's whole environment: the function's variables and those that Lambda itself sets."""
        return {
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.memory),
            "AWS_LAMBDA_FUNCTION_NAME": self.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{self.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "local",
            "LAMBDA_TASK_ROOT": str(lifeline.ROOT),
            "LANG": "en_US.UTF-8",
            "PATH": _PATH,
            "TZ": ":UTC",
            "_HANDLER": self.handler,
            **lifeline.trust(),
            **self.environment,
        }


class FunctionProcesses:
    """All functions; a context manager that ends their processes.

    Invocations come from any thread. A process serves one at a time and is kept for the next, as Lambda does.
    """

    def __init__(self, functions: Iterable[LocalFunction], log: int) -> None:
        """Prepare functions that log to the file descriptor `log`; processes start when they are first needed."""
        self._functions = {function.name: function for function in functions}
        self._turns = {
            name: threading.BoundedSemaphore(function.concurrency) for name, function in self._functions.items()
        }
        self._log = log
        self._lock = threading.Lock()
        self._released = threading.Condition(self._lock)
        self._idle: list[_Process] = []
        self._all: set[_Process] = set()
        self._is_closed = False
        self._retiring = BackgroundLoop("retiring of functions' processes", self._retire, seconds=_REST_SECONDS)

    def __enter__(self) -> Self:
        self._retiring.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._retiring.__exit__(kind, error, trace)
        with self._lock:
            self._is_closed = True
            processes = list(self._all)
        for process in processes:
            self._discard(process)

    def warm_up(self, names: Iterable[str]) -> None:
        """Import the named functions in one process, and return when that is done.

        Raises:
            FunctionError: one of them cannot be imported.
        """
        process = self._acquire()
        for name in names:
            process.load(self._functions[name])
        self._release(process)

    def invoke(self, name: str, event: Json) -> Json:
        """Call the function and return its answer.

        Raises:
            FunctionTimeoutError: it took longer than its timeout.
            FunctionError: it raised, its process ended, it answered more than Lambda lets through, or the service
                stops.
        """
        with self._turns[name]:
            process = self._acquire()
            try:
                process.load(self._functions[name])
                outcome = process.invoke(self._functions[name], event)
            except FunctionError:
                self._discard(process)
                raise
            self._release(process)
        if "error" in outcome:
            raise FunctionError(f"{outcome['error']['type']}: {outcome['error']['message']}")
        return outcome["result"]

    def process_ids(self, name: str) -> tuple[int, ...]:
        """Return the ids of the living processes that have imported the function."""
        with self._lock:
            return tuple(process.pid for process in self._all if process.is_alive and process.has_loaded(name))

    def _acquire(self) -> "_Process":
        """Return the process that was used last, or a new one if none is free soon.

        Raises:
            FunctionError: the service stops. What waited for its turn would have nobody to end its process.
        """
        with self._lock:
            self._released.wait_for(self._need_not_wait, _SOON_SECONDS)
            if self._is_closed:
                raise FunctionError(_STOPPING)
            while self._idle:
                process = self._idle.pop()
                if process.is_alive:
                    return process
                self._all.discard(process)
                process.close()
        process = _Process(self._log)
        if not self._keep(process):
            process.close()
            raise FunctionError(_STOPPING)
        return process

    def _need_not_wait(self) -> bool:
        return bool(self._idle) or self._is_closed or len(self._all) < _STARTED_AT_ONCE

    def _keep(self, process: "_Process") -> bool:
        """Note a process that has to be ended; return False if nobody would end it any more."""
        with self._lock:
            if not self._is_closed:
                self._all.add(process)
            return not self._is_closed

    def _release(self, process: "_Process") -> None:
        process.used_at = time.monotonic()
        with self._lock:
            self._idle.append(process)
            self._released.notify()

    def _retire(self) -> bool:
        """End processes that have long had nothing to do, all but the one that was used last."""
        long_ago = time.monotonic() - _REST_SECONDS
        with self._lock:
            retired = [process for process in self._idle[:-1] if process.used_at < long_ago]
            self._idle = [process for process in self._idle if process not in retired]
        for process in retired:
            self._discard(process)
        return False

    def _discard(self, process: "_Process") -> None:
        process.close()
        with self._lock:
            self._all.discard(process)


class _Process:
    """One process and the functions that it has imported."""

    def __init__(self, log: int) -> None:
        self.used_at = 0.0
        self._loaded: set[str] = set()
        self._served_last: str | None = None
        self._asked = threading.Lock()
        self._process = subprocess.Popen(  # noqa: S603 - a fixed argv
            HOST,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=PROCESS_ENVIRONMENT,
            cwd=lifeline.ROOT,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def has_loaded(self, name: str) -> bool:
        return name in self._loaded

    def load(self, function: LocalFunction) -> None:
        """Import the function unless that is done.

        Raises:
            FunctionError: it cannot be imported; the process ends.
        """
        if function.name in self._loaded:
            return
        outcome = self._ask(function, {}, timedelta(seconds=_INIT_SECONDS))
        if "error" in outcome:
            raise FunctionError(f"{function.name}: {outcome['error']['type']}: {outcome['error']['message']}")
        self._loaded.add(function.name)

    def invoke(self, function: LocalFunction, event: Json) -> Mapping[str, Any]:
        return self._ask(function, {"event": event, "context": _context(function)}, function.timeout)

    def close(self) -> None:
        """End the process, and close its pipes once nobody reads them: another file could get their number."""
        self._process.kill()
        with self._asked:
            lifeline.end(self._process)

    def _ask(self, function: LocalFunction, more: Mapping[str, Any], timeout: timedelta) -> Mapping[str, Any]:
        environment = {} if function.name == self._served_last else {"environment": function.lambda_environment()}
        line = json.dumps({"handler": function.handler, **environment, **more})
        self._served_last = function.name
        if self._process.stdin is None:
            raise AssertionError("functions are started with a pipe")
        with self._asked:
            try:
                self._process.stdin.write(line.encode() + b"\n")
                self._process.stdin.flush()
            except (BrokenPipeError, ValueError):  # the process has ended, or was ended: then its pipe is closed
                raise self._crash(function) from None
            return self._read(function, timeout)

    def _read(self, function: LocalFunction, timeout: timedelta) -> Mapping[str, Any]:
        if self._process.stdout is None:
            raise AssertionError("functions are started with a pipe")
        line = self._line(self._process.stdout.fileno(), time.monotonic() + timeout.total_seconds())
        if line is None:
            self._process.kill()
            raise FunctionTimeoutError(f"{function.name}: timed out after {timeout.total_seconds():g} seconds")
        if not line.endswith(b"\n"):
            raise self._crash(function)
        if len(line) > RESPONSE_BYTES:
            raise FunctionError(f"{function.name}: answered more than {RESPONSE_BYTES} bytes")
        outcome: Mapping[str, Any] = json.loads(line)
        return outcome

    @staticmethod
    def _line(descriptor: int, deadline: float) -> bytes | None:
        """Read a line, or what there is before the end; None if it does not come in time."""
        line = bytearray()
        ready = select.poll()
        ready.register(descriptor, select.POLLIN)
        while not line.endswith(b"\n"):
            if not ready.poll(max(0, (deadline - time.monotonic()) * 1000)):
                return None
            more = os.read(descriptor, _READ_BYTES)
            if not more:
                break
            line += more
        return bytes(line)

    def _crash(self, function: LocalFunction) -> FunctionError:
        self._process.kill()
        return FunctionError(f"{function.name}: its process ended with exit code {self._process.wait()}")


def _context(function: LocalFunction) -> Mapping[str, Any]:
    """Return the fields of the `Context` of one invocation."""
    return {
        "function_name": function.name,
        "function_version": "$LATEST",
        "invoked_function_arn": function.arn,
        "memory_limit_in_mb": str(function.memory),
        "aws_request_id": str(uuid.uuid4()),
        "log_group_name": f"/aws/lambda/{function.name}",
        "log_stream_name": "local",
        "deadline": time.time() + function.timeout.total_seconds(),
    }
