import copy
from types import SimpleNamespace
from typing import Any

import pytest

from local_service.aws import bounded_streams
from local_service.aws.bounded_streams import BoundedShard


@pytest.fixture
def shard(monkeypatch: pytest.MonkeyPatch) -> BoundedShard:
    monkeypatch.setattr(bounded_streams, "RECORDS_KEPT", 5)
    table: Any = SimpleNamespace(
        stream_specification={"StreamViewType": "KEYS_ONLY"},
        lambda_event_source_mappings={},
        hash_key_attr="pk",
        range_key_attr=None,
    )
    return BoundedShard("123456789012", table)


def add(shard: BoundedShard, number: int) -> None:
    new = SimpleNamespace(
        to_json=lambda: {"Attributes": {}}, hash_key=SimpleNamespace(to_json=lambda: {"S": str(number)})
    )
    shard.add(None, new)


def sequence_numbers(records: list[dict[str, Any]]) -> list[int]:
    return [int(record["dynamodb"]["SequenceNumber"]) for record in records]


def test_the_newest_records_are_kept_and_found_by_their_numbers(shard: BoundedShard) -> None:
    first = shard.starting_sequence_number
    for number in range(23):
        add(shard, number)

    assert len(shard.items) < 10
    assert sequence_numbers(shard.get(first + 20, 100)) == [first + 20, first + 21, first + 22]


def test_a_copy_shares_the_records_and_nothing_else(shard: BoundedShard) -> None:
    add(shard, 0)
    copied = copy.deepcopy(shard)
    add(shard, 1)

    assert copied.items[0] is shard.items[0]
    assert (len(copied.items), len(shard.items)) == (1, 2)
    assert copied.table is not shard.table
