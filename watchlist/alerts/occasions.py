"""What can happen to a repository that its watchers may be told of; each kind of alert looks at one of these."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal

from watchlist.alerts.baseline import Baseline
from watchlist.health.scorecard import NotRun
from watchlist.health.verdict import Verdict, VerdictState
from watchlist.history.commits import Commit
from watchlist.history.people import People
from watchlist.releases.kept import KeptTag
from watchlist.releases.news import News
from watchlist.repository_url import Repository


@dataclass(frozen=True)
class Occasion:
    """Something that happened."""


@dataclass(frozen=True, kw_only=True)
class NewCommits(Occasion):
    """A refresh found commits. The first commits of a repository are no occasion: everything is new.

    Attributes:
        baseline: what was usual before the new commits, which must not be in it.
        new: commits that were not evaluated before, with their files; in any order. Those whose files are not known
            raise no alert by size or churn.
        people: who wrote the commits; the same as for the baseline.
        recent: stored commits of the calendar weeks that the new ones fall into; rules that count over a week count
            these too. Others, and the new ones themselves, may be among them.
        previous_head: the head of the default branch when it was last looked at.
        head: its head now.
        descends: whether `head` has `previous_head` among its ancestors; None where that is not known.
    """

    baseline: Baseline
    new: Sequence[Commit]
    people: People
    recent: Sequence[Commit] = ()
    previous_head: str | None = None
    head: str | None = None
    descends: bool | None = None

    @cached_property
    def new_by_sha(self) -> Mapping[str, Commit]:
        """The new commits by their ids."""
        return {commit.sha: commit for commit in self.new}

    @cached_property
    def by_time(self) -> Sequence[Commit]:
        """All commits, the earliest first."""
        known = {commit.sha: commit for commit in self.recent}
        return sorted({**known, **self.new_by_sha}.values(), key=lambda commit: (commit.committer.time, commit.sha))

    def newest_of(self, commits: Sequence[Commit]) -> str | None:
        """Return the last of the commits that is new, or None: what is known already raised its alert already."""
        return next((commit.sha for commit in reversed(commits) if commit.sha in self.new_by_sha), None)


@dataclass(frozen=True, slots=True)
class VulnerabilitiesCheck:
    """Scorecard's Vulnerabilities check: its score (0 to 10, None or negative where inconclusive) and detail lines.

    `details` are all of its lines; None where they are not known or were trimmed.
    """

    score: int | None
    details: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class NewHealth(Occasion):
    """An analysis has a result, and there was one before. A first result has nothing to be compared with.

    Attributes:
        previous_result_id: names the result before, such as its date. It is succeeded once, so a job that is run again
            raises the same alert, whatever its own result is called.
        previous_score: 0 to 10 over the checks that are conclusive in *both* results, None or negative where there is
            no such.
        score: likewise, of the new result.
        not_compared: the checks that are conclusive in only one of the two: that one failed to run is no change.
        previous_vulnerabilities: the check in the result before.
        vulnerabilities: the check in the new result.
        not_run: the checks that failed to run in the new result and had a score before.
        no_score: why the new result has no score at all; None where it has one.
        commit_sha: the commit that the new result is of.
    """

    previous_result_id: str
    previous_score: float | None = None
    score: float | None = None
    not_compared: tuple[str, ...] = ()
    previous_vulnerabilities: VulnerabilitiesCheck = VulnerabilitiesCheck(None)
    vulnerabilities: VulnerabilitiesCheck = VulnerabilitiesCheck(None)
    not_run: tuple[NotRun, ...] = ()
    no_score: str | None = None
    commit_sha: str | None = None


@dataclass(frozen=True, kw_only=True)
class SetupEnded(Occasion):
    """The analysis of a repository that was added or retried came to its end.

    Attributes:
        job_id: the job that came to its end; every retry by hand is another job, every attempt is not.
        status: how it ended, for good.
        reason: why it failed, for a person.
    """

    job_id: str
    status: Literal["ready", "failed"]
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Quiet(Occasion):
    """People may have been quiet for long. All times are UTC.

    Attributes:
        last_commit_sha: the last commit of the default branch by a person.
        last_commit_at: when it was made.
        last_commit_by_bot_at: when the last one by a program was made; None where none is known.
        now: when this is evaluated.
    """

    last_commit_sha: str
    last_commit_at: datetime
    now: datetime
    last_commit_by_bot_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Gone(Occasion):
    """The repository vanished, turned private or moved, for sure.

    Attributes:
        gone_since: when the absence was first seen; it names the absence.
        reason: what the host says, for a person.
        failures: checks in a row that found it gone.
    """

    gone_since: datetime
    reason: str
    failures: int


@dataclass(frozen=True, kw_only=True)
class Returned(Occasion):
    """The repository is back after an absence that its watchers were told of: the one that began at `gone_since`."""

    gone_since: datetime


@dataclass(frozen=True, kw_only=True)
class Renamed(Occasion):
    """The host redirects to another owner or name of its own.

    Attributes:
        before: what it was called.
        after: what it is called now.
        previous: when it was renamed before; None for the first time.
    """

    before: Repository
    after: Repository
    previous: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class WebhookGone(Occasion):
    """A watcher's webhook said that it is gone, and was switched off; an occasion for that watcher alone.

    Attributes:
        host: where it was; the rest of its address is a secret.
        reason: what it answered, for a person.
        at: when.
    """

    host: str
    reason: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class VerdictFound(Occasion):
    """A check gave the repository a verdict.

    Attributes:
        before: the verdict of the check before.
        verdict: the present one.
        at: when it was found.
    """

    before: VerdictState
    verdict: Verdict
    at: datetime


@dataclass(frozen=True, kw_only=True)
class TagsChanged(Occasion):
    """A job found other tags than the one before. The first look at a repository is no occasion.

    Attributes:
        news: what happened.
        latest: the latest release now; None where there is none.
        now: when this is evaluated.
    """

    news: News
    latest: KeptTag | None
    now: datetime
