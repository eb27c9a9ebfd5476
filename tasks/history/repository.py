"""One remote repository: its HEAD, the window of its commits, their line counts, its files.

The semantics, in one place. **The window** is what `git log --since-as-filter=<since> -n <limit> HEAD` prints in a full
clone: from HEAD, always the newest of the commits seen and not yet shown, by committer date; commits older than `since`
are passed over; at most `limit`. git walks to the root to find commits of the window that lie behind back-dated ones.
Here the walk looks at a bounded number of commits older than `since`. Few are enough where dates are in order
(`FetchLimits.older_commits`). More are looked at where dates leap from the window to long before it, as where commits
were replayed with their old dates. If that is not enough either, `CommitWindow.unexplored_since` says so.

**Line counts** are those of `git log --numstat --no-renames` against the parent, or against nothing for a root commit.
A merge has no files, as `git log` shows it. Attributes (`-diff`, drivers) and replacements are not honoured, as in a
bare clone.

How it is done: protocol version 2 over one connection. The commits come without trees (`filter tree:0`, `deepen-since`)
and are read from the pack while it arrives; the reading stops once the window is full. The server's list of shallow
commits is not used: it declares a merge shallow when only one of its parents is outside the window, so the true parents
are followed and those that did not come are asked for. Then the trees and blobs that differ are fetched by id
and compared as pairs of trees, so that the boundary of a shallow clone, where each commit seems to add all its files,
does not exist. Servers that offer no `filter` send whole commits; those that offer no version 2 are left to git itself.
"""

import contextlib
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tasks.child_process import ChildProcesses
from tasks.history.checkout import write_tree
from tasks.history.commit_parser import made_at, parse_commit, read_commit
from tasks.history.commit_search import Bounds, search_after, search_behind, search_window
from tasks.history.git_process import Deadline, Git
from tasks.history.limits import MIB, FetchLimits, TooLittleLeftError, TooManyChangesError, UsedUpError
from tasks.history.line_counting import SomeFiles, count_lines
from tasks.history.merge_differences import MergedTrees, as_differences, find_brought_in, key_of
from tasks.history.path_text import path_text
from tasks.history.protocol import FetchRefusedError, Head
from tasks.history.source import Source
from tasks.history.store import TreeChange, TreePair
from tasks.history.transport import GitHttpConnections
from tasks.history.tree_differences import MOST_LEVELS, find_differences
from tasks.history.walk import Walk
from tasks.scratch import scratch_directory
from watchlist.errors import ErrorCode, JobError
from watchlist.git.tags import Tags
from watchlist.history.commits import Commit, FileChange

MAILMAP_BYTES = MIB
"""A larger `.mailmap` is ignored."""

_MAILMAP = ".mailmap"
_MOST_BEFORE = 32
_TOO_MUCH = {ErrorCode.REPOSITORY_TOO_LARGE, ErrorCode.OUT_OF_MEMORY}


@dataclass(frozen=True, slots=True)
class StoredCommit:
    """A commit that the service has already: what the walk needs of it.

    Attributes:
        sha: its id.
        parents: its parents' ids.
        committed: its committer's time as git orders by it, Unix seconds.
        knows_its_parents: whether `parents` are all; a walk over the stored commits can do with nothing less.
    """

    sha: str
    parents: tuple[str, ...]
    committed: int
    knows_its_parents: bool = True


@dataclass(frozen=True, slots=True)
class StoredHistory:
    """The window as the last run stored it."""

    head_sha: str
    commits: tuple[StoredCommit, ...]


@dataclass(frozen=True, slots=True)
class CommitWindow:
    """The commits of the last year, as far as they are new.

    Attributes:
        head: where HEAD points now.
        shas: ids of all commits of the window, newest first, those that were stored already included.
        commits: those that were not stored yet, newest first, without files.
        removed: ids of stored commits that are not in the window any more: too old, too many, or rewritten away.
        rewritten: whether the stored HEAD is no ancestor of HEAD any more.
        bad_commits: commits whose header cannot be read; they are in `commits` with what could be read.
        full: the window holds `limit` commits, and there are more in the time.
        before: the newest of the commits older than the window that were looked at, at most 32; of a repository that
            has been quiet for longer than the window's time they tell when it had its last commit.
        unexplored_since: where dates leap to long before the window and not all that lies behind was looked at: the
            time from which on all commits are known. None where nothing is hidden like this.
        branches: where HEAD names a branch that does not exist, some of those that do.
        lost: ids of commits that belong to the window, and that the host does not give; what is behind them is unknown.
    """

    head: Head
    shas: tuple[str, ...]
    commits: tuple[Commit, ...]
    removed: frozenset[str] = frozenset()
    rewritten: bool = False
    bad_commits: int = 0
    full: bool = False
    before: tuple[Commit, ...] = ()
    unexplored_since: datetime | None = None
    branches: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether it holds all commits of the time."""
        return not self.full and not self.lost and self.unexplored_since is None


@dataclass(frozen=True, slots=True)
class Tagged:
    """What the host says of tags that were asked for; nothing where it is not asked, or refuses.

    Attributes:
        dates: when tags and commits were made, by their ids; absent is what no calendar has.
        no_commits: objects that the tags name, where they stand for no commit: for a tree, a file, or what is missing.
    """

    dates: Mapping[str, datetime] = field(default_factory=dict)
    no_commits: frozenset[str] = frozenset()


_NOTHING = Walk(shown=(), missing=(), behind=(), older=(), full=False, leap=None)


@contextlib.contextmanager
def open_repository(  # noqa: PLR0913 - all by name
    url: str,
    *,
    scratch: Path,
    children: ChildProcesses,
    limits: FetchLimits | None = None,
    allowed_schemes: Collection[str] = ("https",),
    token: str | None = None,
) -> Iterator["Repository"]:
    """Open the repository at `url`; nothing is sent until it is asked something.

    Args:
        url: the clone URL.
        scratch: a folder in which this run gets a directory of its own, removed in the end.
        children: the job's child processes; cancelling them ends transfers too.
        limits: what it may cost.
        allowed_schemes: the URL schemes that may be used.
        token: what the host is shown, if anything.

    Raises:
        JobError: from here and from all methods of the repository: what is wrong with the repository or its host.
        JobCancelledError: likewise; the job was taken away.
    """
    limits = limits or FetchLimits()
    deadline = Deadline(limits.seconds)
    with (
        GitHttpConnections(
            url, limits=limits, deadline=deadline, children=children, allowed_schemes=allowed_schemes, token=token
        ) as connections,
        scratch_directory(scratch) as directory,
    ):
        store = directory / "objects.git"
        store.mkdir()
        git = Git(store, children=children, limits=limits, deadline=deadline)
        source = Source(connections, git, limits)
        yield Repository(connections, source, directory, limits)


class Repository:
    """See the module's text for what its answers mean."""

    def __init__(self, connections: GitHttpConnections, source: Source, directory: Path, limits: FetchLimits) -> None:
        self._connections = connections
        self._source = source
        self._directory = directory
        self._limits = limits
        self._since = 0
        self._least_files: dict[str, int] = {}
        self._least_lines: dict[str, int] = {}
        self._unaffordable: TooLittleLeftError | None = None
        self._path_bytes_left = limits.paths

    @property
    def bytes_received(self) -> int:
        """Bytes of the host's answers so far, what git itself fetched excepted."""
        return self._connections.bytes_received

    @property
    def path(self) -> str:
        """Where the repository is on its host, after what the host has said by now: another than was asked for."""
        return self._connections.path

    def head(self) -> Head:
        """Return where HEAD points; one small request, once.

        Raises:
            JobError: REPOSITORY_NOT_FOUND, REPOSITORY_REQUIRES_LOGIN, REPOSITORY_MOVED, and what can fail on the way.
        """
        return self._source.head()

    def branches(self) -> tuple[str, ...]:
        """Return some of the branches where HEAD names none that exists; else none.

        Raises:
            JobError: as for `head`.
        """
        return self._source.branches() if self.head().sha is None else ()

    def tags(self) -> Tags:
        """Return all tags.

        Raises:
            TooManyTagsError: there are more than are looked at.
            JobError: as for `head`.
        """
        return self._source.tags()

    def tagged(self, tags: Mapping[str, str]) -> Tagged:
        """Return when these tags were made, with what they stand for, and which of them stand for no commit.

        Args:
            tags: what each stands for in the end, by the object that it names.

        Raises:
            JobError: the transfer failed.
        """
        try:
            found = self._source.tagged(list(tags))
        except FetchRefusedError:
            return Tagged()
        dates = {oid: made_at(content) for oid, content in found.items() if content is not None}
        return Tagged(
            {oid: at for oid, at in dates.items() if at is not None},
            frozenset(oid for oid, peeled in tags.items() if oid in found and found.get(peeled) is None),
        )

    def parents_beside(self, sha: str) -> Mapping[str, Sequence[str]]:
        """Return the commits that `sha` reaches and HEAD does not, with their parents; none where they cannot be had.

        Raises:
            JobError: the transfer failed, or they are more than a branch of a release has.
        """
        try:
            found = self._source.reached_beside_head(sha)
        except FetchRefusedError:
            return {}
        return {oid: read_commit(oid, content).parents for oid, content in found.items()}

    def commits(self, *, since: datetime, limit: int = 1000, stored: StoredHistory | None = None) -> CommitWindow:
        """Return the window of commits not older than `since`, at most `limit`.

        With `stored`, only what is new is fetched if the server confirms that the stored HEAD is an ancestor of HEAD;
        a rewritten history is fetched as if nothing were stored, and compared by ids.

        Raises:
            JobError: as for `head`, or a limit is broken.
        """
        head = self.head()
        bounds = Bounds(
            since=int(since.timestamp()),
            limit=limit,
            older=self._limits.older_commits,
            older_after_leap=self._limits.older_commits_after_leap,
        )
        self._since = bounds.since
        if head.sha is None:
            return self._window(head, _NOTHING, stored, rewritten=stored is not None)
        if stored is not None and all(commit.knows_its_parents for commit in stored.commits):
            nodes = {commit.sha: commit for commit in stored.commits}
            continued = search_after(self._source, head.sha, bounds, old=stored.head_sha, stored=nodes)
            if continued is not None:
                return self._window(head, continued, stored, rewritten=False)
        found = search_window(self._source, head.sha, bounds)
        rewritten = stored is not None and stored.head_sha not in self._source.known
        return self._window(head, found, stored, rewritten=rewritten)

    def commits_behind(self, window: CommitWindow) -> tuple[Commit, ...]:
        """Return the newest commits that HEAD reaches beside those of a window that was not fetched as a continuation.

        There are at most `FetchLimits.commits_behind`, and fewer where the host does not give them.

        Raises:
            JobError: the transfer failed, or a limit is broken.
        """
        if window.head.sha is None:
            return ()
        shas = search_behind(self._source, window.head.sha, frozenset(window.shas), self._limits.commits_behind)
        return tuple(parse_commit(raw) for raw in self._source.content(shas).values())

    def line_counts(self, window: CommitWindow) -> Iterator[tuple[str, tuple[FileChange, ...]]]:
        """Yield id and changed files of the window's new commits; merges, which have none, come first.

        A commit that changes more files than allowed, or whose objects are damaged, is left out: `least_files_changed`
        then says what is known of its size.

        Raises:
            JobError: the rest cannot be had; the commits stand without.
        """
        yield from self._line_counts(window.commits)

    @property
    def least_files_changed(self) -> Mapping[str, int]:
        """How many files the commits changed at least whose lines were to be counted, by their ids.

        A commit is absent while nothing is known.
        """
        return self._least_files

    @property
    def least_lines_changed(self) -> Mapping[str, int]:
        """How many lines those commits gained and lost at least that could be counted in part, by their ids."""
        return self._least_lines

    def recount(self, commits: Sequence[Commit]) -> Iterator[tuple[str, tuple[FileChange, ...]]]:
        """Yield id and changed files of commits whose lines an earlier run could not count, as `line_counts` does.

        Raises:
            JobError: the rest cannot be had.
        """
        unknown = [commit.sha for commit in commits if commit.sha not in self._source.known]
        if unknown:
            self._source.fetch_named_commits(unknown)
        yield from self._line_counts([commit for commit in commits if commit.sha in self._source.known])

    def brought_in(self, window: CommitWindow) -> Mapping[str, tuple[FileChange, ...]]:
        """Return the files that the window's new merges bring in and that are in none of their parents.

        `tasks.history.merge_differences` says which these are. A merge that brings in nothing, or that cannot be
        compared because its own trees are missing or too many, is absent. Lines that cannot be counted are None.

        Raises:
            JobError: the transfer failed.
        """
        merges = [commit for commit in window.commits if commit.is_merge]
        if not merges:
            return {}
        if self._source.gives_objects:
            try:
                return self._brought_in(merges)
            except FetchRefusedError:
                self._source.gives_objects = False
        self._fetch_whole([merge.sha for merge in merges])  # they hold what the host does not give by name
        return self._brought_in(merges)

    def mailmap(self) -> bytes:
        """Return the content of HEAD's `.mailmap`; nothing when there is none, or none that git would read.

        Raises:
            JobError: the transfer failed.
        """
        head, tree = self.head().sha, self._head_tree()
        if head is None or tree is None:
            return b""
        if self._source.gives_objects:
            try:
                return self._read_mailmap(tree)
            except FetchRefusedError:
                self._source.gives_objects = False
        # The whole commit holds what the host does not give by name.
        self._source.fetch_whole_commits([head], depth=1, filter_=f"blob:limit={MAILMAP_BYTES}")
        return self._read_mailmap(tree)

    def check_out(self) -> Path:
        """Write HEAD's files into the run's scratch directory and return their folder; see `write_tree`.

        Raises:
            JobError: the transfer failed or a limit is broken.
        """
        target = self._directory / "files"
        head, tree = self.head().sha, self._head_tree()
        if head is None or tree is None:
            target.mkdir()
            return target
        self._source.fetch_whole_commits([head], depth=1, filter_=f"blob:limit={self._limits.checkout_file_size}")
        write_tree(self._source.store, tree, target, self._limits)
        return target

    def _read_mailmap(self, tree: str) -> bytes:
        self._source.fetch_missing_objects([tree])
        entry = self._source.store.entry(tree, _MAILMAP)
        if entry is None or not entry.is_file:
            return b""
        self._source.fetch_missing_objects([entry.oid])
        found = next(self._source.store.read([entry.oid], largest=MAILMAP_BYTES), None)
        return (found.content if found else None) or b""

    def _window(self, head: Head, found: Walk, stored: StoredHistory | None, *, rewritten: bool) -> CommitWindow:
        had = frozenset(commit.sha for commit in stored.commits) if stored else frozenset[str]()
        new = self._source.content([sha for sha in found.shown if sha not in had])
        return CommitWindow(
            head=head,
            shas=found.shown,
            commits=tuple(parse_commit(raw) for raw in new.values()),
            removed=had - frozenset(found.shown),
            rewritten=rewritten,
            bad_commits=sum(raw.tree is None for raw in new.values()),
            full=found.full,
            before=self._before(found),
            unexplored_since=_unexplored_since(found),
            branches=self.branches(),
            lost=() if found.full else found.missing,
        )

    def _before(self, found: Walk) -> tuple[Commit, ...]:
        known = self._source.known
        newest = sorted((sha for sha in found.older if sha in known), key=lambda sha: -known[sha].committed)
        return tuple(parse_commit(raw) for raw in self._source.content(newest[:_MOST_BEFORE]).values())

    def _line_counts(self, commits: Sequence[Commit]) -> Iterator[tuple[str, tuple[FileChange, ...]]]:
        yield from ((commit.sha, ()) for commit in commits if commit.is_merge)
        pairs = self._tree_pairs([commit for commit in commits if not commit.is_merge])
        shas: dict[TreePair, list[str]] = {}
        for sha, pair in pairs.items():
            shas.setdefault(pair, []).append(sha)
        left = dict(shas)
        try:
            for pair, files in self._count(shas):
                yield from ((sha, files) for sha in left.pop(pair))
        except FetchRefusedError:  # the host gives no objects by name: whole commits hold them too
            self._source.gives_objects = False
            self._unaffordable = None
            self._fetch_whole([sha for some in left.values() for sha in some])
            for pair, files in self._count(left):
                yield from ((sha, files) for sha in left[pair])
        if self._unaffordable is not None:
            raise self._unaffordable

    def _count(self, shas: Mapping[TreePair, Sequence[str]]) -> Iterator[tuple[TreePair, tuple[FileChange, ...]]]:
        """Count what can be counted: by halves where all is too much, to leave out only what is too much alone."""
        pairs = list(shas)
        note = self._note_least_lines
        try:
            differences = find_differences(pairs, self._source, most_changes=self._limits.changes)
        except JobError as error:
            if not _less_may_do(error):
                raise
            if len(pairs) == 1:
                self._leave_out(shas[pairs[0]], error)
                return
            half = len(pairs) // 2
            for some in (pairs[:half], pairs[half:]):
                yield from self._count({pair: shas[pair] for pair in some})
            return
        for pair in pairs:
            self._note_least(shas[pair], differences.least_files_changed.get(pair, 0))
        most = self._limits.files_in_commit
        countable = [
            pair
            for pair in pairs
            if differences.files_changed.get(pair, most + 1) <= most and self._affords(differences.path_bytes[pair])
        ]
        yield from count_lines(countable, differences, self._source, lambda pair, lines: note(shas[pair], lines))
        counted = set(countable)
        large = [pair for pair in pairs if pair in differences.files_changed and pair not in counted]
        sample = SomeFiles(differences, self._limits.files_in_sample, self._limits.paths_in_commit)
        for pair, files in count_lines(large, sample, self._source, lambda pair, lines: note(shas[pair], lines)):
            note(shas[pair], sum((change.added or 0) + (change.deleted or 0) for change in files))

    def _leave_out(self, shas: Sequence[str], error: JobError) -> None:
        """Note why commits are left out: what was spent on others says nothing of their size, what is too much does."""
        if isinstance(error, TooLittleLeftError):
            self._unaffordable = error
            return
        # A changed file is at most so many changes, itself and the directories above it, and two trees of each level.
        if isinstance(error, TooManyChangesError):
            self._note_least(shas, error.changes // MOST_LEVELS)
        elif error.code is ErrorCode.REPOSITORY_TOO_LARGE:
            self._note_least(shas, min(self._limits.changes // MOST_LEVELS, self._limits.objects // 2))

    def _affords(self, path_bytes: int) -> bool:
        if path_bytes > min(self._limits.paths_in_commit, self._path_bytes_left):
            return False
        self._path_bytes_left -= path_bytes
        return True

    def _note_least_lines(self, shas: Sequence[str], lines: int) -> None:
        self._least_lines.update(dict.fromkeys(shas, lines))

    def _note_least(self, shas: Sequence[str], files: int) -> None:
        if files:
            self._least_files.update(dict.fromkeys(shas, files))

    def _brought_in(self, merges: Sequence[Commit]) -> dict[str, tuple[FileChange, ...]]:
        found = self._find_brought_in(self._merged_trees(merges))
        files = {
            sha: tuple(FileChange(path_text(each.path), None, None) for each in some) for sha, some in found.items()
        }
        pairs = {key_of(sha): sha for sha, some in found.items() if len(some) <= self._limits.files_in_commit}
        if pairs:
            differences = as_differences(found, self._source.store.empty_tree)
            files.update((pairs[pair], some) for pair, some in count_lines(list(pairs), differences, self._source))
        return files

    def _find_brought_in(self, merges: Sequence[MergedTrees]) -> Mapping[str, list[TreeChange]]:
        """Compare what can be compared: by halves where all is too much, to leave out only what is too much alone."""
        try:
            return find_brought_in(merges, self._source, most_changes=self._limits.changes)
        except JobError as error:
            if not _less_may_do(error):
                raise
        if len(merges) == 1:
            return {}
        half = len(merges) // 2
        return {**self._find_brought_in(merges[:half]), **self._find_brought_in(merges[half:])}

    def _merged_trees(self, merges: Sequence[Commit]) -> list[MergedTrees]:
        self._fetch_parents(merges)
        found = []
        for merge in merges:
            tree, parents = self._tree_of(merge.sha), [self._tree_of(parent) for parent in merge.parents]
            if tree is not None and None not in parents:
                found.append(MergedTrees(merge.sha, tuple(parent for parent in parents if parent), tree))
        return found

    def _fetch_parents(self, commits: Sequence[Commit]) -> None:
        known = self._source.known
        unknown = {parent: None for commit in commits for parent in commit.parents if parent not in known}
        if unknown:
            self._source.fetch_named_commits(list(unknown))

    def _tree_pairs(self, commits: Sequence[Commit]) -> dict[str, TreePair]:
        """Return what to compare for each commit: its first parent's tree and its own."""
        self._fetch_parents(commits)
        known = self._source.known
        pairs = {}
        for commit in commits:
            new = known[commit.sha].tree
            old = self._tree_of(commit.parents[0]) if commit.parents else self._source.store.empty_tree
            if old is not None and new is not None:
                pairs[commit.sha] = (old, new)
        return pairs

    def _fetch_whole(self, shas: Sequence[str]) -> None:
        """Fetch commits with their parents and all their files; what does not come so cannot be counted."""
        head, known = self.head().sha, self._source.known
        wants = {sha: None for commit in shas for sha in (commit, *known[commit].parents) if sha in known}
        try:
            self._source.fetch_whole_commits(list(wants), depth=1)
        except FetchRefusedError:
            with contextlib.suppress(FetchRefusedError):
                self._source.fetch_whole_commits([head] if head else [], since=self._since)

    def _head_tree(self) -> str | None:
        sha = self.head().sha
        if sha is not None and sha not in self._source.known:
            self._source.fetch_commits([sha], depth=1)
        return None if sha is None else self._tree_of(sha)

    def _tree_of(self, sha: str) -> str | None:
        raw = self._source.known.get(sha)
        return None if raw is None else raw.tree


def _less_may_do(error: JobError) -> bool:
    """Whether a part of what was too much may still be had."""
    return error.code in _TOO_MUCH and not isinstance(error, UsedUpError)


def _unexplored_since(found: Walk) -> datetime | None:
    if found.leap is None or not found.behind or found.full:
        return None
    return datetime.fromtimestamp(min(found.leap, time.time()), UTC)
