"""Entries of one repository that were added by its former and its new name: watchers, ids and alerts become one's."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from pynamodb.expressions.update import Action

from local_service.aws.faults import Fault
from tests.alerts import files_changed
from tests.integration.aws import Aws
from tests.integration.checks.harness import Host, Scheduler, Watchlist, add, check_again, keys, leave, told
from tests.integration.checks.onboarding import Onboarded
from tests.integration.http.client import Client
from tests.integration.recording import Killed, killed_at
from tests.repositories import NOW
from watchlist import clock, limits
from watchlist.alerts import store as alert_store
from watchlist.alerts.settings import AlertKind
from watchlist.deployment import functions as function_specs
from watchlist.errors import ErrorCode, JobError
from watchlist.git.requests import GitHosts
from watchlist.jobs import protocol as job_protocol
from watchlist.repository_url import Repository
from watchlist.states import DueKind, EntryStatus, JobState, Stage
from watchlist.storage.records import AlertRecord, Entry, Holdings, Usage, UserEntry
from watchlist.storage.transactions import ContendedError
from watchlist.watching import allowances, entries, names, removal, user_alerts, user_entries
from watchlist.watching.user_alerts import WantedAlerts

Reconcile = Callable[[], None]

CHANGES = WantedAlerts(kind=AlertKind.FILES_CHANGED)
RENAMES = WantedAlerts(kind=AlertKind.REPOSITORY_RENAMED)


@pytest.fixture
def reconcile(aws: Aws) -> Reconcile:
    """Return what runs the reconciler, with all that is to be merged due."""
    name = function_specs.RECONCILER.name

    def run() -> None:
        for entry in Entry.scan():
            if entry.due_kind == DueKind.MERGE:
                entry.update(actions=[Entry.due_at.set(clock.now())])
        aws.functions[name].handler({}, Client(aws.functions).context(name))

    return run


def id_of(entry: Entry, user: str) -> str:
    return entries.user_watchlist_id_of(entry.watchlist_id, user)


def watchers(entry: Entry) -> dict[str, UserEntry]:
    """Return the user entries of an entry, which says how many there are."""
    found = {watch.user: watch for watch in UserEntry.query(entry.watchlist_id, UserEntry.sk.startswith("USER#"))}
    stored = job_protocol.find_entry(entry.watchlist_id)
    assert stored is not None
    assert int(stored.watchers) == len(found)
    return found


def raise_alert(entry: Entry, user: str, number: int = 0) -> str:
    """Give a watcher an alert; the same number is the same event."""
    alert = files_changed(f"alert_{entry.name}_{user}_{number}", message=f"event {number}")
    alert_store.put(id_of(entry, user), entry.watchlist_id, alert, clock.now())
    return alert.id


def listed(user: str, wanted: WantedAlerts = CHANGES) -> dict[str, AlertRecord]:
    """Return the alerts that a user sees, by id."""
    return {each.record.pk: each.record for each in user_alerts.page(user, wanted, 200, None).alerts}


@pytest.fixture
def two(watchlist: Watchlist, host: Host, scheduler: Scheduler) -> tuple[Entry, Entry]:
    """Two ready entries, `old` of ada and `new` of bob, of which the first was found to be the second."""
    old, new = watchlist.add_ready("old"), watchlist.add_ready("new", "bob")
    host.moved["old"] = "new"
    scheduler.run()
    return old, new


def test_watchers_move_with_all_that_they_chose_and_their_alerts(
    watchlist: Watchlist, host: Host, scheduler: Scheduler, reconcile: Reconcile
) -> None:
    old, new = watchlist.add_ready("old"), watchlist.add_ready("new", "bob")
    mine = user_entries.find(id_of(old, "ada"), "ada")
    user_entries.change_details(mine, "needed", ["web"])
    user_entries.change_alerts(mine, {"inactivity": {"enabled": False}})
    user_entries.change_notifications(mine, {"email": True})
    first, second = raise_alert(old, "ada", 1), raise_alert(old, "ada", 2)
    alert_store.resolve(alert_store.find(second), clock.now())
    host.moved["old"] = "new"
    scheduler.run()
    reconcile()
    moved = watchers(new)["ada"]
    assert (moved.user_watchlist_id, moved.added_at) == (mine.user_watchlist_id, mine.added_at)
    assert (moved.notes, moved.labels, moved.alerts) == ("needed", ["web"], {"inactivity": {"enabled": False}})
    assert moved.notifications == {"email": True}
    assert {alert: bool(record.resolved_at) for alert, record in listed("ada").items()} == {first: False, second: True}
    assert {record.watchlist_id for record in listed("ada").values()} == {new.watchlist_id}
    assert set(watchers(new)) == {"ada", "bob"}
    assert len(told(old)) == 1
    assert told(new, "bob") == []
    assert {add(watchlist, name, f"by-{name}").watchlist_id for name in ("old", "new")} == {new.watchlist_id}
    assert names.former_names(entries.find(new.watchlist_id)) == [f"{host.origin.partition('://')[2]}/owner/old"]


def test_until_a_watcher_is_moved_they_see_what_they_watched_and_no_job_or_check_of_it_is_begun(
    two: tuple[Entry, Entry], scheduler: Scheduler, host: Host
) -> None:
    old, new = two
    shown = entries.status_of(old.watchlist_id, "ada")
    assert (shown.entry.watchlist_id, shown.entry.entry_status) == (old.watchlist_id, EntryStatus.READY)
    assert entries.status_of(old.watchlist_id, None).entry.watchlist_id == new.watchlist_id
    asked = len(host.requests)
    scheduler.run()
    assert len(host.requests) == asked
    assert user_entries.find(id_of(old, "ada"), "ada").watchlist_id == old.watchlist_id


def test_old_ids_answer_on_every_route_that_takes_one(two: tuple[Entry, Entry], reconcile: Reconcile, aws: Aws) -> None:
    old, new = two
    reconcile()
    ada = Client(aws.functions).of("ada")
    for path in ("status", "health", "health/history", "health/changes", "commits", "commits/export"):
        assert ada.call("GET", f"/activity/watchlist/{old.watchlist_id}/{path}").status == 200, path
    status = ada.call("GET", f"/activity/watchlist/{old.watchlist_id}/status").body
    assert status["watchlist_id"] == new.watchlist_id
    assert [each["added_by"] for each in status["user_watchlists"]] == ["ada"]
    mine = id_of(old, "ada")
    for path in ("user-watchlist-alerts", "user-watchlist-notifications", "alerts"):
        assert ada.call("GET", f"/activity/{path}/{mine}").status == 200, path
    assert ada.call("PATCH", f"/activity/user-watchlist/{mine}", {"notes": "x"}).body["notes"] == "x"
    both = f"{old.watchlist_id},{new.watchlist_id}"
    assert len(ada.call("GET", f"/activity/compare?watchlist_ids={both}").body["items"]) == 2
    of_one = ada.call("GET", f"/activity/alerts?user=ada&watchlist_id={old.watchlist_id}").body["items"]
    assert {alert["kind"] for alert in of_one} == {"processing_finished", "repository_renamed"}
    wanted = {"kind": "badge", "watchlist_id": old.watchlist_id}
    badge = ada.call("POST", "/activity/shares?user=ada", wanted).body
    assert Client(aws.functions).call("GET", badge["paths"][0]).status == 200
    assert ada.call("POST", f"/activity/watchlist/{old.watchlist_id}/retry").status == 409
    assert ada.call("POST", f"/activity/watchlist/{old.watchlist_id}/check").status in {202, 429}
    stranger = Client(aws.functions).of("eve")
    assert stranger.call("GET", f"/activity/watchlist/{old.watchlist_id}/status").status == 404
    assert stranger.call("PATCH", f"/activity/user-watchlist/{mine}", {"notes": "x"}).status == 404
    assert ada.call("DELETE", f"/activity/user-watchlist/{mine}").status == 204
    assert set(watchers(new)) == {"bob"}


def test_the_old_ids_answer_whoever_was_moved_and_whoever_waits_for_it(  # noqa: PLR0913, PLR0917 - fixtures
    watchlist: Watchlist,
    host: Host,
    scheduler: Scheduler,
    reconcile: Reconcile,
    aws: Aws,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old, new = watchlist.add_ready("old"), watchlist.add_ready("new", "bob")
    add(watchlist, "old", "cyd")
    raised = {user: raise_alert(old, user) for user in ("ada", "cyd")}
    host.moved["old"] = "new"
    scheduler.run()
    monkeypatch.setattr(limits, "WATCHERS_MOVED_AT_ONCE", 1)
    reconcile()
    assert len(watchers(new)) == 2
    for user in ("ada", "cyd"):
        client = Client(aws.functions).of(user)
        present = (new if user in watchers(new) else old).watchlist_id
        for path in ("status", "health", "health/history", "health/changes", "commits", "releases"):
            assert client.call("GET", f"/activity/watchlist/{old.watchlist_id}/{path}").status == 200, (user, path)
        status = client.call("GET", f"/activity/watchlist/{old.watchlist_id}/status").body
        assert (status["watchlist_id"], status["status"]) == (present, "ready")
        assert [each["added_by"] for each in status["user_watchlists"]] == [user]
        items = client.call("GET", f"/activity/watchlist?user={user}").body["items"]
        assert [(each["watchlist_id"], each["user_watchlist_id"]) for each in items] == [(present, id_of(old, user))]
        for path in ("user-watchlist-alerts", "user-watchlist-notifications", "alerts"):
            assert client.call("GET", f"/activity/{path}/{id_of(old, user)}").status == 200, (user, path)
        changed = client.call("PATCH", f"/activity/user-watchlist/{id_of(old, user)}", {"notes": f"of {user}"})
        assert (changed.status, changed.body["notes"]) == (200, f"of {user}")
        path = f"/activity/alerts?user={user}&kind=files_changed"
        for of in (old.watchlist_id, present):
            alerts = client.call("GET", f"{path}&watchlist_id={of}").body["items"]
            assert [alert["id"] for alert in alerts] == [raised[user]], (user, of)
        both = f"{old.watchlist_id},{present}"
        compared = client.call("GET", f"/activity/compare?watchlist_ids={both}").body["items"]
        assert {each["watchlist_id"] for each in compared} == {present}


def test_a_badge_of_the_old_entry_goes_on(
    watchlist: Watchlist, host: Host, scheduler: Scheduler, reconcile: Reconcile, aws: Aws
) -> None:
    old, _ = watchlist.add_ready("old"), watchlist.add_ready("new", "bob")
    wanted = {"kind": "badge", "watchlist_id": old.watchlist_id}
    badge = Client(aws.functions).call("POST", "/activity/shares?user=ada", wanted).body
    host.moved["old"] = "new"
    for step in (scheduler.run, reconcile):
        step()
        assert Client(aws.functions).call("GET", badge["paths"][0]).status == 200


def test_who_watches_both_keeps_the_older_watch_with_the_labels_and_alerts_of_both(
    watchlist: Watchlist, host: Host, scheduler: Scheduler, reconcile: Reconcile
) -> None:
    old, new = watchlist.add_ready("old"), watchlist.add_ready("new")
    for entry, notes, labels in ((old, "first", ["web", "a"]), (new, "second", ["b", "web"])):
        allowances.hold("ada", 1, 10, clock.now())
        user_entries.change_details(user_entries.find(id_of(entry, "ada"), "ada"), notes, labels)
    user_entries.change_notifications(user_entries.find(id_of(old, "ada"), "ada"), {"email": True})
    of_old, of_both, twin = raise_alert(old, "ada", 1), raise_alert(old, "ada", 2), raise_alert(new, "ada", 2)
    host.moved["old"] = "new"
    scheduler.run()
    reconcile()
    (kept,) = watchers(new).values()
    assert (kept.user_watchlist_id, kept.labels) == (id_of(old, "ada"), ["b", "web", "a"])
    assert (kept.notes, kept.notifications) == ("second\nfirst", {"email": True})
    assert {user_entries.find(id_of(each, "ada"), "ada").pk for each in (old, new)} == {new.watchlist_id}
    assert set(listed("ada")) == {of_old, of_both, twin}
    assert set(listed("ada", WantedAlerts(is_open=True, kind=AlertKind.FILES_CHANGED))) == {of_old, of_both}
    assert Holdings.get(Usage.pk_of("ada"), Holdings.SK).entries == 1
    assert len(list(UserEntry.by_user.query("ada"))) == 1
    leave(old, "ada")
    assert keys() == set()


def test_notes_that_do_not_fit_together_are_those_of_the_entry_that_stays(
    watchlist: Watchlist, host: Host, scheduler: Scheduler, reconcile: Reconcile
) -> None:
    old, new = watchlist.add_ready("old"), watchlist.add_ready("new")
    for entry, letter in ((old, "o"), (new, "n")):
        notes = letter * limits.NOTES_CHARACTERS
        user_entries.change_details(user_entries.find(id_of(entry, "ada"), "ada"), notes, [])
    host.moved["old"] = "new"
    scheduler.run()
    reconcile()
    assert watchers(new)["ada"].notes == "n" * limits.NOTES_CHARACTERS


USERS = [f"user{number:02}" for number in range(8)]


def has_gone(entry: Entry) -> bool:
    stored = job_protocol.find_entry(entry.watchlist_id)
    return stored is not None and stored.is_removed


def add_many(watchlist: Watchlist) -> tuple[Entry, Entry, dict[str, str]]:
    """Return an entry of many watchers, one by its new name, which some of them watch too, and each one's alert."""
    old, new = watchlist.add_ready("old", *USERS), watchlist.add_ready("new", "bob", *USERS[:3])
    watchlist.host.moved["old"] = "new"
    return old, new, {user: raise_alert(old, user) for user in USERS}


def assert_each_arrived_once_and_was_told_once(new: Entry, alerts: Mapping[str, str]) -> None:
    assert set(watchers(new)) == {"bob", *USERS}
    for user in USERS:
        assert alerts[user] in listed(user)
        assert sum("is called" in record.alert["message"] for record in listed(user, WantedAlerts()).values()) == 1
    assert told(new, "bob") == []


@pytest.mark.parametrize(("transaction", "after"), [(1, True), (2, False), (2, True), (3, False)])
def test_whatever_is_killed_in_between_each_watcher_arrives_once_and_is_told_once(
    watchlist: Watchlist, scheduler: Scheduler, reconcile: Reconcile, transaction: int, *, after: bool
) -> None:
    old, new, alerts = add_many(watchlist)
    kills = 0
    for _ in range(40):
        if has_gone(old):
            break
        try:
            with killed_at(transaction, after=after):
                check_again(old, scheduler)
                reconcile()
        except Killed:
            kills += 1
    assert has_gone(old)
    assert kills > 2
    assert_each_arrived_once_and_was_told_once(new, alerts)


@pytest.mark.parametrize("lost", [{"harm": "close", "moment": "after"}, {"harm": "throttle"}], ids=["answers", "calls"])
def test_where_some_are_lost_each_watcher_arrives_once_and_is_told_once(
    watchlist: Watchlist, scheduler: Scheduler, reconcile: Reconcile, aws: Aws, lost: Mapping[str, Any]
) -> None:
    old, new, alerts = add_many(watchlist)
    aws.server.inject(Fault(operation="TransactWriteItems", times=3, **lost))
    check_again(old, scheduler)
    reconcile()
    assert aws.server.faults_used() == (3,)
    assert has_gone(old)
    assert_each_arrived_once_and_was_told_once(new, alerts)


@pytest.mark.parametrize("harm", ["refuse", "cut"])
def test_what_breaks_off_is_an_error_of_the_run_and_the_next_run_does_it(
    watchlist: Watchlist, scheduler: Scheduler, reconcile: Reconcile, aws: Aws, harm: Any
) -> None:
    old, new, alerts = add_many(watchlist)
    check_again(old, scheduler)
    aws.server.inject(Fault(operation="TransactWriteItems", harm=harm))
    with pytest.raises(ExceptionGroup, match="could not be served"):
        reconcile()
    assert aws.server.faults_used()[0] > 0
    assert not has_gone(old)
    aws.server.inject()
    reconcile()
    assert has_gone(old)
    assert_each_arrived_once_and_was_told_once(new, alerts)


def test_a_run_moves_as_many_as_it_may_and_the_next_goes_on(
    two: tuple[Entry, Entry], reconcile: Reconcile, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = two
    monkeypatch.setattr(limits, "WATCHERS_MOVED_AT_ONCE", 1)
    now = clock.now()
    stored = job_protocol.find_entry(old.watchlist_id)
    assert stored is not None
    for user in ("cy", "dot"):
        stored.update(actions=[Entry.watchers.add(1)])
        UserEntry(
            old.watchlist_id,
            UserEntry.sk_of(user),
            watchlist_id=old.watchlist_id,
            user_watchlist_id=id_of(old, user),
            user=user,
            added_order=f"{now.isoformat()}#{old.watchlist_id}",
            added_at=now,
            alerts={},
        ).save()
    for left in (2, 1, 0):
        reconcile()
        assert len(watchers(old)) == left
    assert len(watchers(new)) == 4


def test_more_alerts_than_fit_one_transaction_all_come_along(
    watchlist: Watchlist, host: Host, scheduler: Scheduler, reconcile: Reconcile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "ALERTS_MOVED_ALONG", 2)
    old, new = watchlist.add_ready("old"), watchlist.add_ready("new", "bob")
    raised = {raise_alert(old, "ada", number) for number in range(7)}
    host.moved["old"] = "new"
    scheduler.run()
    reconcile()
    assert {alert: record.watchlist_id for alert, record in listed("ada").items()} == dict.fromkeys(
        raised, new.watchlist_id
    )


def test_an_alert_that_expires_while_its_watcher_is_moved_holds_up_nobody(
    watchlist: Watchlist, host: Host, scheduler: Scheduler, reconcile: Reconcile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "ALERTS_MOVED_ALONG", 2)
    old, new = watchlist.add_ready("old"), watchlist.add_ready("new", "bob")
    raised = {raise_alert(old, "ada", number) for number in range(5)}
    change, expired = alert_store.change, list[str]()

    def change_too_late(alert_id: str, *actions: Action) -> None:
        if not expired:
            expired.append(alert_id)
            alert_store.find(alert_id).delete()
        change(alert_id, *actions)

    monkeypatch.setattr(alert_store, "change", change_too_late)
    host.moved["old"] = "new"
    scheduler.run()
    reconcile()
    assert set(watchers(new)) == {"ada", "bob"}
    assert set(listed("ada")) == raised - set(expired)
    assert len(expired) == 1


def test_a_chain_of_names_ends_at_the_last_one(
    watchlist: Watchlist, host: Host, scheduler: Scheduler, reconcile: Reconcile
) -> None:
    a, b, c = (watchlist.add_ready(name, f"by-{name}") for name in "abc")
    host.moved = {"a": "b"}
    check_again(a, scheduler)
    host.moved = {"a": "b", "b": "c"}
    check_again(b, scheduler)
    for _ in range(3):
        reconcile()
    assert set(watchers(c)) == {"by-a", "by-b", "by-c"}
    assert {entries.find(each.watchlist_id).watchlist_id for each in (a, b, c)} == {c.watchlist_id}
    assert entries.find_for(a.watchlist_id, "by-a").watchlist_id == c.watchlist_id
    assert {add(watchlist, name, f"again-{name}").watchlist_id for name in "abc"} == {c.watchlist_id}
    for user in ("by-a", "by-b"):
        assert len(listed(user, RENAMES)) == 1
    assert listed("by-c", RENAMES) == {}


def test_a_name_that_comes_back_is_a_rename_of_the_one_entry(
    watchlist: Watchlist, host: Host, scheduler: Scheduler, reconcile: Reconcile
) -> None:
    a, b = watchlist.add_ready("a"), watchlist.add_ready("b", "bob")
    host.moved = {"a": "b"}
    check_again(a, scheduler)
    reconcile()
    host.moved = {"b": "a"}
    assert check_again(b, scheduler).name == "a"
    assert entries.find(a.watchlist_id).watchlist_id == b.watchlist_id
    assert keys() == {"a", "b"}
    assert set(watchers(b)) == {"ada", "bob"}
    assert len(listed("ada", RENAMES)) == 2
    assert len(told(b, "bob")) == 1


def test_two_names_that_lead_to_each_other_change_nothing(
    watchlist: Watchlist, host: Host, scheduler: Scheduler
) -> None:
    a, b = watchlist.add_ready("a"), watchlist.add_ready("b", "bob")
    host.moved = {"a": "b", "b": "a"}
    for entry, name in ((a, "a"), (b, "b")):
        after = check_again(entry, scheduler)
        assert (after.watchlist_id, after.name, after.check_failures) == (entry.watchlist_id, name, 1)
    assert keys() == {"a", "b"}


def test_two_that_find_each_other_at_the_same_instant_become_one(watchlist: Watchlist, host: Host) -> None:
    a, b = watchlist.add_ready("a"), watchlist.add_ready("b", "bob")
    with pytest.raises(job_protocol.SupersededError):
        names.follow(a, Repository(host.origin, "owner", "b"), clock.now())
    names.follow(b, Repository(host.origin, "owner", "a"), clock.now())
    assert (entries.find(a.watchlist_id).watchlist_id, entries.find(b.watchlist_id).name) == (b.watchlist_id, "a")


def test_a_renamed_repository_that_was_merged_before_tells_all_its_watchers(
    two: tuple[Entry, Entry], host: Host, scheduler: Scheduler, reconcile: Reconcile
) -> None:
    _, new = two
    reconcile()
    host.moved["new"] = "newest"
    assert check_again(new, scheduler).name == "newest"
    assert keys() == {"old", "new", "newest"}
    assert [len(listed(user, RENAMES)) for user in ("ada", "bob")] == [2, 1]


def test_whoever_is_redirected_to_another_s_repository_changes_nothing_of_its_entry_but_who_watches_it(
    watchlist: Watchlist, host: Host, scheduler: Scheduler, reconcile: Reconcile
) -> None:
    evil, good = watchlist.add_ready("evil", "mallory"), watchlist.add_ready("good", "bob", score=9)
    raise_alert(good, "bob")
    before, watch, seen = good.serialize(), watchers(good)["bob"].serialize(), listed("bob", WantedAlerts())
    host.moved["evil"] = "good"
    check_again(evil, scheduler)
    reconcile()
    after = entries.find(good.watchlist_id).serialize()
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    # its own check was due as well
    assert changed - {"checked_at", "last_check", "due_at", "announced_job_id", "verdict", "write_id"} == {
        "known_as",
        "watchers",
    }
    assert watchers(good)["bob"].serialize() == watch
    told_bob = listed("bob", WantedAlerts())
    assert {name: told_bob[name].serialize() for name in seen} == {name: seen[name].serialize() for name in seen}
    assert listed("bob", RENAMES) == {}


def test_names_of_others_leave_the_entry_its_own(
    watchlist: Watchlist, host: Host, scheduler: Scheduler, reconcile: Reconcile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "NAMES_OF_A_REPOSITORY", 3)
    good = watchlist.add_ready("was", "bob")
    host.moved["was"] = "good"
    check_again(good, scheduler)
    others = [watchlist.add_ready(f"evil{number}", "mallory") for number in range(3)]
    host.moved |= {entry.name: "good" for entry in others}
    for entry in others:
        check_again(entry, scheduler)
        reconcile()
    assert {name.rpartition("/")[2] for name in names.keys_of(entries.find(good.watchlist_id))} >= {"good", "was"}
    assert len(keys()) == 3
    assert set(watchers(good)) == {"bob", "mallory"}


def test_a_name_that_its_own_repository_has_again_is_that_one_s_after_a_merge_too(
    two: tuple[Entry, Entry], watchlist: Watchlist, host: Host, reconcile: Reconcile
) -> None:
    _, new = two
    reconcile()
    del host.moved["old"]
    with GitHosts([host.origin]) as reader:
        assert add(watchlist, "old", "cy", reader).watchlist_id != new.watchlist_id
        assert add(watchlist, "new", "cy", reader).watchlist_id == new.watchlist_id


def test_if_the_entry_that_stays_is_left_before_anybody_has_arrived_the_other_has_the_name_again(
    two: tuple[Entry, Entry], watchlist: Watchlist, reconcile: Reconcile, scheduler: Scheduler
) -> None:
    old, new = two
    leave(new, "bob")
    reconcile()
    after = entries.find(old.watchlist_id)
    assert (after.watchlist_id, after.name, after.due_kind, after.is_merged) == (
        old.watchlist_id,
        "new",
        DueKind.CHECK,
        False,
    )
    assert keys() == {"new"}
    assert add(watchlist, "new", "cy").watchlist_id == old.watchlist_id
    scheduler.run()
    assert entries.find(old.watchlist_id).checked_at > after.checked_at


def test_if_it_is_added_anew_meanwhile_they_are_moved_to_that_one(
    two: tuple[Entry, Entry], watchlist: Watchlist, reconcile: Reconcile
) -> None:
    old, new = two
    leave(new, "bob")
    other = watchlist.add_ready("new", "cy")
    assert other.watchlist_id not in {old.watchlist_id, new.watchlist_id}
    for _ in range(2):
        reconcile()
    assert set(watchers(other)) == {"ada", "cy"}
    assert entries.find(old.watchlist_id).watchlist_id == other.watchlist_id


def test_a_setup_that_was_ended_for_a_merge_that_fails_is_begun_again(
    watchlist: Watchlist, host: Host, reconcile: Reconcile
) -> None:
    old, new = watchlist.add("old"), watchlist.add_ready("new", "bob")
    with pytest.raises(job_protocol.SupersededError):
        names.follow(old, Repository(host.origin, "owner", "new"), clock.now())
    leave(new, "bob")
    reconcile()
    after = entries.find(old.watchlist_id)
    assert (after.entry_status, after.state, after.due_kind) == (
        EntryStatus.PROCESSING,
        JobState.QUEUED,
        DueKind.JOB,
    )


def test_who_leaves_before_they_are_moved_has_left(
    two: tuple[Entry, Entry], reconcile: Reconcile, watchlist: Watchlist
) -> None:
    old, new = two
    leave(old, "ada")
    reconcile()
    assert set(watchers(new)) == {"bob"}
    assert add(watchlist, "old", "ada").watchlist_id == new.watchlist_id


def test_what_a_user_changes_while_they_are_moved_is_kept(two: tuple[Entry, Entry], reconcile: Reconcile) -> None:
    old, new = two
    read_before = user_entries.find(id_of(old, "ada"), "ada")
    reconcile()
    with pytest.raises(ContendedError):
        user_entries.change_details(read_before, "later", ["x"])
    user_entries.change_details(user_entries.find(id_of(old, "ada"), "ada"), "later", ["x"])
    assert watchers(new)["ada"].notes == "later"
    user_entries.stop_watching(read_before, clock.now())
    assert set(watchers(new)) == {"bob"}


def test_an_entry_that_stays_and_whose_setup_had_failed_is_set_up_again(
    watchlist: Watchlist, host: Host, scheduler: Scheduler, reconcile: Reconcile
) -> None:
    old, new = watchlist.add_ready("old"), watchlist.add("new", "bob")
    error = JobError(ErrorCode.REPOSITORY_NOT_FOUND, "It is not there.")
    watchlist.claim(new).fail(error, Stage.CLONING, clock.now())
    host.moved["old"] = "new"
    check_again(old, scheduler)
    again = entries.find(new.watchlist_id)
    assert (again.entry_status, again.state) == (EntryStatus.PROCESSING, JobState.QUEUED)
    reconcile()
    watchlist.complete(new)
    assert entries.find_for(old.watchlist_id, "ada").entry_status is EntryStatus.READY


def test_the_old_id_goes_with_the_entry_that_it_leads_to(two: tuple[Entry, Entry], reconcile: Reconcile) -> None:
    old, new = two
    reconcile()
    later = clock.now() + limits.ID_REUSE_PAUSE * 2
    assert removal.purge(old.watchlist_id, later)
    assert entries.find(old.watchlist_id).watchlist_id == new.watchlist_id
    left = job_protocol.find_entry(old.watchlist_id)
    assert left is not None
    assert left.due_at == later + limits.FORMER_ID_LOOKED_AT
    assert "checked_at" not in left.attribute_values
    for user in ("ada", "bob"):
        leave(new, user)
    with pytest.raises(entries.EntryNotFoundError):
        entries.find(old.watchlist_id)
    far = later + limits.FORMER_ID_LOOKED_AT * 2
    assert removal.purge(new.watchlist_id, far)
    assert removal.purge(old.watchlist_id, far)
    assert job_protocol.find_entry(old.watchlist_id) is None


def test_a_setup_that_is_redirected_to_a_repository_that_has_an_entry_ends_and_its_watchers_join_that_one(
    redirected: Onboarded, reconcile: Reconcile
) -> None:
    other = redirected.watchlist.add("renamed", "bob")
    at: Any = datetime.fromtimestamp(NOW, UTC)
    with pytest.raises(job_protocol.SupersededError):
        redirected.run(at)
    old, redirected.entry = redirected.entry, other
    redirected.run(at)
    reconcile()
    assert len(redirected.commits()) == 3
    assert set(watchers(other)) == {"ada", "bob"}
    assert entries.find_for(old.watchlist_id, "ada").watchlist_id == other.watchlist_id
    assert len(told(old)) == 1
