"""What reading one repository's history may cost."""

from dataclasses import dataclass

from watchlist.errors import ErrorCode, JobError

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


class UsedUpError(JobError):
    """What the whole run may receive has come: whatever is asked for now breaks the limit too."""


class TooLittleLeftError(JobError):
    """A request fits the limit of the whole run, but not what is left of it; nothing was spent, and less may do."""


class TooManyChangesError(JobError):
    """More differs than allowed.

    Attributes:
        changes: how many files and directories were found to differ until then.
    """

    def __init__(self, code: ErrorCode, message: str, changes: int) -> None:
        super().__init__(code, message)
        self.changes = changes


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """Bounds of one `open_repository`; each ends in a typed error, never in a killed task.

    Attributes:
        seconds: wall-clock time of everything between opening and closing the repository.
        connect_seconds: time to connect to the host.
        stall_seconds: the host may be this long without sending `stall_bytes`, while an answer is awaited.
        stall_bytes: what counts as progress.
        bytes_received: bytes of all the host's answers together.
        commit_bytes: memory of all commits that are held in it: their uncompressed bytes, and what holding each costs.
        objects: trees and blobs that are asked for by name, each counted when it is asked for. A commit that needs more
            than this at once is left out and costs nothing; a commit that needs more than is left is an error, which is
            raised when what the others need has come.
        changes: files and directories that differ in all commits together; one of a long path counts for several.
        files_in_commit: a commit that changes more files is delivered without line counts.
        paths_in_commit: bytes of the paths that a commit changes; one of more is delivered without line counts.
        paths: the same of all commits; a path counts in full, however many files share its directories.
        files_in_sample: files of such a commit whose lines are counted, to know how many it has at least.
        memory: address space of each git process, bytes.
        disk: bytes that the fetched packs and a checkout may take, each.
        checkout_files: files of a checkout.
        checkout_file_size: a larger file is left out of a checkout, bytes.
        older_commits: how many commits behind the window are looked at for back-dated ones.
        older_commits_after_leap: the same where dates leap from the window to long before it: young commits may lie
            behind commits that were replayed with old dates. 4000 commits are about 1 MB and one second.
        commits_behind: how many commits beside the window are looked at where none of it is by a person.
    """

    seconds: float = 600
    connect_seconds: float = 10
    stall_seconds: float = 45
    stall_bytes: int = 64
    bytes_received: int = 512 * MIB
    commit_bytes: int = 96 * MIB
    objects: int = 400_000
    changes: int = 400_000
    files_in_commit: int = 50_000
    paths_in_commit: int = 16 * MIB
    paths: int = 256 * MIB
    files_in_sample: int = 1000
    memory: int = 700 * MIB
    disk: int = 2 * GIB
    checkout_files: int = 200_000
    checkout_file_size: int = 5 * MIB
    older_commits: int = 24
    older_commits_after_leap: int = 4000
    commits_behind: int = 4000
