"""The states that an entry and its job go through."""

from enum import StrEnum

from watchlist.job_kinds import JobKind


class EntryStatus(StrEnum):
    """What the person who polls sees."""

    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"
    REMOVED = "removed"
    """Nobody watches it any more; its data is being deleted, and it is shown to nobody."""


class JobState(StrEnum):
    """Where the entry's current job is.

    queued -> running -> completed | failed, with running -> retrying -> running between attempts.
    """

    QUEUED = "queued"
    RUNNING = "running"
    RETRYING = "retrying"
    COMPLETED = "completed"
    FAILED = "failed"

    @property
    def is_open(self) -> bool:
        """Whether the job still has to end."""
        return self in OPEN_STATES


OPEN_STATES = frozenset({JobState.QUEUED, JobState.RUNNING, JobState.RETRYING})


class Stage(StrEnum):
    """What a job does at the moment, in this order; `progress.stage`."""

    QUEUED = "queued"
    STARTING = "starting"
    CLONING = "cloning"
    COUNTING_LINES = "counting_lines"
    STORING_COMMITS = "storing_commits"
    ANALYZING = "analyzing"
    DONE = "done"


class DueKind(StrEnum):
    """Who must look at an entry when its `due_at` comes."""

    JOB = "job"
    CHECK = "check"
    REFRESH = "refresh"
    """A refresh is due, since the moment `due_at`, and was put off."""

    REMOVAL = "removal"
    MERGE = "merge"
    """Its watchers are to be moved to another entry of the same repository."""

    DIGEST = "digest"
    REPORT = "report"


class CheckOutcome(StrEnum):
    """How the last look at an entry ended; `last_check.outcome`."""

    COMPLETED = "completed"
    """A job brought it up to date."""

    UNCHANGED = "unchanged"
    """HEAD is where it was."""

    FAILED = "failed"
    """A job failed, or the host did not tell HEAD; the last good data stands."""


class Share(StrEnum):
    """The tasks that are bounded together: setups never wait for refreshes."""

    SETUP = "setup"
    REFRESH = "refresh"

    @classmethod
    def of(cls, kind: JobKind) -> "Share":
        """Return the share of jobs of `kind`."""
        return cls.REFRESH if kind.is_refresh else cls.SETUP
