"""What a job finds of tags, through real git over HTTP: releases, dates, distances, and what is told of changes."""

import subprocess
import zlib
from itertools import islice
from typing import Any, NoReturn

import pytest

from local_service.provisioning import Environment
from tasks.analysis import JobResult
from tasks.history import Repository
from tests.integration.checks.refreshing import RecordedJob, Refreshes
from tests.integration.recording import Call, operations
from tests.repositories import ENVIRONMENT, git
from watchlist import clock, limits
from watchlist.alerts.settings import AlertKind
from watchlist.errors import ErrorCode, JobCancelledError, JobError
from watchlist.history.store import Attempt
from watchlist.job_kinds import JobKind
from watchlist.releases import store as release_store
from watchlist.releases.kept import KeptTag
from watchlist.releases.listing import Listing
from watchlist.releases.summary import ReleaseSummary, releases_of
from watchlist.storage import batches
from watchlist.storage.records import TAGS_PREFIX, Entry, TagsRecord
from watchlist.watching import entries

HOUR = 3600


def tag(refreshes: Refreshes, name: str, revision: str = "HEAD", *, annotated_hours_ago: float | None = None) -> None:
    """Set a tag, wherever it was."""
    options: tuple[str, ...] = ()
    dates = {}
    if annotated_hours_ago is not None:
        options = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        dates["GIT_COMMITTER_DATE"] = f"@{int(clock.now().timestamp() - annotated_hours_ago * HOUR)} +0000"
    message = ("-a", "-m", name) if dates else ()
    command = ["git", *options, "tag", "--force", *message, name, revision]
    subprocess.run(command, cwd=refreshes.path, check=True, env=ENVIRONMENT | dates, capture_output=True)


def now_of(refreshes: Refreshes) -> Entry:
    return entries.find(refreshes.entry.watchlist_id)


def summary_of(refreshes: Refreshes) -> ReleaseSummary:
    found = releases_of(now_of(refreshes))
    assert found
    return found


def releases_of_git(refreshes: Refreshes, *order: str) -> list[str]:
    return git(refreshes.path, "for-each-ref", *order, "--format=%(refname:short)", "refs/tags").decode().split()


def shown(refreshes: Refreshes) -> list[KeptTag]:
    return list(release_store.page(now_of(refreshes), 200, None).releases)


def look(refreshes: Refreshes) -> JobResult:
    return refreshes.refresh(JobKind.COMMIT_BACKFILL)


def told(refreshes: Refreshes, kind: AlertKind) -> list[dict[str, Any]]:
    return [alert for alert in refreshes.stored_alerts() if alert["kind"] == kind]


@pytest.fixture
def released(refreshes: Refreshes) -> Refreshes:
    """A repository with three releases and a tag that is none, which were looked at once."""
    tag(refreshes, "v1.0.0", "HEAD~30")
    tag(refreshes, "v1.1.0", "HEAD~20", annotated_hours_ago=20 * 24)
    tag(refreshes, "v1.2.0", "HEAD~10")
    tag(refreshes, "nightly", "HEAD~1")
    now_of(refreshes).update([Entry.tags.remove(), Entry.releases.remove()])  # as an earlier version left it
    look(refreshes)
    return refreshes


def test_a_repository_without_tags_has_no_releases(refreshes: Refreshes) -> None:
    assert summary_of(refreshes) == ReleaseSummary(tags=0, releases=0)
    assert shown(refreshes) == []


def test_releases_are_those_of_git_with_its_dates(released: Refreshes) -> None:
    found = summary_of(released)
    listed = git(released.path, "for-each-ref", "--sort=-creatordate", "--format=%(creatordate:unix)", "refs/tags/v*")

    assert [each.name for each in shown(released)] == releases_of_git(released, "--sort=-creatordate")[1:]
    assert [int(each.made_at.timestamp()) for each in shown(released) if each.made_at] == [*map(int, listed.split())]
    assert found.latest
    assert (found.latest.tag, found.tags, found.releases, found.usual_days) == ("v1.2.0", 4, 3, 10.0)


def test_commits_since_the_latest_release_are_those_of_git(released: Refreshes) -> None:
    counted = git(released.path, "rev-list", "--count", "v1.2.0..HEAD").decode().strip()
    found = summary_of(released)

    assert (str(found.commits_since), found.commits_since_is_least) == (counted, False)


def test_a_release_on_another_branch_is_as_far_away_as_git_says(released: Refreshes) -> None:
    git(released.path, "checkout", "--quiet", "-b", "stable", "HEAD~5")
    released.grow(("fix.txt", 1), ("fix.txt", 2))
    tag(released, "v1.3.0")
    git(released.path, "checkout", "--quiet", "main")
    look(released)

    counted = git(released.path, "rev-list", "--count", "v1.3.0..HEAD").decode().strip()
    found = summary_of(released)
    assert (str(found.commits_since), found.commits_since_is_least) == (counted, False) == ("5", False)


def test_commits_that_come_later_are_counted_without_reading_the_tags_again(
    released: Refreshes, calls: list[Call]
) -> None:
    released.grow(("new.txt", 3))
    calls.clear()
    look(released)

    assert summary_of(released).commits_since == 11
    assert TAGS_PREFIX not in str([call.parameters for call in calls])


def test_the_first_look_tells_of_nothing(released: Refreshes) -> None:
    assert not released.stored_alerts()


def test_a_new_release_is_told_once_though_head_has_not_moved(released: Refreshes) -> None:
    tag(released, "v2.0.0", annotated_hours_ago=1)
    look(released)
    look(released)

    (alert,) = told(released, AlertKind.NEW_RELEASE)
    assert alert["message"] == f"v2.0.0 is released ({clock.now():%Y-%m-%d})."
    assert (alert["level"], alert["value"], alert["commit_sha"]) == ("mild", 1, released.head())
    assert summary_of(released).commits_since == 0


def test_hundreds_of_releases_at_once_are_one_alert(released: Refreshes) -> None:
    for number in range(300):
        (released.path / ".git" / "refs" / "tags" / f"v2.{number}").write_text(released.head() + "\n")
    look(released)

    (alert,) = told(released, AlertKind.NEW_RELEASE)
    assert alert["value"] == 300
    assert alert["message"].startswith("There are 300 new releases: ")


def test_a_release_of_an_older_version_says_what_is_the_latest(released: Refreshes) -> None:
    tag(released, "v1.0.1", "HEAD~2")
    look(released)

    (alert,) = told(released, AlertKind.NEW_RELEASE)
    assert "v1.0.1 is released" in alert["message"]
    assert alert["message"].endswith("The latest is still v1.2.0.")
    latest = summary_of(released).latest
    assert latest
    assert latest.tag == "v1.2.0"


def test_old_commits_that_are_tagged_late_and_prereleases_are_no_news(released: Refreshes) -> None:
    tag(released, "v0.9.0", "HEAD~39")
    tag(released, "v2.0.0-rc.1")
    look(released)

    assert not told(released, AlertKind.NEW_RELEASE)
    prerelease = summary_of(released).latest_prerelease
    assert prerelease
    assert prerelease.tag == "v2.0.0-rc.1"


def test_a_release_that_moved_is_critical_and_says_from_where_to_where(released: Refreshes) -> None:
    before = git(released.path, "rev-parse", "v1.2.0").decode()[:12]
    tag(released, "v1.2.0")
    look(released)
    look(released)

    (alert,) = told(released, AlertKind.TAG_MOVED)
    assert alert["level"] == "critical"
    assert f"(from {before} to {released.head()[:12]}) was moved." in alert["message"]


def test_a_tag_that_is_annotated_anew_at_the_same_commit_has_not_moved(released: Refreshes) -> None:
    tag(released, "v1.2.0", "HEAD~10", annotated_hours_ago=1)
    look(released)

    assert not told(released, AlertKind.TAG_MOVED)


def test_a_tag_that_is_no_release_is_told_to_move_once(released: Refreshes) -> None:
    for revision in ("HEAD", "HEAD~3", "HEAD~2"):
        tag(released, "nightly", revision)
        look(released)

    (alert,) = told(released, AlertKind.TAG_MOVED)
    assert alert["level"] == "mild"


def test_a_tag_may_follow_the_newest_release_but_not_another_tag_that_moved(released: Refreshes) -> None:
    tag(released, "v1", "HEAD~10")
    look(released)
    tag(released, "v1.3.0")
    tag(released, "v1")
    look(released)
    followed = told(released, AlertKind.TAG_MOVED)
    for name in ("v1.2.0", "v1.3.0", "v1"):
        tag(released, name, "HEAD~35")
    look(released)

    assert followed == []
    assert sorted((alert["level"], alert["value"]) for alert in told(released, AlertKind.TAG_MOVED)) == [
        ("critical", 2),
        ("mild", 1),
    ]


def test_a_release_whose_tag_is_removed_is_told(released: Refreshes) -> None:
    git(released.path, "tag", "--delete", "v1.1.0", "nightly")
    look(released)

    (alert,) = told(released, AlertKind.TAG_MOVED)
    assert (alert["level"], alert["metric"], alert["value"]) == ("mild", "tags_removed", 1)


def test_tags_on_files_and_trees_are_no_releases_and_it_is_said(released: Refreshes) -> None:
    tag(released, "v3.0.0", "HEAD^{tree}")
    tag(released, "v3.1.0", "HEAD:file-1.txt", annotated_hours_ago=2)
    look(released)
    tag(released, "v1.3.0")
    look(released)

    assert [each.name for each in shown(released)] == ["v1.3.0", "v1.2.0", "v1.1.0", "v1.0.0"]
    found = summary_of(released)
    assert found.latest
    assert (found.latest.tag, found.releases, found.commits_since) == ("v1.3.0", 4, 0)
    assert found.note == "No releases, since they stand for no commit: v3.0.0, v3.1.0."
    assert [alert["message"].partition(" ")[0] for alert in told(released, AlertKind.NEW_RELEASE)] == ["v1.3.0"]


def test_dates_that_cannot_be_are_those_of_commits(released: Refreshes) -> None:
    tag(released, "v1.3.0", "HEAD~2", annotated_hours_ago=-72)
    look(released)

    made = {each.name: each.made_at for each in shown(released)}
    committed = int(git(released.path, "log", "-1", "--format=%ct", "HEAD~2").decode())
    assert made["v1.3.0"]
    assert int(made["v1.3.0"].timestamp()) == committed


def test_a_job_that_dies_after_it_has_told_tells_the_same_again(released: Refreshes) -> None:
    tag(released, "v2.0.0")
    tag(released, "v1.2.0")
    released.start(JobKind.COMMIT_BACKFILL)
    whole = RecordedJob()
    released.analyse(whole)
    for looks in range(1, whole.looks + 1):
        with pytest.raises(JobCancelledError):
            released.analyse(RecordedJob(dies_at=looks))
    released.run()

    assert released.alerts() == {AlertKind.NEW_RELEASE: 1, AlertKind.TAG_MOVED: 1}
    assert [each.name for each in shown(released)][-1] == "v1.0.0"


def test_ten_thousand_tags_are_kept_and_one_more_writes_a_small_part(refreshes: Refreshes, calls: list[Call]) -> None:
    ids = git(refreshes.path, "rev-list", "HEAD").decode().split()
    lines = [f"{ids[number % 40]} refs/tags/v{number // 100}.{number % 100}\n" for number in range(10_000)]
    packed = refreshes.path / ".git" / "packed-refs"
    packed.write_text("# pack-refs with: peeled fully-peeled sorted \n" + "".join(sorted(lines, key=by_name)))
    look(refreshes)
    first = Listing.of(now_of(refreshes))
    tag(refreshes, "v100.0")
    calls.clear()
    look(refreshes)
    second = Listing.of(now_of(refreshes))

    assert first
    assert second
    assert (first.total, second.total, second.releases) == (10_000, 10_001, 10_001)
    assert len(set(second.segments) - set(first.segments)) <= 2
    written = [call for call in calls if call.operation == "BatchWriteItem" and "PutRequest" in str(call.parameters)]
    sizes = [len(each["tags"]["B"]) for each in put_in(written)]
    assert sum(sizes) < 100_000
    assert told(refreshes, AlertKind.NEW_RELEASE)[0]["message"].startswith("v100.0 is released")


def by_name(line: str) -> str:
    return line.split()[1]


def put_in(calls: list[Call]) -> list[dict[str, Any]]:
    return [
        request["PutRequest"]["Item"]
        for call in calls
        for requests in call.parameters["RequestItems"].values()
        for request in requests
        if request["PutRequest"]["Item"]["type"]["S"] == "tags"
    ]


def test_segments_that_nothing_names_are_removed_by_the_next_change(released: Refreshes) -> None:
    for number in range(3):
        tag(released, f"v2.{number}")
        look(released)

    kept = TagsRecord.query(released.entry.watchlist_id, TagsRecord.sk.startswith(TAGS_PREFIX))
    assert len(list(kept)) <= 2


def test_a_look_at_unchanged_tags_makes_no_call(released: Refreshes, calls: list[Call]) -> None:
    released.start(JobKind.COMMIT_BACKFILL)
    calls.clear()
    released.analyse()

    assert operations(calls) == ["GetItem", "Query"]  # the entry, and the authors who were erased


def test_of_more_tags_than_are_read_nothing_is_known_and_it_is_said(
    released: Refreshes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TAGS_READ", 3)
    look(released)

    found = summary_of(released)
    assert (found.latest, found.releases) == (None, 0)
    assert found.note
    assert Listing.of(now_of(released)) is None
    assert shown(released) == []
    assert not released.stored_alerts()


def test_of_more_tags_than_are_kept_the_releases_are_kept_and_it_is_said(
    released: Refreshes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TAGS_KEPT", 2)
    tag(released, "v0.1.0", "HEAD~38")
    look(released)
    tag(released, "other")
    look(released)

    listing = Listing.of(now_of(released))
    assert listing
    assert (listing.total, listing.releases, listing.is_whole) == (6, 2, False)
    assert [each.name for each in shown(released)] == ["v1.2.0", "v1.1.0"]
    assert summary_of(released).note == "Of the tags 20000 are kept, releases first."
    assert not released.stored_alerts()


def test_a_host_that_gives_no_tags_costs_only_them(released: Refreshes, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> NoReturn:
        raise JobError(ErrorCode.TRANSFER_INVALID, "No tags today.")

    before = summary_of(released)
    monkeypatch.setattr(Repository, "tags", refuse)
    released.grow(("new.txt", 3))
    look(released)

    after = now_of(released)
    assert after.head_sha == released.head()
    assert releases_of(after) == before
    assert "The tags could not be read: No tags today." in after.history_notes


def test_dates_that_a_host_does_not_give_are_unknown(released: Refreshes, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object, __: object) -> NoReturn:
        raise JobError(ErrorCode.TRANSFER_INVALID, "No objects today.")

    monkeypatch.setattr(Repository, "tagged", refuse)
    tag(released, "v3.0.0", "HEAD^{tree}")
    look(released)

    latest = summary_of(released).latest
    assert latest
    assert (latest.tag, latest.made_at) == ("v3.0.0", None)


def test_the_date_of_an_annotated_tag_that_could_not_be_had_is_asked_for_again(
    released: Refreshes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object, __: object) -> NoReturn:
        raise JobError(ErrorCode.TRANSFER_INVALID, "No objects today.")

    tag(released, "v3.0.0", "HEAD~5", annotated_hours_ago=2)
    with monkeypatch.context() as patch:
        patch.setattr(Repository, "tagged", refuse)
        look(released)
    tag(released, "other")
    look(released)

    latest = summary_of(released).latest
    assert latest
    assert latest.made_at
    assert (
        str(int(latest.made_at.timestamp()))
        == git(released.path, "for-each-ref", "--format=%(creatordate:unix)", "refs/tags/v3.0.0").decode().strip()
    )


def test_names_that_are_made_to_end_segments_do_not_make_many(environment: Environment) -> None:
    del environment
    named = (f"v1.{number}.0" for number in range(10**7))
    ends = [name for name in islice(named, 400_000) if zlib.crc32(name.encode()) % limits.TAGS_OF_A_SEGMENT == 0]
    tags = [KeptTag(name, "a" * 40, "a" * 40) for name in ends[:500]]
    entry = Entry("watchlist_ends", "ENTRY", watchlist_id="watchlist_ends")
    attempt = Attempt("watchlist_ends", 1, 1)

    listing = release_store.save(attempt, tags, "d", release_store.load(entry), batches.REQUEST)

    assert [count for _, count in listing.segments] == [100] * 5
