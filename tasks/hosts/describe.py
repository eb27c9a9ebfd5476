"""What a repository's host says of it. No trouble with a host's API fails an analysis: it only leaves gaps.

A host that `watchlist.git_hosts` knows is asked once, and the module that is named as its kind's software reads the
answer. Any other host is described by the URL alone.
"""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol, Self

from tasks.hosts import github
from tasks.hosts.fields import Description, Fields
from tasks.hosts.github_api import GitHubApi, GitHubRefusalError
from tasks.hosts.tokens import bearer, first_taken
from watchlist.git.package import Package
from watchlist.git_hosts import GITHUB_COM, HostKind, host_named
from watchlist.json_client import JsonClient, NoAnswerError
from watchlist.repository_url import Repository
from watchlist.settings import TaskSettings
from watchlist.text import separated, shorten


class Software(Protocol):
    """What a module of `tasks.hosts` does that is named as a kind's software."""

    def path(self, owner: str, name: str) -> str:
        """Return what is asked for below the API's base URL."""

    def read(self, said: Description) -> Fields:
        """Return the fields that the host states."""


def software_of(kind: HostKind) -> Software:
    """Return the module that knows the API of such hosts."""
    module: Software = importlib.import_module(f"{__package__}.{kind.software}")
    return module


@dataclass(frozen=True, slots=True)
class Forge:
    """The hosts' APIs.

    Attributes:
        github: GitHub's.
        tokens: GitHub tokens, optional.
        base_urls: of APIs that are not where `watchlist.git_hosts` says, by host.
        own_tokens: of the operator's own hosts, by their origins; no other host is shown them.
    """

    github: GitHubApi
    tokens: Sequence[str] = field(default=(), repr=False)
    base_urls: Mapping[str, str] = field(default_factory=dict)
    own_tokens: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)
    client: JsonClient = field(default_factory=JsonClient)

    @classmethod
    def from_settings(cls, settings: TaskSettings, own_tokens: Mapping[str, Sequence[str]] | None = None) -> Self:
        """Return the hosts' APIs as `settings` configure them."""
        github_com = GitHubApi(settings.github_api_base_url)
        return cls(github_com, separated(settings.github_token or ""), own_tokens=own_tokens or {})

    def describe(self, repository: Repository) -> Package:
        """Return what is known of `repository`; never fails, the reason of a gap stands in the result."""
        known = named(repository)
        try:
            software, description = self._ask(repository)
        except (GitHubRefusalError, NoAnswerError) as error:
            return known.model_copy(update={"reason": shorten(str(error))})
        described = software.read(description)
        renamed = described["name"] if _is_other(known.name, described["name"]) else None
        found = {name: value for name, value in described.items() if value is not None}
        if not str(found.get("url", "")).startswith(f"{repository.origin}/"):  # nobody is led to another host
            found.pop("url", None)
        return known.model_copy(update={**found, "renamed_to": renamed})

    def _ask(self, repository: Repository) -> tuple[Software, Description]:
        host = host_named(repository.host)
        if host is None or not host.kind.software:
            raise NoAnswerError("this host's API is not asked")
        software, owner, name = software_of(host.kind), repository.owner, repository.name
        if host == GITHUB_COM:
            return software, self.github.repository(owner, name, self.tokens)
        tokens = self.own_tokens.get(host.origin, ())
        if software is github:
            return software, GitHubApi(host.api, self.client).repository(owner, name, tokens)
        base_url = self.base_urls.get(host.name, host.api)
        url = base_url.rstrip("/") + software.path(owner, name)
        answer = first_taken(tokens, lambda token: self.client.get(url, bearer(token)))
        if answer.status != HTTPStatus.OK or not isinstance(answer.body, dict):
            raise NoAnswerError(f"{repository.host}'s API answered with status {answer.status}")
        return software, answer.body


def named(repository: Repository) -> Package:
    """Return what is known of a repository by its address alone."""
    return Package(name=f"{repository.owner}/{repository.name}", url=repository.url)


def _is_other(asked: str, answered: object) -> bool:
    return isinstance(answered, str) and answered.lower() != asked.lower()
