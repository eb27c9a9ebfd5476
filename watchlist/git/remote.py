"""Asks remote repositories for their HEAD, and their tags, by one small request each: without git, from many threads.

A POST of protocol v2's `ls-refs` is sent straight away; git itself would ask for the server's capabilities before.
Only when the answer to that is no HEAD, git's own way is gone: `GET info/refs`, then whatever the server speaks.
"""

import contextlib
from dataclasses import replace
from io import BytesIO

from watchlist import limits
from watchlist.errors import ErrorCode, JobError
from watchlist.git.answers import renamed
from watchlist.git.protocol import Capabilities, Head, head_request, read_capabilities, read_head
from watchlist.git.requests import RESULT_TYPE, SERVICE, GitHosts, Request
from watchlist.git.tags import TooManyTagsError, head_and_tags_request, read_tags
from watchlist.repository_url import Repository

_WORTH_GIT_S_OWN_WAY = frozenset(
    {
        ErrorCode.REPOSITORY_MOVED,
        ErrorCode.REPOSITORY_NOT_FOUND,
        ErrorCode.REPOSITORY_UNSUPPORTED,
        ErrorCode.TRANSFER_INVALID,
    }
)


class HeadReader(GitHosts):
    """Reads HEADs; see `GitHosts`."""

    def head(self, repository: Repository) -> Head:
        """Return where the repository's HEAD points now.

        Raises:
            JobError: why it cannot be told.
        """
        return self._tell(repository, head_request(), None)[0]

    def head_and_tags(self, repository: Repository) -> tuple[Head, str | None]:
        """Return where HEAD points now, and the digest of all tags (`watchlist.git.tags.Tags`).

        The digest is None where the tags do not come whole in an answer of `limits.TAGS_CHECK_BYTES`.

        Raises:
            JobError: why HEAD cannot be told.
        """
        head, answer = self._tell(repository, head_and_tags_request(), limits.TAGS_CHECK_BYTES)
        with contextlib.suppress(JobError, TooManyTagsError):
            return head, read_tags(BytesIO(answer).read).digest
        return head, None

    def _tell(self, repository: Repository, body: bytes, most_bytes: int | None) -> tuple[Head, bytes]:
        """Return HEAD, and the answer to the request as far as it was read; none where it took git's own way."""
        self._check(repository)
        path = f"/{repository.owner}/{repository.name}{repository.kind.git_suffix}"
        try:
            path, answer = self._post(repository.origin, path, body, most_bytes)
            return replace(read_head(BytesIO(answer).read), renamed_to=renamed(repository, path)), answer
        except JobError as error:
            if error.code not in _WORTH_GIT_S_OWN_WAY:
                raise
        path, offered = self.advertisement(repository.origin, path)
        head, path = self._ask_as_git_does(repository.origin, path, read_capabilities(BytesIO(offered).read))
        return replace(head, renamed_to=renamed(repository, path)), b""

    def _post(self, origin: str, path: str, body: bytes, most_bytes: int | None = None) -> tuple[str, bytes]:
        """Send a command, and return where the repository is now and the answer."""
        return self.at_its_place(origin, Request("POST", path, f"/{SERVICE}", RESULT_TYPE, body, most_bytes))

    def _ask_as_git_does(self, origin: str, path: str, offered: Capabilities) -> tuple[Head, str]:
        if offered.version > 1:
            body = head_request(offered.object_format, unborn=offered.unborn)
            path, answer = self._post(origin, path, body)
            return read_head(BytesIO(answer).read, offered.object_format), path
        if offered.head is None:
            raise JobError(ErrorCode.REPOSITORY_UNSUPPORTED, "The host does not say where HEAD points.")
        return offered.head, path
