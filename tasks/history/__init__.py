"""The history of one remote repository: the commits of the last year and their line counts, exact and light.

    with open_repository(url, scratch=folder, children=children) as repository:
        window = repository.commits(since=one_year_ago)
        for sha, files in repository.line_counts(window):
            ...

`tasks.history.repository` states what the answers mean.
"""

from tasks.history.limits import FetchLimits
from tasks.history.protocol import Head
from tasks.history.repository import (
    CommitWindow,
    Repository,
    StoredCommit,
    StoredHistory,
    Tagged,
    open_repository,
)

__all__ = [
    "CommitWindow",
    "FetchLimits",
    "Head",
    "Repository",
    "StoredCommit",
    "StoredHistory",
    "Tagged",
    "open_repository",
]
