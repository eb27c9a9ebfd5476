"""Why a job can fail: one table of codes, with what each means for retries and for the reader."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class ErrorCode(StrEnum):
    """The stable codes of `last_error.code`; docs/errors.md lists them for users."""

    REPOSITORY_NOT_FOUND = "repository_not_found"
    REPOSITORY_REQUIRES_LOGIN = "repository_requires_login"
    REPOSITORY_MOVED = "repository_moved"
    REPOSITORY_TOO_LARGE = "repository_too_large"
    REPOSITORY_UNSUPPORTED = "repository_unsupported"
    HOST_NOT_ALLOWED = "host_not_allowed"
    HOST_UNREACHABLE = "host_unreachable"
    HOST_ERROR = "host_error"
    HOST_RATE_LIMITED = "host_rate_limited"
    TRANSFER_TIMED_OUT = "transfer_timed_out"
    TRANSFER_INVALID = "transfer_invalid"
    ANALYSIS_TIMED_OUT = "analysis_timed_out"
    OUT_OF_MEMORY = "out_of_memory"
    OUT_OF_DISK = "out_of_disk"
    WORKER_NOT_STARTED = "worker_not_started"
    WORKER_INTERRUPTED = "worker_interrupted"
    WORKER_LOST = "worker_lost"
    STORAGE_UNAVAILABLE = "storage_unavailable"
    QUEUE_UNAVAILABLE = "queue_unavailable"
    PROCESSING_TIMED_OUT = "processing_timed_out"
    INTERNAL_ERROR = "internal_error"


@dataclass(frozen=True, slots=True)
class ErrorMeaning:
    """What a code means: whether another attempt can help, and what a person can do about it."""

    retryable: bool
    advice: str


_MEANINGS = {
    ErrorCode.REPOSITORY_NOT_FOUND: ErrorMeaning(
        retryable=False,
        advice="Check the spelling of the URL; the host knows no such public repository.",
    ),
    ErrorCode.REPOSITORY_REQUIRES_LOGIN: ErrorMeaning(
        retryable=False,
        advice="The repository is private or does not exist; only public ones can be watched.",
    ),
    ErrorCode.REPOSITORY_MOVED: ErrorMeaning(
        retryable=False,
        advice="The host redirects to another address: add the repository by its new URL.",
    ),
    ErrorCode.REPOSITORY_TOO_LARGE: ErrorMeaning(
        retryable=False,
        advice="One year of this repository exceeds the service's limits; it cannot be watched.",
    ),
    ErrorCode.REPOSITORY_UNSUPPORTED: ErrorMeaning(
        retryable=False,
        advice="The host does not speak git's smart HTTP protocol at this URL; use the clone URL.",
    ),
    ErrorCode.HOST_NOT_ALLOWED: ErrorMeaning(
        retryable=False,
        advice="Only repositories on the allowed hosts can be watched.",
    ),
    ErrorCode.HOST_UNREACHABLE: ErrorMeaning(
        retryable=True,
        advice="The host did not answer; retry when it is back.",
    ),
    ErrorCode.HOST_ERROR: ErrorMeaning(
        retryable=True,
        advice="The host answered with an error of its own; retry later.",
    ),
    ErrorCode.HOST_RATE_LIMITED: ErrorMeaning(
        retryable=True,
        advice="The host limits the rate of requests; retry in an hour.",
    ),
    ErrorCode.TRANSFER_TIMED_OUT: ErrorMeaning(
        retryable=True,
        advice="The host sent too slowly; retry when it is less busy.",
    ),
    ErrorCode.TRANSFER_INVALID: ErrorMeaning(
        retryable=True,
        advice="The host's answer was damaged or no git data; retry, then check the URL.",
    ),
    ErrorCode.ANALYSIS_TIMED_OUT: ErrorMeaning(
        retryable=True,
        advice="The analysis took longer than allowed; retry.",
    ),
    ErrorCode.OUT_OF_MEMORY: ErrorMeaning(
        retryable=True,
        advice="The analysis needed more memory than it has; an operator can raise the limit.",
    ),
    ErrorCode.OUT_OF_DISK: ErrorMeaning(
        retryable=True,
        advice="The analysis needed more disk than it has; an operator can raise the limit.",
    ),
    ErrorCode.WORKER_NOT_STARTED: ErrorMeaning(
        retryable=True,
        advice="The worker could not be started; an operator finds the reason in the runbook.",
    ),
    ErrorCode.WORKER_INTERRUPTED: ErrorMeaning(
        retryable=True,
        advice="The worker was stopped from outside, as during a deployment; retry.",
    ),
    ErrorCode.WORKER_LOST: ErrorMeaning(
        retryable=True,
        advice="The worker vanished without a report; retry.",
    ),
    ErrorCode.STORAGE_UNAVAILABLE: ErrorMeaning(
        retryable=True,
        advice="The service's database did not answer; retry.",
    ),
    ErrorCode.QUEUE_UNAVAILABLE: ErrorMeaning(
        retryable=True,
        advice="The service's queue did not accept the job; retry.",
    ),
    ErrorCode.PROCESSING_TIMED_OUT: ErrorMeaning(
        retryable=True,
        advice="The job was not done within its bound; retry when it is quieter.",
    ),
    ErrorCode.INTERNAL_ERROR: ErrorMeaning(
        retryable=True,
        advice="An error in the service itself; retry, then tell the operator the watchlist id.",
    ),
}


def meaning_of(code: ErrorCode) -> ErrorMeaning:
    """Return what `code` means; a test holds that every code has its meaning."""
    return _MEANINGS[code]


class RequestRefusedError(Exception):
    """What a request asks for is not done, for a reason that whoever sent it can act on.

    Attributes:
        wait: how long until the same request can succeed, where that is known.
    """

    wait: timedelta | None = None


class ServiceUnavailableError(RequestRefusedError):
    """The service could not do it now; the caller can send the request again. The message says why."""


class JobError(Exception):
    """A job cannot go on.

    Attributes:
        code: the stable code; it decides whether another attempt may help.
        message: one sentence for a person, without secrets, control characters or a traceback.
        retry_after: how long whoever refused asks to be left alone, None when nobody said so.
    """

    def __init__(self, code: ErrorCode, message: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.retry_after = retry_after

    @property
    def retryable(self) -> bool:
        """Whether another attempt can help."""
        return meaning_of(self.code).retryable


class JobCancelledError(Exception):
    """The job was taken away (lease lost, message gone, SIGTERM): stop at once and write nothing more."""
