"""Repositories that their host calls by another name: one entry, whichever name it is added by, told once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

import pytest

from local_service.aws.faults import Fault
from tests.integration.aws import Aws
from tests.integration.checks.harness import NEW, Host, Scheduler, Watchlist, add, check_again, keys, leave, told
from tests.integration.checks.onboarding import Onboarded
from tests.repositories import NOW
from watchlist import clock, limits
from watchlist.git.package import Package
from watchlist.git.requests import GitHosts
from watchlist.job_kinds import JobKind
from watchlist.repository_url import Repository
from watchlist.watching import entries, names


@pytest.fixture
def reader(host: Host) -> Iterator[GitHosts]:
    with GitHosts([host.origin]) as hosts:
        yield hosts


def test_a_check_gives_the_entry_its_new_name_and_tells_each_watcher_once(
    scheduler: Scheduler, watchlist: Watchlist, host: Host
) -> None:
    entry = watchlist.add_ready("old", "ada", "bob", package=Package(name="owner/old", url="x", stars=3))
    host.moved["old"] = "new"
    after = check_again(entry, scheduler)
    assert after.repository == Repository(host.origin, "owner", "new")
    assert after.package == Package(name="owner/new", url=f"{host.origin}/owner/new", stars=3)
    assert (after.generation, after.head_sha) == (entry.generation, entry.head_sha)
    check_again(entry, scheduler)
    for user in ("ada", "bob"):
        (message,) = told(entry, user)
        assert message.startswith(f"The repository {host.origin}/owner/old is called {host.origin}/owner/new now.")
    assert host.requests[-1] == "/owner/new/git-upload-pack"


def test_a_check_that_finds_a_new_name_and_new_commits_starts_one_backfill(
    scheduler: Scheduler, watchlist: Watchlist, host: Host
) -> None:
    entry = watchlist.add_ready("old")
    host.moved["old"], host.heads["new"] = "new", NEW
    after = check_again(entry, scheduler)
    assert (after.name, after.kind, after.state.is_open) == ("new", JobKind.COMMIT_BACKFILL, True)


def test_adding_either_name_joins_the_same_entry(
    scheduler: Scheduler, watchlist: Watchlist, host: Host, reader: GitHosts
) -> None:
    entry = watchlist.add_ready("old")
    host.moved |= {"old": "new", "new": "newest"}
    assert check_again(entry, scheduler).name == "newest"
    joined = [add(watchlist, name, f"by-{name}", reader) for name in ("old", "newest")]
    assert {each.watchlist_id for each in joined} == {entry.watchlist_id}
    with pytest.raises(entries.AlreadyWatchingError):
        add(watchlist, "old", "ada", reader)
    assert names.former_names(entries.find(entry.watchlist_id)) == [f"{host.origin.partition('://')[2]}/owner/old"]


def test_users_who_add_both_names_at_the_same_instant_join_one_entry(watchlist: Watchlist, host: Host) -> None:
    entry = watchlist.add_ready("old")
    together = Barrier(5)

    def rename() -> None:
        together.wait(10)
        names.follow(entries.find(entry.watchlist_id), Repository(host.origin, "owner", "new"), clock.now())

    def join(user: str) -> None:
        together.wait(10)
        add(watchlist, "old", user)

    with ThreadPoolExecutor(5) as threads:
        done = [threads.submit(rename), threads.submit(rename), *(threads.submit(join, user) for user in "bcd")]
        for each in done:
            each.result()
    after = entries.find(entry.watchlist_id)
    assert (after.name, int(after.watchers), keys()) == ("new", 4, {"old", "new"})
    assert len(told(entry)) == 1
    assert add(watchlist, "new", "eve").watchlist_id == entry.watchlist_id


def test_a_former_name_that_another_repository_takes_is_that_one_s(
    scheduler: Scheduler, watchlist: Watchlist, host: Host, reader: GitHosts
) -> None:
    renamed = watchlist.add_ready("old")
    host.moved["old"] = "new"
    check_again(renamed, scheduler)
    del host.moved["old"]
    other = add(watchlist, "old", "bob", reader)
    assert other.watchlist_id != renamed.watchlist_id
    assert add(watchlist, "old", "cy", reader).watchlist_id == other.watchlist_id
    assert add(watchlist, "new", "dot", reader).watchlist_id == renamed.watchlist_id
    leave(renamed, "ada")
    leave(renamed, "dot")
    assert keys() == {"old"}
    assert add(watchlist, "old", "eve", reader).watchlist_id == other.watchlist_id


@pytest.mark.parametrize("status", [404, 500])
def test_a_former_name_of_which_the_host_says_nothing_stays(
    scheduler: Scheduler, watchlist: Watchlist, host: Host, reader: GitHosts, status: int
) -> None:
    entry = watchlist.add_ready("old")
    host.moved["old"] = "new"
    check_again(entry, scheduler)
    host.statuses["old"] = status
    assert add(watchlist, "old", "bob", reader).watchlist_id == entry.watchlist_id


def test_a_repository_that_gets_its_first_name_back_is_told_of_each_time(
    scheduler: Scheduler, watchlist: Watchlist, host: Host
) -> None:
    entry = watchlist.add_ready("old")
    for moved in ({"old": "new"}, {"new": "old"}, {"old": "new"}):
        host.moved = moved
        check_again(entry, scheduler)
    assert len(told(entry)) == 3
    assert names.keys_of(entries.find(entry.watchlist_id))[0].endswith("/new")
    assert keys() == {"old", "new"}


def test_only_so_many_names_are_kept_and_all_of_them_go_with_the_last_watcher(
    scheduler: Scheduler, watchlist: Watchlist, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "NAMES_OF_A_REPOSITORY", 3)
    entry = watchlist.add_ready("n0")
    for number in range(5):
        host.moved = {f"n{number}": f"n{number + 1}"}
        check_again(entry, scheduler)
    assert keys() == {"n3", "n4", "n5"}
    leave(entry, "ada")
    assert keys() == set()


def test_a_rename_whose_write_fails_is_told_once_when_it_is_seen_again(
    scheduler: Scheduler, watchlist: Watchlist, host: Host, aws: Aws
) -> None:
    entry = watchlist.add_ready("old")
    host.moved["old"] = "new"
    aws.server.inject(Fault(operation="TransactWriteItems"))
    assert check_again(entry, scheduler).name == "old"
    aws.server.inject()
    assert check_again(entry, scheduler).name == "new"
    assert len(told(entry)) == 1


def test_a_setup_that_is_redirected_takes_the_new_name_and_tells_it(redirected: Onboarded) -> None:
    redirected.run(datetime.fromtimestamp(NOW, UTC))
    assert (redirected.entry.name, len(redirected.commits())) == ("renamed", 3)
    assert len(told(redirected.entry)) == 1
    redirected.refresh(JobKind.HEALTH_ANALYSIS)
    assert len(told(redirected.entry)) == 1
