"""The hosts of public repositories that are watched, each a row; docs/contributing.md walks through adding one.

What a host does follows from its kind, the software that it runs. Beside the public hosts, which stand here, those of
the operator's own are known (`watchlist.own_hosts`), as soon as the program has bound them. Of any other host only git
is known.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

_USERS_NOREPLY = "users.noreply."


@dataclass(frozen=True, slots=True)
class HostKind:
    """What all hosts that run the same software have in common.

    Attributes:
        name: as operators write it.
        software: what answers its API: the module of `tasks.hosts` that reads the answer; empty for none.
        api_path: of the API, below the origin of a host of one's own.
        nests: whether repositories may lie in nested groups.
        ignores_case: whether OWNER/Name and owner/name are one repository.
        git_suffix: what the address of a repository ends with for git's POST.
        commit_path: what stands between the repository's address and a commit's id in the address of a commit; empty
            for hosts without such pages.
        tag_path: the same before a tag's name, for the page of the tag.
        not_owners: pages of the host itself that look like owners in an address.
        noreply: what stands before the host's name in the domain of addresses that name an account and hide its own.
        after_number: what stands between an account's number and its login in such an address; empty where the login
            stands alone.
    """

    name: str
    software: str
    api_path: str = ""
    nests: bool = False
    ignores_case: bool = True
    git_suffix: str = ""
    commit_path: str = "/commit/"
    tag_path: str = ""
    not_owners: frozenset[str] = frozenset()
    noreply: str = _USERS_NOREPLY
    after_number: str = "+"


GITHUB = HostKind(
    "github",
    "github",
    "/api/v3",
    tag_path="/releases/tag/",
    not_owners=frozenset(
        (
            *("about", "account", "apps", "collections", "customer-stories", "dashboard", "enterprise", "events"),
            *("explore", "features", "issues", "login", "logout", "marketplace", "new", "notifications", "orgs"),
            *("pricing", "pulls", "search", "security", "sessions", "settings", "signup", "site", "sponsors"),
            *("stars", "topics", "trending", "users"),
        )
    ),
)
"""GitHub and GitHub Enterprise."""

GITLAB = HostKind(
    "gitlab",
    "gitlab",
    "/api/v4",
    nests=True,
    git_suffix=".git",
    commit_path="/-/commit/",
    tag_path="/-/tags/",
    not_owners=frozenset(("-", "admin", "api", "dashboard", "explore", "groups", "help", "profile", "search", "users")),
    after_number="-",
)
"""GitLab, whose git answers a POST only at addresses that end with `.git`. Its paths are unique whatever the case."""

_GITEA_PAGES = frozenset(
    (
        *("admin", "api", "assets", "explore", "issues", "login", "milestones", "notifications"),
        *("org", "pulls", "repo", "user"),
    )
)
GITEA = HostKind(
    "gitea",
    "gitea",
    "/api/v1",
    tag_path="/src/tag/",
    not_owners=_GITEA_PAGES,
    noreply="noreply.",
    after_number="",
)
FORGEJO = replace(GITEA, name="forgejo")
"""What grew from Gitea and answers alike."""

BITBUCKET = HostKind("bitbucket", "bitbucket", commit_path="/commits/", tag_path="/src/")
"""Bitbucket Cloud; Bitbucket Data Center is other software."""

PLAIN = HostKind("git", "", ignores_case=False, commit_path="", noreply="")
"""Software of which nothing but git is known: it has no API and no pages."""


@dataclass(frozen=True, slots=True)
class GitHost:
    """One host.

    Attributes:
        name: without scheme; with the port where it is not the scheme's own.
        kind: what it runs.
        api: base URL of the API.
        scheme: of its origin.
        checks_a_second: requests that it is sent within a second for HEADs; None for as many as any host.
    """

    name: str
    kind: HostKind
    api: str
    scheme: str = "https"
    checks_a_second: float | None = None

    @property
    def origin(self) -> str:
        """Scheme and host."""
        return f"{self.scheme}://{self.name}"


GITHUB_COM = GitHost("github.com", GITHUB, "https://api.github.com")
"""The one whose tokens and scores have settings of their own."""

HOSTS = (
    GITHUB_COM,
    GitHost("gitlab.com", GITLAB, "https://gitlab.com/api/v4"),
    GitHost("codeberg.org", FORGEJO, "https://codeberg.org/api/v1"),
    GitHost("bitbucket.org", BITBUCKET, "https://api.bitbucket.org/2.0"),
)

_known: dict[str, GitHost] = {}
_noreply: dict[str, HostKind] = {}


def bind(own: Iterable[GitHost] = ()) -> None:
    """Make these hosts of the operator's own known, beside the public ones; called when a program starts."""
    hosts = (*HOSTS, *own)
    _known.clear()
    _known.update((host.name, host) for host in hosts)
    _noreply.clear()
    _noreply.update((host.kind.noreply + host.name.partition(":")[0], host.kind) for host in hosts if host.kind.noreply)


bind()


def host_named(name: str) -> GitHost | None:
    """Return the host of that name; None for one of which nothing is known."""
    return _known.get(name)


def kind_of(name: str) -> HostKind:
    """Return what the host of that name runs."""
    host = host_named(name)
    return PLAIN if host is None else host.kind


def kind_of_noreply(domain: str) -> HostKind | None:
    """Return what runs the host whose addresses that hide a person's own have this domain; None if none has.

    Commits come from hosts that are not known, too: then the domain alone tells.
    """
    if domain in _noreply or not domain.startswith(_USERS_NOREPLY):
        return _noreply.get(domain)
    return GITLAB if domain.startswith(f"{_USERS_NOREPLY}gitlab.") else GITHUB


def is_this_machine(host: str) -> bool:
    """Whether the name or address of a host says that it is this machine."""
    return host in {"localhost", "::1"} or re.fullmatch(r"127(\.\d{1,3}){3}", host) is not None
