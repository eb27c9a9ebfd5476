"""The Lambda functions, each in processes of its own with exactly the environment that Lambda would give it."""

import contextlib
import json
import logging
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

from local_service import lifeline
from local_service.aws import embedded as embedded_aws
from local_service.functions.host import Context
from watchlist.deployment.function_spec import DEFAULT_MEMORY

Json = Any

RESPONSE_BYTES = 6 * 1024 * 1024
"""Largest answer of a synchronous invocation (Lambda quotas)."""

_INIT_SECONDS = 60
"""Longest import. Lambda allows 10 s on a processor that the function does not share."""

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
        environment: what `lambda_environment` adds nothing to: the function's own variables.
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
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "TZ": ":UTC",
            "_HANDLER": self.handler,
            **self.environment,
        }


class FunctionProcesses:
    """All functions; a context manager that ends their processes.

    Invocations come from any thread. A process serves one at a time and is kept for the next, as Lambda does.
    """

    def __init__(self, functions: Iterable[LocalFunction], log: int) -> None:
        """Prepare functions that log to the file descriptor `log`; processes start when they are first needed."""
        self._functions = {function.name: _Function(function, log) for function in functions}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for function in self._functions.values():
            function.close()

    def warm_up(self, names: Iterable[str]) -> None:
        """Start one process of each named function, side by side, and return when all are ready.

        Raises:
            FunctionError: one of them cannot be imported.
        """
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda name: self._functions[name].warm_up(), names))

    def invoke(self, name: str, event: Json) -> Json:
        """Call the function and return its answer.

        Raises:
            FunctionTimeoutError: it took longer than its timeout.
            FunctionError: it raised, its process ended, or it answered more than Lambda lets through.
        """
        return self._functions[name].invoke(event)

    def process_ids(self, name: str) -> tuple[int, ...]:
        """Return the ids of the function's living processes."""
        return self._functions[name].process_ids()


class _Function:
    """One function and its processes."""

    def __init__(self, function: LocalFunction, log: int) -> None:
        self._function = function
        self._log = log
        self._turn = threading.BoundedSemaphore(function.concurrency)
        self._lock = threading.Lock()
        self._idle: list[_Process] = []
        self._all: set[_Process] = set()

    def warm_up(self) -> None:
        self._release(self._acquire())

    def invoke(self, event: Json) -> Json:
        with self._turn:
            process = self._acquire()
            try:
                outcome = process.invoke(event)
            except FunctionError:
                self._discard(process)
                raise
            self._release(process)
        if "error" in outcome:
            raise FunctionError(f"{outcome['error']['type']}: {outcome['error']['message']}")
        return outcome["result"]

    def process_ids(self) -> tuple[int, ...]:
        with self._lock:
            return tuple(process.pid for process in self._all if process.is_alive)

    def close(self) -> None:
        with self._lock:
            processes = list(self._all)
        for process in processes:
            self._discard(process)

    def _acquire(self) -> "_Process":
        with self._lock:
            idle, self._idle = self._idle, []
            alive = [process for process in idle if process.is_alive]
            if alive:
                process = alive.pop()
                self._idle = alive
                return process
        process = _Process(self._function, self._log)
        with self._lock:
            self._all.add(process)
        return process

    def _release(self, process: "_Process") -> None:
        with self._lock:
            self._idle.append(process)

    def _discard(self, process: "_Process") -> None:
        process.close()
        with self._lock:
            self._all.discard(process)


class _Process:
    """One process with the function imported."""

    def __init__(self, function: LocalFunction, log: int) -> None:
        self._function = function
        self._process = subprocess.Popen(  # noqa: S603 - a fixed argv
            [sys.executable, "-m", "local_service.functions.host", function.handler],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=function.lambda_environment(),
            cwd=lifeline.ROOT,
            start_new_session=True,
        )
        outcome = self._read(timedelta(seconds=_INIT_SECONDS))
        if "error" in outcome:
            self.close()
            raise FunctionError(f"{function.name}: {outcome['error']['type']}: {outcome['error']['message']}")

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def invoke(self, event: Json) -> Mapping[str, Any]:
        line = json.dumps({"event": event, "context": asdict(self._context())})
        try:
            with contextlib.nullcontext(self._process.stdin) as stdin:
                if stdin is None:
                    raise AssertionError("functions are started with a pipe")
                stdin.write(line.encode() + b"\n")
                stdin.flush()
        except BrokenPipeError:
            raise self._crash() from None
        return self._read(self._function.timeout)

    def close(self) -> None:
        self._process.kill()
        lifeline.end(self._process)

    def _read(self, timeout: timedelta) -> Mapping[str, Any]:
        if self._process.stdout is None:
            raise AssertionError("functions are started with a pipe")
        expired = threading.Event()
        timer = threading.Timer(timeout.total_seconds(), self._expire, [expired])
        timer.daemon = True
        timer.start()
        line = self._process.stdout.readline()
        timer.cancel()
        if expired.is_set():
            raise FunctionTimeoutError(f"{self._function.name}: timed out after {timeout.total_seconds():g} seconds")
        if not line.endswith(b"\n"):
            raise self._crash()
        if len(line) > RESPONSE_BYTES:
            raise FunctionError(f"{self._function.name}: answered more than {RESPONSE_BYTES} bytes")
        outcome: Mapping[str, Any] = json.loads(line)
        return outcome

    def _expire(self, expired: threading.Event) -> None:
        expired.set()
        self._process.kill()

    def _crash(self) -> FunctionError:
        self._process.kill()
        return FunctionError(f"{self._function.name}: its process ended with exit code {self._process.wait()}")

    def _context(self) -> Context:
        return Context(
            function_name=self._function.name,
            function_version="$LATEST",
            invoked_function_arn=self._function.arn,
            memory_limit_in_mb=str(self._function.memory),
            aws_request_id=str(uuid.uuid4()),
            log_group_name=f"/aws/lambda/{self._function.name}",
            log_stream_name="local",
            deadline=time.time() + self._function.timeout.total_seconds(),
        )
