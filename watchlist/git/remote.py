"""Asks remote repositories for their HEAD by one small request each: without git, without a task, from many threads.

A POST of protocol v2's `ls-refs` is sent straight away; git itself would ask for the server's capabilities before.
Only when the answer to that is no HEAD, git's own way is gone: `GET info/refs`, then whatever the server speaks.
"""

from dataclasses import replace
from io import BytesIO

from watchlist.errors import ErrorCode, JobError
from watchlist.git.answers import renamed
from watchlist.git.protocol import Capabilities, Head, head_request, read_capabilities, read_head
from watchlist.git.requests import RESULT_TYPE, SERVICE, GitHosts
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
        self._check(repository)
        path = f"/{repository.owner}/{repository.name}{repository.kind.git_suffix}"
        try:
            head, asked = self._ask(repository.origin, path)
        except JobError as error:
            if error.code not in _WORTH_GIT_S_OWN_WAY:
                raise
        else:
            return replace(head, renamed_to=renamed(repository, asked))
        path, offered = self.advertisement(repository.origin, path)
        head, path = self._ask_as_git_does(repository.origin, path, read_capabilities(BytesIO(offered).read))
        return replace(head, renamed_to=renamed(repository, path))

    def _ask(self, origin: str, path: str, object_format: str = "sha1", *, unborn: bool = False) -> tuple[Head, str]:
        """Return HEAD, and where the repository is now."""
        body = head_request(object_format, unborn=unborn)
        path, content = self.at_its_place(origin, path, "POST", f"/{SERVICE}", RESULT_TYPE, body)
        return read_head(BytesIO(content).read, object_format), path

    def _ask_as_git_does(self, origin: str, path: str, offered: Capabilities) -> tuple[Head, str]:
        if offered.version > 1:
            return self._ask(origin, path, offered.object_format, unborn=offered.unborn)
        if offered.head is None:
            raise JobError(ErrorCode.REPOSITORY_UNSUPPORTED, "The host does not say where HEAD points.")
        return offered.head, path
