"""How long one change takes to reach everybody who watches an entry live: `python -m bench.live_watchers 1000`.

A real publisher function posts to real WebSocket connections through the local gateway; only `$connect` is left out:
the connections' records are written at once, as what is measured is the change, not the opening.
"""

import asyncio
import os
import sys
import time
from contextlib import ExitStack
from datetime import timedelta
from typing import Any
from uuid import uuid4

import boto3
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from local_service.aws import embedded as embedded_aws
from local_service.aws.embedded import EmbeddedAws
from local_service.functions.processes import FunctionProcesses, LocalFunction
from local_service.functions.stream_poller import StreamPoller
from local_service.gateways.websocket import WebSocketGateway
from local_service.provisioning import provision
from watchlist import clock, limits
from watchlist.deployment import functions as function_specs
from watchlist.deployment import routes, stream_consumers
from watchlist.settings import TableSettings, load
from watchlist.states import EntryStatus, JobState, Stage
from watchlist.storage import records
from watchlist.storage.records import ENTRY_KEY, Entry, Progress, Subscription

WATCHLIST_ID = "watchlist_bench_bench_1"


class Bench:
    """The gateway whose `$connect` accepts everybody, and whom it accepted."""

    def __init__(self) -> None:
        self.connection_ids: list[str] = []

    def invoke(self, name: str, event: dict[str, Any]) -> dict[str, int]:
        """Answer the gateway in the functions' place."""
        if name == routes.LIVE_CONNECT.function.name:
            self.connection_ids.append(event["requestContext"]["connectionId"])
        return {"statusCode": 200}

    def register(self) -> None:
        """Write the records that `$connect` would have written, too old to be greeted as new."""
        at = clock.now() - limits.LIVE_OPENING
        with Subscription.batch_write() as batch:
            for connection_id in self.connection_ids:
                batch.save(
                    Subscription(
                        Subscription.pk_of(WATCHLIST_ID),
                        connection_id,
                        watchlist_id=WATCHLIST_ID,
                        connection_id=connection_id,
                        connected_at=at,
                        expires_at=at + limits.LIVE_CONNECTION,
                    )
                )


def main(watchers: int) -> None:
    """Measure and print."""
    with ExitStack() as running:
        log = os.open(os.devnull, os.O_WRONLY)
        running.callback(os.close, log)
        aws = running.enter_context(EmbeddedAws(log))
        bench = Bench()
        gateway = running.enter_context(WebSocketGateway(bench.invoke, ("127.0.0.1", 0)))
        environment = provision(
            aws.url,
            {
                "GIT_CLONE_DIR": "unused",
                "MAX_SETUP_TASKS": "1",
                "MAX_REFRESH_TASKS": "1",
                "LIVE_ENDPOINT_URL": gateway.management_url,
            },
        )
        os.environ.update({**embedded_aws.credentials("task"), "AWS_ENDPOINT_URL": aws.url})
        records.bind(load(TableSettings, environment.variables))
        spec = function_specs.LIVE_PUBLISHER
        function = LocalFunction(spec.name, spec.handler, spec.timeout, environment.of(spec))
        functions = running.enter_context(FunctionProcesses([function], log))
        functions.warm_up([spec.name])
        arguments: Any = embedded_aws.client_arguments(aws.url)
        poller = StreamPoller(
            boto3.client("dynamodbstreams", **arguments),
            environment.streams["watchlist"],
            stream_consumers.LIVE_PUBLISHER,
            lambda event: functions.invoke(spec.name, event),
        )
        asyncio.run(_measure(watchers, gateway.url, bench, poller))


async def _measure(watchers: int, url: str, bench: Bench, poller: StreamPoller) -> None:
    connections = [await connect(url, proxy=None, compression=None) for _ in range(watchers)]
    entry = _entry()
    await asyncio.to_thread(entry.save)
    await asyncio.to_thread(bench.register)
    await asyncio.to_thread(_drain, poller)
    received = [asyncio.create_task(_receive_all(connection)) for connection in connections]
    with_everybody = time.perf_counter()
    await asyncio.to_thread(entry.update, [Entry.progress.set(Progress.of(Stage.CLONING))])
    await asyncio.to_thread(poller.poll)
    print(f"{watchers} watchers: a change is posted to all in {time.perf_counter() - with_everybody:.2f} s")
    with_everybody = time.perf_counter()
    await asyncio.to_thread(entry.update, [Entry.status.set(EntryStatus.READY)])
    await asyncio.to_thread(poller.poll)
    counts = await asyncio.gather(*received)
    seconds = time.perf_counter() - with_everybody
    print(f"{watchers} watchers: the last state is posted and all are hung up on in {seconds:.2f} s")
    print(f"messages per watcher: at least {min(counts)}, at most {max(counts)}")


def _drain(poller: StreamPoller) -> None:
    while poller.poll():
        pass


async def _receive_all(connection: ClientConnection) -> int:
    number = 0
    while True:
        try:
            await connection.recv()
        except ConnectionClosed:
            return number
        number += 1


def _entry() -> Entry:
    now = clock.now()
    return Entry(
        WATCHLIST_ID,
        ENTRY_KEY,
        watchlist_id=WATCHLIST_ID,
        origin="https://github.com",
        owner="bench",
        name="bench",
        created_at=now,
        watchers=1,
        status=EntryStatus.PROCESSING,
        processing_started_at=now,
        generation=1,
        job_id=uuid4().hex,
        job_kind="repository-setup",
        job_state=JobState.RUNNING,
        job_queued_at=now,
        correlation_id="bench",
        delivery=0,
        attempt=1,
        claimed_attempt=1,
        progress=Progress.of(Stage.QUEUED),
        lease_expires_at=now + timedelta(minutes=5),
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
