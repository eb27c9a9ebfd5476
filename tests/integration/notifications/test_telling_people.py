import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from local_service.aws.faults import Fault
from tests import waiting
from tests.integration.notifications.conftest import USER, Told, Watch
from tests.webhook_receiver import URL, Call, Receiver
from watchlist import clock, limits
from watchlist.alerts import store as alert_store
from watchlist.alerts.settings import AlertKind
from watchlist.notifications import digests, sending
from watchlist.notifications.outbox import Outbox
from watchlist.notifications.webhook_delivery import WebhookDelivery
from watchlist.states import EntryStatus
from watchlist.storage.records import Digest, Entry
from watchlist.watching import user_entries


def told_alerts(call: Call) -> list[str]:
    return [alert.id for alert in call.digest.alerts]


def test_a_repository_that_becomes_ready_is_an_event_on_the_bus_once(told: Told, watch: Watch) -> None:
    watch.entry.update(
        actions=[
            Entry.status.set(EntryStatus.READY),
            Entry.processing_completed_at.set(clock.now()),
            Entry.commits.set(3),
        ]
    )
    watch.entry.update(actions=[Entry.watchers.set(2)])

    told.read_streams()

    (event,) = told.events(watch.watchlist_id)
    assert (event["source"], event["detail-type"]) == ("repository-watchlist", "repository.ready")
    assert event["detail"]["commits"] == 3


def test_an_event_that_the_bus_did_not_take_is_put_again_with_the_same_id(told: Told, watch: Watch) -> None:
    told.aws.inject(Fault(service="events", caller="functions", moment="after", times=3))
    watch.raise_alert()

    told.read_streams()
    told.read_streams()

    seen = told.events(watch.watchlist_id)
    assert len(seen) > 1
    assert len({event["detail"]["id"] for event in seen}) == 1
    assert {event["detail-type"] for event in seen} == {"alert.raised"}


def test_a_first_alert_is_told_at_once_and_signed_and_the_secret_is_shown_once(
    told: Told, watch: Watch, receiver: Receiver
) -> None:
    chosen = watch.choose(told, {"webhook_url": URL})
    again = watch.choose(told, {"webhook_url": URL, "email": False})
    alert_id = watch.raise_alert()

    told.read_streams()
    assert told.send_digests() == 1
    told.deliver()

    (call,) = receiver.calls
    assert call.path == "/watchlist?from=test"
    assert call.headers["host"] == "hooks.example.org"
    assert told_alerts(call) == [alert_id]
    assert call.digest.repository_url == "https://github.com/a/b"
    assert again["webhook_secret"] is None
    assert call.is_signed_with(chosen["webhook_secret"])
    assert told.depth(told.environment.webhook_queue.url) == 0


def test_further_alerts_within_the_hour_wait_for_one_digest(told: Told, watch: Watch, receiver: Receiver) -> None:
    watch.choose(told, {"webhook_url": URL})
    watch.raise_alert()
    told.read_streams()
    told.send_digests()

    later = {watch.raise_alert() for _ in range(3)}
    told.read_streams()
    assert told.send_digests() == 0
    watch.let_time_pass(limits.DIGEST_INTERVAL)
    assert told.send_digests() == 1
    told.deliver()

    assert len(receiver.calls) == 2
    assert set(told_alerts(receiver.calls[1])) == later


def test_after_a_quiet_hour_an_alert_is_told_at_once(told: Told, watch: Watch) -> None:
    watch.choose(told, {"webhook_url": URL})
    watch.raise_alert()
    told.read_streams()
    told.send_digests()
    watch.let_time_pass(limits.DIGEST_INTERVAL + timedelta(minutes=1))

    watch.raise_alert()
    told.read_streams()

    assert told.send_digests() == 1


def test_an_alert_that_comes_again_from_the_stream_is_told_once(told: Told, watch: Watch) -> None:
    watch.choose(told, {"webhook_url": URL})
    told.aws.inject(Fault(service="dynamodb", operation="PutItem", caller="functions", moment="after", times=3))
    alert_id = watch.raise_alert()
    told.read_streams()
    told.read_streams()
    assert watch.digest.alert_ids == {alert_id}

    assert told.send_digests() == 1
    assert alert_store.find(alert_id).told_at is not None
    told.read_streams_again()
    sent = digests.find(watch.user_watchlist_id)
    assert sent is not None
    assert sent.alert_ids is None


def test_a_full_digest_says_that_there_may_be_more(told: Told, watch: Watch, receiver: Receiver) -> None:
    watch.choose(told, {"webhook_url": URL})
    alert_id = watch.raise_alert()
    told.read_streams()
    others = {f"alert_{number:032x}" for number in range(limits.DIGEST_COLLECTED - 1)}
    watch.digest.update(actions=[Digest.alert_ids.add(others)])
    digests.collect(watch.user_watchlist_id, "alert_late", limits.DIGEST_INTERVAL, clock.now())

    collected = watch.digest.alert_ids
    told.send_digests()
    told.deliver()

    (call,) = receiver.calls
    assert collected == {alert_id, *others}
    assert json.loads(call.body)["more_alerts_is_least"]


def test_alerts_that_come_while_a_digest_is_sent_wait_for_the_next_one(told: Told, watch: Watch) -> None:
    del told
    now = clock.now()
    digests.collect(watch.user_watchlist_id, "alert_1", limits.DIGEST_INTERVAL, now)
    sending = watch.digest
    digests.collect(watch.user_watchlist_id, "alert_2", limits.DIGEST_INTERVAL, now)

    digests.close(sending, limits.DIGEST_INTERVAL, now)

    assert watch.digest.alert_ids == {"alert_2"}
    assert watch.digest.due_at == now + limits.DIGEST_INTERVAL


def test_a_digest_goes_to_the_topic_for_who_wants_e_mail(told: Told, watch: Watch, receiver: Receiver) -> None:
    watch.choose(told, {"email": True})
    watch.raise_alert()

    told.read_streams()
    told.send_digests()
    told.deliver()

    (email,) = told.emails()
    assert email["Subject"] == "1 alert: https://github.com/a/b"
    assert "Ada changed 412 files." in email["Message"]
    assert email["MessageAttributes"]["user"]["Value"] == USER
    assert receiver.calls == []


def test_who_chose_nothing_is_told_nothing(told: Told, watch: Watch) -> None:
    watch.raise_alert()

    told.read_streams()

    assert [digests.find(of) for of in (watch.user_watchlist_id, Digest.of_user(USER))] == [None, None]


def test_who_left_is_told_nothing(told: Told, watch: Watch, receiver: Receiver) -> None:
    watch.choose(told, {"webhook_url": URL})
    watch.raise_alert()
    told.read_streams()
    watch.leave()

    assert told.send_digests() == 0
    told.deliver()

    assert receiver.calls == []
    assert digests.find(watch.user_watchlist_id) is None


@pytest.mark.parametrize("status", [500, 404, 302])
def test_a_delivery_that_is_not_taken_is_tried_again_and_ends_in_its_own_dead_letter_queue(
    told: Told, watch: Watch, receiver: Receiver, status: int
) -> None:
    dead = told.environment.webhook_dead_letter_queue.url
    before = told.depth(dead)
    watch.choose(told, {"webhook_url": URL})
    watch.raise_alert()
    told.read_streams()
    told.send_digests()
    receiver.status = status

    for _ in range(limits.WEBHOOK_ATTEMPTS + 1):
        told.webhooks.poll()

    assert len(receiver.calls) == limits.WEBHOOK_ATTEMPTS
    assert len({call.headers["webhook-id"] for call in receiver.calls}) == 1
    assert {call.path for call in receiver.calls} == {"/watchlist?from=test"}
    assert told.depth(dead) == before + 1


@pytest.mark.parametrize(
    "body",
    [
        {"webhook_url": "http://hooks.example.org/"},
        {"webhook_url": "https://127.0.0.1/"},
        {"email": "yes"},
        {"sms": True},
    ],
)
def test_settings_that_cannot_be_are_refused(told: Told, watch: Watch, body: dict[str, Any]) -> None:
    assert watch.choose(told, body)["status"] == 422


def test_a_removed_webhook_loses_its_secret(told: Told, watch: Watch) -> None:
    first = watch.choose(told, {"webhook_url": URL})
    assert watch.choose(told, {})["webhook_url"] is None
    second = watch.choose(told, {"webhook_url": URL})

    assert second["webhook_secret"] not in {None, first["webhook_secret"]}


def test_a_chat_service_gets_what_it_can_show(told: Told, watch: Watch, receiver: Receiver) -> None:
    watch.choose(told, {"webhook_url": URL, "webhook_format": "slack"})
    watch.raise_alert()

    told.read_streams()
    told.send_digests()
    told.deliver()

    (call,) = receiver.calls
    body = json.loads(call.body)
    assert "1 alert" in body["text"]
    assert "webhook-signature" not in call.headers


def test_how_the_last_delivery_went_is_known(told: Told, watch: Watch, receiver: Receiver) -> None:
    watch.choose(told, {"webhook_url": URL})
    watch.raise_alert()
    told.read_streams()
    told.send_digests()
    receiver.status = 404
    told.webhooks.poll()
    failed = watch.user_entry.last_delivery
    receiver.status = 204
    told.deliver()

    assert failed["outcome"] == "failed"
    assert "404" in failed["error"]


def test_a_webhook_that_is_gone_is_switched_off_and_its_user_is_told(
    told: Told, watch: Watch, receiver: Receiver
) -> None:
    watch.choose(told, {"webhook_url": URL, "email": True})
    watch.raise_alert()
    told.read_streams()
    told.send_digests()
    receiver.status = 410
    told.deliver()
    stored = watch.user_entry.notifications
    shown = watch.choose(told, {"email": True})

    assert len(receiver.calls) == 1
    assert told.depth(told.environment.webhook_queue.url) == 0
    assert (stored["email"], stored["webhook_url"], stored["webhook_secret"]) == (True, None, None)
    assert shown["last_delivery"]["outcome"] == "switched_off"
    assert "410" in shown["last_delivery"]["error"]
    (alert,) = [alert for alert in watch.alerts if alert.kind is AlertKind.WEBHOOK_SWITCHED_OFF]
    assert alert.message.startswith("Your webhook at hooks.example.org is called no more: ")
    assert "410" in alert.message


def test_a_test_that_a_webhook_answers_with_gone_switches_it_off(told: Told, watch: Watch, receiver: Receiver) -> None:
    watch.choose(told, {"webhook_url": URL})
    receiver.status = 410
    asked = watch.test(told)
    told.deliver()

    assert asked["status"] == 202
    assert [call.headers["webhook-id"] for call in receiver.calls] == [asked["delivery_id"]]
    assert watch.user_entry.last_delivery["outcome"] == "switched_off"
    assert watch.test(told)["code"] == "no_webhook"


def test_alerts_after_a_webhook_was_switched_off_call_nobody(told: Told, watch: Watch, receiver: Receiver) -> None:
    watch.choose(told, {"webhook_url": URL})
    watch.raise_alert()
    told.read_streams()
    told.send_digests()
    receiver.status = 410
    told.deliver()
    watch.raise_alert()
    told.read_streams()
    watch.let_time_pass(limits.DIGEST_INTERVAL)
    told.send_digests()
    told.deliver()

    assert len(receiver.calls) == 1


def test_a_webhook_that_was_switched_off_is_called_again_once_its_address_is_set_again(
    told: Told, watch: Watch, receiver: Receiver
) -> None:
    first = watch.choose(told, {"webhook_url": URL})
    watch.raise_alert()
    told.read_streams()
    told.send_digests()
    receiver.status = 410
    told.deliver()
    receiver.status = 204

    second = watch.choose(told, {"webhook_url": URL})
    forgotten = watch.user_entry.last_delivery
    watch.raise_alert()
    told.read_streams()
    watch.let_time_pass(limits.DIGEST_INTERVAL)
    told.send_digests()
    told.deliver()

    assert second["webhook_secret"] not in {None, first["webhook_secret"]}
    assert second["last_delivery"] is None
    assert forgotten is None
    assert receiver.calls[-1].is_signed_with(second["webhook_secret"])
    assert watch.user_entry.last_delivery["outcome"] == "delivered"


def test_settings_that_were_changed_during_a_call_are_not_switched_off(told: Told, watch: Watch) -> None:
    watch.choose(told, {"webhook_url": URL})
    called = watch.user_entry
    watch.choose(told, {"webhook_url": "https://other.example.org/"})

    assert not user_entries.switch_webhook_off(called, {}, {})
    assert watch.user_entry.notifications["webhook_url"] == "https://other.example.org/"
    assert watch.user_entry.last_delivery is None


@pytest.mark.parametrize(
    "asked",
    [
        lambda _: "3600",
        lambda now: format_datetime(now + timedelta(hours=1), usegmt=True),
    ],
    ids=["seconds", "a date"],
)
def test_a_webhook_that_asks_for_a_pause_is_left_alone(
    told: Told, watch: Watch, receiver: Receiver, asked: Callable[[datetime], str]
) -> None:
    watch.choose(told, {"webhook_url": URL})
    watch.raise_alert()
    told.read_streams()
    told.send_digests()
    receiver.status, receiver.retry_after = 429, asked(clock.now())

    for _ in range(3):
        told.webhooks.poll()

    assert len(receiver.calls) == 1
    assert told.depth(told.environment.webhook_queue.url) == 1
    assert watch.user_entry.last_delivery["outcome"] == "failed"


def test_the_reference_library_verifies_a_call(told: Told, watch: Watch, receiver: Receiver) -> None:
    secret = watch.choose(told, {"webhook_url": URL})["webhook_secret"]
    watch.raise_alert()
    told.read_streams()
    told.send_digests()
    told.deliver()

    (call,) = receiver.calls
    assert Webhook(secret).verify(call.body, call.headers)["type"] == "alerts.digest"
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(call.body + b" ", call.headers)


def test_while_one_sender_is_at_a_users_webhooks_no_other_one_is(told: Told, watch: Watch, receiver: Receiver) -> None:
    watch.choose(told, {"webhook_url": URL})
    watch.raise_alert()
    told.read_streams()
    told.send_digests()
    now = clock.now()
    assert sending.begin(USER, "a tarpit's", now + timedelta(minutes=1), now)

    assert told.webhooks.poll()

    assert receiver.calls == []
    assert told.depth(told.environment.webhook_queue.url) == 1, "a copy comes later"
    sending.end(USER, "a tarpit's")
    deliver_in_time(told, receiver)
    assert len(receiver.calls) == 1
    assert sending.begin(USER, "the next", now, now), "the right was given back"


def test_a_sender_that_died_holds_its_users_webhooks_until_it_must_have_ended(told: Told) -> None:
    del told
    now = clock.now()
    assert sending.begin("bob", "dead", now + timedelta(seconds=30), now)
    assert not sending.begin("bob", "next", now + timedelta(seconds=40), now + timedelta(seconds=29))
    assert sending.begin("eve", "other", now + timedelta(seconds=30), now), "others' webhooks wait for nothing"
    assert sending.begin("bob", "next", now + timedelta(seconds=60), now + timedelta(seconds=30))
    sending.end("bob", "dead")
    assert not sending.begin("bob", "third", now + timedelta(seconds=60), now + timedelta(seconds=30))


def test_of_senders_that_begin_at_once_one_calls(told: Told) -> None:
    del told
    now = clock.now()
    with ThreadPoolExecutor(8) as pool:
        begun = pool.map(lambda number: sending.begin("carol", str(number), now + timedelta(minutes=1), now), range(16))
        assert sum(begun) == 1


def test_a_delivery_that_was_put_off_has_no_more_tries_than_any_other(
    told: Told, watch: Watch, receiver: Receiver
) -> None:
    watch.choose(told, {"webhook_url": URL})
    watch.raise_alert()
    told.read_streams()
    told.send_digests()
    (message,) = told.sqs.receive_message(QueueUrl=told.environment.webhook_queue.url)["Messages"]
    copy = WebhookDelivery.model_validate_json(message["Body"]).postponed_copy(limits.WEBHOOK_ATTEMPTS)
    told.forget_deliveries()
    Outbox(told.sqs, "none", told.sqs, told.environment.webhook_queue.url).to_webhook(copy, USER)
    dead = told.environment.webhook_dead_letter_queue.url
    before = told.depth(dead)
    receiver.status = 500

    for _ in range(limits.WEBHOOK_ATTEMPTS + 1):
        told.webhooks.poll()

    assert len(receiver.calls) == 1
    assert watch.user_entry.last_delivery["outcome"] == "given_up"
    assert told.depth(dead) == before + 1


def deliver_in_time(told: Told, receiver: Receiver) -> None:
    def poll() -> list[Call]:
        told.webhooks.poll()
        return receiver.calls

    waiting.until("the call", poll)
