"""The service's HTTP API as this command uses it."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from watchlist.repository_spelling import read_repository
from watchlist.repository_url import InvalidRepositoryUrlError
from watchlist_cli.errors import CommandError, NotAllowedError, RefusedError, UnavailableError, what_happened
from watchlist_cli.profile import LOCAL_URL, Profile
from watchlist_cli.signing_in.kept import Kept
from watchlist_cli.signing_in.renewal import Renewal

Json = dict[str, Any]

_TIMEOUT = urllib3.Timeout(connect=5, read=40)
"""Seconds; API Gateway gives up after 30."""

_RETRIES = urllib3.Retry(
    total=3,
    connect=0,  # a service that is not there is said to be at once
    backoff_factor=0.5,
    backoff_jitter=0.5,
    status_forcelist={429, 503},
    allowed_methods={"GET", "PUT", "DELETE", "PATCH"},
    raise_on_status=False,
)
"""`Retry-After` is heard, up to the number of tries; POST is left to the person."""

_PAGE = 100
_READ_ANEW = 3


class Client:
    """Calls the API of one profile.

    Every call raises RefusedError where the service refuses, and UnavailableError where it does not answer.
    """

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._pool = urllib3.PoolManager(timeout=_TIMEOUT, retries=_RETRIES)
        self._renewal = None if profile.sign_in is None else Renewal(profile.sign_in, Kept())

    def token(self) -> str | None:
        """Return what the service wants to see: the token that is set, or the one of the person who has signed in.

        Raises:
            SignedOutError: the sign-in is over.
            UnavailableError: it is to be renewed, and the issuer does not answer.
        """
        return self._renewal.token() if self._renewal is not None else self._profile.token

    def get(self, path: str, **query: object) -> Json:
        """Ask for something; parameters that are None are left out."""
        return self._call("GET", path, query=query)

    def send(self, method: str, path: str, body: object = None, **query: object) -> Json:
        """Change something; a batch that was refused in part comes back as its results."""
        return self._call(method, path, body=body, query=query)

    def pages(self, path: str, **query: object) -> list[Json]:
        """Return the items of all pages of a list."""
        return _items_of(self._pages(path, **query))

    def watched(self, **filters: object) -> list[Json]:
        """Return the user's watchlist, the most worrying first, with all open alerts counted.

        The service counts the newest thousand of a user, and says where these are not all.
        """
        pages = self._pages("/activity/watchlist", user=self._profile.user, **filters)
        rows = _items_of(pages)
        if all(page["totals"]["alerts_complete"] for page in pages):
            return rows
        alerts = self.pages("/activity/alerts", user=self._profile.user, state="open")
        counted = Counter((alert["watchlist_id"], alert["level"]) for alert in alerts)
        return [
            row | {"open_alerts": {level: counted[row["watchlist_id"], level] for level in row["open_alerts"]}}
            for row in rows
        ]

    def _pages(self, path: str, **query: object) -> list[Json]:
        """Return all pages of a list; one whose items moved meanwhile is read anew, a few times."""
        pages: list[Json] = []
        cursor: str | None = None
        anew = _READ_ANEW
        while True:
            page = self.get(path, limit=_PAGE, cursor=cursor, **query)
            if page.get("shifted") and anew:
                pages, cursor, anew = [], None, anew - 1
                continue
            pages.append(page)
            cursor = page["next_cursor"]
            if cursor is None:
                return pages

    def find(self, named: str) -> Json:
        """Return what the user watches under that name: `owner/name`, an address, an id of either kind.

        Raises:
            CommandError: nothing of that name is watched, or more than one.
        """
        text = named.rstrip("/").removesuffix(".git")
        by_id = text.startswith(("watchlist_", "user_"))
        last = text.rsplit("/", maxsplit=1)[-1].rsplit(":", maxsplit=1)[-1]
        rows = self.watched() if by_id else self.watched(text=last)
        matching = [row for row in rows if _is_named(row, text)]
        if not matching:
            raise CommandError(f"{self._profile.user} watches nothing called {named!r}; `watchlist ls` lists what is")
        if len(matching) > 1:
            choices = ", ".join(row["repository_url"] for row in matching)
            raise CommandError(f"{named!r} is the name of several: {choices}")
        return matching[0]

    def _call(self, method: str, path: str, *, body: object = None, query: Mapping[str, object]) -> Json:
        fields = {name: value for name, value in query.items() if value is not None}
        query_string = urlencode(fields, quote_via=quote)  # a signature knows no + for a space
        url = f"{self._profile.url}{quote(path)}" + (f"?{query_string}" if fields else "")
        content = None if body is None else json.dumps(body).encode()
        headers = {"Accept": "application/json", "User-Agent": "watchlist-cli"}
        if content is not None:
            headers["Content-Type"] = "application/json"
        response = self._request(method, url, headers, content)
        if response.status == HTTPStatus.UNAUTHORIZED and self._renewal is not None:
            self._renewal.renew()  # it was ended before its time, or the clocks differ
            response = self._request(method, url, headers, content)
        return _answer(response)

    def _request(
        self, method: str, url: str, headers: dict[str, str], content: bytes | None
    ) -> urllib3.BaseHTTPResponse:
        try:
            return self._pool.request(method, url, body=content, headers=self._signed(method, url, headers, content))
        except HTTPError as error:
            raise UnavailableError(_nobody_answers(self._profile.url, error)) from error

    def _signed(self, method: str, url: str, headers: dict[str, str], content: bytes | None) -> dict[str, str]:
        token = self.token()
        if token is not None:
            return {**headers, "Authorization": f"Bearer {token}"}
        if self._profile.region is not None:
            from watchlist_cli.signing import signed_headers  # noqa: PLC0415 - an extra that few install

            return signed_headers(method, url, headers, content, self._profile.region)
        return headers


def _items_of(pages: Iterable[Json]) -> list[Json]:
    return [item for page in pages for item in page["items"]]


def _answer(response: urllib3.BaseHTTPResponse) -> Json:
    try:
        answer = json.loads(response.data) if response.data else {}
    except ValueError:
        answer = {}
    if not isinstance(answer, dict):
        answer = {}
    if response.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise NotAllowedError(response.status, answer)
    if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR or response.status == HTTPStatus.TOO_MANY_REQUESTS:
        raise UnavailableError(str(RefusedError(response.status, answer)))
    if response.status >= HTTPStatus.BAD_REQUEST:
        raise RefusedError(response.status, answer)
    return answer


def _nobody_answers(url: str, error: HTTPError) -> str:
    if url == LOCAL_URL:
        return f"no service answers at {url}: start one by `make serve`, or name another by WATCHLIST_URL"
    return f"{urlsplit(url).netloc} does not answer: {what_happened(error)}"


def _is_named(row: Mapping[str, str], text: str) -> bool:
    if text in {row["watchlist_id"], row["user_watchlist_id"], row["repository_url"], row["name"]}:
        return True
    address = row["repository_url"].lower()
    try:
        return read_repository(text).url.lower() == address
    except InvalidRepositoryUrlError:  # on a host of the operator's own, whose rules only the service knows
        wanted, known = _bare(text), _bare(address)
        return wanted == known or known.endswith(f"/{wanted}")


def _bare(address: str) -> str:
    """Leave out what spellings of one address differ in: scheme, user, port, the colon of `git@host:…`, `.git`."""
    without = re.sub(r"^(?:[a-z+]+://)?(?:[^/@]*@)?", "", address.lower())
    return re.sub(r"^([^/:]+):(?:\d+/|/?)", r"\1/", without).removesuffix("/").removesuffix(".git")
