"""Where a person can look at what an alert is about."""

from watchlist.repository_url import Repository

_CHECKS = "https://github.com/ossf/scorecard/blob/main/docs/checks.md#"


def of_commit(repository: Repository, sha: str) -> str | None:
    """Return the address of a commit on its host; None where the host is not known to have such pages."""
    return _below(repository, repository.kind.commit_path, sha)


def of_tag(repository: Repository, tag: str) -> str | None:
    """Return the address of a tag on its host; None as above."""
    return _below(repository, repository.kind.tag_path, tag)


def of_alert(repository: Repository, commit_sha: str | None, check: str | None) -> str | None:
    """Return the address of the commit or, for an alert of a check, of what Scorecard says about it."""
    if check is not None:
        return _CHECKS + check.lower()
    return of_commit(repository, commit_sha) if commit_sha is not None else None


def _below(repository: Repository, path: str, name: str) -> str | None:
    return f"{repository.url}{path}{name}" if path else None
