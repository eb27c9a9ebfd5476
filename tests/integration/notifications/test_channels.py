"""Alerts of all repositories are told in a user's channels, by their rules, in one digest."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from tests.integration.notifications.conftest import USER, Told, Watch
from tests.webhook_receiver import URL, Receiver
from watchlist import clock, limits
from watchlist.alerts import store as alert_store
from watchlist.errors import ErrorCode, JobError
from watchlist.notifications import channels, digests
from watchlist.notifications.channels import ChannelSettings
from watchlist.states import EntryStatus, Stage
from watchlist.storage.records import Channel, Digest, Entry, LastError, UserEntry


@pytest.fixture(autouse=True)
def no_channels(told: Told) -> Iterator[None]:
    del told
    yield
    for channel in channels.of_user(USER):
        channels.remove(channel)
    digest = digests.find(Digest.of_user(USER))
    if digest is not None:
        digest.delete()


def make(**settings: Any) -> Channel:
    return channels.create(USER, ChannelSettings.model_validate({"name": "team", **settings}), clock.now())


def tell(told: Told) -> None:
    told.read_streams()
    told.send_digests()
    told.deliver()


def now_of(channel: Channel) -> Channel:
    return channels.find(channel.channel_id, None)


def test_one_digest_tells_of_all_repositories_and_the_reference_library_verifies_it(
    told: Told, watch: Watch, another_watch: Watch, receiver: Receiver
) -> None:
    channel = make(webhook_url=URL)
    raised = {watch.raise_alert(), another_watch.raise_alert()}

    tell(told)

    (call,) = receiver.calls
    body = Webhook(channel.secret).verify(call.body, call.headers)
    assert body["type"] == "alerts.user_digest"
    assert {alert["id"] for alert in body["alerts"]} == raised
    assert {alert["watchlist_id"] for alert in body["alerts"]} == {watch.watchlist_id, another_watch.watchlist_id}
    assert {alert["verdict"] for alert in body["alerts"]} == {"unknown"}
    assert now_of(channel).last_delivery["outcome"] == "delivered"
    assert digests.find(watch.user_watchlist_id) is None


def test_a_digest_begins_with_what_is_newest_and_leaves_out_what_was_told(
    told: Told, watch: Watch, another_watch: Watch, receiver: Receiver
) -> None:
    make(webhook_url=URL)
    watch.user_entry.update(actions=[UserEntry.added_at.set(clock.now() - timedelta(days=1))])
    before = watch.raise_alert(at=clock.now() - timedelta(hours=3))
    older = watch.raise_alert(at=clock.now() - timedelta(hours=2))
    newer = another_watch.raise_alert()
    told.read_streams()
    digests.mark_told([alert_store.find(before)], clock.now())

    told.send_digests()
    told.deliver()

    (call,) = receiver.calls
    assert [alert["id"] for alert in json.loads(call.body)["alerts"]] == [newer, older]


def test_a_full_digest_says_in_every_channel_that_there_may_be_more(
    told: Told, watch: Watch, receiver: Receiver
) -> None:
    make(webhook_url=URL)
    watch.raise_alert()
    told.read_streams()
    digest = digests.find(Digest.of_user(USER))
    assert digest is not None
    others = {f"alert_{number:032x}" for number in range(limits.DIGEST_COLLECTED - 1)}
    digest.update(actions=[Digest.alert_ids.add(others)])

    told.send_digests()
    told.deliver()

    (call,) = receiver.calls
    assert json.loads(call.body)["more_alerts_is_least"]


@pytest.mark.parametrize(
    ("rules", "calls"),
    [
        ([], 1),
        ([{"levels": ["mild"]}], 1),
        ([{"levels": ["critical"]}], 0),
        ([{"kinds": ["files_changed"], "labels": ["web"]}], 1),
        ([{"kinds": ["inactivity"]}, {"labels": ["web", "other"]}], 1),
        ([{"kinds": ["inactivity", "new_release"]}], 0),
        ([{"kinds": ["inactivity"], "labels": ["web"]}], 0),
        ([{"labels": ["other"]}], 0),
        ([{"verdicts": ["unknown"]}], 1),
        ([{"verdicts": ["gone", "quiet"]}], 0),
    ],
)
def test_an_alert_is_told_that_a_rule_takes(
    told: Told, watch: Watch, receiver: Receiver, rules: list[Any], calls: int
) -> None:
    watch.user_entry.update(actions=[UserEntry.labels.set(["web"])])
    make(webhook_url=URL, rules=rules)
    watch.raise_alert()

    tell(told)

    assert len(receiver.calls) == calls


def test_a_repository_s_own_settings_override_the_channels(told: Told, watch: Watch, receiver: Receiver) -> None:
    make(webhook_url=URL)
    watch.choose(told, {"email": False})
    watch.raise_alert()

    tell(told)

    assert receiver.calls == []
    assert told.emails() == []


def test_a_mail_channel_tells_by_the_topic(told: Told, watch: Watch) -> None:
    channel = make()
    watch.raise_alert()

    tell(told)

    (mail,) = told.emails()
    assert mail["Subject"] == "1 alert: https://github.com/a/b"
    assert mail["MessageAttributes"]["channel_id"]["Value"] == channel.channel_id
    assert now_of(channel).last_delivery["outcome"] == "delivered"


def test_a_channel_that_is_off_or_removed_meanwhile_is_not_called(told: Told, watch: Watch, receiver: Receiver) -> None:
    off, removed = make(webhook_url=URL), make(webhook_url=URL)
    watch.raise_alert()
    told.read_streams()
    told.send_digests()
    channels.change(off, channels.settings_of(off).model_copy(update={"enabled": False}), clock.now())
    channels.remove(removed)
    told.deliver()

    assert receiver.calls == []
    assert told.depth(told.environment.webhook_queue.url) == 0


def test_a_channel_that_is_gone_is_switched_off_and_its_owner_is_told_in_another(
    told: Told, watch: Watch, receiver: Receiver
) -> None:
    broken = make(webhook_url=URL, name="old chat")
    make(name="mail", rules=[{"levels": ["critical"]}])
    watch.raise_alert()
    told.read_streams()
    told.send_digests()
    receiver.status = 410
    told.deliver()

    (mail,) = told.emails()
    assert channels.state_of(now_of(broken)) == "switched_off"
    assert "old chat" in mail["Subject"]
    assert "410" in mail["Message"]


def test_a_channel_whose_webhook_its_chat_service_has_deleted_is_switched_off(
    told: Told, watch: Watch, receiver: Receiver
) -> None:
    broken = make(webhook_url=URL, webhook_format="slack", name="old chat")
    receiver.status, receiver.answer = 404, b"no_service"
    watch.raise_alert()
    told.read_streams()
    told.send_digests()
    told.deliver()

    assert len(receiver.calls) == 1
    assert channels.state_of(now_of(broken)) == "switched_off"


def test_a_channel_that_gives_up_says_so_once_until_it_works_again(
    told: Told, watch: Watch, receiver: Receiver
) -> None:
    broken = make(webhook_url=URL, name="old chat")
    make(name="mail", rules=[{"levels": ["critical"]}])

    def fail() -> list[dict[str, Any]]:
        watch.raise_alert()
        told.read_streams()
        let_time_pass()
        told.send_digests()
        for _ in range(limits.WEBHOOK_ATTEMPTS + 1):
            told.webhooks.poll()
        return told.emails()

    receiver.status = 500
    first, second = fail(), fail()
    state = channels.state_of(now_of(broken))
    receiver.status = 204
    fail()
    works = now_of(broken)

    assert [len(first), len(second)] == [1, 0]
    assert "old chat" in first[0]["Subject"]
    assert state == "failing"
    assert channels.state_of(works) == "working"
    assert works.broken_since is None


def test_a_chat_service_gets_its_form_with_the_repository_named(told: Told, watch: Watch, receiver: Receiver) -> None:
    make(webhook_url=URL, webhook_format="slack")
    watch.raise_alert()

    tell(told)

    (call,) = receiver.calls
    assert "a/b: Ada changed 412 files." in json.dumps(json.loads(call.body)["blocks"])


def make_due(channel: Channel) -> None:
    channel.update(
        actions=[
            Channel.due_at.set(clock.now() - timedelta(seconds=1)),
            Channel.base_url.set("https://api.example.org"),
        ]
    )


def test_the_weekly_report_says_what_changed_the_worst_first_once(
    told: Told, watch: Watch, another_watch: Watch, receiver: Receiver
) -> None:
    channel = make(webhook_url=URL, weekly_report=True, rules=[{"levels": ["critical"]}])
    not_there = JobError(ErrorCode.REPOSITORY_NOT_FOUND, "It is not there.")
    another_watch.entry.update(
        actions=[
            Entry.status.set(EntryStatus.FAILED),
            Entry.last_error.set(LastError.of(not_there, Stage.CLONING, clock.now())),
            Entry.processing_completed_at.set(clock.now()),
        ]
    )
    watch.raise_alert()
    for _ in range(limits.REPORT_CHANGES + 1):
        another_watch.raise_alert()
    make_due(channel)
    tell(told)
    told.send_digests()
    told.deliver()

    (call,) = receiver.calls
    report = Webhook(channel.secret).verify(call.body, call.headers)
    assert report["type"] == "report.weekly"
    assert sum(report["verdicts"].values()) == report["watched"] >= 2
    assert report["changed"][0]["watchlist_id"] == another_watch.watchlist_id
    assert (len(report["changed"][0]["changes"]), report["changed"][0]["more_changes"]) == (limits.REPORT_CHANGES, 1)
    assert report["leave_url"].startswith(f"https://api.example.org/leave/{channel.channel_id}/")
    assert now_of(channel).due_at > clock.now()


def test_many_alerts_of_one_repository_hide_no_other_s_change(
    told: Told, watch: Watch, another_watch: Watch, receiver: Receiver
) -> None:
    another_watch.user_entry.update(actions=[UserEntry.added_at.set(clock.now() - timedelta(days=3))])
    another_watch.raise_alert(at=clock.now() - timedelta(days=2))
    for _ in range(limits.ALERTS_PAGE_MAX + 1):
        watch.raise_alert()
    make_due(make(webhook_url=URL, weekly_report=True, rules=[{"levels": ["critical"]}]))

    told.send_digests()
    told.deliver()

    (call,) = receiver.calls
    changed = {each["watchlist_id"]: each["more_changes"] for each in json.loads(call.body)["changed"]}
    assert changed[watch.watchlist_id] == limits.ALERTS_PAGE_MAX + 1 - limits.REPORT_CHANGES
    assert changed[another_watch.watchlist_id] == 0


def test_a_report_is_of_all_that_is_watched_however_much(
    told: Told, watch: Watch, another_watch: Watch, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watchlist.limits.WATCHLIST_LOOKED_AT", 1)
    monkeypatch.setattr("watchlist.limits.OPEN_ALERTS_COUNTED", 1)
    for each in (watch, another_watch):
        each.raise_alert()
    make_due(make(webhook_url=URL, weekly_report=True, rules=[{"levels": ["critical"]}]))

    told.send_digests()
    told.deliver()

    (call,) = receiver.calls
    report = json.loads(call.body)
    changed = {each["watchlist_id"] for each in report["changed"]}
    assert sum(report["verdicts"].values()) == report["watched"] >= 2
    assert {watch.watchlist_id, another_watch.watchlist_id} <= changed


def test_a_report_that_is_handed_on_again_is_known_by_its_id(told: Told, receiver: Receiver) -> None:
    channel = make(webhook_url=URL, weekly_report=True)
    make_due(channel)
    due_at = now_of(channel).due_at
    told.send_digests()
    now_of(channel).update(actions=[Channel.due_at.set(due_at)])
    told.send_digests()
    told.deliver()

    first, again = receiver.calls
    assert first.headers["webhook-id"] == again.headers["webhook-id"]


def test_the_weekly_report_tells_neither_older_alerts_nor_those_that_were_dealt_with(
    told: Told, watch: Watch, another_watch: Watch, receiver: Receiver
) -> None:
    watch.user_entry.update(actions=[UserEntry.added_at.set(clock.now() - timedelta(days=30))])
    watch.raise_alert(at=clock.now() - timedelta(days=8))
    resolved = watch.raise_alert(at=clock.now() - timedelta(days=2))
    alert_store.resolve(alert_store.find(resolved), clock.now())
    another_watch.raise_alert()
    another_watch.raise_alert(at=clock.now() - timedelta(days=1))  # of an earlier watch
    channel = make(webhook_url=URL, weekly_report=True, rules=[{"levels": ["critical"]}])
    make_due(channel)
    told.send_digests()
    told.deliver()

    (call,) = receiver.calls
    report = json.loads(call.body)
    changed = {each["watchlist_id"]: len(each["changes"]) for each in report["changed"]}
    assert report["type"] == "report.weekly"
    assert changed[another_watch.watchlist_id] == 1
    assert watch.watchlist_id not in changed


def test_a_week_without_changes_has_nothing_to_do(told: Told, receiver: Receiver) -> None:
    user = "grace@example.org"
    settings = ChannelSettings.model_validate({"name": "chat", "webhook_url": URL, "webhook_format": "slack"})
    channel = channels.create(user, settings.model_copy(update={"weekly_report": True}), clock.now())
    make_due(channel)

    tell(told)
    channels.remove(channel)

    (call,) = receiver.calls
    assert json.loads(call.body)["text"] == "Weekly report: nothing to do"


def let_time_pass() -> None:
    digest = digests.find(Digest.of_user(USER))
    if digest is not None and digest.last_sent_at is not None:
        digest.update(
            actions=[
                Digest.last_sent_at.set(digest.last_sent_at - limits.DIGEST_INTERVAL),
                *([Digest.due_at.set(digest.due_at - limits.DIGEST_INTERVAL)] if digest.due_at else []),
            ]
        )
