"""Addresses of source code as metadata spell them, read into the one canonical form."""

import re
from urllib.parse import unquote, urlsplit

_PREFIXES = re.compile(r"^(?:scm:)?(?:git|hg|svn|vcs)?[:+](?=[a-z])|^scm:", re.IGNORECASE)
_SHORT = re.compile(r"(?P<host>github|gitlab|bitbucket|codeberg):(?P<path>[^/].*)")
_SSH = re.compile(r"(?:ssh://)?(?:[\w.-]+@)(?P<host>[\w.-]+\.\w+)(?::(?:\d+/)?|/)(?P<path>[^/].*)")
_OWNER_AND_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9_.-]+")
_NAME = re.compile(r"[A-Za-z0-9_.-]+")

_HOSTS = {
    "github": "github.com",
    "gitlab": "gitlab.com",
    "bitbucket": "bitbucket.org",
    "codeberg": "codeberg.org",
}
_SAME = {"www.github.com": "github.com", "raw.githubusercontent.com": "github.com", "codeload.github.com": "github.com"}
_NO_OWNERS = frozenset({"sponsors", "orgs", "features", "about", "apps", "marketplace", "settings", "topics", "users"})
"""First parts of GitHub's paths that are no owner."""


def repository_at(text: str) -> str | None:
    """Return `https://host/owner/name` for an address on a known host, or None.

    Addresses of a folder, an issue or a file lead to their repository; other hosts' addresses are nobody's here.
    """
    address = unquote(text.strip()).strip("<>\"'")
    address = address.partition("#")[0].partition("?")[0]
    while (stripped := _PREFIXES.sub("", address, count=1)) != address:
        address = stripped
    if short := _SHORT.fullmatch(address):
        return _repository(_HOSTS[short["host"]], short["path"])
    if ssh := _SSH.fullmatch(address):
        return _repository(ssh["host"], ssh["path"])
    if _OWNER_AND_NAME.fullmatch(address):
        return _repository("github.com", address)
    if "://" not in address:
        address = f"https://{address.removeprefix('//')}"
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").lower()
    except ValueError:
        return None
    return _repository(host, parts.path)


def _repository(host: str, path: str) -> str | None:
    host = _SAME.get(host.lower(), host.lower()).removeprefix("www.")
    if host.endswith((".github.io", ".gitlab.io")):
        return _of_pages(host, path)
    if host not in _HOSTS.values():
        return None
    segments = [segment for segment in path.split("/") if segment]
    if host == "gitlab.com":
        end = segments.index("-") if "-" in segments else len(segments)
        tail = {"blob", "tree", "raw", "issues", "merge_requests", "commits", "tags", "releases", "wikis"}
        segments = segments[: next((n for n in range(2, end) if segments[n] in tail), end)]
    else:
        segments = segments[:2]
    if len(segments) < 2 or segments[0].lower() in _NO_OWNERS:  # noqa: PLR2004 - owner and name
        return None
    segments[-1] = segments[-1].partition("@")[0].removesuffix(".git")
    if not all(_NAME.fullmatch(segment) and segment.strip(".") for segment in segments):
        return None
    return f"https://{host}/{'/'.join(segments)}"


def _of_pages(host: str, path: str) -> str | None:
    """`owner.github.io/name` is built from `owner/name`, as a rule."""
    owner, _, pages = host.partition(".")
    name = next((segment for segment in path.split("/") if segment), None)
    return f"https://{pages.replace('.io', '.com')}/{owner}/{name}" if name and _NAME.fullmatch(name) else None
