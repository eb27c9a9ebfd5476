"""What a repository's host says of it. No trouble with a host's API fails an analysis: it only leaves gaps.

GitHub: REST API "Get a repository", with tokens where there are any. Anonymously, one call each: GitLab ("Get a single
project"), Codeberg (Gitea and Forgejo's "repoGet") and Bitbucket Cloud ("Get a repository"; it counts no stars or
forks). Any other host is described by the URL alone.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import quote

from tasks.hosts.github_api import GitHubApi, GitHubRefusalError, split_tokens
from tasks.json_client import JsonClient, NoAnswerError
from watchlist.health.scorecard import shorten
from watchlist.repository_url import Repository
from watchlist.settings import TaskSettings
from watchlist.watching.package import Package

DESCRIPTION_BYTES = 1000

_FULL_NAME = re.compile(r"[\w.-]+(?:/[\w.-]+)+", re.ASCII)

Description = Mapping[str, object]
"""A host's JSON object on a repository; untrusted, so each field is read by its type."""


@dataclass(frozen=True, slots=True)
class Forge:
    """The hosts' APIs.

    Attributes:
        github: GitHub's.
        tokens: GitHub tokens, optional.
        base_urls: base URL of the API of each other host that is asked.
    """

    github: GitHubApi
    tokens: Sequence[str] = field(default=(), repr=False)
    base_urls: Mapping[str, str] = field(
        default_factory=lambda: {
            "gitlab.com": "https://gitlab.com/api/v4",
            "codeberg.org": "https://codeberg.org/api/v1",
            "bitbucket.org": "https://api.bitbucket.org/2.0",
        }
    )
    client: JsonClient = field(default_factory=JsonClient)

    @classmethod
    def from_settings(cls, settings: TaskSettings) -> Self:
        """Return the hosts' APIs as `settings` configure them."""
        return cls(GitHubApi(settings.github_api_base_url), split_tokens(settings.github_token))

    def describe(self, repository: Repository) -> Package:
        """Return what is known of `repository`; never fails, the reason of a gap stands in the result."""
        known = Package(name=f"{repository.owner}/{repository.name}", url=repository.url)
        try:
            read, description = self._ask(repository)
        except (GitHubRefusalError, NoAnswerError) as error:
            return known.model_copy(update={"reason": shorten(str(error))})
        described = read(description)
        renamed = described["name"] if _is_other(known.name, described["name"]) else None
        found = {name: value for name, value in described.items() if value is not None}
        return known.model_copy(update={**found, "renamed_to": renamed})

    def _ask(self, repository: Repository) -> tuple[Callable[[Description], dict[str, object]], Description]:
        owner, name = repository.owner, repository.name
        if repository.host == "github.com":
            return _from_github, self.github.repository(owner, name, self.tokens)
        base_url = self.base_urls.get(repository.host)
        if repository.host not in _OTHERS or base_url is None:
            raise NoAnswerError("this host's API is not asked")
        path, read = _OTHERS[repository.host]
        url = base_url.rstrip("/") + path(owner, name)
        answer = self.client.get(url)
        if answer.status != 200 or not isinstance(answer.body, dict):  # noqa: PLR2004 - OK
            raise NoAnswerError(f"{repository.host}'s API answered with status {answer.status}")
        return read, answer.body


def _from_github(said: Description) -> dict[str, object]:
    license_ = _object(said, "license")
    spdx = _text(license_, "spdx_id")
    return {
        "name": _full_name(said, "full_name"),
        "url": _web_url(said, "html_url"),
        "description": _text(said, "description"),
        "default_branch": _text(said, "default_branch"),
        "stars": _count(said, "stargazers_count"),
        "forks": _count(said, "forks_count"),
        "language": _text(said, "language"),
        "license": _text(license_, "name") if spdx in {None, "NOASSERTION"} else spdx,
        "archived": _flag(said, "archived"),
    }


def _from_gitlab(said: Description) -> dict[str, object]:
    return {
        "name": _full_name(said, "path_with_namespace"),
        "url": _web_url(said, "web_url"),
        "description": _text(said, "description"),
        "default_branch": _text(said, "default_branch"),
        "stars": _count(said, "star_count"),
        "forks": _count(said, "forks_count"),
        "license": _text(_object(said, "license"), "name"),
        "archived": _flag(said, "archived"),
    }


def _from_gitea(said: Description) -> dict[str, object]:
    licenses = said.get("licenses")
    return {
        "name": _full_name(said, "full_name"),
        "url": _web_url(said, "html_url"),
        "description": _text(said, "description"),
        "default_branch": _text(said, "default_branch"),
        "stars": _count(said, "stars_count"),
        "forks": _count(said, "forks_count"),
        "language": _text(said, "language"),
        "license": _text({"license": licenses[0]}, "license") if isinstance(licenses, list) and licenses else None,
        "archived": _flag(said, "archived"),
    }


def _from_bitbucket(said: Description) -> dict[str, object]:
    return {
        "name": _full_name(said, "full_name"),
        "url": _web_url(_object(_object(said, "links"), "html"), "href"),
        "description": _text(said, "description"),
        "default_branch": _text(_object(said, "mainbranch"), "name"),
        "language": _text(said, "language"),
    }


_OTHERS: Mapping[str, tuple[Callable[[str, str], str], Callable[[Description], dict[str, object]]]] = {
    "gitlab.com": (
        lambda owner, name: f"/projects/{quote(f'{owner}/{name}', safe='')}?license=true",
        _from_gitlab,
    ),
    "codeberg.org": (lambda owner, name: f"/repos/{quote(owner)}/{quote(name)}", _from_gitea),
    "bitbucket.org": (lambda owner, name: f"/repositories/{quote(owner)}/{quote(name)}", _from_bitbucket),
}


def _is_other(asked: str, answered: object) -> bool:
    return isinstance(answered, str) and answered.lower() != asked.lower()


def _text(said: Description, key: str) -> str | None:
    value = said.get(key)
    return (shorten(value, DESCRIPTION_BYTES) or None) if isinstance(value, str) else None


def _full_name(said: Description, key: str) -> str | None:
    value = _text(said, key)
    return value if value is not None and _FULL_NAME.fullmatch(value) else None


def _web_url(said: Description, key: str) -> str | None:
    value = _text(said, key)
    return value if value is not None and value.startswith("https://") else None


def _count(said: Description, key: str) -> int | None:
    value = said.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else None


def _flag(said: Description, key: str) -> bool | None:
    value = said.get(key)
    return value if isinstance(value, bool) else None


def _object(said: Description, key: str) -> Description:
    value = said.get(key)
    return value if isinstance(value, dict) else {}
