"""What a repository's host says of it. No trouble with a host's API fails an analysis: it only leaves gaps.

A host of `watchlist.git_hosts` is asked once, and the module that is named as its software reads the answer. Any other
host is described by the URL alone.
"""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol, Self

from tasks.hosts import github
from tasks.hosts.fields import Description, Fields
from tasks.hosts.github_api import GitHubApi, GitHubRefusalError
from watchlist.git.package import Package
from watchlist.git_hosts import HostKind, host_named
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
    """

    github: GitHubApi
    tokens: Sequence[str] = field(default=(), repr=False)
    base_urls: Mapping[str, str] = field(default_factory=dict)
    client: JsonClient = field(default_factory=JsonClient)

    @classmethod
    def from_settings(cls, settings: TaskSettings) -> Self:
        """Return the hosts' APIs as `settings` configure them."""
        return cls(GitHubApi(settings.github_api_base_url), separated(settings.github_token or ""))

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
        return known.model_copy(update={**found, "renamed_to": renamed})

    def _ask(self, repository: Repository) -> tuple[Software, Description]:
        host = host_named(repository.host)
        if host is None or not host.kind.software:
            raise NoAnswerError("this host's API is not asked")
        software, owner, name = software_of(host.kind), repository.owner, repository.name
        if software is github:
            return software, self.github.repository(owner, name, self.tokens)
        base_url = self.base_urls.get(host.name, host.api)
        answer = self.client.get(base_url.rstrip("/") + software.path(owner, name))
        if answer.status != HTTPStatus.OK or not isinstance(answer.body, dict):
            raise NoAnswerError(f"{repository.host}'s API answered with status {answer.status}")
        return software, answer.body


def named(repository: Repository) -> Package:
    """Return what is known of a repository by its address alone."""
    return Package(name=f"{repository.owner}/{repository.name}", url=repository.url)


def _is_other(asked: str, answered: object) -> bool:
    return isinstance(answered, str) and answered.lower() != asked.lower()
