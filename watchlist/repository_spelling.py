"""Any spelling of a repository's address that a person has at hand: untrusted text in, a repository out.

Read are `owner/name` (on the first allowed host), addresses with or without scheme, as git takes them (`git@host:…`,
`ssh://…`, `git+https://…`), and as a browser shows them (a folder, a file, an issue, with query and fragment). What is
read is only ever rebuilt into an address that `parse_repository_url` takes; a refusal says what to type.
"""

import re
from dataclasses import dataclass

from watchlist import limits
from watchlist.git_hosts import kind_of
from watchlist.repository_url import (
    DEFAULT_ORIGINS,
    InvalidRepositoryUrlError,
    Repository,
    host_of,
    parse_repository_url,
)

_SCHEMES = {
    "https": "443",
    "http": "80",
    "git": "9418",
    "ssh": "22",
    "git+https": "443",
    "git+http": "80",
    "git+ssh": "22",
}
"""The schemes of addresses of repositories, with their own ports."""

_WITH_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)", re.DOTALL)
_AS_SCP = re.compile(
    r"(?:git@)?(?P<host>[A-Za-z0-9.-]*[A-Za-z0-9])\.?:/?(?P<path>[^/0-9].*|[0-9]+[^/0-9].*)", re.DOTALL
)
_AUTHORITY = re.compile(r"(?:(?P<user>.*)@)?(?P<host>[A-Za-z0-9.-]*[A-Za-z0-9])\.?(?::(?P<port>[0-9]{0,5}))?")
"""A host may end with the dot of the root (RFC 1034, section 3.1); a port may be empty (RFC 3986, section 3.2.3)."""

_UNSEEN = r"\s\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff"
_AROUND = re.compile(rf"^[{_UNSEEN}<\"'`]+|[{_UNSEEN}>\"'`]+$")
"""What stands around a copied address: white space, what is not seen, and delimiters (RFC 3986, appendix C)."""

_OTHER_NAME = re.compile(r"^(?:www|ssh|altssh)\.")
"""Begins other names of a host: for browsers, and where port 443 takes SSH ("Using SSH over the HTTPS port")."""

_OVER_SSH = frozenset({"ssh", "git+ssh"})

_PAGES = frozenset(
    (
        *("-", "badges", "blame", "blob", "branches", "builds", "commit", "commits", "compare", "create", "edit"),
        *("files", "find_file", "forks", "issues", "merge_requests", "milestones", "network", "new", "pipelines"),
        *("preview", "pulls", "raw", "refs", "releases", "src", "tags", "tree", "update", "wiki", "wikis"),
    )
)
"""What follows a repository's name in a browser's address, where groups can be nested: GitLab lets no project be called
most of these ("Reserved project and group names" in its documentation)."""


@dataclass(frozen=True, slots=True)
class _Address:
    """The parts of what was typed; those that it does not name are empty, and the host is for `owner/name`."""

    scheme: str
    host: str
    port: str
    path: str


def read_repository(text: str, allowed_origins: tuple[str, ...] = DEFAULT_ORIGINS) -> Repository:
    """Read any spelling of a repository's address.

    Raises:
        InvalidRepositoryUrlError: it is none, names another host, or holds a password. The message, which repeats
            nothing but names that a repository can have, says what to type.
    """
    if len(text) > limits.REPOSITORY_SPELLING_CHARACTERS:
        raise InvalidRepositoryUrlError(f"is longer than {limits.REPOSITORY_SPELLING_CHARACTERS} characters")
    address = _split(_AROUND.sub("", text), allowed_origins)
    origin = _origin_of(address, allowed_origins)
    kind = kind_of(host_of(origin))
    segments = _repository_segments(address.path, may_nest=kind.nests)
    if len(segments) < 2:  # noqa: PLR2004 - owner and name
        raise InvalidRepositoryUrlError(f"names no repository; {_type(f'{origin}/owner/name')}")
    if segments[0].lower() in kind.not_owners:
        raise InvalidRepositoryUrlError(f"is a page of the host and no repository; {_type(f'{origin}/owner/name')}")
    try:
        return parse_repository_url(f"{origin}/{'/'.join(segments)}", allowed_origins)
    except InvalidRepositoryUrlError as error:
        raise InvalidRepositoryUrlError(f"{error}; {_type(f'{origin}/owner/name')}") from None


def _split(text: str, allowed_origins: tuple[str, ...]) -> _Address:
    """Return the parts of an address, however it is written."""
    with_scheme = _WITH_SCHEME.fullmatch(text)
    scheme, rest = ("", text) if with_scheme is None else (with_scheme["scheme"].lower(), with_scheme["rest"])
    if scheme and scheme not in _SCHEMES:
        raise InvalidRepositoryUrlError(f"is no address of a repository; {_example(allowed_origins)}")
    as_scp = _AS_SCP.fullmatch(rest) if not scheme or scheme in _OVER_SSH else None
    if as_scp is not None:
        _, path = _authority_and_path("/" + as_scp["path"])
        return _Address("ssh", as_scp["host"].lower(), "", path)
    if scheme:
        authority, path = _authority_and_path(rest)
        path = _without_revision(path) if scheme.startswith("git+") else path
        return _with_authority(scheme, authority, path, allowed_origins)
    authority, path = _authority_and_path(text)
    if path.rstrip("/").count("/") <= 1 and not any(mark in authority for mark in ".:@"):
        return _Address("", "", "", f"/{authority}{path}")
    return _with_authority("", authority, path, allowed_origins)


def _authority_and_path(text: str) -> tuple[str, str]:
    before, slash, after = re.split(r"[?#]", text, maxsplit=1)[0].partition("/")
    return before, slash + after


def _without_revision(path: str) -> str:
    """Leave out the branch or tag that pip's addresses name: `…/flask.git@main`."""
    return path.partition("@")[0]


def _with_authority(scheme: str, authority: str, path: str, allowed_origins: tuple[str, ...]) -> _Address:
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        raise InvalidRepositoryUrlError(f"is no address of a repository; {_example(allowed_origins)}")
    if match["user"] not in {None, "git"}:
        raise InvalidRepositoryUrlError(
            f"must not contain a user name or password, for only public repositories are read; "
            f"{_example(allowed_origins)}"
        )
    port = match["port"] or ""
    return _Address(scheme, match["host"].lower(), "" if port == _SCHEMES.get(scheme, "443") else port, path)


def _origin_of(address: _Address, allowed_origins: tuple[str, ...]) -> str:
    """Return the allowed origin that serves the address over https (or, where that is allowed, http)."""
    if not address.host:
        return allowed_origins[0]
    is_plain = address.scheme in {"http", "git+http"}
    hosts = (address.host, _OTHER_NAME.sub("", address.host))
    if address.scheme in {*_OVER_SSH, "git"}:  # their ports say nothing of the one for https
        wanted = [host_of(origin) for origin in allowed_origins if _names_over_ssh(host_of(origin)) & {*hosts}]
    else:
        wanted = [f"{host}:{address.port}" if address.port else host for host in hosts]
    candidates = [f"{scheme}://{host}" for scheme in ("http", "https")[:: 1 if is_plain else -1] for host in wanted]
    if address.scheme in {"https", "git+https"}:
        candidates = [candidate for candidate in candidates if candidate.startswith("https://")]
    origin = next((candidate for candidate in candidates if candidate in allowed_origins), None)
    if origin is None:
        names = ", ".join(host_of(allowed) for allowed in allowed_origins)
        raise InvalidRepositoryUrlError(f"is not on a supported host ({names}); {_example(allowed_origins)}")
    return origin


def _names_over_ssh(host: str) -> set[str]:
    """Return a host's name without its port: `github.com`, and `github` as in `git@github:…` and in npm's files."""
    name = host.partition(":")[0]
    return {name, name.rpartition(".")[0]}


def _repository_segments(path: str, *, may_nest: bool) -> list[str]:
    """Return owner (or groups) and name; what follows them is a page of the repository."""
    segments = path.strip("/").split("/") if path.strip("/") else []
    if may_nest:
        end = next((at for at, segment in enumerate(segments) if at > 1 and segment in _PAGES), len(segments))
        segments = segments[:end]
    return segments if may_nest else segments[:2]


def _example(allowed_origins: tuple[str, ...]) -> str:
    return _type(f"{allowed_origins[0]}/owner/name")


def _type(address: str) -> str:
    return f"type an address like {address}"
