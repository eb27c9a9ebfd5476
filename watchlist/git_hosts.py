"""The hosts of public repositories that are watched, each a row; docs/contributing.md walks through adding one."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GitHost:
    """One host, which serves public repositories over https to anyone.

    Attributes:
        name: without scheme.
        software: what answers its API: the module of `tasks.hosts` that reads the answer.
        api: base URL of the API.
        nests: whether repositories may lie in nested groups.
        ignores_case: whether OWNER/Name and owner/name are one repository.
        commit_path: what stands between the repository's address and a commit's id in the address of a commit.
    """

    name: str
    software: str
    api: str
    nests: bool = False
    ignores_case: bool = True
    commit_path: str = "/commit/"

    @property
    def origin(self) -> str:
        """Scheme and host."""
        return f"https://{self.name}"


HOSTS = (
    GitHost("github.com", "github", "https://api.github.com"),
    GitHost("gitlab.com", "gitlab", "https://gitlab.com/api/v4", nests=True, commit_path="/-/commit/"),
    GitHost("codeberg.org", "gitea", "https://codeberg.org/api/v1"),
    GitHost("bitbucket.org", "bitbucket", "https://api.bitbucket.org/2.0", commit_path="/commits/"),
)
