"""Repository URLs: untrusted text in, a repository on an allowed host out, rebuilt from its parts."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from watchlist import limits
from watchlist.git_hosts import HOSTS, HostKind, kind_of

DEFAULT_ORIGINS = tuple(host.origin for host in HOSTS)
"""Hosts that serve public repositories over https to anyone."""

MAX_GROUPS = 20
"""Deepest nesting of groups (GitLab's limit)."""

_SEGMENT = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]{0,99}")
"""An owner, or a group."""

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")
"""A repository's name. It may begin with `-`; tools never see it but within an address."""

_ORIGIN = re.compile(r"(?P<scheme>https?)://(?P<host>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::(?P<port>[1-9]\d{0,4}))?")


class InvalidRepositoryUrlError(ValueError):
    """The text is no URL of a repository that the service watches; the message says why, for its sender."""


@dataclass(frozen=True, slots=True)
class Repository:
    """One repository on one host.

    Attributes:
        origin: scheme, host and, if it is not the scheme's own, port: `https://github.com`.
        owner: user, organisation or (joined by `/`) nested groups.
        name: without `.git`.
    """

    origin: str
    owner: str
    name: str

    @property
    def host(self) -> str:
        """Host name without scheme; with the port where the origin has one."""
        return host_of(self.origin)

    @property
    def kind(self) -> HostKind:
        """What its host runs."""
        return kind_of(self.host)

    @property
    def url(self) -> str:
        """The canonical address, as a person would open it and git can clone it."""
        return f"{self.origin}/{self.owner}/{self.name}"

    @property
    def key(self) -> str:
        """What identifies the repository: equal for all spellings that the host treats alike."""
        path = f"{self.owner}/{self.name}"
        return f"{self.host}/{path.lower() if self.kind.ignores_case else path}"


def host_of(origin: str) -> str:
    """Return an origin's host name, with the port where it has one."""
    return origin.partition("://")[2]


def parse_origin(text: str) -> str:
    """Return `text` if it is an origin that may be allowed.

    Raises:
        ValueError: it is not of the form `https://host` or, for a test server, `http://host:port`.
    """
    match = _ORIGIN.fullmatch(text)
    if match is None:
        raise ValueError("is not an origin like https://github.com")
    return text


def parse_repository_url(text: str, allowed_origins: tuple[str, ...] = DEFAULT_ORIGINS) -> Repository:
    """Read a repository URL; only what is recognised survives.

    Raises:
        InvalidRepositoryUrlError: anything but `<allowed origin>/<owner>/<name>`, with an optional `.git` or `/` at the
            end. Credentials, ports, queries, fragments, other schemes and other hosts are refused, and so is any
            character that a path of a repository cannot have.
    """
    if len(text) > limits.REPOSITORY_URL_CHARACTERS:
        raise InvalidRepositoryUrlError(f"is longer than {limits.REPOSITORY_URL_CHARACTERS} characters")
    if not text.isascii() or not text.isprintable() or any(c in text for c in " \\%"):
        raise InvalidRepositoryUrlError("has characters that no repository URL has")
    if "?" in text or "#" in text:
        raise InvalidRepositoryUrlError("must not have a query or fragment")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise InvalidRepositoryUrlError("is not a URL") from None
    if "@" in parts.netloc:
        raise InvalidRepositoryUrlError("must not contain a user name or password")
    origin = _allowed_origin(parts.scheme, (parts.hostname or "").lower(), port, allowed_origins)
    owner, name = _owner_and_name(parts.path, may_nest=kind_of(host_of(origin)).nests)
    return Repository(origin, owner, name)


def _allowed_origin(scheme: str, host: str, port: int | None, allowed_origins: tuple[str, ...]) -> str:
    origin = f"{scheme}://{host}" + (f":{port}" if port is not None else "")
    if origin in allowed_origins:
        return origin
    if scheme not in {allowed.partition("://")[0] for allowed in allowed_origins}:
        raise InvalidRepositoryUrlError("must start with https://")
    if port is not None:
        raise InvalidRepositoryUrlError("must not name a port")
    names = ", ".join(host_of(allowed) for allowed in allowed_origins)
    raise InvalidRepositoryUrlError(f"is not on a supported host ({names})")


def _owner_and_name(path: str, *, may_nest: bool) -> tuple[str, str]:
    segments = path.removesuffix("/").removesuffix(".git").split("/")[1:]
    most = MAX_GROUPS + 1 if may_nest else 2
    if not 2 <= len(segments) <= most:  # noqa: PLR2004 - owner and name
        raise InvalidRepositoryUrlError("must name an owner and a repository")
    *owner, name = segments
    has_form = all(map(_SEGMENT.fullmatch, owner)) and _NAME.fullmatch(name)
    if not has_form or not all(segment.strip(".") for segment in segments):
        raise InvalidRepositoryUrlError("has an owner or repository name that no host allows")
    return "/".join(owner), name
