"""What the service knows of one commit. Text is valid Unicode (undecodable bytes replaced), times are UTC."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Signature:
    """Who and when, as the commit says; name and email may be empty."""

    name: str
    email: str
    time: datetime


@dataclass(frozen=True, slots=True)
class FileChange:
    """One line of `git log --numstat --no-renames`; `added` and `deleted` are None for a binary file.

    Different paths have different texts: one that is no UTF-8 stands in quotes, as git prints it.
    """

    path: str
    added: int | None
    deleted: int | None


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit of the first year's window.

    `files` is None until the line counts are known (they follow the commits), and stays None where they cannot be
    had. A merge has no files, as `git log` shows it. `ordered_by` is the committer's time as git orders by it, in Unix
    seconds, where that is not `committer.time`: git's times fit no calendar. `least_files` is how many files a new
    commit changed at least whose `files` are None. `brought_in` is what a new merge has that is in none of its parents.
    Neither is kept.
    """

    sha: str
    parents: tuple[str, ...]
    author: Signature
    committer: Signature
    subject: str
    message: str
    signed: bool
    files: tuple[FileChange, ...] | None = None
    ordered_by: int | None = None
    least_files: int = 0
    least_lines: int = 0
    brought_in: tuple[FileChange, ...] = ()

    @property
    def committed(self) -> int:
        """The committer's time as git orders by it, Unix seconds."""
        return int(self.committer.time.timestamp()) if self.ordered_by is None else self.ordered_by

    @property
    def is_merge(self) -> bool:
        """Whether the commit has more than one parent."""
        return len(self.parents) > 1

    @property
    def lines_added(self) -> int | None:
        """Lines added in text files, or None while unknown."""
        return None if self.files is None else sum(change.added or 0 for change in self.files)

    @property
    def lines_deleted(self) -> int | None:
        """Lines deleted in text files, or None while unknown."""
        return None if self.files is None else sum(change.deleted or 0 for change in self.files)
