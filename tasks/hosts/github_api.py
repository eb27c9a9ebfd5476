"""GitHub's REST API, as far as it is asked: one repository's description and what is left of a token's budget.

Source: GitHub REST API documentation, "Get a repository", "Rate limits" and "Best practices" (redirects).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import urljoin, urlsplit

from tasks.hosts import github
from tasks.hosts.tokens import bearer, first_taken
from watchlist.json_client import Answer, JsonClient, NoAnswerError

MAX_REDIRECTS = 3
"""A renamed and transferred repository answers with one redirect; more than a few are a loop."""


class GitHubRefusalError(Exception):
    """The API does not say what it was asked for; the message says why, without a token."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What is left of a token's hourly budget.

    Attributes:
        core: REST calls.
        graphql: points of GraphQL.
        resets_at: when both are whole again.
    """

    core: int
    graphql: int
    resets_at: datetime


UNLIMITED = Budget(core=10**9, graphql=10**9, resets_at=datetime.max.replace(tzinfo=UTC))
"""What GitHub Enterprise Server without rate limits grants."""


class GitHubApi:
    """The API at one base URL; redirects are followed within it only, so that no token leaves for another host."""

    def __init__(self, base_url: str, client: JsonClient | None = None) -> None:
        self._base_url = base_url.rstrip("/")
        self._client = client or JsonClient()

    def repository(self, owner: str, name: str, tokens: Sequence[str] = ()) -> dict[str, object]:
        """Return the API's description of a repository; a renamed one is followed to its new name.

        It is asked with each token in turn, then with none.

        Raises:
            GitHubRefusalError: unknown, blocked, rate limited, or no answer.
        """
        url = self._base_url + github.path(owner, name)
        try:
            answer = first_taken(tokens, lambda token: self._get(url, token))
        except NoAnswerError as error:
            raise GitHubRefusalError(f"GitHub's API gave {error}") from None
        if answer.status == HTTPStatus.OK and isinstance(answer.body, dict):
            return answer.body
        raise GitHubRefusalError(_refusal(answer))

    def budget(self, token: str) -> Budget:
        """Return what is left for `token`; asking costs nothing.

        Raises:
            GitHubRefusalError: the token is refused, or the API gave no answer.
        """
        try:
            answer = self._get(f"{self._base_url}/rate_limit", token)
        except NoAnswerError as error:
            raise GitHubRefusalError(f"GitHub's API gave {error}") from None
        if answer.status == HTTPStatus.NOT_FOUND:  # Enterprise Server says so when rate limits are off
            return UNLIMITED
        if answer.status != HTTPStatus.OK:
            raise GitHubRefusalError(_refusal(answer))
        try:
            resources = answer.body["resources"]  # type: ignore[index] # any other shape raises TypeError
            core, graphql = resources["core"], resources["graphql"]
            resets_at = datetime.fromtimestamp(max(core["reset"], graphql["reset"]), UTC)
            return Budget(core=int(core["remaining"]), graphql=int(graphql["remaining"]), resets_at=resets_at)
        except (KeyError, TypeError, ValueError, OverflowError, OSError):
            raise GitHubRefusalError("GitHub's API answered its rate limit in an unknown form") from None

    def _get(self, url: str, token: str | None) -> Answer:
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28", **bearer(token)}
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._client.get(url, headers)
            target = answer.headers.get("location")
            if answer.status not in {301, 302, 307, 308} or target is None:
                return answer
            url = urljoin(url, target)
            if not self._is_within(url):
                raise NoAnswerError("a redirect to another host")
        raise NoAnswerError(f"more than {MAX_REDIRECTS} redirects")

    def _is_within(self, url: str) -> bool:
        base, target = urlsplit(self._base_url), urlsplit(url)
        within_path = target.path.startswith(f"{base.path}/") and ".." not in target.path
        return (base.scheme, base.netloc) == (target.scheme, target.netloc) and within_path


def _refusal(answer: Answer) -> str:
    """Say why GitHub did not answer with what was asked for."""
    if answer.status in {403, 429} and (
        answer.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in answer.headers
    ):
        return f"GitHub's rate limit is used up{_until(answer)}"
    known = {
        401: "GitHub refuses the token",
        403: "GitHub refuses access to the repository",
        404: "GitHub knows no such public repository",
        451: "GitHub has blocked the repository for legal reasons",
    }
    return known.get(answer.status, f"GitHub's API answered with status {answer.status}")


def _until(answer: Answer) -> str:
    reset = answer.headers.get("x-ratelimit-reset", "")
    if not re.fullmatch(r"\d{1,11}", reset):
        return ""
    return f" until {datetime.fromtimestamp(int(reset), UTC):%Y-%m-%dT%H:%M:%SZ}"
