"""Many adds in one request, and requests that are sent again."""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from local_service.aws.faults import Fault
from tests.integration.aws import Aws
from tests.integration.http.client import CLICK, FLASK, Client
from tests.integration.http.stored import end_job
from tests.integration.jobs.harness import ControlledClock
from tests.integration.recording import Call, Killed, operations
from watchlist import limits
from watchlist.deployment import routes
from watchlist.job_kinds import JobKind
from watchlist.jobs.queue import JobQueue
from watchlist.states import EntryStatus
from watchlist.storage.records import Entry, GivenAnswer, Holdings, Usage

Context = Any


def item(number: int, user: str = "ada") -> dict[str, str]:
    return {"repo_url": f"https://github.com/owner/name{number:03}", "added_by": user}


def depth(aws: Aws) -> int:
    sqs = aws.functions["jobs"].sqs()
    url = aws.environment.queues[JobKind.REPOSITORY_SETUP].url
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
    return int(attributes["ApproximateNumberOfMessages"])


def refuse_every_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Let SendMessageBatch take the first of each two messages only."""
    send_some = JobQueue._send_some  # noqa: SLF001 - what SQS does for half of a batch cannot be told from outside

    def send_half(queue: JobQueue, url: str, messages: dict[int, Any]) -> Sequence[int]:
        keys = list(messages)
        return [*send_some(queue, url, {key: messages[key] for key in keys[::2]}), *keys[1::2]]

    monkeypatch.setattr(JobQueue, "_send_some", send_half)


def test_a_batch_has_one_result_per_item_in_its_order(client: Client) -> None:
    watched = client.add(FLASK, "ada")
    client.add(CLICK, "bob")

    answer = client.add_batch(
        item(1),
        {"repo_url": FLASK, "added_by": "ada"},
        {"repo_url": "https://example.org/a/b", "added_by": "ada"},
        {"repo_url": CLICK, "added_by": "ada"},
        {"repo_url": FLASK, "added_by": "ada", "alerts": {"inactivity": {"days": 0}}},
        {},
        item(1),
    )

    results = answer.body["results"]
    assert answer.status == 207
    assert [result["index"] for result in results] == list(range(7))
    assert [result["outcome"] for result in results] == [
        "accepted",
        "already_watching",
        "rejected",
        "joined",
        "rejected",
        "rejected",
        "already_watching",
    ]
    assert results[1]["watchlist_id"] == watched
    assert results[4]["problem"]["errors"][0]["field"] == "alerts.inactivity.days"
    assert [result["problem"] is None for result in results] == [True, False, False, True, False, False, False]


def test_a_full_batch_is_queued_ten_at_a_time(client: Client, aws: Aws, calls: list[Call]) -> None:
    answer = client.add_batch(*(item(number) for number in range(limits.BATCH_ADDS)))

    assert {result["outcome"] for result in answer.body["results"]} == {"accepted"}
    assert operations(calls).count("SendMessageBatch") == limits.BATCH_ADDS / 10
    assert "SendMessage" not in operations(calls)
    assert depth(aws) == limits.BATCH_ADDS


@pytest.mark.parametrize("count", [0, limits.BATCH_ADDS + 1])
def test_a_batch_of_too_few_or_too_many_is_refused_as_a_whole(client: Client, count: int) -> None:
    answer = client.add_batch(*(item(number) for number in range(count)))

    assert (answer.status, answer.code, answer.body["errors"][0]["field"]) == (422, "invalid_fields", "items")
    assert client.watchlist().body["items"] == []


def test_an_item_with_an_unknown_field_is_told_the_known_ones(client: Client) -> None:
    result, _ = client.add_batch(item(0) | {"alerts": {"inactivity": {"dys": 1}}}, item(1)).body["results"]

    (error,) = result["problem"]["errors"]
    assert (result["outcome"], error["field"]) == ("rejected", "alerts.inactivity.dys")
    assert error["message"].endswith("known are days, enabled")


def test_what_the_queue_refuses_of_a_batch_is_undone_item_by_item(
    client: Client, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_every_second(monkeypatch)

    results = client.add_batch(*(item(number) for number in range(12)), item(1)).body["results"]

    assert [result["outcome"] for result in results[:12]] == ["accepted", "rejected"] * 6
    assert results[1]["problem"]["code"] == "unavailable"
    assert {each["repository_url"][-3:] for each in client.watchlist().body["items"]} >= {"000", "002", "010"}
    assert len(client.watchlist().body["items"]) == depth(aws)


def test_a_user_who_is_named_twice_for_a_repository_that_was_taken_back_watches_nothing(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_every_second(monkeypatch)

    results = client.add_batch(item(0), item(1), item(1)).body["results"]

    assert [result["outcome"] for result in results] == ["accepted", "rejected", "rejected"]
    assert results[2]["problem"]["code"] == "unavailable"


def test_a_repository_that_another_has_joined_in_the_same_batch_is_kept_for_the_reconciler(
    client: Client, aws: Aws, clock: ControlledClock
) -> None:
    aws.server.inject(Fault(service="sqs", operation="SendMessageBatch", status=503))
    results = client.add_batch(item(1, "ada"), item(1, "bob")).body["results"]
    aws.server.inject()

    assert [result["outcome"] for result in results] == ["accepted", "joined"]
    assert depth(aws) == 0
    clock.advance(limits.SEND_TIMEOUT)
    client.invoke("reconciler", {})
    assert depth(aws) == 1


def test_a_batch_that_breaks_off_leaves_only_what_the_reconciler_finishes(
    client: Client, aws: Aws, clock: ControlledClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(JobQueue, "send_batch", die)
        with pytest.raises(Killed):
            client.add_batch(*(item(number) for number in range(25)))
    left = client.watchlist().body["items"]
    assert (len(left), depth(aws)) == (10, 0)

    clock.advance(limits.SEND_TIMEOUT)
    client.invoke("reconciler", {})

    assert depth(aws) == 10
    results = client.add_batch(*(item(number) for number in range(25))).body["results"]
    assert [result["outcome"] for result in results] == ["already_watching"] * 10 + ["accepted"] * 15


def test_an_outage_of_the_database_rejects_the_items_it_hits(client: Client, aws: Aws) -> None:
    aws.server.inject(Fault(service="dynamodb", operation="TransactWriteItems", status=500))
    results = client.add_batch(item(1), item(2)).body["results"]
    single = client.post(routes.ADD.path, item(1))
    aws.server.inject()

    assert [result["problem"]["code"] for result in results] == ["unavailable"] * 2
    assert (single.status, single.code, single.headers["retry-after"]) == (503, "unavailable", "5")
    assert depth(aws) == 0


def test_the_same_request_with_the_same_key_is_answered_as_the_first_time(client: Client, aws: Aws) -> None:
    first = client.post(routes.ADD.path, item(1), {"Idempotency-Key": "a key"})
    end_job(first.body["watchlist_id"], EntryStatus.READY)

    again = client.post(routes.ADD.path, item(1), {"Idempotency-Key": "a key"})

    assert (first.status, depth(aws)) == (202, 1)
    assert again == first
    assert client.post(routes.ADD.path, item(1)).code == "already_watching"


def test_a_key_is_good_for_one_request_only(client: Client) -> None:
    client.post(routes.ADD.path, item(1), {"Idempotency-Key": "a key"})

    answer = client.post(routes.ADD.path, item(2), {"Idempotency-Key": "a key"})

    assert (answer.status, answer.code) == (422, "idempotency_key_reused")
    assert len(client.watchlist().body["items"]) == 1


def test_each_user_has_their_own_keys(client: Client) -> None:
    for user in ("ada", "bob"):
        answer = client.of(user).post(routes.ADD.path, item(1, user), {"Idempotency-Key": "a key"})
        assert answer.status == 202
        batch = client.of(user).add_batch(item(2, user), headers={"Idempotency-Key": "a key"})
        assert batch.body["results"][0]["problem"] is None


def test_a_refused_request_is_not_remembered(client: Client, aws: Aws) -> None:
    aws.server.inject(Fault(service="sqs", operation="SendMessage", status=503))
    refused = client.post(routes.ADD.path, item(1), {"Idempotency-Key": "a key"})
    aws.server.inject()

    assert refused.status == 503
    assert client.post(routes.ADD.path, item(1), {"Idempotency-Key": "a key"}).status == 202


def test_a_request_that_is_being_served_is_not_served_twice(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    inner: list[Any] = []

    def add_again(*_: object) -> None:
        inner.append(client.post(routes.ADD.path, item(1), {"Idempotency-Key": "a key"}))

    monkeypatch.setattr("watchlist.watching.adding.Adding._admit", add_again)
    client.post(routes.ADD.path, item(1), {"Idempotency-Key": "a key"})

    assert [(answer.status, answer.code) for answer in inner] == [(409, "request_in_progress")]
    assert inner[0].headers["retry-after"] == "2"


def test_a_batch_with_a_key_is_answered_as_the_first_time_and_its_key_expires(client: Client, aws: Aws) -> None:
    unknown_fields: dict[str, Any] = {f"{'ü' * 90}{number}": {} for number in range(20)}
    items = [item(number) for number in range(20)] + [{"repo_url": "x" * 300, **unknown_fields} for _ in range(80)]

    first = client.add_batch(*items, headers={"Idempotency-Key": "a key"})
    again = client.add_batch(*items, headers={"Idempotency-Key": "a key"})

    assert again == first
    assert depth(aws) == 20
    dynamodb = aws.functions["add_repository"].stored_answers().client
    key = {"pk": {"S": GivenAnswer.pk_of("")}}
    (kept,) = dynamodb.query(
        TableName=Entry.Meta.table_name,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": key["pk"]},
    )["Items"]
    assert 0 <= time.time() + 24 * 3600 - int(kept["expires_at"]["N"]) < 60
    assert len(kept["data"]["S"].encode()) < 400_000


def test_a_batch_that_runs_out_of_time_says_which_items_were_not_done(
    client: Client, clock: ControlledClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    send_batch = JobQueue.send_batch

    def send_slowly(queue: JobQueue, messages: Any) -> Any:
        clock.advance(timedelta(seconds=12))
        return send_batch(queue, messages)

    monkeypatch.setattr(JobQueue, "send_batch", send_slowly)

    answer = client.of("ada").add_batch(*(item(number) for number in range(35)))

    outcomes = [result["outcome"] for result in answer.body["results"]]
    assert answer.status == 207
    assert outcomes == ["accepted"] * 20 + ["not_done"] * 15
    assert {result["problem"]["code"] for result in answer.body["results"][20:]} == {"not_done"}
    usage = next(iter(Usage.query(Usage.pk_of("ada"), Usage.sk.startswith("2"))))
    assert usage.adds == 20, "what was not done is not counted"
    assert Holdings.get(Usage.pk_of("ada"), Holdings.SK).entries == 20


def test_a_batch_leaves_time_for_its_answer(client: Client) -> None:
    client = replace(client, seconds_left=limits.BATCH_STOPS_BEFORE.total_seconds() - 1)

    answer = client.add_batch(item(1))

    assert answer.status == 207
    assert [result["outcome"] for result in answer.body["results"]] == ["not_done"]
