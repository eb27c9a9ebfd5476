"""What Lambda's runtime is to functions: it imports a handler once and calls it for one event after another.

    python -m local_service.functions.host

Lines of JSON on stdin are invocations, lines of JSON on stdout their outcomes; what a function itself prints goes to
stderr, the log. An invocation without an event imports its handler only. One process serves any functions in turn, each
with the whole environment that its invocation brings, or without one that of the function that was served last. It ends
with its stdin, also within an invocation: nobody is left to take the outcome.
"""

import functools
import gc
import importlib
import io
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO, Any

import botocore.loaders

from local_service import lifeline
from local_service.functions import short_calls

Handler = Callable[[Any, "Context"], Any]


@dataclass(frozen=True, slots=True)
class Context:
    """The second argument of a handler, with the attributes that Lambda gives it (Lambda guide, Python context)."""

    function_name: str
    function_version: str
    invoked_function_arn: str
    memory_limit_in_mb: str
    aws_request_id: str
    log_group_name: str
    log_stream_name: str
    deadline: float

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the invocation is ended."""
        return max(0, int((self.deadline - time.time()) * 1000))


def run(invocations: IO[str], outcomes: IO[str]) -> None:
    """Answer invocations until there are no more, or one cannot be imported."""
    handlers: dict[str, Handler] = {}
    for line in invocations:
        invocation = json.loads(line)
        name = invocation["handler"]
        if "environment" in invocation:
            _take_over(invocation["environment"])
        if name not in handlers:
            try:
                handlers[name] = _load(name)
            except BaseException as error:  # noqa: BLE001 - whatever ends the import is the function's error
                _say(outcomes, _error(error))
                return
        if "event" in invocation:
            _say(outcomes, _invoke(handlers[name], invocation["event"], Context(**invocation["context"])))
        else:
            _say(outcomes, json.dumps({"result": None}))


def _take_over(environment: Mapping[str, str]) -> None:
    """Let the environment be this one and nothing else."""
    os.environ.clear()
    os.environ.update(environment)


def _load(handler_name: str) -> Handler:
    module, _, attribute = handler_name.rpartition(".")
    handler: Handler = getattr(importlib.import_module(module), attribute)
    gc.freeze()  # what was imported stays, and need not be looked through again and again
    return handler


def _invoke(handler: Handler, event: Any, context: Context) -> str:  # noqa: ANN401 - any JSON
    """Return the outcome in JSON; a result that JSON does not know is the function's error."""
    try:
        return json.dumps({"result": handler(event, context)})
    except Exception as error:  # noqa: BLE001 - the runtime reports whatever the handler raises
        return _error(error)


def _error(error: BaseException) -> str:
    traceback.print_exception(error)
    return json.dumps({"error": {"type": type(error).__name__, "message": str(error)}})


def _say(outcomes: IO[str], outcome: str) -> None:
    outcomes.write(outcome + "\n")
    outcomes.flush()


def _load_models_once() -> None:
    """Let all sessions of botocore share what they read: each of several reads for half a second."""
    setattr(botocore.loaders, "create_loader", functools.cache(botocore.loaders.create_loader))  # noqa: B010 - mypy allows no assignment to a function


def main() -> None:
    """Keep the channel for this module alone, so that neither prints nor reads of the function disturb it."""
    invocations = os.fdopen(os.dup(sys.stdin.fileno()), encoding="utf-8")
    outcomes = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    lifeline.exit_with(invocations.fileno())
    _load_models_once()
    short_calls.shorten_all()
    run(invocations, outcomes)


if __name__ == "__main__":
    main()
