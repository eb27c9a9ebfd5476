"""What a git host's answer means when it is not what was asked for: by its status, headers, page or `ERR` line.

Jobs and checks ask this module, so that both hear the same. The rule: only what the host says clearly of the repository
(not found, denied) is the repository's; everything else is the host's, and passes by itself.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from urllib.parse import urljoin, urlsplit

from watchlist import retry_after
from watchlist.errors import ErrorCode, JobError
from watchlist.repository_url import Repository, parse_repository_url
from watchlist.text import one_line

PAGE_BYTES = 4 * 1024
"""How much of an answer's page is read to learn what it means."""

HOST_TROUBLE = frozenset(
    {
        ErrorCode.HOST_ERROR,
        ErrorCode.HOST_RATE_LIMITED,
        ErrorCode.HOST_UNREACHABLE,
        ErrorCode.TRANSFER_INVALID,
        ErrorCode.TRANSFER_TIMED_OUT,
    }
)
"""What is the host's fault, not the repository's, and passes."""

GONE = frozenset(
    {
        ErrorCode.REPOSITORY_NOT_FOUND,
        ErrorCode.REPOSITORY_REQUIRES_LOGIN,
        ErrorCode.REPOSITORY_MOVED,
        ErrorCode.REPOSITORY_UNSUPPORTED,
        ErrorCode.HOST_NOT_ALLOWED,
    }
)
"""What a host answers for a repository that vanished, turned private or moved."""

_ENDS = ("/info/refs", "/git-upload-pack")

REDIRECTS = frozenset({301, 302, 303, 307, 308})

MOST_REDIRECTS = 5
"""More of them in a row are a loop, or as good as one."""

_SHOWN = 200
_MAY_ASK_TO_WAIT = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_PASSING_STATUS = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY})

_BUSY = re.compile(r"rate.?limit|too many|abuse detection|slow down|requests? (quota|limit)", re.IGNORECASE)
_NOT_FOUND = re.compile(
    r"not (be )?found|(does not|doesn.t|not) exist|no such|not exported|not a git|not appear to be a git", re.IGNORECASE
)
_DENIED = re.compile(
    r"denied|forbidden|permission|not allowed|(un|not )authori[sz]ed|authentication|not have access|private"
    r"|disabled|suspended|blocked|taken down|dmca",
    re.IGNORECASE,
)
_PASSING = re.compile(
    r"try again|retry|later|temporar|unavailable|not respond|tim(ed?|ing) ?out|overload|unable to handle|due to load"
    r"|maintenance|internal|busy|back.?end|read.?only|offline|is down"
    r"|just a moment|checking your browser|captcha|cloudflare|not a (ro)?bot|are (a )?human|proof.of.work",
    re.IGNORECASE,
)
_MISUNDERSTOOD = re.compile(r"protocol error|expected|unknown command|invalid", re.IGNORECASE)
_SIGN_IN = re.compile(r"/(users/)?(sign_?in|log_?in)\b", re.IGNORECASE)


class RedirectedError(JobError):
    """The host redirects.

    Attributes:
        location: where to, as the host wrote it.
    """

    def __init__(self, location: str) -> None:
        if _SIGN_IN.search(location):
            super().__init__(ErrorCode.REPOSITORY_REQUIRES_LOGIN, "The host asks to sign in.")
        elif not location:
            super().__init__(ErrorCode.HOST_ERROR, "The host redirects and does not say where to.")
        else:
            super().__init__(
                ErrorCode.REPOSITORY_MOVED, f"The host redirects to {shown(location) or 'another address'}."
            )
        self.location = location


class BrokenOffError(JobError):
    """An answer began and did not end: the host cannot read an object, or does not send so much; or the line broke."""


def followed(origin: str, path: str, location: str) -> str | None:
    """Return the path of the repository that a redirect names on the same host, None when it names none there.

    Args:
        origin: the host's.
        path: of the request that was answered with the redirect, as git makes it: `/owner/name/info/refs`.
        location: where to; only hosts' own renames look like it: another owner or name before the same end.
    """
    end = next((end for end in _ENDS if path.endswith(end)), "")
    try:
        target = urlsplit(urljoin(origin + path, location))
        moved_to = target.path.removesuffix(end)
        parse_repository_url(f"{origin}{moved_to}", (origin,))
    except ValueError:  # no URL, or none of a repository
        return None
    is_here = f"{target.scheme}://{target.netloc}" == origin and target.path.endswith(end)
    return moved_to if is_here and location else None


def circle() -> JobError:
    """Return what redirects mean that come to no end: nothing of the repository, and the host may mend it."""
    return JobError(ErrorCode.HOST_ERROR, "The host redirects in a circle.")


def renamed(repository: Repository, path: str) -> Repository | None:
    """Return what `repository` is called now that it was found at `path` of its host; None when as before."""
    found = parse_repository_url(f"{repository.origin}{path}", (repository.origin,))
    return None if found.key == repository.key else found


def error_of_status(status: int, headers: Mapping[str, str], page: bytes, now: datetime) -> JobError:
    """Return what an answer with an HTTP status other than 200 means.

    Args:
        status: of the answer.
        headers: of the answer; found by name in any case.
        page: the beginning of the answer's content.
        now: to read a date in `Retry-After`.
    """
    if status in REDIRECTS:
        return RedirectedError(headers.get("Location", ""))
    pause = retry_after.read(headers.get("Retry-After"), now)
    said = _said(headers, page)
    message = f"The host answered with HTTP status {status}{f': {said}' if said else '.'}"
    asks_to_wait = pause is not None or headers.get("X-RateLimit-Remaining") == "0" or bool(_BUSY.search(_text(page)))
    if status == HTTPStatus.TOO_MANY_REQUESTS or (status in _MAY_ASK_TO_WAIT and asks_to_wait):
        return JobError(ErrorCode.HOST_RATE_LIMITED, message, retry_after=pause)
    return JobError(_code_of_status(status), message, retry_after=pause)


def error_of_content(headers: Mapping[str, str], page: bytes) -> JobError:
    """Return what an answer with status 200 means whose content is not git's."""
    text = _text(page)
    if _BUSY.search(text):
        return JobError(ErrorCode.HOST_RATE_LIMITED, "The host sends a page that asks for fewer requests.")
    is_text = headers.get("Content-Type", "text/plain").lower().startswith("text/")
    if is_text and _PASSING.search(text) and not _NOT_FOUND.search(text):
        return JobError(ErrorCode.HOST_ERROR, "The host sends a page about trouble of its own.")
    return JobError(ErrorCode.REPOSITORY_UNSUPPORTED, "The host does not speak git's smart HTTP protocol here.")


def error_of_line(said: bytes) -> JobError:
    """Return what an `ERR` line means, given what stands behind `ERR `."""
    text = shown(said)
    return JobError(_code_of_words(text), f"The host says: {text}" if text else "The host gave an error without words.")


def is_refusal(said: bytes) -> bool:
    """Whether an `ERR` line answers the arguments of a `fetch`, not the moment: other arguments may do better."""
    text = shown(said)
    return not (_BUSY.search(text) or _PASSING.search(text))


def shown(said: str | bytes) -> str:
    """Return text of a host, fit for an error message."""
    return one_line(said, _SHOWN)


def _code_of_status(status: int) -> ErrorCode:
    match status:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN | HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            return ErrorCode.REPOSITORY_REQUIRES_LOGIN
        case HTTPStatus.NOT_FOUND | HTTPStatus.GONE | HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS:
            return ErrorCode.REPOSITORY_NOT_FOUND
        case _ if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _PASSING_STATUS:
            return ErrorCode.HOST_ERROR
        case _:
            return ErrorCode.REPOSITORY_UNSUPPORTED


def _code_of_words(text: str) -> ErrorCode:
    if _BUSY.search(text):
        return ErrorCode.HOST_RATE_LIMITED
    if _NOT_FOUND.search(text):
        return ErrorCode.REPOSITORY_NOT_FOUND
    if _DENIED.search(text):
        return ErrorCode.REPOSITORY_REQUIRES_LOGIN
    return ErrorCode.TRANSFER_INVALID if _MISUNDERSTOOD.search(text) else ErrorCode.HOST_ERROR


def _said(headers: Mapping[str, str], page: bytes) -> str:
    """Return what a plain text says; a page for browsers says too much."""
    kind = headers.get("Content-Type", "text/plain").partition(";")[0].strip().lower()
    return shown(page) if kind == "text/plain" and not page.lstrip().startswith(b"<") else ""


def _text(page: bytes) -> str:
    return page[:PAGE_BYTES].decode(errors="replace")
