"""What a person is told, end to end: over the WebSocket, on the bus and by a webhook, each once."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
import urllib3

from infra.local import embedded_aws, live_client
from infra.local.service import LocalService, LocalSettings
from tests.e2e.conftest import SECONDS, Forge
from watchlist.queues import JobKind

USER = "ada@example.org"


@pytest.fixture
def received() -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """A webhook's port on 127.0.0.1, and what it was sent."""
    bodies: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port, bodies
        server.shutdown()
        thread.join()


class Bus:
    """What is put on the service's event bus."""

    def __init__(self, service: LocalService) -> None:
        arguments: Any = embedded_aws.client_arguments(service.aws.url)
        self._sqs = boto3.client("sqs", **arguments)
        self._url = self._sqs.create_queue(QueueName="seen")["QueueUrl"]
        names: Any = ["QueueArn"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=names)["Attributes"]["QueueArn"]
        name = service.environment.variables["EVENT_BUS_NAME"]
        events = boto3.client("events", **arguments)
        events.put_rule(Name="all", EventBusName=name, EventPattern=json.dumps({"source": ["repository-watchlist"]}))
        events.put_targets(Rule="all", EventBusName=name, Targets=[{"Id": "queue", "Arn": arn}])
        self.seen: list[str] = []

    def read(self) -> list[str]:
        """Return the types of all events until now."""
        while messages := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                self.seen.append(json.loads(message["Body"])["detail-type"])
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return self.seen


def call(method: str, url: str, body: Mapping[str, Any]) -> dict[str, Any]:
    response = urllib3.request(method, url, json=body, retries=False, timeout=SECONDS)
    assert response.status < 300, response.data
    answer: dict[str, Any] = response.json()
    return answer


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold"
        time.sleep(0.2)


def test_the_end_of_the_processing_is_told_on_every_way_once(
    forge: Forge, variables: Mapping[str, str], received: tuple[int, list[dict[str, Any]]], tmp_path: Path
) -> None:
    port, webhooks = received
    settings = LocalSettings(
        variables={**variables, "WEBHOOK_LOOPBACK_PORT": str(port)},
        log=tmp_path / "service.log",
        schedule_interval=timedelta(seconds=1),
        digest_run_interval=timedelta(seconds=0.5),
    )
    with LocalService(settings) as service, ThreadPoolExecutor() as pool:
        bus = Bus(service)
        service.pollers[JobKind.REPOSITORY_SETUP].pause()
        added = call(
            "POST",
            f"{service.url}/activity/user-watchlist-added",
            {
                "repo_url": forge.make("told", commits=3),
                "added_by": USER,
                "alerts": {"processing_finished": {"enabled": True}},
            },
        )
        watchlist_id = added["watchlist_id"]
        (mine,) = live_state(service, watchlist_id)["user_watchlists"]
        chosen = call(
            "PUT",
            f"{service.url}/activity/user-watchlist-notifications/{mine['user_watchlist_id']}",
            {"webhook_url": "https://hooks.example.org/"},
        )
        watching = pool.submit(lambda: list(live_client.states(service.live_url, watchlist_id, SECONDS)))
        service.pollers[JobKind.REPOSITORY_SETUP].resume()

        assert watching.result(SECONDS)[-1]["status"] == "ready"
        eventually(lambda: len(webhooks) > 0 and {"repository.ready", "alert.raised"} <= set(bus.read()))
        time.sleep(2)  # for what would come twice
        events = sorted(bus.read())

    assert chosen["webhook_secret"].startswith("whsec_")
    assert events == ["alert.raised", "repository.ready"]
    (digest,) = webhooks
    assert [alert["kind"] for alert in digest["alerts"]] == ["processing_finished"]
    assert digest["watchlist_id"] == watchlist_id


def live_state(service: LocalService, watchlist_id: str) -> dict[str, Any]:
    return next(live_client.states(service.live_url, watchlist_id, SECONDS))
