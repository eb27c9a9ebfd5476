"""Handlers that do what a test asks of them in the event."""

import os
import signal
import sys
import time
from typing import Any

from local_service.functions.host import Context

calls = 0


def handler(event: dict[str, Any], context: Context) -> Any:
    """Do what `event["do"]` says."""
    global calls  # noqa: PLW0603 - what a warm process keeps is what the test looks at
    calls += 1
    match event["do"]:
        case "describe":
            return {
                "pid": os.getpid(),
                "calls": calls,
                "environment": dict(os.environ),
                "name": context.function_name,
                "remaining": context.get_remaining_time_in_millis(),
            }
        case "print":
            print('{"result": "not the answer"}')  # noqa: T201 - as a logger would
            print("to the log", file=sys.stderr)  # noqa: T201
            return sys.stdin.read()
        case "raise":
            raise ValueError("boom")
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "sleep":
            time.sleep(event["seconds"])
        case "answer":
            return event["answer"]
        case "answer no JSON":
            return object()
        case "answer much":
            return "x" * event["bytes"]
    return None
