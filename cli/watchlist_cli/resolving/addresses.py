"""Addresses of source code as metadata of packages spell them.

Whatever a person may type, `watchlist.repository_spelling` reads; what only metadata write is put into such a form.
"""

import re
from urllib.parse import unquote

from watchlist.repository_spelling import read_repository
from watchlist.repository_url import InvalidRepositoryUrlError

_PREFIX = re.compile(r"scm:(?:git:)?|git:(?=[a-z]+[:@])", re.IGNORECASE)
"""`scm:git:` of Maven, `git:https:` of others."""

_SHORT = re.compile(r"(?P<host>github|gitlab|bitbucket|codeberg):(?P<path>[^/].*)")
_HOSTS = {"github": "github.com", "gitlab": "gitlab.com", "bitbucket": "bitbucket.org", "codeberg": "codeberg.org"}
_PASSWORD = re.compile(r"(?<=://)[^/@\s]+@")
_FILES = re.compile(r"(?<=//)(?:(?:raw\.githubusercontent|codeload\.github)\.com|api\.github\.com/repos)(?=/)")
_APACHE = re.compile(
    r"(?:https?|git)://(?:gitbox|git|git-wip-us)\.apache\.org/(?:repos/)?(?:asf)?[/?]?(?:p=)?(?P<name>[\w-]+)(?:\.git)?"
    r"(?:[;/?#].*)?"
)
"""Apache's own host of git, whose repositories are all on GitHub, too, under the same name."""

_PAGES = re.compile(r"(?:https?://)?(?P<owner>[\w-]+)\.(?P<host>github|gitlab)\.io/(?P<name>[\w.-]+)(?:/.*)?")
"""`owner.github.io/name` is built from `owner/name`, as a rule."""


def repository_at(text: str) -> str | None:
    """Return `https://host/owner/name` for an address on a host that is watched by default, or None."""
    address = unquote(text.strip()).strip("<>\"'")
    while prefix := _PREFIX.match(address):
        address = address[prefix.end() :]
    if short := _SHORT.fullmatch(address):
        address = f"https://{_HOSTS[short['host']]}/{short['path']}"
    elif pages := _PAGES.fullmatch(address):
        address = f"https://{pages['host']}.com/{pages['owner']}/{pages['name']}"
    elif apache := _APACHE.fullmatch(address):
        address = f"https://github.com/apache/{apache['name']}"
    address = _FILES.sub("github.com", _PASSWORD.sub("", address))
    try:
        return read_repository(address).url
    except InvalidRepositoryUrlError:
        return None
