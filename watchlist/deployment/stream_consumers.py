"""What reads the tables' DynamoDB streams, each once: event source mappings and local pollers are made of it.

The streams carry new and old images. Every consumer reports the first record that it could not serve
(`ReportBatchItemFailures`), so that Lambda goes on from there. Each is also called for its table's heartbeat.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from watchlist import limits
from watchlist.deployment import functions as function_specs
from watchlist.deployment.function_spec import FunctionSpec
from watchlist.metrics import Metric
from watchlist.storage import tables

STREAM_VIEW_TYPE: Final = "NEW_AND_OLD_IMAGES"

STARTING_POSITION: Final = "TRIM_HORIZON"
"""A new mapping reads from the stream's beginning: with `LATEST` it would miss what is written while it is made. One
that is made anew repeats up to a day, which every consumer bears."""

FAILURES: Final = "stream-failures"
"""The queue that is told which records a consumer gave up."""

_EVENT_NAMES = ("INSERT", "MODIFY")


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamConsumer:
    """One event source mapping.

    Attributes:
        table: whose stream is read.
        item_types: the items (by their attribute `type`) whose inserts and changes the function is called for.
        run: the metric of its runs.
        batch_size: most records of one invocation. A batch that fails is halved, so that one record alone is given up.
        retries: how often a record that fails is tried again before it is given up.
        max_age: a record that is older is given up, however often it was tried; what follows waits for it until then.
    """

    function: FunctionSpec
    table: tables.Table
    item_types: tuple[str, ...]
    run: Metric
    batch_size: int = 100
    retries: int = 100
    max_age: timedelta = limits.CHANGE_AGE

    @property
    def filter_pattern(self) -> Mapping[str, Any]:
        """The event filter of the mapping (Lambda guide, "Using event filtering with a DynamoDB event source")."""
        return {
            "eventName": list(_EVENT_NAMES),
            "dynamodb": {"NewImage": {"type": {"S": list(self.item_types)}}},
        }

    def wants(self, record: Mapping[str, Any]) -> bool:
        """Whether the filter lets a stream record through."""
        item_type = record["dynamodb"].get("NewImage", {}).get("type", {}).get("S")
        return record["eventName"] in _EVENT_NAMES and item_type in self.item_types


LIVE_PUBLISHER = StreamConsumer(
    function=function_specs.LIVE_PUBLISHER,
    table=tables.WATCHLIST,
    item_types=("entry", "subscription", "user-subscription", "watchlist-heartbeat"),
    retries=3,
    run=Metric.LIVE_PUBLISHER_RUN,
    max_age=limits.LIVE_CHANGE_AGE,
)

ENTRY_EVENTS = StreamConsumer(
    function=function_specs.EVENT_PUBLISHER,
    table=tables.WATCHLIST,
    item_types=("entry", "watchlist-heartbeat"),
    run=Metric.ENTRY_EVENTS_RUN,
)

ALERT_EVENTS = StreamConsumer(
    function=function_specs.EVENT_PUBLISHER,
    table=tables.ACTIVITY,
    item_types=("alert", "activity-heartbeat"),
    run=Metric.ALERT_EVENTS_RUN,
)

ALERT_DIGESTS = StreamConsumer(
    function=function_specs.ALERT_COLLECTOR,
    table=tables.ACTIVITY,
    item_types=("alert", "activity-heartbeat"),
    run=Metric.ALERT_COLLECTOR_RUN,
)

CONSUMERS = (LIVE_PUBLISHER, ENTRY_EVENTS, ALERT_EVENTS, ALERT_DIGESTS)
"""At most two readers of one table: a shard bears no more."""


def reading(function: FunctionSpec, event: Mapping[str, Any]) -> StreamConsumer:
    """Return for which of the function's consumers it was called; no two have an item type in common."""
    item_type = event["Records"][0]["dynamodb"]["NewImage"]["type"]["S"]
    return next(
        consumer for consumer in CONSUMERS if consumer.function == function and item_type in consumer.item_types
    )
