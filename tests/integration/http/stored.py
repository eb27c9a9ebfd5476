"""What workers, and many users, would have stored."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.alerts import files_changed
from watchlist import clock
from watchlist.alerts import store as alert_store
from watchlist.alerts.alert import Alert
from watchlist.errors import ErrorCode, JobError
from watchlist.git.tag import Tag
from watchlist.health import store as health_store
from watchlist.health.analysis import Analysis
from watchlist.health.scorecard import no_score
from watchlist.history import metrics as history_metrics
from watchlist.history import store as history_store
from watchlist.history.commits import Commit, FileChange, Signature
from watchlist.history.people import People
from watchlist.history.store import Attempt
from watchlist.jobs.protocol import find_entry
from watchlist.releases import store as release_store
from watchlist.releases.catalog import Catalog
from watchlist.releases.summary import LatestRelease, ReleaseSummary
from watchlist.states import CheckOutcome, EntryStatus, JobState, Stage
from watchlist.storage import batches
from watchlist.storage.last_check import LastCheck
from watchlist.storage.records import ENTRY_KEY, Entry, LastError, UserEntry, WatchlistItem
from watchlist.watching.entries import user_watchlist_id_of

_NOT_THERE = JobError(ErrorCode.REPOSITORY_NOT_FOUND, "It is not there.")

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def end_job(watchlist_id: str, status: EntryStatus) -> None:
    """Let the entry's job have ended."""
    failed = status is EntryStatus.FAILED
    reason = [Entry.last_error.set(LastError.of(_NOT_THERE, Stage.CLONING, clock.now()))] if failed else []
    Entry(watchlist_id, ENTRY_KEY).update(
        actions=[
            Entry.status.set(status),
            Entry.job_state.set(JobState.FAILED if failed else JobState.COMPLETED),
            *reason,
            Entry.processing_completed_at.set(clock.now()),
            Entry.open_queue.remove(),
            Entry.due_kind.remove(),
            Entry.due_at.remove(),
        ]
    )


def hold(watchlist_id: str, until: datetime) -> None:
    """Let a task hold the entry."""
    Entry(watchlist_id, ENTRY_KEY).update(
        actions=[
            Entry.job_state.set(JobState.RUNNING),
            Entry.lease_owner.set("message-1"),
            Entry.lease_expires_at.set(until),
        ]
    )


def commit(number: int, *, author: str = "Ada", message: str = "text", at: datetime | None = None) -> Commit:
    """The `number`th newest commit."""
    signature = Signature(author, f"{author.lower()}@example.org", at or NOW - timedelta(minutes=number))
    return Commit(
        sha=f"{number:040x}",
        parents=(),
        author=signature,
        committer=signature,
        subject=message[:50],
        message=message,
        signed=False,
        files=(FileChange("README", 1, 2),),
    )


def store_commits(watchlist_id: str, count: int) -> None:
    store_history(watchlist_id, [commit(number) for number in range(count)])


def store_history(watchlist_id: str, commits: Sequence[Commit], generation: int = 1) -> None:
    """Let these be the commits of an entry, as a job of that generation leaves them."""
    entry = Entry.get(watchlist_id, ENTRY_KEY)
    stored = history_store.load(entry)
    had = {each.sha for each in stored.commits}
    new = [each for each in commits if each.sha not in had]
    attempt = Attempt(watchlist_id, generation, 1)
    history_store.clean(attempt, stored, batches.REQUEST)
    manifest = history_store.save(attempt, [each.sha for each in commits], stored, new, batches.REQUEST)
    entry.update(actions=[Entry.manifest.set(manifest.stored())])


def store_health(watchlist_id: str, at: datetime = NOW) -> None:
    scorecard = no_score("The host has no token left.", head="1" * 40, obtained_at=at)
    metrics = history_metrics.measure([commit(1)], People(), now=at)
    analysis = Analysis(analyzed_at=at, head_sha="1" * 40, scorecard=scorecard, history_metrics=metrics)
    health_store.put(watchlist_id, analysis)


def store_releases(watchlist_id: str, count: int, *, generation: int = 1) -> None:
    """Store the versions 1.0.0 to 1.<count - 1>.0, made on days that follow each other up to now, and one other tag."""
    tags = [Tag(f"v1.{number}.0", f"{number + 1:040x}", f"{number + 1:040x}") for number in range(count)]
    dates = {tag.oid: clock.now() - timedelta(days=count - number, hours=1) for number, tag in enumerate(tags)}
    catalog = Catalog.of([*tags, Tag("nightly", "f" * 40, "f" * 40)], dates, "flask")
    entry = find_entry(watchlist_id)
    assert entry is not None
    attempt = Attempt(watchlist_id, generation, 1)
    listing = release_store.save(attempt, catalog.tags, "d", release_store.load(entry), batches.REQUEST)
    newest = catalog.latest
    assert newest is not None
    latest = LatestRelease(tag=newest.name, version="x", commit_sha=newest.peeled, made_at=newest.made_at)
    summary = ReleaseSummary(
        tags=count + 1, releases=count, latest=latest, usual_days=1.0, commits_since=12, commits_since_is_least=True
    )
    entry.update([Entry.tags.set(listing.stored()), Entry.releases.set(summary.model_dump(mode="json"))])


def summary(at: datetime, *, last: timedelta = timedelta(days=1), recent: int = 3) -> dict[str, Any]:
    return {
        "measured_at": at.isoformat(),
        "weeks": [3] * 39 + [recent] * 13,
        "covered_weeks": 52,
        "commits_total": 156,
        "last_commit_by_person_at": (at - last).isoformat(),
        "last_commit_by_bot_at": None,
        "absence_factor": 2,
        "people_active": 4,
        "activity": 70,
        "score": 7.1,
        "score_change": -0.4,
    }


def analysed(watchlist_id: str, *, last: timedelta = timedelta(days=1), recent: int = 3) -> None:
    """Let an analysis have ended."""
    now = clock.now()
    end_job(watchlist_id, EntryStatus.READY)
    Entry(watchlist_id, ENTRY_KEY).update(
        actions=[
            Entry.summary.set(summary(now, last=last, recent=recent)),
            Entry.score.set(7.1),
            Entry.head_sha.set("1" * 40),
            Entry.checked_at.set(now),
            Entry.analyzed_at.set(now),
            Entry.last_check.set(LastCheck(at=now, outcome=CheckOutcome.UNCHANGED)),
        ]
    )


def alert(number: int) -> Alert:
    return files_changed(f"alert_{number:032x}", commit_sha=None)


def raise_alerts(user_watchlist_id: str, watchlist_id: str, count: int, at: datetime | None = None) -> list[str]:
    """Raise alerts, all at the same moment; return their ids."""
    raised = [alert(number) for number in range(count)]
    for each in raised:
        alert_store.put(user_watchlist_id, watchlist_id, each, at or clock.now())
    return [each.id for each in raised]


def user_entry(watchlist_id: str, user: str, at: datetime, notes: str | None = None) -> UserEntry:
    return UserEntry(
        watchlist_id,
        UserEntry.sk_of(user),
        watchlist_id=watchlist_id,
        user_watchlist_id=user_watchlist_id_of(watchlist_id, user),
        user=user,
        added_order=f"{at.isoformat()}#{watchlist_id}",
        added_at=at,
        notes=notes,
        alerts={},
    )


def write_watchlist(user: str, count: int, **of_entry: Any) -> None:
    with WatchlistItem.batch_write() as batch:
        for number in range(count):
            watchlist_id = f"watchlist_owner_name{number:04}_1"
            at = NOW - timedelta(minutes=number)
            batch.save(
                Entry(
                    watchlist_id,
                    ENTRY_KEY,
                    watchlist_id=watchlist_id,
                    origin="https://github.com",
                    owner="owner",
                    name=f"name{number:04}",
                    created_at=at,
                    watchers=1,
                    status="ready" if number % 10 else "failed",
                    processing_started_at=at,
                    generation=1,
                    job_id="1",
                    job_kind="repository-setup",
                    job_state="completed",
                    job_queued_at=at,
                    correlation_id="1",
                    delivery=0,
                    attempt=1,
                    claimed_attempt=1,
                    **of_entry,
                )
            )
            batch.save(user_entry(watchlist_id, user, at))
