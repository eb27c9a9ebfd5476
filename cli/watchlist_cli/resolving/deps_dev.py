"""Repositories of packages as deps.dev knows them (https://docs.deps.dev/api/v3/)."""

import json
import os
import random
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from queue import Empty, SimpleQueue
from typing import Any
from urllib.parse import quote, urlsplit

import urllib3
from packageurl import PackageURL
from urllib3.exceptions import HTTPError

from watchlist import retry_after
from watchlist_cli import folders
from watchlist_cli.errors import CommandError, what_happened
from watchlist_cli.resolving.cache import Cache
from watchlist_cli.resolving.evidence import Confidence, Evidence

URL = "https://api.deps.dev"

_SYSTEMS = {
    "pypi": "PYPI",
    "npm": "NPM",
    "golang": "GO",
    "cargo": "CARGO",
    "maven": "MAVEN",
    "gem": "RUBYGEMS",
    "nuget": "NUGET",
}
_SEPARATORS = {"maven": ":"}
"""Between namespace and name; a slash elsewhere."""

_PIECE = 2**16
_UNVERIFIED = "UNVERIFIED_METADATA"
_UNKNOWN = "deps.dev names no repository either"
_TIME_IS_OVER = "deps.dev did not answer in the time that all packages have together"
_BUSY = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much is asked, and how long it may take; times are in seconds.

    Attributes:
        at_once: requests that run at the same time.
        tries: for each request.
        timeout: to connect, and to wait for a part of an answer.
        first_pause: before the second try; it doubles from then on.
        longest_pause: that a server may ask for by `Retry-After`; one that asks for more is left alone.
        total: for all packages together.
        failures: one after another, after which nothing more is asked.
        longest_answer: in bytes; a list of thousands of versions takes a few million.
    """

    at_once: int = 6
    tries: int = 3
    timeout: float = 10
    first_pause: float = 0.5
    longest_pause: float = 20
    total: float = 120
    failures: int = 12
    longest_answer: int = 32 * 2**20


class _NoAnswerError(Exception):
    """Nothing was learnt; the message says why, for people."""


class _UnreachableError(_NoAnswerError):
    """The service is not there, or cannot answer; others will fare no better."""


class _LeaveAloneError(_NoAnswerError):
    """Nothing more is to be asked in this run."""


@dataclass(slots=True)
class _Round:
    """What the threads of one call share; times are by the monotonic clock."""

    deadline: float
    over: threading.Event = field(default_factory=threading.Event)
    not_before: float = 0
    failures: int = 0
    given_up: str | None = None


class DepsDev:
    """Asks deps.dev, a few packages at once, and keeps what it answered."""

    def __init__(self, url: str, cache: Cache, limits: Limits | None = None) -> None:
        self._url = url.rstrip("/")
        self._cache = cache
        self._limits = limits or Limits()
        self._pool = urllib3.PoolManager(
            maxsize=self._limits.at_once, timeout=urllib3.Timeout(self._limits.timeout), retries=False
        )

    def __call__(self, purls: Iterable[PackageURL]) -> dict[PackageURL, Evidence | str]:
        """Return for each package its repository, or the reason why that is not known.

        It never takes longer than the limit for all of them together, and raises nothing.
        """
        wanted = list(dict.fromkeys(purls))
        waiting: SimpleQueue[PackageURL] = SimpleQueue()
        for purl in wanted:
            waiting.put(purl)
        answers: dict[PackageURL, Evidence | str] = {}
        self._cache.prune()
        asking = _Round(time.monotonic() + self._limits.total)
        threads = [
            # A thread that a server holds up does not hold up the end of the command.
            threading.Thread(target=self._work, args=(waiting, answers, asking), daemon=True)
            for _ in range(min(self._limits.at_once, len(wanted)))
        ]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(max(0, asking.deadline - time.monotonic()))
        finally:
            asking.over.set()
        return {purl: answers.get(purl, _TIME_IS_OVER) for purl in wanted}

    def _work(
        self, waiting: SimpleQueue[PackageURL], answers: dict[PackageURL, Evidence | str], asking: _Round
    ) -> None:
        while not asking.over.is_set():
            try:
                purl = waiting.get_nowait()
            except Empty:
                return
            answers[purl] = self._answer(purl, asking)

    def _answer(self, purl: PackageURL, asking: _Round) -> Evidence | str:
        system = _SYSTEMS.get(purl.type)
        if system is None:
            return f"deps.dev does not know packages of {purl.type}"
        name = _SEPARATORS.get(purl.type, "/").join(part for part in (purl.namespace, purl.name) if part)
        package = f"{self._url}/v3/systems/{system}/packages/{quote(name, safe='')}"
        key = package if purl.version is None else _of_version(package, purl.version)
        known = _evidence(kept) if (kept := self._cache.get(key)) is not None else None
        if known is not None:
            return known
        if asking.given_up is not None:
            return asking.given_up
        try:
            answer = self._repository(package, purl.version, asking)
        except _NoAnswerError as error:
            asking.failures += isinstance(error, _UnreachableError)
            if isinstance(error, _LeaveAloneError) or asking.failures >= self._limits.failures:
                asking.given_up = str(error)
            return str(error)
        asking.failures = 0
        self._cache.put(key, answer)
        return _evidence(answer) or _UNKNOWN

    def _repository(self, package: str, version: str | None, asking: _Round) -> dict[str, Any]:
        """Ask for the version, or for the default one where none is given or this one is not known."""
        found = None if version is None else self._get(_of_version(package, version), asking)
        if found is None:
            listed = self._get(package, asking)
            default = _default_version(listed or {})
            found = None if default is None else self._get(_of_version(package, default), asking)
        return _source_of(found or {})

    def _get(self, url: str, asking: _Round) -> dict[str, Any] | None:
        """Return the object at the address, None if there is none.

        Raises:
            _NoAnswerError: no try brought an answer that can be read.
        """
        reason = ""
        for tried in range(self._limits.tries):
            if asking.over.wait(max(0, asking.not_before - time.monotonic())):
                raise _NoAnswerError(_TIME_IS_OVER)
            pause = self._limits.first_pause * 2**tried * random.uniform(0.5, 1)  # noqa: S311 - spreads requests
            try:
                status, wait, content = self._request(url, asking)
            except (HTTPError, OSError) as error:
                reason = f"deps.dev does not answer: {what_happened(error)}"
            else:
                if status == HTTPStatus.NOT_FOUND:
                    return None
                if status == HTTPStatus.OK:
                    return _object(content)
                reason = f"deps.dev answers with HTTP {status}"
                if status not in _BUSY:
                    raise _NoAnswerError(reason)
                self._hear(wait, reason, asking)
            if tried + 1 < self._limits.tries and asking.over.wait(pause):
                break
        raise _UnreachableError(reason)

    def _hear(self, wait: str | None, reason: str, asking: _Round) -> None:
        """Let all threads wait as long as `Retry-After` asks for.

        Raises:
            _LeaveAloneError: that is longer than a person would wait.
        """
        asked_for = retry_after.read(wait, datetime.now(UTC))
        if asked_for is None:
            return
        seconds = asked_for.total_seconds()
        if seconds > self._limits.longest_pause:
            raise _LeaveAloneError(f"{reason} and asks to be left alone for {seconds:.0f} seconds")
        asking.not_before = max(asking.not_before, time.monotonic() + seconds)

    def _request(self, url: str, asking: _Round) -> tuple[int, str | None, bytes]:
        response = self._pool.request(
            "GET",
            url,
            headers={"Accept": "application/json", "User-Agent": "watchlist-cli"},
            redirect=False,
            preload_content=False,
            decode_content=False,
        )
        try:
            content = bytearray()
            while piece := response.read1(_PIECE, decode_content=False):
                content += piece
                if len(content) > self._limits.longest_answer:
                    raise _NoAnswerError("deps.dev answers with more than is read")
                if asking.over.is_set():
                    raise _NoAnswerError(_TIME_IS_OVER)
            response.release_conn()  # read to its end, the connection serves the next request
            return response.status, response.headers.get("Retry-After"), bytes(content)
        finally:
            response.close()


def from_environment(environment: Mapping[str, str] = os.environ) -> DepsDev:
    """Return the client for `WATCHLIST_DEPS_DEV_URL`, or for deps.dev itself; it keeps answers in the user's cache.

    Raises:
        CommandError: the address is none.
    """
    url = environment.get("WATCHLIST_DEPS_DEV_URL") or URL
    try:
        parts = urlsplit(url)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        valid = False
    if not valid:
        raise CommandError(f"WATCHLIST_DEPS_DEV_URL must be like {URL}, not {url!r}")
    return DepsDev(url, Cache(folders.of_this_command("cache") / "deps.dev"))


def _of_version(package: str, version: str) -> str:
    return f"{package}/versions/{quote(version, safe='')}"


def _object(content: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise _NoAnswerError("deps.dev's answer cannot be read")
    return answer


def _objects(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _default_version(package: Mapping[str, Any]) -> str | None:
    for each in _objects(package.get("versions")):
        key = each.get("versionKey")
        if each.get("isDefault") is True and isinstance(key, dict) and isinstance(key.get("version"), str):
            return str(key["version"])
    return None


def _source_of(version: Mapping[str, Any]) -> dict[str, Any]:
    """Return the repository as it is kept: `project` and whether it is `verified`; empty where none is named.

    An attestation or the origin that Go recorded goes before what the publisher wrote.
    """
    sources = [
        {"project": key["id"], "verified": each.get("relationProvenance") not in {None, _UNVERIFIED}}
        for each in _objects(version.get("relatedProjects"))
        if each.get("relationType") == "SOURCE_REPO"
        and isinstance(key := each.get("projectKey"), dict)
        and isinstance(key.get("id"), str)
    ]
    return max(sources, key=lambda source: source["verified"], default={})


def _evidence(kept: Mapping[str, Any]) -> Evidence | str | None:
    """Return what an answer says; None if it was not written by `_source_of`."""
    if not kept:
        return _UNKNOWN
    project, verified = kept.get("project"), kept.get("verified")
    if not isinstance(project, str) or not isinstance(verified, bool):
        return None
    if verified:
        return Evidence(f"https://{project}", "deps.dev: verified source", Confidence.CERTAIN)
    return Evidence(f"https://{project}", "deps.dev: source of the package's metadata", Confidence.CLAIMED)
