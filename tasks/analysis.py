"""The work of a job: from a repository's address to its stored commits, its health and what the entry shows of them.

A setup does all of it. A refresh does what a check found due: the commits that are new, the health that is too old, or
both.
"""

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

from aws_lambda_powertools import Logger

from tasks.child_process import ChildProcesses
from tasks.history import (
    CommitWindow,
    StoredCommit,
    StoredHistory,
    open_repository,
)
from tasks.history import Repository as RemoteRepository
from tasks.history_notes import notes_on, uncounted, why_empty
from tasks.hosts.describe import Forge, named
from tasks.optional_parts import OptionalParts
from tasks.refresh_alerts import Backfill, tell_of_commits
from tasks.scorecard.assessment import Assessor
from tasks.second_look import look_twice
from tasks.tag_look import TagLook, TagsFound
from watchlist import limits
from watchlist.alerts.health_news import tell_of_health
from watchlist.alerts.silence import tell_of_silence
from watchlist.git.answers import renamed
from watchlist.git.package import Package
from watchlist.health import store as health_store
from watchlist.health.analysis import Analysis, scorecards_of
from watchlist.health.scorecard import ScorecardResult, no_score
from watchlist.health.store import KnownPeople
from watchlist.health.summary import in_short, of_result, score_change, summary_of
from watchlist.history import store as history_store
from watchlist.history.commits import Commit, FileChange
from watchlist.history.dates import made_at, reach_back_to
from watchlist.history.last_commits import LastCommits
from watchlist.history.mailmap import Mailmap
from watchlist.history.manifest import Manifest
from watchlist.history.metrics import HistoryMetrics
from watchlist.history.outlook import Outlook
from watchlist.history.people import People
from watchlist.history.pseudonyms import Pseudonyms
from watchlist.history.store import Attempt, KeptHistory
from watchlist.job_kinds import JobKind
from watchlist.repository_url import InvalidRepositoryUrlError, Repository, parse_repository_url
from watchlist.states import Stage
from watchlist.storage import batches
from watchlist.storage.batches import Patience
from watchlist.storage.records import Entry
from watchlist.text import shorten
from watchlist.watching import names

T = TypeVar("T")

_COUNTED_AT_ONCE = 100
"""Commits between two reports of progress, each of which looks at the lease."""

_NO_HISTORY = KeptHistory(segments=(), left_over=())


class Job(Protocol):
    """What the analysis needs of the job that it is done for. Each call raises JobCancelledError when it is lost."""

    def check(self) -> None:
        """Go on only while the lease is known to last for another write."""

    def report(self, stage: Stage, done: int = 0, total: int | None = None) -> None:
        """Show progress."""

    def describe(self, package: Package, default_branch: str | None) -> None:
        """Show what is known of the repository."""

    def publish(self, manifest: Manifest) -> None:
        """Show a history before the job has ended."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What the analysis works with.

    Attributes:
        git_tokens: what the operator's own hosts are shown when they are cloned from, by their origins.
    """

    children: ChildProcesses
    scratch: Path
    forge: Forge
    assessor: Assessor
    logger: Logger
    git_tokens: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class JobResult:
    """What a job found, beside the commits and the health that it stored.

    Attributes:
        attributes: of the entry that change with it; None removes one.
        scorecard: what Scorecard said, None when the job did not ask.
        bytes_received: from the repository's host.
        alerts_raised: alerts that are new.
        broken_parts: how many parts of it ended in an error of our own.
    """

    attributes: Mapping[str, Any]
    scorecard: ScorecardResult | None
    bytes_received: int
    alerts_raised: int = 0
    broken_parts: int = 0


def analyse(entry: Entry, tools: Tools, job: Job, now: datetime) -> JobResult:
    """Do the whole work of the entry's job.

    What an earlier attempt has stored is written again or removed, so that the outcome is the same.

    Raises:
        JobError: why it cannot be done.
        JobCancelledError: the job was taken away.
    """
    job.report(Stage.CLONING)
    scheme = entry.origin.partition("://")[0]
    with open_repository(
        entry.repository.url,
        scratch=tools.scratch,
        children=tools.children,
        allowed_schemes=(scheme,),
        token=next(iter(tools.git_tokens.get(entry.origin, ())), None),
    ) as repository:
        parts = OptionalParts(int(entry.attempt) < limits.MAX_ATTEMPTS, tools.logger)
        result = _WORK[entry.kind](_Scope(entry, repository, tools, job, now, parts, Pseudonyms.load()))
        return replace(result, broken_parts=len(parts.broken))


@dataclass(frozen=True)
class _Scope:
    """What every kind of job works on and with."""

    entry: Entry
    repository: RemoteRepository
    tools: Tools
    job: Job
    now: datetime
    parts: OptionalParts
    pseudonyms: Pseudonyms

    @functools.cached_property
    def mailmap(self) -> Mailmap | None:
        """HEAD's `.mailmap`, for which the host is asked once, whatever it answers; None if it could not be read."""
        return self.parts.get("The .mailmap could not be read", self._read_mailmap, otherwise=None)

    def _read_mailmap(self) -> Mailmap:
        return Mailmap(self.pseudonyms.in_mailmap(self.repository.mailmap()))

    @property
    def watchlist_id(self) -> str:
        return str(self.entry.watchlist_id)

    @property
    def attempt(self) -> Attempt:
        return Attempt(self.watchlist_id, self.entry.generation, self.entry.attempt)

    @property
    def patience(self) -> Patience:
        return batches.of_job(self.job.check)


def _set_up(scope: _Scope) -> JobResult:
    """Fetch, store and analyse a repository that is new to the service."""
    before = _load(scope)
    head = look_twice(scope.repository.head, scope.job.check)
    _follow_rename(scope)
    scope.job.describe(_describe(scope), head.branch)
    window = _window(scope)
    commits = _count_lines(scope, window)
    manifest = _store_history(scope, window, _NO_HISTORY, commits)
    scope.job.publish(manifest)  # Scorecard can take minutes; meanwhile the commits can be read
    history_store.clean(scope.attempt, before.replaced(), scope.patience)  # what an earlier attempt has published
    scope.job.report(Stage.ANALYZING)
    tags = _look_at_tags(scope, lambda: commits)
    window = _reaching_a_person(scope, window, commits)
    outlook = _outlook(scope, window, commits, _people(scope, [*commits, *window.before]))
    metrics = _measure(scope, outlook, commits)
    scorecard = _assess(scope, previous=None)
    _store_health(scope, scorecard, commits, outlook.people, metrics)
    return JobResult(
        _of_history(scope, window, commits, outlook, manifest)
        | of_result(scorecard, head.sha, scope.now)
        | in_short(metrics, score=scorecard.score, score_change=None)
        | dict(tags.attributes),
        scorecard,
        scope.repository.bytes_received,
    )


def _refresh(scope: _Scope, work: Callable[[_Scope], JobResult]) -> JobResult:
    """Do a refresh's work, under the name that the repository has now."""
    scope.repository.head()  # the host answers, or nothing of this is worth doing; and it says the name
    renamings = _follow_rename(scope)
    done = work(scope)
    return replace(done, alerts_raised=done.alerts_raised + renamings)


def _backfill(scope: _Scope) -> JobResult:
    """Bring the commits up to date and compute the metrics anew, and where it is due the health with them."""
    head = scope.repository.head()
    if head.sha != scope.entry.head_sha:
        return _bring_up_to_date(scope, _load(scope), with_health=bool(scope.entry.with_health))
    seen = {"checked_at": scope.now, "default_branch": head.branch}
    if scope.entry.with_health:
        renewed = _renew_health(scope)
        return replace(renewed, attributes={**renewed.attributes, **seen})
    tags = _look_at_tags(scope, lambda: _load(scope).commits)
    return JobResult({**seen, **tags.attributes}, None, scope.repository.bytes_received, tags.alerts)


def _bring_up_to_date(scope: _Scope, stored: KeptHistory, *, with_health: bool) -> JobResult:
    """Fetch and store the commits that `stored` lacks, and analyse the whole."""
    package = _describe(scope)
    before = stored.commits
    window = _window(scope, _stored(scope.entry, stored))
    new = _count_lines(scope, window)
    again = _count_again(scope, window, before)
    manifest = _store_history(scope, window, stored, [*new, *again])
    scope.job.report(Stage.ANALYZING)
    known = {commit.sha: commit for commit in (*before, *new, *again)}
    commits = [known[sha] for sha in window.shas]
    tags = _look_at_tags(scope, lambda: commits)
    window = _reaching_a_person(scope, window, commits)
    people = _people(scope, [*before, *new, *window.before])
    outlook = _outlook(scope, window, commits, people)
    metrics = _measure(scope, outlook, commits)
    told = [*_with_brought_in(scope, window, new), *_made_since_setup(scope, again)]
    alerts = 0
    if not stored.is_lost:  # what is fetched again is no news
        alerts += tell_of_commits(scope.entry, Backfill(window, before, told, people), job=scope.job, now=scope.now)
    alerts += tell_of_silence(scope.watchlist_id, outlook.last, scope.now, scope.job.check)
    health = _health(scope, is_renewed=with_health)
    _store_health(scope, health.scorecard, commits, outlook.people, metrics)
    described = {"package": package, "analyzed_at": scope.now}
    attributes = _of_history(scope, window, commits, outlook, manifest) | described | health.attributes_with(metrics)
    attributes |= tags.attributes
    is_vain = not again and uncounted(commits) and not uncounted(new)
    attributes["recounts"] = int(scope.entry.recounts or 0) + 1 if is_vain else 0
    alerts += tags.alerts + health.alerts
    return JobResult(attributes, health.renewed, scope.repository.bytes_received, alerts)


def _renew_health(scope: _Scope) -> JobResult:
    """Ask for a new Scorecard result, unless the last one stands, and compute the metrics anew.

    A stored history that is not whole any more is fetched again, although HEAD may not have moved.
    """
    scope.job.report(Stage.ANALYZING)
    stored = _load(scope)
    if stored.is_lost:
        return _bring_up_to_date(scope, stored, with_health=True)
    commits = stored.commits
    outlook = _outlook(scope, None, commits, _people(scope, commits))
    metrics = _measure(scope, outlook, commits)
    tags = _look_at_tags(scope, lambda: commits)
    health = _health(scope, is_renewed=True)
    _store_health(scope, health.scorecard, commits, outlook.people, metrics)
    attributes = {**health.attributes_with(metrics), **tags.attributes}
    return JobResult(attributes, health.renewed, scope.repository.bytes_received, health.alerts + tags.alerts)


@dataclass(frozen=True, slots=True)
class _Health:
    """The health that a refresh leaves.

    Attributes:
        scorecard: the result that counts, new or not; None where there has never been one.
        renewed: the same if this job has asked for it.
        score: of the entry.
        score_change: by how much that rose or fell since the result before.
        attributes: of the entry that change with it.
        alerts: how many it has raised.
    """

    scorecard: ScorecardResult | None
    renewed: ScorecardResult | None
    score: float | None
    score_change: float | None
    attributes: Mapping[str, Any]
    alerts: int

    def attributes_with(self, metrics: HistoryMetrics | None) -> dict[str, Any]:
        """Return the entry's attributes, what lists show of these metrics included."""
        return {**self.attributes, **in_short(metrics, score=self.score, score_change=self.score_change)}


def _follow_rename(scope: _Scope) -> int:
    """Let the entry have the name to which its host redirected; return how many alerts are new."""
    return _rename(scope, renamed(scope.entry.repository, scope.repository.path))


def _look_at_tags(scope: _Scope, commits: Callable[[], Sequence[Commit]]) -> TagsFound:
    look = TagLook(
        scope.entry,
        scope.repository,
        scope.parts,
        scope.attempt,
        scope.patience,
        scope.job.check,
        scope.now,
        is_news=scope.entry.kind is not JobKind.REPOSITORY_SETUP,
    )
    return look.look(commits)


def _describe(scope: _Scope) -> Package:
    """Return what the host's API says; a name that it alone tells is followed as a redirect is."""
    repository = scope.entry.repository
    package = scope.parts.get(
        "The description is missing", lambda: scope.tools.forge.describe(repository), otherwise=named(repository)
    )
    if package.renamed_to is None:
        return package
    with contextlib.suppress(InvalidRepositoryUrlError):
        origin = scope.entry.origin
        _rename(scope, parse_repository_url(f"{origin}/{package.renamed_to}", (origin,)))
    return package.model_copy(update={"renamed_to": None})


def _rename(scope: _Scope, name: Repository | None) -> int:
    if name is None or name.key == scope.entry.repository.key:
        return 0
    return names.follow(scope.entry, name, scope.now, scope.job.check)


def _health(scope: _Scope, *, is_renewed: bool) -> _Health:
    """Ask for a new result, unless the last one stands, and tell of it; or return what is known."""
    earlier = scorecards_of(health_store.latest(scope.watchlist_id))
    last = earlier[0] if earlier else None
    if not is_renewed:
        shown = summary_of(scope.entry)
        return _Health(last, None, scope.entry.score, shown.score_change if shown else None, {}, 0)
    result = _assess(scope, previous=last)
    alerts = tell_of_health(scope.entry.watchlist_id, earlier, result, scope.now, scope.job.check)
    change = score_change(scope.entry, earlier, result)
    counting = of_result(result, scope.repository.head().sha, scope.now)
    return _Health(result, result, result.score, change, counting, alerts)


_WORK: Mapping[JobKind, Callable[[_Scope], JobResult]] = {
    JobKind.REPOSITORY_SETUP: _set_up,
    JobKind.COMMIT_BACKFILL: functools.partial(_refresh, work=_backfill),
    JobKind.HEALTH_ANALYSIS: functools.partial(_refresh, work=_renew_health),
}


def _reaching_a_person(scope: _Scope, window: CommitWindow, commits: Sequence[Commit]) -> CommitWindow:
    """Look further back where a history that is new is by programs alone: people have written it before, perhaps."""
    known = [*commits, *window.before]
    if not (known and _is_new(scope, window)) or LastCommits.of(known, _people(scope, known), scope.now).by_person:
        return window
    missing = "When a person last made a commit could not be read"
    behind = scope.parts.get(missing, lambda: scope.repository.commits_behind(window), otherwise=tuple[Commit, ...]())
    behind = tuple(map(scope.pseudonyms.of_commit, behind))
    last = LastCommits.of(behind, _people(scope, behind), scope.now).by_person
    return replace(window, before=(*window.before, *(commit for commit in behind if last and commit.sha == last.sha)))


def _is_new(scope: _Scope, window: CommitWindow | None) -> bool:
    """Whether the history is none that earlier jobs knew; a window is None where nothing was fetched."""
    return scope.entry.kind is JobKind.REPOSITORY_SETUP or (window is not None and window.rewritten)


def _outlook(scope: _Scope, window: CommitWindow | None, commits: Sequence[Commit], people: People) -> Outlook:
    """Tell from the window (None: nothing new was fetched) and from what earlier jobs knew, unless it was rewritten."""
    is_new = _is_new(scope, window)
    known = LastCommits.model_validate(scope.entry.last_commits or {}) if not is_new else LastCommits()
    found = LastCommits.of([*commits, *(window.before if window else ())], people, scope.now)
    edges = [None if is_new else scope.entry.history_covered_since, window and window.unexplored_since]
    if window and window.full:
        edges.append(reach_back_to(commits, scope.now))
    if window and window.lost:
        lost = frozenset(window.lost)
        dated = zip(commits, made_at(commits, scope.now), strict=True)
        edges += (at for commit, at in dated if not lost.isdisjoint(commit.parents))
    covered_since = max((edge for edge in edges if edge), default=None)
    return Outlook.at(scope.now, people, found.or_later(known), covered_since)


def _of_history(
    scope: _Scope, window: CommitWindow, commits: Sequence[Commit], outlook: Outlook, manifest: Manifest
) -> dict[str, Any]:
    """Return the entry's attributes that say which history is stored."""
    last = outlook.last.by_person
    notes = (*notes_on(window, outlook, commits), *scope.parts.notes)
    are_all_new = len(window.commits) == len(window.shas)
    bad_before = 0 if window.rewritten or are_all_new else (scope.entry.bad_commits or 0)
    return {
        "head_sha": window.head.sha,
        "default_branch": window.head.branch,
        "checked_at": scope.now,
        "commits": len(commits),
        "bad_commits": bad_before + window.bad_commits,
        "history_since": scope.now - limits.HISTORY_PERIOD,
        "history_covered_since": outlook.covered_since,
        "history_notes": [shorten(each, limits.NOTE_BYTES) for each in notes],
        "branches": list(window.branches) or None,
        "manifest": manifest.stored(),
        "last_commit_at": last.at if last else None,
        "last_commit_sha": last.sha if last else None,
        "last_commits": outlook.last.model_dump(mode="json"),
    }


def _load(scope: _Scope) -> KeptHistory:
    """Return the history that counts; what a lost job has left beside it is removed."""
    stored = history_store.load(scope.entry)
    scope.job.check()
    history_store.clean(scope.attempt, stored, scope.patience)
    return stored


def _stored(entry: Entry, history: KeptHistory) -> StoredHistory | None:
    head: str | None = entry.head_sha
    commits = tuple(
        StoredCommit(kept.commit.sha, kept.commit.parents, kept.commit.committed, kept.knows_its_parents)
        for kept in history.kept
    )
    return StoredHistory(head, commits) if head is not None and not history.is_lost else None


def _store_history(scope: _Scope, window: CommitWindow, stored: KeptHistory, new: Sequence[Commit]) -> Manifest:
    scope.job.report(Stage.STORING_COMMITS, 0, len(new))
    manifest = history_store.save(scope.attempt, window.shas, stored, new, scope.patience)
    scope.job.report(Stage.STORING_COMMITS, len(new), len(new))
    return manifest


def _count_lines(scope: _Scope, window: CommitWindow) -> list[Commit]:
    """Return the new commits in git's order, with their line counts where they can be had."""
    commits = {commit.sha: commit for commit in window.commits}
    total = len(commits)
    scope.job.report(Stage.COUNTING_LINES, 0, total)
    counted: dict[str, tuple[FileChange, ...]] = {}

    def count() -> None:
        for some in _chunks(scope.repository.line_counts(window)):
            counted.update(some)
            scope.job.report(Stage.COUNTING_LINES, len(counted), total)

    scope.parts.get("The line counts broke off", count, otherwise=None)
    commits.update((sha, replace(commits[sha], files=files)) for sha, files in counted.items())
    files, lines = scope.repository.least_files_changed, scope.repository.least_lines_changed
    for sha in [sha for sha, commit in commits.items() if commit.files is None]:
        commits[sha] = replace(commits[sha], least_files=files.get(sha, 0), least_lines=lines.get(sha, 0))
    return list(commits.values())


def _count_again(scope: _Scope, window: CommitWindow, before: Sequence[Commit]) -> list[Commit]:
    """Return those of the stored commits whose lines could not be counted before and are now.

    The newest are tried with each backfill: what a host could not read once, or had no time for, it often can later.
    After some refreshes in vain they are left, until others join them.
    """
    if int(scope.entry.recounts or 0) >= limits.COUNTS_TRIED_AGAIN:
        return []
    stay = frozenset(window.shas)
    uncounted = [commit for commit in before if commit.files is None and commit.sha in stay]
    some = {commit.sha: commit for commit in uncounted[: limits.COUNTED_AGAIN]}
    counted: dict[str, tuple[FileChange, ...]] = {}

    def count() -> None:
        counted.update(scope.repository.recount(list(some.values())))

    if some:
        scope.parts.get("The line counts that were missing could not be had now", count, otherwise=None)
    return [replace(some[sha], files=files) for sha, files in counted.items()]


def _with_brought_in(scope: _Scope, window: CommitWindow, new: Sequence[Commit]) -> Sequence[Commit]:
    """Return the new commits, the merges with what is in none of their parents: that matters to alerts only."""
    unknown: Mapping[str, tuple[FileChange, ...]] = {}
    brought_in = scope.parts.get(
        "What merges bring in of their own is not known", lambda: scope.repository.brought_in(window), otherwise=unknown
    )
    return [replace(commit, brought_in=brought_in.get(commit.sha, ())) for commit in new]


def _window(scope: _Scope, stored: StoredHistory | None = None) -> CommitWindow:
    """Return the commits that are new to what is `stored`, as they may be kept."""
    window = scope.repository.commits(
        since=scope.now - limits.HISTORY_PERIOD, limit=limits.HISTORY_COMMITS, stored=stored
    )
    hidden = scope.pseudonyms.of_commit
    return replace(window, commits=tuple(map(hidden, window.commits)), before=tuple(map(hidden, window.before)))


def _people(scope: _Scope, commits: Sequence[Commit]) -> People:
    return People((commit.author for commit in commits), scope.mailmap) if commits else People()


def _assess(scope: _Scope, previous: ScorecardResult | None) -> ScorecardResult:
    head = scope.repository.head().sha
    if head is None:
        reason = why_empty(scope.repository.head(), scope.repository.branches())
        return no_score(reason, head="", obtained_at=scope.now)
    checkout: Callable[[], Path] = functools.cache(scope.repository.check_out)
    return scope.parts.get(
        "There is no score",
        lambda: scope.tools.assessor.assess(scope.entry.repository, head=head, previous=previous, checkout=checkout),
        otherwise=no_score("Scorecard could not be asked.", head=head, obtained_at=scope.now),
    )


def _measure(scope: _Scope, outlook: Outlook, commits: Sequence[Commit]) -> HistoryMetrics | None:
    missing = "The history's metrics are missing"
    return scope.parts.get(missing, lambda: outlook.measure(commits, scope.now), otherwise=None)


def _store_health(
    scope: _Scope,
    scorecard: ScorecardResult | None,
    commits: Sequence[Commit],
    people: People,
    metrics: HistoryMetrics | None,
) -> None:
    analysis = Analysis(
        analyzed_at=scope.now, head_sha=scope.repository.head().sha, scorecard=scorecard, history_metrics=metrics
    )
    scope.job.check()
    health_store.put(scope.watchlist_id, analysis, KnownPeople.of(people, commits))


def _made_since_setup(scope: _Scope, commits: Sequence[Commit]) -> list[Commit]:
    """Return the commits that were news when they came: a repository's first commits are none."""
    since = scope.entry.processing_completed_at
    dated = zip(commits, made_at(commits, scope.now), strict=True)
    return [commit for commit, at in dated if since is not None and at is not None and at > since]


def _chunks(items: Iterable[T]) -> Iterator[list[T]]:
    chunk: list[T] = []
    for item in items:
        chunk.append(item)
        if len(chunk) == _COUNTED_AT_ONCE:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
