"""Reads the streams of both tables and puts what happened on the EventBridge bus; no writer knows of it.

Delivery is at least once; an event's `id` tells what was seen before.
"""

from functools import partial
from typing import Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions import startup, stream_batches
from functions.stream_batches import Step
from watchlist.deployment import functions as function_specs
from watchlist.deployment import stream_consumers
from watchlist.metrics import publisher
from watchlist.notifications import events
from watchlist.notifications.events import Event
from watchlist.storage import stream_records
from watchlist.storage.records import AlertRecord, Entry

function = startup.Function(function_specs.EVENT_PUBLISHER)
logger = function.logger
metrics = publisher()
bus = function.part(lambda _: boto3.client("events", config=startup.CLIENT_CONFIG))


class RefusedError(Exception):
    """EventBridge took the call and refused the event; the message is its reason."""


@function.handler
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> stream_batches.Response:
    """Serve one batch of stream records, of either table."""
    del context
    happened = [
        (change.position, of_entry)
        for change in stream_records.changes_of(event, Entry)
        for of_entry in events.of_entry(change.before, change.after)
    ]
    happened += [
        (change.position, events.of_alert(change.after))
        for change in stream_records.changes_of(event, AlertRecord)
        if change.before is None
    ]
    response = stream_batches.serve([Step(position, partial(_put, each)) for position, each in happened], logger)
    complete = not response["batchItemFailures"]
    run = stream_consumers.reading(function_specs.EVENT_PUBLISHER, event).run
    metrics.add(run, int(complete))
    return response


def _put(event: Event) -> None:
    answer = bus().put_events(
        Entries=[
            {
                "EventBusName": function.settings.event_bus_name,
                "Source": events.SOURCE,
                "DetailType": event.DETAIL_TYPE,
                "Time": event.at,
                "Detail": event.model_dump_json(),
            }
        ]
    )
    if answer["FailedEntryCount"]:
        raise RefusedError(answer["Entries"][0].get("ErrorMessage", "no reason given"))
