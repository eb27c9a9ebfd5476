"""What a refresh does: only what is new, the same result as a fresh analysis, and alerts once, whatever breaks off."""

from typing import Any

import pytest

from infra.operations.assumptions import ENTRY_UNITS, REPORTS_OF_REFRESH
from tasks import analysis
from tasks.job import RunningJob
from tests.integration.checks.refreshing import RecordedJob, Refreshes, scorecard
from tests.repositories import git
from watchlist import clock
from watchlist.errors import ErrorCode, JobCancelledError, JobError
from watchlist.health import store as health_store
from watchlist.health.scorecard import ScorecardResult, no_score
from watchlist.history.manifest import Manifest
from watchlist.job_kinds import JobKind
from watchlist.jobs import protocol as job_protocol
from watchlist.states import Stage
from watchlist.storage import batches
from watchlist.storage.records import ENTRY_KEY, SEGMENT_PREFIX, Entry, SegmentRecord
from watchlist.watching import entries


def test_an_entry_takes_no_more_units_than_the_costs_assume(refreshes: Refreshes) -> None:
    entry = entries.find(refreshes.entry.watchlist_id)
    assert batches.units(entry.serialize()) <= ENTRY_UNITS


def test_a_refresh_reports_progress_no_more_often_than_the_costs_assume(refreshes: Refreshes) -> None:
    written = RecordedJob()
    lease: Any = written
    refreshes.start(JobKind.COMMIT_BACKFILL, with_health=True)
    refreshes.grow(("new.txt", 3))
    refreshes.analyse(RunningJob(lease, heartbeat=lease))
    assert 1 < len(written.stages) <= REPORTS_OF_REFRESH


def test_an_unchanged_head_ends_a_backfill_at_once(refreshes: Refreshes) -> None:
    refreshes.start(JobKind.COMMIT_BACKFILL)
    job = RecordedJob()
    result = refreshes.run(job)
    assert set(result.attributes) == {"checked_at", "default_branch"}
    assert job.stages == [Stage.CLONING]
    entry = entries.find(refreshes.entry.watchlist_id)
    assert (entry.commits, entry.head_sha) == (40, refreshes.head())


def test_a_backfill_computes_what_a_fresh_analysis_would(refreshes: Refreshes) -> None:
    refreshes.grow(("new.txt", 3), ("file-1.txt", 700), ("new.txt", 5))
    refreshes.refresh(JobKind.COMMIT_BACKFILL)
    refreshed, shown = refreshes.metrics(), refreshes.shas()

    again = Refreshes(refreshes.watchlist, refreshes.path, refreshes.tools, refreshes.assessor, refreshes.entry)
    entry = entries.find(again.entry.watchlist_id)
    entry.job_kind = JobKind.REPOSITORY_SETUP
    job = RecordedJob()
    analysis.analyse(entry, again.tools, job, clock.now())
    Entry(entry.watchlist_id, ENTRY_KEY).update(actions=[Entry.manifest.set(job.published[-1].stored())])

    assert refreshed == again.metrics()
    assert shown == again.shas() == git(refreshes.path, "log", "--format=%H").decode().split()


def test_a_setup_that_is_tried_again_leaves_nothing_of_the_history_that_it_had_shown_before(
    refreshes: Refreshes,
) -> None:
    shown = entries.find(refreshes.entry.watchlist_id)
    shown.job_kind, shown.attempt = JobKind.REPOSITORY_SETUP, shown.attempt + 1
    result = analysis.analyse(shown, refreshes.tools, RecordedJob(), clock.now())
    named = {segment.id for segment in Manifest.of(result.attributes["manifest"]).segments}
    assert named.isdisjoint(segment.id for segment in Manifest.of(shown.manifest).segments)
    kept = SegmentRecord.query(shown.watchlist_id, SegmentRecord.sk.startswith(SEGMENT_PREFIX))
    assert {record.sk.removeprefix(SEGMENT_PREFIX) for record in kept} == named


def test_a_backfill_asks_no_scorecard_and_keeps_the_last_result(refreshes: Refreshes) -> None:
    before = entries.find(refreshes.entry.watchlist_id)
    refreshes.grow(("new.txt", 3))
    refreshes.refresh(JobKind.COMMIT_BACKFILL)
    after = entries.find(refreshes.entry.watchlist_id)
    latest = health_store.latest(after.watchlist_id, 1)[0]
    assert refreshes.assessor.asked == 1
    assert (after.score, after.scorecard_date, after.scorecard_head_sha) == (8, before.scorecard_date, before.head_sha)
    assert latest.scorecard
    assert (latest.head_sha, latest.scorecard.head) == (refreshes.head(), before.head_sha)
    assert after.head_sha == refreshes.head()


def test_a_rewritten_history_is_reconciled_and_told_of_once(refreshes: Refreshes) -> None:
    git(refreshes.path, "reset", "--quiet", "--hard", "HEAD~5")
    refreshes.grow(("other.txt", 1))
    refreshes.start(JobKind.COMMIT_BACKFILL)
    refreshes.analyse()  # an attempt that ends before it completes its job
    refreshes.run()
    assert refreshes.shas() == git(refreshes.path, "log", "--format=%H").decode().split()
    assert refreshes.alerts() == {"ancestry_breaks": 1}


def begin_merge(refreshes: Refreshes, *side: tuple[str, int]) -> None:
    """Add commits on a branch and one beside it, and leave their merge to be committed with the next commit."""
    git(refreshes.path, "checkout", "--quiet", "-b", "side")
    refreshes.grow(*side)
    git(refreshes.path, "checkout", "--quiet", "-")
    refreshes.grow(("main.txt", 3))
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    git(refreshes.path, *identity, "merge", "--quiet", "--no-ff", "--no-commit", "side")


def test_a_merge_is_told_of_by_what_is_in_none_of_its_parents(refreshes: Refreshes) -> None:
    begin_merge(refreshes, ("side.txt", 3))
    for number in range(250):
        (refreshes.path / f"evil{number}.txt").write_text(f"evil {number}\n" * 100)
    git(refreshes.path, "add", "--all")
    refreshes.grow(("side.txt", 3))
    refreshes.refresh(JobKind.COMMIT_BACKFILL)
    assert refreshes.alerts() == {"files_changed": 1, "lines_added_deleted": 1}
    assert refreshes.metrics()["commits_with_lines"] == 42  # a merge has no counts, as in git's log


def test_a_merge_of_what_its_parents_hold_is_told_of_to_nobody(refreshes: Refreshes) -> None:
    begin_merge(refreshes, ("side0.txt", 150), ("side1.txt", 150))
    refreshes.grow(("side0.txt", 150))
    refreshes.refresh(JobKind.COMMIT_BACKFILL)
    assert refreshes.alerts() == {}


def test_another_default_branch_is_no_rewritten_one(refreshes: Refreshes) -> None:
    git(refreshes.path, "checkout", "--quiet", "-b", "other", "HEAD~5")
    refreshes.grow(("other.txt", 1))
    refreshes.refresh(JobKind.COMMIT_BACKFILL)
    assert entries.find(refreshes.entry.watchlist_id).default_branch == "other"
    assert refreshes.alerts() == {}


def test_a_repository_that_was_emptied_has_no_commits(refreshes: Refreshes) -> None:
    git(refreshes.path, "symbolic-ref", "HEAD", "refs/heads/nothing")
    refreshes.refresh(JobKind.COMMIT_BACKFILL)
    entry = entries.find(refreshes.entry.watchlist_id)
    assert (entry.commits, refreshes.shas(), refreshes.alerts()) == (0, [], {})
    assert "head_sha" not in entry.attribute_values


@pytest.mark.parametrize("dies_at", range(1, 5))
def test_a_backfill_that_breaks_off_anywhere_is_done_again_with_the_same_result(
    refreshes: Refreshes, dies_at: int
) -> None:
    refreshes.grow(("huge.txt", 20_000), ("small.txt", 2))
    refreshes.start(JobKind.COMMIT_BACKFILL)
    with pytest.raises(JobCancelledError):
        refreshes.run(RecordedJob(dies_at))

    refreshes.run()

    assert refreshes.alerts() == {"lines_added_deleted": 1}
    assert refreshes.shas() == git(refreshes.path, "log", "--format=%H").decode().split()
    assert refreshes.metrics()["commits_with_lines"] == 42


def test_a_backfill_whose_end_was_not_recorded_is_done_again_with_the_same_result(refreshes: Refreshes) -> None:
    refreshes.grow(("huge.txt", 20_000), ("small.txt", 2))
    refreshes.start(JobKind.COMMIT_BACKFILL)
    for _ in range(2):
        entry = entries.find(refreshes.entry.watchlist_id)
        result = analysis.analyse(entry, refreshes.tools, RecordedJob(), clock.now())
        assert result.attributes["commits"] == 42
    assert refreshes.alerts() == {"lines_added_deleted": 1}


def test_commits_of_a_job_that_failed_for_good_are_news_to_the_next(refreshes: Refreshes) -> None:
    refreshes.grow(("huge.txt", 20_000))
    refreshes.start(JobKind.COMMIT_BACKFILL)
    with pytest.raises(JobCancelledError):
        refreshes.run(RecordedJob(dies_at=4))
    entry = entries.find(refreshes.entry.watchlist_id)
    error = JobError(ErrorCode.PROCESSING_TIMED_OUT, "Too late.")
    job_protocol.record_timed_out(entry, error, clock.now())

    refreshes.refresh(JobKind.COMMIT_BACKFILL)

    assert refreshes.alerts() == {"lines_added_deleted": 1}


def test_a_health_that_got_worse_is_told_of_once(refreshes: Refreshes) -> None:
    refreshes.assessor.result = lambda head: scorecard(2, head, "GHSA-aaaa-bbbb-cccc")
    refreshes.refresh(JobKind.HEALTH_ANALYSIS)
    refreshes.refresh(JobKind.HEALTH_ANALYSIS)
    entry = entries.find(refreshes.entry.watchlist_id)
    assert refreshes.alerts() == {"health_score_decreases": 1, "new_vulnerabilities_detected": 1}
    assert (entry.score, entry.scorecard_head_sha, entry.commits) == (2, refreshes.head(), 40)


def test_one_job_renews_commits_and_health_where_both_are_due(refreshes: Refreshes) -> None:
    refreshes.assessor.result = lambda head: scorecard(2, head)
    refreshes.grow(("huge.txt", 20_000))
    refreshes.refresh(JobKind.COMMIT_BACKFILL, with_health=True)
    entry = entries.find(refreshes.entry.watchlist_id)
    latest = health_store.latest(entry.watchlist_id, 1)[0]
    assert refreshes.alerts() == {"lines_added_deleted": 1, "health_score_decreases": 1}
    assert (entry.score, entry.commits, entry.scorecard_head_sha) == (2, 41, entry.head_sha)
    assert latest.scorecard
    assert (latest.scorecard.head, latest.head_sha) == (entry.head_sha, entry.head_sha)


def test_a_health_is_renewed_although_head_is_where_it_was_when_the_job_comes(refreshes: Refreshes) -> None:
    refreshes.assessor.result = lambda head: scorecard(2, head)
    refreshes.refresh(JobKind.COMMIT_BACKFILL, with_health=True)
    entry = entries.find(refreshes.entry.watchlist_id)
    assert (entry.score, entry.commits) == (2, 40)
    assert refreshes.alerts() == {"health_score_decreases": 1}


@pytest.mark.parametrize(
    ("kind", "new_commits"),
    [(JobKind.COMMIT_BACKFILL, 1), (JobKind.HEALTH_ANALYSIS, 1), (JobKind.HEALTH_ANALYSIS, 0)],
)
def test_a_history_that_lost_a_segment_is_not_measured_as_empty_and_is_fetched_anew(
    refreshes: Refreshes, kind: JobKind, new_commits: int
) -> None:
    measured = refreshes.metrics()
    for record in SegmentRecord.query(refreshes.entry.watchlist_id, SegmentRecord.sk.startswith("SEGMENT#")):
        record.delete()
    refreshes.grow(*[("new.txt", 3)] * new_commits)
    refreshes.refresh(kind)
    assert refreshes.shas() == git(refreshes.path, "log", "--format=%H").decode().split()
    assert new_commits or refreshes.metrics() == measured
    entry = entries.find(refreshes.entry.watchlist_id)
    assert (entry.head_sha, entry.commits, entry.bad_commits) == (refreshes.head(), 40 + new_commits, 0)
    assert not refreshes.alerts()


def test_a_result_without_a_score_in_between_hides_no_decrease(refreshes: Refreshes) -> None:
    refreshes.assessor.result = lambda head: no_score("No source.", head=head, obtained_at=clock.now())
    for _ in range(2):
        refreshes.refresh(JobKind.HEALTH_ANALYSIS)
        assert refreshes.messages() == [
            "There is no health score any more, so whether it fell is not known: No source."
        ]
    refreshes.assessor.result = lambda head: scorecard(3, head)
    refreshes.refresh(JobKind.HEALTH_ANALYSIS)
    assert refreshes.alerts() == {"health_score_decreases": 2}


def test_a_check_that_failed_to_run_is_told_as_not_compared(refreshes: Refreshes) -> None:
    def without_vulnerabilities(head: str) -> ScorecardResult:
        result = scorecard(3, head)
        inconclusive = result.checks[1].model_copy(update={"score": None})
        return result.model_copy(update={"checks": (result.checks[0], inconclusive)})

    refreshes.assessor.result = without_vulnerabilities
    refreshes.refresh(JobKind.HEALTH_ANALYSIS)
    [message] = [each for each in refreshes.messages() if "fell" in each]
    assert message.endswith("Without a result in one of them, and so not compared: Vulnerabilities.")


def test_a_health_analysis_leaves_the_history_to_the_backfill(refreshes: Refreshes) -> None:
    before = entries.find(refreshes.entry.watchlist_id)
    refreshes.grow(("new.txt", 3))
    refreshes.refresh(JobKind.HEALTH_ANALYSIS)
    after = entries.find(refreshes.entry.watchlist_id)
    assert (after.head_sha, after.commits, after.checked_at) == (before.head_sha, 40, before.checked_at)
    assert after.scorecard_head_sha == refreshes.head()


def test_a_check_that_failed_to_run_once_hides_no_decrease_and_is_told_of(refreshes: Refreshes) -> None:
    answers = iter([None, 3])
    refreshes.assessor.result = lambda head: scorecard(next(answers), head)
    refreshes.refresh(JobKind.HEALTH_ANALYSIS)
    assert refreshes.messages()[0].startswith("1 check failed to run")
    refreshes.refresh(JobKind.HEALTH_ANALYSIS)
    assert refreshes.alerts() == {"health_score_decreases": 2}
    assert entries.find(refreshes.entry.watchlist_id).summary["score_change"] < -1
