"""The HTTP API as its caller sees it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import urllib3

from watchlist.deployment import routes

_OK_BELOW = 300


class ProblemError(Exception):
    """The API refused; the message is what its problem document says.

    Attributes:
        status: the HTTP status.
        watchlist_id: the entry that the problem is about, if any.
    """

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.watchlist_id: str | None = problem.get("watchlist_id")
        errors = "; ".join(f"{error['field']}: {error['message']}" for error in problem.get("errors") or ())
        title = problem.get("title") or problem.get("message") or f"HTTP {status}"
        super().__init__(f"{title}: {errors or problem.get('detail') or 'no details'}")


def authorization(token: str | None) -> dict[str, str]:
    """Return the header that shows a token."""
    return {} if token is None else {"Authorization": f"Bearer {token}"}


class ApiClient:
    """Calls the API at `url`, with a token where it wants one."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self.url = url
        self._pool = urllib3.PoolManager(
            headers=authorization(token), retries=False, timeout=urllib3.Timeout(connect=5, read=40)
        )

    def add(self, repository_url: str, user: str) -> str:
        """Add a repository for a user and return the entry's id.

        Raises:
            ProblemError: the API refused.
        """
        added = self._call(routes.ADD, json={"repo_url": repository_url, "added_by": user})
        return str(added["watchlist_id"])

    def status(self, watchlist_id: str) -> dict[str, Any]:
        """Return the entry's status.

        Raises:
            ProblemError: the API refused.
        """
        return self._call(routes.STATUS, watchlist_id)

    def commits(self, watchlist_id: str) -> list[dict[str, Any]]:
        """Return all commits of the entry, newest first.

        Raises:
            ProblemError: the API refused.
        """
        commits: list[dict[str, Any]] = []
        cursor = None
        while True:
            fields = {"limit": "200"} | ({"cursor": cursor} if cursor else {})
            page = self._call(routes.COMMITS, watchlist_id, fields=fields)
            commits += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return commits

    def health(self, watchlist_id: str) -> dict[str, Any]:
        """Return the entry's health.

        Raises:
            ProblemError: the API refused.
        """
        return self._call(routes.HEALTH, watchlist_id)

    def retry(self, watchlist_id: str) -> None:
        """Start a failed entry over.

        Raises:
            ProblemError: the API refused.
        """
        self._call(routes.RETRY, watchlist_id)

    def jobs(self) -> list[dict[str, Any]]:
        """Return the recent jobs of each queue.

        Raises:
            ProblemError: the API refused.
        """
        queues: list[dict[str, Any]] = self._call(routes.JOBS)["queues"]
        return queues

    def queues(self) -> list[dict[str, Any]]:
        """Return the depth of each queue.

        Raises:
            ProblemError: the API refused.
        """
        queues: list[dict[str, Any]] = self._call(routes.QUEUES)["queues"]
        return queues

    def _call(self, route: routes.Route, watchlist_id: str = "", **arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - urllib3's own
        path = route.path.replace("{watchlist_id}", quote(watchlist_id, safe=""))
        response = self._pool.request(route.method, f"{self.url}{path}", **arguments)
        answer: dict[str, Any] = response.json()
        if response.status >= _OK_BELOW:
            raise ProblemError(response.status, answer)
        return answer
