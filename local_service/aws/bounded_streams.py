"""moto's DynamoDB streams made fit for a service that runs for days; used inside the embedded AWS's process only.

As they are (moto 5.2), a stream keeps every record for ever, and each transaction copies it whole, since it copies the
tables that it touches: 0.4 ms per record, 0.3 s after 800. Here a stream keeps the newest records, and a copy of it
shares them, since nobody changes a record. moto also remembers every object it ever made, and every iterator.
"""

import copy
from collections import deque
from typing import Any

from moto.dynamodb.models import table as moto_table
from moto.dynamodb.models.table import StreamRecord, StreamShard, Table
from moto.dynamodbstreams.models import DynamoDBStreamsBackend, ShardIterator

RECORDS_KEPT = 10_000
_ITERATORS_KEPT = 1_000


class BoundedShard(StreamShard):
    """A stream's only shard, with its newest records."""

    def add(self, old: Any, new: Any) -> None:  # noqa: ANN401 - moto's items have no type
        """Append a record and drop old ones from time to time, as AWS does after a day."""
        super().add(old, new)
        if len(self.items) >= 2 * RECORDS_KEPT:
            dropped = len(self.items) - RECORDS_KEPT
            del self.items[:dropped]
            self.starting_sequence_number += dropped

    def __deepcopy__(self, memo: dict[int, Any]) -> "BoundedShard":
        shard = copy.copy(self)
        memo[id(self)] = shard
        shard.table = copy.deepcopy(self.table, memo)
        shard.items = list(self.items)
        return shard


def install() -> None:
    """Let moto use this from now on."""
    setattr(moto_table, "StreamShard", BoundedShard)  # noqa: B010 - mypy allows no assignment to a class
    # moto finds its modules by its backend's own name, so a subclass would not do.
    setattr(DynamoDBStreamsBackend, "get_records", _get_records)  # noqa: B010 - as above
    for tracked in (StreamRecord, BoundedShard, ShardIterator, Table):
        setattr(tracked, "instances_tracked", deque(maxlen=0))  # noqa: B010 - moto's metaclass does not declare it


def _get_records(backend: DynamoDBStreamsBackend, iterator_arn: str, limit: int) -> dict[str, Any]:
    records: dict[str, Any] = backend.shard_iterators[iterator_arn].get(limit)
    while len(backend.shard_iterators) > _ITERATORS_KEPT:
        del backend.shard_iterators[next(iter(backend.shard_iterators))]
    return records
