"""The health of a repository at rest: a published score renews it within the check; a task runs where there is none."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from infra.operations import assumptions
from local_service.provisioning import Environment
from tests.forge_server import ForgeServer, Reply
from tests.integration.checks.harness import (
    DAY,
    NEW,
    OLD,
    ConfigureScheduler,
    Host,
    Scheduler,
    Watchlist,
    messages,
)
from tests.integration.recording import Call, operations
from tests.scorecard_reports import report
from tests.unit.commit_factory import ADA, GRACE, a_commit
from watchlist import clock, limits
from watchlist.alerts import store as alert_store
from watchlist.git.protocol import Head
from watchlist.git.remote import HeadReader
from watchlist.health import store as health_store
from watchlist.health.analysis import Analysis
from watchlist.health.report import read_report
from watchlist.health.scorecard import ScorecardSource
from watchlist.health.store import KnownPeople
from watchlist.history import store as history_store
from watchlist.history.metrics import measure
from watchlist.history.people import People
from watchlist.history.store import Attempt, KeptHistory
from watchlist.job_kinds import JobKind
from watchlist.jobs.queue import JobQueue
from watchlist.states import CheckOutcome
from watchlist.storage import batches
from watchlist.storage.records import ENTRY_KEY, HEALTH_PREFIX, Entry, HealthRecord, SegmentRecord
from watchlist.watching import entries

GITHUB = "https://github.com"
MAILMAP = b"Ada King <ada@example.org>\n"


def published(name: str, *, days_ago: float = 2, score: float = 5, **fields: Any) -> Any:
    date = clock.to_json(clock.now() - days_ago * DAY)
    return report(f"github.com/owner/{name}", date=date, score=score, **fields)


@dataclass
class Resting:
    """Repositories on GitHub that stand still, and what the OpenSSF says of them."""

    scheduler: Scheduler
    watchlist: Watchlist
    forge: ForgeServer

    def add(self, name: str = "still", **attributes: Any) -> Entry:
        """Return an entry whose health alone is due, with a history of thirty commits and one analysis."""
        entry = self.watchlist.add(name)
        now = clock.now()
        ago = now - 8 * DAY
        commits = [a_commit(author=(ADA, GRACE)[number % 2], at=ago - number * DAY) for number in range(30)]
        manifest = history_store.save(
            Attempt(entry.watchlist_id, 1, 1),
            [commit.sha for commit in commits],
            KeptHistory((), ()),
            commits,
            batches.REQUEST,
        )
        people = People((commit.author for commit in commits), MAILMAP)
        result = read_report(
            report(f"github.com/owner/{name}", date=clock.to_json(ago), score=7.0),
            name=f"github.com/owner/{name}",
            source=ScorecardSource.FORGE,
            head=OLD,
            obtained_at=ago,
        )
        metrics = measure(commits, people, now=ago)
        analysis = Analysis(analyzed_at=ago, head_sha=OLD, scorecard=result, history_metrics=metrics)
        health_store.put(entry.watchlist_id, analysis, KnownPeople.of(people, commits))
        ready = {
            "manifest": manifest.stored(),
            "commits": 30,
            "checked_at": now,
            "score": 7.0,
            "scorecard_date": ago,
            "scorecard_checked_at": ago,
            "analyzed_at": ago,
        }
        return self.watchlist.complete(entry, **(ready | attributes))


@pytest.fixture
def resting(configure_scheduler: ConfigureScheduler, queue: JobQueue) -> Iterator[Resting]:
    with ForgeServer() as forge:
        scheduler = configure_scheduler(ALLOWED_ORIGINS=GITHUB, SCORECARD_API_BASE_URL=forge.scorecard_api)
        yield Resting(scheduler, Watchlist(Host(origin=GITHUB), queue), forge)


def jobs(environment: Environment) -> int:
    return len(messages(environment, JobKind.HEALTH_ANALYSIS))


def test_a_published_score_renews_the_health_without_a_task(resting: Resting, environment: Environment) -> None:
    entry = resting.add()
    resting.forge.published["github.com/owner/still"] = published("still", score=6.5)

    assert resting.scheduler.run()["RefreshesStarted"] == 0

    after = entries.find(entry.watchlist_id)
    assert jobs(environment) == 0
    assert (after.score, after.summary["score"], after.summary["score_change"]) == (6.5, 6.5, 0)
    assert (after.job_id, after.generation, after.head_sha) == (entry.job_id, entry.generation, OLD)
    assert after.scorecard_checked_at == after.analyzed_at > entry.analyzed_at
    assert timedelta(0) < after.due_at - clock.now() <= DAY
    latest, _ = health_store.latest(entry.watchlist_id)
    assert (latest.analyzed_at, latest.head_sha) == (after.analyzed_at, OLD)
    assert latest.scorecard
    assert (latest.scorecard.source, latest.scorecard.score) == (ScorecardSource.PUBLISHED, 6.5)


def test_the_metrics_are_those_that_a_task_would_compute_now(resting: Resting) -> None:
    entry = resting.add()
    resting.forge.published["github.com/owner/still"] = published("still")
    resting.scheduler.run()
    latest = health_store.latest(entry.watchlist_id, 1)[0]
    commits = history_store.load(entries.find(entry.watchlist_id)).commits
    expected = measure(commits, People((each.author for each in commits), MAILMAP), now=latest.analyzed_at)
    assert latest.history_metrics == expected
    assert [each.name for each in expected.top_contributors] == ["Ada King", "Grace Hopper"]


def test_it_is_renewed_again_from_what_the_check_has_stored(resting: Resting, environment: Environment) -> None:
    entry = resting.add()
    resting.forge.published["github.com/owner/still"] = published("still")
    resting.scheduler.run()
    ago = clock.now() - 8 * DAY
    actions: list[Any] = [Entry.due_at.set(ago), Entry.scorecard_checked_at.set(ago)]
    Entry(entry.watchlist_id, ENTRY_KEY).update(actions=actions)
    resting.scheduler.run()
    assert len(health_store.latest(entry.watchlist_id)) == 3
    assert jobs(environment) == 0


def test_renewing_costs_one_analysis_and_one_write_of_the_entry(resting: Resting, calls: list[Call]) -> None:
    resting.add()
    resting.scheduler.run()  # tells of the setup
    entry = resting.add("other", announced_job_id=None)
    resting.forge.published["github.com/owner/other"] = published("other")
    calls.clear()
    resting.scheduler.run()
    of_entry = [call for call in calls if call.key.get("pk") == {"S": entry.watchlist_id}]
    assert Counter(operations(of_entry)) - Counter({"GetItem": len(of_entry)}) == {"UpdateItem": 1, "PutItem": 1}


def test_renewing_reads_as_many_analyses_as_the_costs_assume(resting: Resting, calls: list[Call]) -> None:
    resting.add()
    resting.forge.published["github.com/owner/still"] = published("still")
    calls.clear()
    resting.scheduler.run()
    asked = [
        call.parameters for call in calls if HEALTH_PREFIX in str(call.parameters.get("ExpressionAttributeValues"))
    ]
    single = operations(calls).count("GetItem")
    assert sum(parameters["Limit"] for parameters in asked) + single == assumptions.ANALYSES_READ


@pytest.mark.parametrize(
    "answer",
    [
        None,
        published("still", days_ago=limits.PUBLISHED_SCORE_AGE.days + 1),
        published("still", days_ago=9),
        published("another"),
        published("still", score=-1),
        {"nothing": "of the kind"},
    ],
    ids=["none", "not scanned any more", "older than what is known", "another's", "inconclusive", "malformed"],
)
def test_without_a_published_score_that_is_news_a_task_is_started(
    resting: Resting, environment: Environment, answer: Any
) -> None:
    entry = resting.add()
    if answer is not None:
        resting.forge.published["github.com/owner/still"] = answer
    assert resting.scheduler.run()["RefreshesStarted"] == 1
    assert jobs(environment) == 1
    after = entries.find(entry.watchlist_id)
    assert (after.score, after.analyzed_at, len(health_store.latest(entry.watchlist_id))) == (7.0, entry.analyzed_at, 1)


def test_a_repository_that_has_moved_since_its_last_health_is_a_tasks(
    resting: Resting, environment: Environment
) -> None:
    resting.add(head_sha=NEW)
    resting.forge.published["github.com/owner/still"] = published("still")
    resting.scheduler.run()
    assert (jobs(environment), resting.forge.requests) == (1, [])


def test_a_history_that_lost_a_segment_is_a_tasks(resting: Resting, environment: Environment) -> None:
    entry = resting.add()
    resting.forge.published["github.com/owner/still"] = published("still")
    for record in SegmentRecord.query(entry.watchlist_id, SegmentRecord.sk.startswith("SEGMENT#")):
        record.delete()
    resting.scheduler.run()
    assert jobs(environment) == 1
    assert len(health_store.latest(entry.watchlist_id)) == 1


def test_where_it_is_not_known_what_the_mailmap_says_a_task_looks(resting: Resting, environment: Environment) -> None:
    entry = resting.add()
    (record,) = HealthRecord.query(entry.watchlist_id, HealthRecord.sk.startswith(HEALTH_PREFIX))
    record.update(actions=[HealthRecord.renames.remove()])
    resting.forge.published["github.com/owner/still"] = published("still")
    resting.scheduler.run()
    assert jobs(environment) == 1


def test_servers_in_trouble_are_left_alone_and_tasks_are_started(resting: Resting, environment: Environment) -> None:
    names = [f"still-{number}" for number in range(limits.HOST_FAILURES_IN_A_ROW)]
    for name in names:
        resting.add(name)
        resting.forge.replies[f"/scorecard/projects/github.com/owner/{name}"] = Reply(503, {})
    resting.scheduler.run()
    asked = len(resting.forge.requests)
    resting.add("late")
    resting.scheduler.run()
    assert (asked, len(resting.forge.requests), jobs(environment)) == (len(names), len(names), len(names) + 1)


def test_a_lower_score_is_told_once(resting: Resting) -> None:
    entry = resting.add()
    scores = dict.fromkeys([check["name"] for check in report()["checks"]], 3)
    resting.forge.published["github.com/owner/still"] = published("still", score=3, scores=scores)
    resting.scheduler.run()
    user_watchlist_id = entries.user_watchlist_id_of(entry.watchlist_id, "ada")
    page = alert_store.page(user_watchlist_id, clock.now() - DAY, 100, None)
    assert [record.alert["kind"] for record in page.alerts].count("health_score_decreases") == 1


def test_an_entry_that_moves_on_meanwhile_keeps_what_it_has(resting: Resting, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = resting.add()
    resting.forge.published["github.com/owner/still"] = published("still", score=2)
    put = health_store.put

    def put_late(watchlist_id: str, *more: Any) -> None:
        put(watchlist_id, *more)
        Entry(watchlist_id, ENTRY_KEY).update(actions=[Entry.generation.add(1)])

    monkeypatch.setattr(health_store, "put", put_late)
    resting.scheduler.run()
    after = entries.find(entry.watchlist_id)
    assert (after.score, after.analyzed_at, after.due_at) == (7.0, entry.analyzed_at, entry.due_at)


def test_a_check_that_asks_for_head_writes_both_at_once(resting: Resting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HeadReader, "head", lambda *_: Head(OLD, "trunk", "sha1"))
    entry = resting.add(checked_at=clock.now() - 2 * DAY)
    resting.forge.published["github.com/owner/still"] = published("still", score=6)
    resting.scheduler.run()
    after = entries.find(entry.watchlist_id)
    assert (after.score, after.default_branch, after.check_failures) == (6, "trunk", 0)
    assert after.last_check.outcome is CheckOutcome.UNCHANGED
    assert clock.to_json(after.last_check.at) == clock.to_json(after.checked_at)
    assert after.due_at == after.checked_at + DAY
