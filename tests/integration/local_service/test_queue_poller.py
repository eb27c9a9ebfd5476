from collections.abc import Callable
from typing import Any

import pytest

from local_service.aws.embedded import EmbeddedAws
from local_service.functions.processes import FunctionError
from local_service.functions.queue_poller import QueuePoller
from local_service.provisioning import Environment
from tests.integration.local_service.conftest import client
from watchlist import limits
from watchlist.job_kinds import JobKind

Invoke = Callable[[dict[str, Any]], Any]


class Setup:
    """The queue of setups, a poller of it, and what the poller's function saw and answers."""

    def __init__(self, aws: EmbeddedAws, environment: Environment) -> None:
        self.sqs = client(aws, "sqs", caller="platform")
        self.queue = environment.queues[JobKind.REPOSITORY_SETUP]
        self.dead_letter_queue = environment.dead_letter_queues[JobKind.REPOSITORY_SETUP]
        self.events: list[dict[str, Any]] = []
        self.answer: Invoke = lambda _event: None
        self.poller = QueuePoller(self.sqs, self.queue, self._invoke)

    def send(self, *bodies: str) -> None:
        for body in bodies:
            self.sqs.send_message(QueueUrl=self.queue.url, MessageBody=body)

    def depth(self, url: str | None = None) -> tuple[int, int]:
        """Return how many messages are visible and in flight."""
        attributes = self.sqs.get_queue_attributes(QueueUrl=url or self.queue.url, AttributeNames=["All"])["Attributes"]
        return int(attributes["ApproximateNumberOfMessages"]), int(attributes["ApproximateNumberOfMessagesNotVisible"])

    def _invoke(self, event: dict[str, Any]) -> Any:
        self.events.append(event)
        return self.answer(event)


@pytest.fixture
def setup(aws: EmbeddedAws, environment: Environment) -> Setup:
    return Setup(aws, environment)


def reporting(*bodies: str) -> Invoke:
    def answer(event: dict[str, Any]) -> dict[str, Any]:
        reported = [record["messageId"] for record in event["Records"] if record["body"] in bodies]
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in reported]}

    return answer


def raising(_event: dict[str, Any]) -> None:
    raise FunctionError("boom")


def test_what_is_not_reported_is_deleted_and_what_is_reported_stays_in_flight(setup: Setup) -> None:
    setup.send("done", "launched")
    setup.answer = reporting("launched")

    assert setup.poller.poll()

    assert setup.depth() == (0, 1)


def test_a_record_says_how_often_it_was_received(setup: Setup) -> None:
    setup.send("again")

    def hand_back(event: dict[str, Any]) -> Any:
        handle = event["Records"][0]["receiptHandle"]
        setup.sqs.change_message_visibility(QueueUrl=setup.queue.url, ReceiptHandle=handle, VisibilityTimeout=0)
        return reporting("again")(event)

    setup.answer = hand_back
    setup.poller.poll()
    setup.poller.poll()

    counts = [event["Records"][0]["attributes"]["ApproximateReceiveCount"] for event in setup.events]
    assert counts == ["1", "2"]
    assert setup.events[0]["Records"][0]["eventSourceARN"] == setup.queue.arn


def test_what_could_not_be_deleted_is_in_the_log(setup: Setup, caplog: pytest.LogCaptureFixture) -> None:
    def forge(params: dict[str, Any], **_: object) -> None:
        params["Entries"][0]["ReceiptHandle"] = "forged"

    setup.send("done")
    setup.sqs.meta.events.register("before-parameter-build.sqs.DeleteMessageBatch", forge)

    setup.poller.poll()

    assert setup.depth() == (0, 1)
    assert f"{setup.queue.name}: a message that was served will be served again" in caplog.text


@pytest.mark.parametrize(
    "answer",
    [raising, lambda _event: {"batchItemFailures": [{"itemIdentifier": "nobody"}]}],
    ids=["function error", "unknown id"],
)
def test_nothing_is_deleted_when_the_function_fails_or_answers_nonsense(setup: Setup, answer: Invoke) -> None:
    setup.send("a", "b")
    setup.answer = answer

    setup.poller.poll()

    assert setup.depth() == (0, 2)


def test_a_message_that_is_handed_back_too_often_ends_in_the_dead_letter_queue(setup: Setup) -> None:
    setup.send("hopeless")

    def hand_back(event: dict[str, Any]) -> Any:
        handle = event["Records"][0]["receiptHandle"]
        setup.sqs.change_message_visibility(QueueUrl=setup.queue.url, ReceiptHandle=handle, VisibilityTimeout=0)
        return reporting("hopeless")(event)

    setup.answer = hand_back
    for _ in range(limits.MAX_RECEIVES):
        assert setup.poller.poll()

    assert not setup.poller.poll()
    assert setup.depth() == (0, 0)
    assert setup.depth(setup.dead_letter_queue.url) == (1, 0)


def test_an_empty_queue_calls_nobody(setup: Setup) -> None:
    assert not setup.poller.poll()
    assert setup.events == []


def test_a_paused_poller_leaves_messages_where_they_are(setup: Setup) -> None:
    with setup.poller:
        setup.poller.pause()
        setup.send("later")
        assert setup.depth() == (1, 0)
        setup.poller.resume()
