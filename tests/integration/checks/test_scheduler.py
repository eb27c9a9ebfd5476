"""Due entries are checked once, by one request, and what follows is what HEAD says."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local_service.aws.faults import Fault
from local_service.provisioning import Environment
from tests.integration.aws import Aws
from tests.integration.checks.harness import DAY, NEW, OLD, ConfigureScheduler, Host, Scheduler, Watchlist, messages
from tests.integration.recording import Call, operations
from watchlist import clock, limits
from watchlist.alerts import store as alert_store
from watchlist.checks import scheduler_runs
from watchlist.errors import ErrorCode, JobError
from watchlist.git.tags import tags_of
from watchlist.history.last_commits import LastCommit, LastCommits
from watchlist.job_kinds import JobKind
from watchlist.jobs import protocol as job_protocol
from watchlist.releases.listing import Listing
from watchlist.states import DueKind, EntryStatus, JobState, Stage
from watchlist.storage.last_check import CheckError
from watchlist.storage.records import ENTRY_KEY, Entry, HostPause
from watchlist.watching import entries, user_entries

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def alerts_of(entry: Entry, user: str = "ada") -> list[str]:
    user_watchlist_id = entries.user_watchlist_id_of(entry.watchlist_id, user)
    return sorted(record.alert["kind"] for record in alert_store.page(user_watchlist_id, LONG_AGO, 100, None).alerts)


def make_due(entry: Entry) -> Entry:
    """Let the entry's check be due, as if the time had passed."""
    now = clock.now()
    stored = Entry(entry.watchlist_id, ENTRY_KEY)
    actions: list[Any] = [Entry.due_at.set(now), Entry.checked_at.set(now - 2 * DAY)]
    last_check = entries.find(entry.watchlist_id).last_check
    if last_check:
        actions.append(Entry.last_check.set(last_check.model_copy(update={"at": now - 60 * DAY})))
    stored.update(actions=actions, condition=Entry.due_kind == DueKind.CHECK)
    return entries.find(entry.watchlist_id)


def test_an_unchanged_repository_costs_one_request_and_is_due_again_in_a_day(
    scheduler: Scheduler, watchlist: Watchlist, host: Host, environment: Environment
) -> None:
    entry = watchlist.add_ready("still")
    began = clock.now()

    counts = scheduler.run()

    after = entries.find(entry.watchlist_id)
    assert host.requests == ["/owner/still/git-upload-pack"]
    assert (counts["EntriesChecked"], counts["RefreshesStarted"], counts["CheckLag"]) == (1, 0, 0)
    assert began <= after.checked_at <= clock.now()
    assert after.due_at == after.checked_at + DAY
    assert (after.last_check.outcome, after.last_check.error) == ("unchanged", None)
    assert messages(environment, JobKind.COMMIT_BACKFILL) == []


def test_an_unchanged_repository_costs_one_write(scheduler: Scheduler, watchlist: Watchlist, calls: list[Call]) -> None:
    entries_due = [watchlist.add_ready(f"still-{number}") for number in range(3)]
    scheduler.run()
    for entry in entries_due:
        make_due(entry)
    calls.clear()
    scheduler.run()
    # The run's own: take and give back the right to run; look for due entries and refreshes, open ones, hosts, the lag.
    assert Counter(operations(calls)) == {"UpdateItem": 3, "PutItem": 1, "DeleteItem": 1, "BatchGetItem": 1, "Query": 7}


def test_an_entry_that_is_not_due_is_left_alone(scheduler: Scheduler, watchlist: Watchlist, host: Host) -> None:
    entry = watchlist.complete(watchlist.add("fresh"))
    scheduler.run()
    scheduler.run()
    assert host.requests == []
    assert entries.find(entry.watchlist_id).due_at == entry.checked_at + DAY


def test_a_head_that_moved_starts_one_backfill(
    scheduler: Scheduler, watchlist: Watchlist, host: Host, environment: Environment
) -> None:
    entry = watchlist.add_ready("lively")
    host.heads["lively"] = NEW

    scheduler.run()
    scheduler.run()

    after = entries.find(entry.watchlist_id)
    (message,) = messages(environment, JobKind.COMMIT_BACKFILL)
    assert (message.watchlist_id, message.generation, message.job_id) == (entry.watchlist_id, 2, after.job_id)
    assert (after.entry_status, after.state, after.due_kind) == (EntryStatus.READY, JobState.QUEUED, DueKind.JOB)
    assert (after.head_sha, after.processing_completed_at) == (OLD, entry.processing_completed_at)
    assert host.requests == ["/owner/lively/git-upload-pack"]


def test_tags_that_changed_start_one_backfill_and_unchanged_ones_cost_no_more_than_head(
    scheduler: Scheduler, watchlist: Watchlist, host: Host, environment: Environment, calls: list[Call]
) -> None:
    host.tags = {f"v1.{number}": OLD for number in range(10_000)}
    digest = tags_of(f"{OLD} refs/tags/{tag}".encode() for tag in host.tags).digest
    entry = watchlist.add_ready("released", tags=Listing(digest, 10_000, 0, ()).stored())
    scheduler.run()
    make_due(entry)
    calls.clear()

    scheduler.run()
    unchanged = Counter(operations(calls))
    make_due(entry)
    host.tags["v1.9999"] = NEW
    scheduler.run()
    scheduler.run()

    (message,) = messages(environment, JobKind.COMMIT_BACKFILL)
    assert message.watchlist_id == entry.watchlist_id
    assert (unchanged["UpdateItem"], unchanged["Query"]) == (1, 7)
    assert host.requests == ["/owner/released/git-upload-pack"] * 3


def test_a_health_that_is_too_old_starts_an_analysis(
    scheduler: Scheduler, watchlist: Watchlist, environment: Environment
) -> None:
    watchlist.add_ready("aged", scorecard_checked_at=clock.now() - 8 * DAY)
    scheduler.run()
    assert len(messages(environment, JobKind.HEALTH_ANALYSIS)) == 1


def test_a_renamed_default_branch_is_noticed_without_a_job(
    scheduler: Scheduler, watchlist: Watchlist, host: Host
) -> None:
    entry = watchlist.add_ready("renamed")
    host.branch = "trunk"
    assert scheduler.run()["RefreshesStarted"] == 0
    assert entries.find(entry.watchlist_id).default_branch == "trunk"


def test_a_failed_refresh_leaves_the_entry_ready_and_is_tried_again_after_a_day(
    scheduler: Scheduler, watchlist: Watchlist, host: Host
) -> None:
    entry = watchlist.add_ready("lively", commits=7)
    host.heads["lively"] = NEW
    scheduler.run()
    error = JobError(ErrorCode.REPOSITORY_TOO_LARGE, "Too large.")
    watchlist.claim(entry).fail(error, Stage.CLONING, clock.now())

    scheduler.run()

    after = entries.find(entry.watchlist_id)
    assert (after.entry_status, after.head_sha, after.commits) == (EntryStatus.READY, OLD, 7)
    assert "last_error" not in after.attribute_values
    assert after.last_check.error == CheckError(code=ErrorCode.REPOSITORY_TOO_LARGE, message="Too large.")
    assert after.due_kind == DueKind.CHECK
    assert after.due_at - clock.now() > DAY - timedelta(minutes=1)


def test_watchers_are_told_once_that_a_setup_is_finished(scheduler: Scheduler, watchlist: Watchlist) -> None:
    entry = watchlist.add("finished", "ada", "grace")
    watchlist.complete(entry)
    for _ in range(3):
        scheduler.run()
        make_due(entry)
    assert alerts_of(entry, "ada") == alerts_of(entry, "grace") == ["processing_finished"]


@pytest.mark.parametrize(("fails", "open_alerts"), [(False, 0), (True, 1)], ids=["ready", "failed"])
def test_that_a_setup_failed_is_an_open_alert_and_that_it_is_ready_is_none(
    scheduler: Scheduler, watchlist: Watchlist, *, fails: bool, open_alerts: int
) -> None:
    entry = watchlist.add("ended")
    if fails:
        error = JobError(ErrorCode.REPOSITORY_NOT_FOUND, "There is none.")
        watchlist.claim(entry).fail(error, Stage.CLONING, clock.now())
    else:
        watchlist.complete(entry)
    scheduler.run()
    assert alerts_of(entry) == ["processing_finished"]
    assert len(alert_store.open_alerts("ada").alerts) == open_alerts


def test_watchers_are_told_that_a_setup_failed_and_the_entry_is_then_left_alone(
    scheduler: Scheduler, watchlist: Watchlist
) -> None:
    entry = watchlist.add("missing")
    error = JobError(ErrorCode.REPOSITORY_NOT_FOUND, "There is none.")
    watchlist.claim(entry).fail(error, Stage.CLONING, clock.now())

    scheduler.run()

    assert alerts_of(entry) == ["processing_finished"]
    assert entries.find(entry.watchlist_id).due_kind is None


def test_a_setup_that_failed_by_something_that_passes_comes_back_and_is_told_of_once(
    scheduler: Scheduler, watchlist: Watchlist, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SETUP_AGAIN", timedelta(0))
    monkeypatch.setattr(limits, "MAX_ATTEMPTS", 1)
    entry = watchlist.add("unreachable")
    error = JobError(ErrorCode.HOST_UNREACHABLE, "The host cannot be reached.")
    for failures in (1, 2, 3):
        watchlist.claim(entries.find(entry.watchlist_id)).fail(error, Stage.CLONING, clock.now())
        assert entries.find(entry.watchlist_id).check_failures == failures
        scheduler.run()
        again = entries.find(entry.watchlist_id)
        assert (again.status, again.job_kind, again.generation) == ("processing", "repository-setup", failures + 1)
    assert alerts_of(entry) == ["processing_finished"]


def test_watchers_are_told_once_when_a_repository_vanishes_and_once_when_it_is_back(
    scheduler: Scheduler, watchlist: Watchlist, host: Host
) -> None:
    entry = watchlist.add_ready("fugitive")
    scheduler.run()
    host.statuses["fugitive"] = 404
    pauses = []
    for expected in (0, 1, 1, 1):
        make_due(entry)
        scheduler.run()
        after = entries.find(entry.watchlist_id)
        pauses.append(round((after.due_at - clock.now()) / timedelta(hours=1)))
        assert alerts_of(entry).count("repository_unavailable") == expected
        assert after.last_check.error is not None
        assert after.last_check.error.code is ErrorCode.REPOSITORY_NOT_FOUND
    assert pauses == [1, 24, 48, 96]

    del host.statuses["fugitive"]
    for _ in range(2):
        make_due(entry)
        scheduler.run()
    assert alerts_of(entry).count("repository_unavailable") == 2
    after = entries.find(entry.watchlist_id)
    assert after.check_failures == 0
    assert "gone_since" not in after.attribute_values


def test_watchers_are_told_of_silence_once_and_as_late_as_they_want(scheduler: Scheduler, watchlist: Watchlist) -> None:
    last = LastCommit(sha=OLD, at=clock.now() - 100 * DAY, author="Ada")
    quiet = {"last_commits": LastCommits(by_person=last).model_dump(mode="json")}
    entry = watchlist.add_ready("quiet", "ada", **quiet)
    added_at = user_entries.find(entries.user_watchlist_id_of(entry.watchlist_id, "ada"), None)
    added_at.update(actions=[type(added_at).added_at.set(clock.now() - 99 * DAY)])
    watchlist.add("quiet", "late")
    for _ in range(2):
        scheduler.run()
        make_due(entry)
    assert alerts_of(entry, "ada").count("inactivity") == 1
    assert "inactivity" not in alerts_of(entry, "late")


def test_a_host_that_asks_for_fewer_requests_is_left_alone_and_nothing_is_lost(
    configure_scheduler: ConfigureScheduler, watchlist: Watchlist, host: Host
) -> None:
    watched = [watchlist.add_ready(f"busy-{number}") for number in range(6)]
    host.statuses = {f"busy-{number}": 429 for number in range(6)}
    scheduler = configure_scheduler(CHECKS_AT_ONCE="1")

    scheduler.run()

    assert len(host.requests) == 1
    after = [entries.find(entry.watchlist_id) for entry in watched]
    now = clock.now()
    assert all(timedelta(minutes=4) < entry.due_at - now for entry in after)
    assert sorted(Counter(entry.check_failures for entry in after).items()) == [(0, 5), (1, 1)]

    host.statuses = {}
    for entry in watched:
        make_due(entry)
    scheduler.run()
    assert len(host.requests) == 1


def test_a_host_that_fails_a_few_times_in_a_row_is_left_alone(
    configure_scheduler: ConfigureScheduler, watchlist: Watchlist, host: Host
) -> None:
    for number in range(8):
        watchlist.add_ready(f"down-{number}")
    host.statuses = {f"down-{number}": 500 for number in range(8)}
    configure_scheduler(CHECKS_AT_ONCE="1").run()
    assert len(host.requests) == limits.HOST_FAILURES_IN_A_ROW


def test_a_host_that_answers_slowly_is_left_alone_after_a_few_answers_which_count(
    configure_scheduler: ConfigureScheduler, watchlist: Watchlist, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = [watchlist.add_ready(f"slow-{number}") for number in range(8)]
    monkeypatch.setattr(limits, "HOST_SLOW", timedelta(0))
    scheduler = configure_scheduler(CHECKS_AT_ONCE="1")

    for runs in (1, 2):
        scheduler.run()
        now = clock.now()
        after = [entries.find(entry.watchlist_id) for entry in watched]
        put_off = [entry for entry in after if entry.due_at - now < timedelta(hours=1)]
        assert len(host.requests) == len(set(host.requests)) == runs * limits.HOST_FAILURES_IN_A_ROW
        assert len(put_off) == 8 - runs * limits.HOST_FAILURES_IN_A_ROW
        assert all(now < entry.due_at <= now + 1.25 * limits.HOST_BACK_OFF for entry in put_off)
        assert all(entry.check_failures == 0 for entry in after)
        for entry in put_off:
            make_due(entry)
        HostPause(HostPause.PK, host.origin).update(actions=[HostPause.until.set(now)])


def test_one_broken_repository_does_not_stop_its_host(
    configure_scheduler: ConfigureScheduler, watchlist: Watchlist, host: Host
) -> None:
    for number in range(8):
        watchlist.add_ready(f"mixed-{number}")
    host.statuses = {"mixed-0": 500, "mixed-4": 500}
    configure_scheduler(CHECKS_AT_ONCE="1").run()
    assert len(host.requests) == 8


def test_no_more_refreshes_are_started_than_may_be_open(
    configure_scheduler: ConfigureScheduler, watchlist: Watchlist, host: Host
) -> None:
    for number in range(6):
        watchlist.add_ready(f"many-{number}")
        host.heads[f"many-{number}"] = NEW
    scheduler = configure_scheduler(MAX_OPEN_REFRESHES="4")
    first, second = scheduler.run(), scheduler.run()
    assert (first["RefreshesStarted"], first["RefreshesPutOff"]) == (4, 2)
    assert (second["RefreshesStarted"], second["RefreshesPutOff"]) == (0, 0)


def put_off_some(configure_scheduler: ConfigureScheduler, watchlist: Watchlist, host: Host, number: int) -> list[Entry]:
    """Let HEAD of so many repositories move while one refresh is open, and be looked at; the one due first is first."""
    busy = watchlist.add_ready("busy")
    host.heads["busy"] = NEW
    configure_scheduler(MAX_OPEN_REFRESHES="1").run()
    now, waiting = clock.now(), []
    for index in range(number):
        entry = watchlist.add_ready(f"late-{index}")
        host.heads[f"late-{index}"] = NEW
        Entry(entry.pk, ENTRY_KEY).update([Entry.due_at.set(now - timedelta(hours=number - index))])
        waiting.append(entry)
    assert configure_scheduler(MAX_OPEN_REFRESHES="1").run()["RefreshesPutOff"] == number
    watchlist.complete(busy)
    return [entries.find(entry.watchlist_id) for entry in waiting]


def test_a_refresh_that_is_put_off_remembers_that_head_moved_and_since_when_it_waits(
    configure_scheduler: ConfigureScheduler, watchlist: Watchlist, host: Host
) -> None:
    began = clock.now()
    waiting = put_off_some(configure_scheduler, watchlist, host, 2)
    asked = len(host.requests)
    host.heads.clear()

    counts = configure_scheduler(MAX_OPEN_REFRESHES="1").run()

    assert all(began <= entry.checked_at for entry in waiting)
    assert counts["RefreshesStarted"] == 1
    assert [entries.find(entry.watchlist_id).due_kind for entry in waiting] == [DueKind.JOB, DueKind.REFRESH]
    assert [path for path in host.requests[asked:] if "late" in path] == [], "it is not asked for again"
    assert entries.find(waiting[0].watchlist_id).kind is JobKind.COMMIT_BACKFILL


def test_refreshes_that_were_put_off_start_oldest_first_and_before_those_that_come_due_later(
    configure_scheduler: ConfigureScheduler, watchlist: Watchlist, host: Host
) -> None:
    waiting = put_off_some(configure_scheduler, watchlist, host, 3)
    watchlist.add_ready("newcomer")
    host.heads["newcomer"] = NEW
    started = []
    for _ in range(3):
        configure_scheduler(MAX_OPEN_REFRESHES="1").run()
        (open_entry,) = Entry.by_queue.query(JobKind.COMMIT_BACKFILL)
        started.append(open_entry.pk)
        watchlist.complete(entries.find(open_entry.pk))

    assert started == [entry.pk for entry in waiting]


def test_the_lag_counts_from_the_moment_at_which_a_refresh_was_due_first(
    configure_scheduler: ConfigureScheduler, watchlist: Watchlist, host: Host
) -> None:
    put_off_some(configure_scheduler, watchlist, host, 3)

    lag = configure_scheduler(MAX_OPEN_REFRESHES="1").run()["CheckLag"]

    assert timedelta(hours=2) <= timedelta(seconds=lag) < timedelta(hours=2, minutes=5)


def test_who_stops_watching_what_waits_for_a_refresh_takes_it_along(
    configure_scheduler: ConfigureScheduler, watchlist: Watchlist, host: Host
) -> None:
    (waiting,) = put_off_some(configure_scheduler, watchlist, host, 1)
    user_entries.stop_watching(user_entries.find(entries.user_watchlist_id_of(waiting.pk, "ada"), None), clock.now())

    assert configure_scheduler(MAX_OPEN_REFRESHES="1").run()["RefreshesStarted"] == 0


def test_a_run_that_has_no_time_left_leaves_the_rest_to_the_next(
    scheduler: Scheduler, watchlist: Watchlist, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CHECKS_PAGE", 5)
    monkeypatch.setattr(limits, "CHECKS_OF_ONE_RUN", 10)
    names = {f"page-{number}" for number in range(23)}
    for name in names:
        watchlist.add_ready(name)

    assert scheduler.run(seconds=0)["EntriesChecked"] == 0
    checked = [scheduler.run()["EntriesChecked"] for _ in range(4)]

    assert checked == [10, 10, 3, 0]
    assert Counter(host.requests) == Counter({f"/owner/{name}/git-upload-pack": 1 for name in names})


def test_two_runs_at_once_check_nothing_twice(scheduler: Scheduler, watchlist: Watchlist, host: Host) -> None:
    for number in range(20):
        watchlist.add_ready(f"twice-{number}")
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: scheduler.run(), range(2)))
    assert len(host.requests) == len(set(host.requests)) == 20


def test_a_run_that_died_holds_up_the_others_no_longer_than_it_could_have_lasted(
    scheduler: Scheduler, watchlist: Watchlist, host: Host
) -> None:
    watchlist.add_ready("waiting")
    scheduler_runs.begin("dead", clock.now())
    assert scheduler.run() == {}
    scheduler_runs.end("dead")
    scheduler_runs.begin("dead", clock.now() - limits.SCHEDULER_TIMEOUT)
    assert scheduler.run()["EntriesChecked"] == 1
    assert len(host.requests) == 1


def test_a_message_that_cannot_be_sent_is_left_to_the_reconciler(
    scheduler: Scheduler, watchlist: Watchlist, host: Host, aws: Aws
) -> None:
    entry = watchlist.add_ready("lively")
    host.heads["lively"] = NEW
    aws.server.inject(Fault(service="sqs", operation="SendMessage"))
    scheduler.run()
    aws.server.inject()
    after = entries.find(entry.watchlist_id)
    assert (after.state, after.due_kind) == (JobState.QUEUED, DueKind.JOB)
    assert after.due_at - after.job_queued_at == limits.SEND_TIMEOUT


def test_of_two_checks_of_one_entry_only_one_starts_a_job(watchlist: Watchlist) -> None:
    entry = watchlist.add_ready("contended")
    job_protocol.start_refresh(entry, JobKind.COMMIT_BACKFILL, {}, "1" * 32, clock.now())
    with pytest.raises(job_protocol.SupersededError):
        job_protocol.start_refresh(entry, JobKind.HEALTH_ANALYSIS, {}, "2" * 32, clock.now())
    with pytest.raises(job_protocol.SupersededError):
        job_protocol.settle_check(entry, clock.now(), {})


def test_an_entry_that_nobody_watches_any_more_is_not_checked(
    scheduler: Scheduler, watchlist: Watchlist, host: Host
) -> None:
    entry = watchlist.add_ready("left")
    user_entries.stop_watching(
        user_entries.find(entries.user_watchlist_id_of(entry.watchlist_id, "ada"), None), clock.now()
    )
    scheduler.run()
    assert host.requests == []


def test_a_check_that_was_asked_for_is_done_though_none_is_due(
    scheduler: Scheduler, watchlist: Watchlist, host: Host
) -> None:
    entry = watchlist.add_ready("asked")
    scheduler.run()
    clock_now = clock.now()
    Entry(entry.watchlist_id, ENTRY_KEY).update(
        actions=[Entry.check_requested_at.set(clock_now), Entry.due_at.set(clock_now)]
    )

    scheduler.run()
    scheduler.run()

    assert host.requests == ["/owner/asked/git-upload-pack"] * 2


def test_a_verdict_that_changes_is_told_once(scheduler: Scheduler, watchlist: Watchlist) -> None:
    entry = watchlist.add_ready("falls-silent")
    scheduler.run()
    make_due(entry)
    now = clock.now()
    summary = {
        "measured_at": now.isoformat(),
        "weeks": [0] * 52,
        "covered_weeks": 52,
        "commits_total": 1,
        "last_commit_by_person_at": (now - 100 * DAY).isoformat(),
        "last_commit_by_bot_at": None,
        "absence_factor": 1,
        "people_active": 0,
        "activity": 10,
        "score": None,
        "score_change": None,
    }
    Entry(entry.watchlist_id, ENTRY_KEY).update(
        actions=[Entry.summary.set(summary), Entry.verdict.set("active"), Entry.head_sha.set(OLD)]
    )

    scheduler.run()
    make_due(entry)
    scheduler.run()

    assert entries.find(entry.watchlist_id).verdict == "quiet"
    assert alerts_of(entry).count("verdict_changes") == 1


def test_an_entry_for_which_no_verdict_can_be_found_is_checked_all_the_same(
    scheduler: Scheduler, watchlist: Watchlist, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(*_: object) -> None:
        raise ZeroDivisionError

    entry = watchlist.add_ready("odd")
    monkeypatch.setattr("watchlist.checks.run.verdict_of", break_off)
    assert scheduler.run()["ChecksFailed"] == 0
    assert entries.find(entry.watchlist_id).due_at > clock.now()
