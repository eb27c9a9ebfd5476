"""Everything on which a person is told of an entry: the HTTP API, the event bus, e-mail and a webhook."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
import urllib3

from local_service.aws import embedded as embedded_aws
from local_service.service import LocalService
from tests import waiting
from tests.waiting import SECONDS
from tests.webhook_receiver import Call, Receiver
from watchlist.notifications import events
from watchlist.notifications.events import AlertRaised, Event

Kinds = Counter[str]
_EVENT_OF_TYPE = {event.DETAIL_TYPE: event for event in events.EVENTS}


def call(method: str, url: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Send a request that must succeed and return the answer."""
    response = urllib3.request(method, url, json=body, retries=False, timeout=SECONDS)
    assert response.status < 300, response.data
    answer: dict[str, Any] = response.json() if response.data else {}
    return answer


class Mailbox:
    """A queue of the embedded AWS that keeps what reaches it; subscribed before anything is sent."""

    def __init__(self, service: LocalService, name: str) -> None:
        arguments: Any = embedded_aws.client_arguments(service.aws.url)
        self._sqs = boto3.client("sqs", **arguments)
        self._url = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        names: Any = ["QueueArn"]
        self.arn = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=names)["Attributes"]["QueueArn"]
        self._seen: list[dict[str, Any]] = []

    def read(self) -> list[dict[str, Any]]:
        """Return all messages until now."""
        while messages := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                self._seen.append(json.loads(message["Body"]))
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return self._seen


def bus_of(service: LocalService) -> Mailbox:
    """Return a mailbox of all that the service puts on its event bus."""
    bus = Mailbox(service, "events-seen")
    arguments: Any = embedded_aws.client_arguments(service.aws.url)
    client = boto3.client("events", **arguments)
    name = service.environment.variables["EVENT_BUS_NAME"]
    client.put_rule(Name="all", EventBusName=name, EventPattern=json.dumps({"source": [events.SOURCE]}))
    client.put_targets(Rule="all", EventBusName=name, Targets=[{"Id": "queue", "Arn": bus.arn}])
    return bus


def emails_of(service: LocalService) -> Mailbox:
    """Return a mailbox of all that the service publishes to its topic."""
    emails = Mailbox(service, "emails-seen")
    arguments: Any = embedded_aws.client_arguments(service.aws.url)
    topic = service.environment.variables["NOTIFICATION_TOPIC_ARN"]
    boto3.client("sns", **arguments).subscribe(TopicArn=topic, Protocol="sqs", Endpoint=emails.arn)
    return emails


@dataclass(frozen=True)
class Told:
    """What one user was told of one entry so far, each by its kind, with every repetition.

    Attributes:
        alerts: what the HTTP API lists.
        events: types of the bus's events.
        webhook, email: the alerts in the digests.
    """

    alerts: Kinds
    events: Kinds
    webhook: Kinds
    email: Kinds

    def exceeds(self, other: "Told") -> bool:
        """Whether there is something on any channel that is not, or not as often, in `other`."""
        return bool(
            self.alerts - other.alerts
            or self.events - other.events
            or self.webhook - other.webhook
            or self.email - other.email
        )

    @classmethod
    def each_once(cls, alerts: Kinds, events_besides: Kinds) -> "Told":
        """Return what a user who wants digests is told when these alerts are raised and these events happen."""
        raised = Counter({AlertRaised.DETAIL_TYPE: alerts.total()})
        return cls(alerts, events_besides + raised, alerts, alerts)


@dataclass
class Channels:
    """All that one user is told of one entry.

    Attributes:
        secret: of the user's webhook.
    """

    url: str
    bus: Mailbox
    emails: Mailbox
    receiver: Receiver
    repository_url: str
    watchlist_id: str
    user_watchlist_id: str
    secret: str
    _expected_alerts: Kinds = field(default_factory=Counter)
    _expected_events: Kinds = field(default_factory=Counter)

    def alerts(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = call("GET", f"{self.url}/activity/alerts/{self.user_watchlist_id}")["items"]
        return items

    def events(self) -> list[Event]:
        """Return the entry's events, each as its documented schema reads it."""
        seen = [event for event in self.bus.read() if event["detail"]["watchlist_id"] == self.watchlist_id]
        return [_EVENT_OF_TYPE[event["detail-type"]].model_validate(event["detail"]) for event in seen]

    def calls(self) -> list[Call]:
        """Return the webhook's calls, each of which must prove its sender."""
        mine = [call for call in self.receiver.calls if call.digest.watchlist_id == self.watchlist_id]
        assert all(call.is_signed_with(self.secret) for call in mine)
        assert all(call.digest.user_watchlist_id == self.user_watchlist_id for call in mine)
        assert all(call.digest.id == call.headers["webhook-id"] for call in mine)
        return mine

    def told(self) -> Told:
        # Later channels are read first, so that what is on them is on the earlier ones as well.
        texts = [
            message["Message"].splitlines()
            for message in self.emails.read()
            if message["MessageAttributes"]["user_watchlist_id"]["Value"] == self.user_watchlist_id
        ]
        lines = [line for text in texts for line in text if line.startswith("[")]
        digests = [call.digest for call in self.calls()]
        raised = Counter(event.DETAIL_TYPE for event in self.events())
        alerts = self.alerts()
        kind_of = {f"[{alert['level']}] {alert['raised_at']} {alert['message']}": alert["kind"] for alert in alerts}
        return Told(
            alerts=Counter(alert["kind"] for alert in alerts),
            events=raised,
            webhook=Counter(alert.kind.value for digest in digests for alert in digest.alerts),
            email=Counter(kind_of[line] for line in lines),
        )

    def bring(self, *alerts: str, events: tuple[str, ...] = ()) -> None:
        """Wait until these alerts and events have come on all their ways since the last time, each once.

        Anything else on any way, or anything once more, fails at once or at the next call.
        """
        self._expected_alerts.update(alerts)
        self._expected_events.update(events)
        expected = Told.each_once(self._expected_alerts, self._expected_events)

        def has_all(told: Told) -> bool:
            assert not told.exceeds(expected), (told, expected)
            return told == expected

        waiting.until(f"{expected} on all ways", self.told, has_all)

    def assert_consistent(self) -> None:
        """Check that all ways told of the same alerts, and that no id of an event or digest came twice."""
        alert_ids = sorted(alert["id"] for alert in self.alerts())
        events = self.events()
        calls = self.calls()
        assert sorted(event.alert_id for event in events if isinstance(event, AlertRaised)) == alert_ids
        assert sorted(alert.id for call in calls for alert in call.digest.alerts) == alert_ids
        assert len({event.id for event in events}) == len(events)
        assert len({call.digest.id for call in calls}) == len(calls)
        assert {call.digest.repository_url for call in calls} == {self.repository_url}
