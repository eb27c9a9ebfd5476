"""What reads the tables' DynamoDB streams, each once: event source mappings and local pollers are made of it.

The streams carry new and old images. Every consumer reports the first record that it could not serve
(`ReportBatchItemFailures`), so that Lambda goes on from there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from watchlist import function_specs, tables
from watchlist.function_specs import FunctionSpec

STREAM_VIEW_TYPE: Final = "NEW_AND_OLD_IMAGES"
_EVENT_NAMES = ("INSERT", "MODIFY")


@dataclass(frozen=True, slots=True)
class StreamConsumer:
    """One event source mapping.

    Attributes:
        table: whose stream is read.
        item_types: the items (by their attribute `type`) whose inserts and changes the function is called for.
        batch_size: most records of one invocation.
        retries: how often a record that fails is tried again before it is given up.
    """

    function: FunctionSpec
    table: tables.Table
    item_types: tuple[str, ...]
    batch_size: int
    retries: int

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
    function_specs.LIVE_PUBLISHER, tables.WATCHLIST, ("entry", "subscription"), batch_size=100, retries=3
)

ENTRY_EVENTS = StreamConsumer(function_specs.EVENT_PUBLISHER, tables.WATCHLIST, ("entry",), batch_size=100, retries=100)
ALERT_EVENTS = StreamConsumer(function_specs.EVENT_PUBLISHER, tables.ACTIVITY, ("alert",), batch_size=100, retries=100)

ALERT_DIGESTS = StreamConsumer(function_specs.ALERT_COLLECTOR, tables.ACTIVITY, ("alert",), batch_size=100, retries=100)

CONSUMERS = (LIVE_PUBLISHER, ENTRY_EVENTS, ALERT_EVENTS, ALERT_DIGESTS)
"""At most two readers of one table: a shard bears no more."""
