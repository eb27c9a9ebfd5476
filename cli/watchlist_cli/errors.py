"""How the command ends, and the errors that end it."""

import re
from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from urllib3.exceptions import MaxRetryError

_OBJECT = re.compile(r"(?:<[^>]*>|\w+\(.*?\)): ")
"""That urllib3's messages begin with."""


class ExitCode(IntEnum):
    """What scripts may rely on."""

    GOOD = 0
    GATE_FAILED = 1
    """A repository does not pass, or a repository's processing failed."""
    USAGE = 2
    """The command was called wrongly, or named what does not exist."""
    UNAVAILABLE = 3
    """The service cannot be reached, or does not let this caller in."""
    STILL_PROCESSING = 4


class CommandError(Exception):
    """Ends the command; the message says to a person what to do."""

    exit_code = ExitCode.USAGE


class UnavailableError(CommandError):
    """The service does not answer, or answers that it cannot."""

    exit_code = ExitCode.UNAVAILABLE


class StillProcessingError(CommandError):
    """What was waited for has not happened yet."""

    exit_code = ExitCode.STILL_PROCESSING


class RefusedError(CommandError):
    """The service refused; the message is what its problem document says.

    Attributes:
        status: the HTTP status.
        code: the problem's stable code; empty where API Gateway refused by itself.
    """

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.code = str(problem.get("code") or "")
        faults = "; ".join(f"{fault.get('field')}: {fault.get('message')}" for fault in problem.get("errors") or ())
        title = problem.get("title") or problem.get("message") or f"HTTP {status}"
        details = faults or problem.get("detail")
        super().__init__(f"{title}: {details}" if details else str(title))


class NotAllowedError(RefusedError):
    """The caller is nobody, or not who may do this."""

    exit_code = ExitCode.UNAVAILABLE


def what_happened(error: Exception) -> str:
    """Say in a few words why a request has no answer."""
    cause = error.reason if isinstance(error, MaxRetryError) and error.reason is not None else error
    return _OBJECT.sub("", str(cause), count=1) or type(cause).__name__
